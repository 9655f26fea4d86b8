/* cli/apps.h — The apps of a commit: its folders under apps/ with a package.json or a Dockerfile,
 * and those that shopflow.yaml puts elsewhere. */
#ifndef CLI_APPS_H
#define CLI_APPS_H
#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;
struct git;
struct project;
struct project_app;
struct tree_entry;

struct app {
    const char *name;               /* a DNS label */
    const char *dir;                /* "apps/system-app", no slash at the end */
    const char *package;            /* "name" of its package.json; NULL = none */
    const char **wants;             /* the package names it depends on; NULL-terminated */
    bool is_unsure;                 /* its package.json cannot be read: it may depend on any app */
    bool has_dockerfile;            /* one of its own, in its folder */
    const struct project_app *said; /* by shopflow.yaml; NULL = nothing */
    bool *needs; /* [i]: its inputs hold the folder of apps[i]; always so for itself */
};

struct apps {
    struct app *list; /* by name */
    size_t n;
};

/* The apps of a commit or tree. When is_strict, an app whose name cannot be one is ERR_INVALID,
 * with the line for shopflow.yaml, and so is an app that shopflow.yaml names and that is not there.
 */
int apps_find(const struct git *g, const char *commit, const struct project *p, bool is_strict,
              struct apps *ret, struct err *e);

/* The app of that name, or NULL. */
const struct app *apps_get(const struct apps *apps, const char *name);

/* The text of a package.json → package, wants, is_unsure. */
void apps_read_package(struct arena *a, const char *text, struct app *app);

/* Sort by name, and complete `needs` from what each wants. */
void apps_link(struct arena *a, struct apps *apps);

#endif
