/* cli/project.h — shopflow.yaml: what the repository says of its apps. Committed, and optional: no
 * file at all is the layout of the guide.
 *
 * Everything is checked: what is not known, or of the wrong type, is an error with line and column.
 * Strings live in the arena. */
#ifndef CLI_PROJECT_H
#define CLI_PROJECT_H
#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;

#define PROJECT_FILE "shopflow.yaml"
#define PROJECT_MAX_BYTES (256 * 1024)

/* Lists of strings are NULL-terminated; NULL = not said. */
struct project_app {
    const char *name;
    bool excluded;          /* `e2e: false` */
    const char *dir;        /* NULL = apps/<name> */
    const char *dockerfile; /* of the whole tree; NULL = found out */
    const char *target, *repository, *deployment;
    const char **args;    /* "NAME=value" */
    const char **inputs;  /* paths of the whole tree, beside its folder */
    const char **secrets; /* as the builder's --secret takes them */
    const char **ssh;     /* likewise --ssh */
    const char **containers, **depends_on, **platforms;
};

struct project {
    struct project_app *apps; /* those that the file names */
    size_t n_apps;
    const char **shared; /* globs; before PROJECT_SHARED (cli/inputs.h) */
    const char **ignore; /* before PROJECT_IGNORE */
    const char *mainline;
    const char **platforms;
    const char *registry, *namespace_, *context;
    const char *release; /* the spec's fields, as JSON; NULL = none */
};

/* What is shared and ignored where the file does not say otherwise. */
extern const char *const PROJECT_SHARED[];
extern const char *const PROJECT_IGNORE[];

int project_parse(const char *text, struct arena *a, struct project *ret, struct err *e);

/* What is said of an app, or NULL. */
const struct project_app *project_app(const struct project *p, const char *name);

#endif
