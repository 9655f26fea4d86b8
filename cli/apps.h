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
    const char **packages;          /* "name" of the package.json in it; NULL-terminated */
    const char **wants;             /* the package names it depends on; NULL-terminated */
    bool is_unsure;                 /* it may depend on any: a package.json is not understood */
    bool has_dockerfile;            /* one of its own, in its folder */
    const struct project_app *said; /* by shopflow.yaml; NULL = nothing */
    bool *needs; /* [i]: its inputs hold the folder of list[i]; always so for itself */
};

/* Folders that depend on each other: the apps, and behind them, with --graph, those of packages/.
 */
struct apps {
    struct app *list; /* apps by name */
    size_t n;         /* apps */
    size_t n_all;     /* and packages */
};

/* The apps of a commit or tree. When is_strict, an app whose name cannot be one is ERR_INVALID,
 * with the line for shopflow.yaml, and so is an app that shopflow.yaml names and that is not there.
 */
int apps_find(const struct git *g, const char *commit, const struct project *p, bool is_strict,
              struct apps *ret, struct err *e);

/* The app of that name, or NULL. */
const struct app *apps_get(const struct apps *apps, const char *name);

/* Add to an app or package what the text of a package.json in it says: packages, wants,
 * is_unsure. NULL = it could not be read. */
void apps_read_package(struct arena *a, const char *text, struct app *app);

/* Read a package.json for each: entries[i] (may be NULL) belongs to owners[i]. */
int apps_read_packages(const struct git *g, const struct tree_entry *const *entries,
                       struct app *const *owners, size_t n, struct err *e);

/* Sort apps by name, and complete `needs` from what each wants. */
void apps_link(struct arena *a, struct apps *apps);

#endif
