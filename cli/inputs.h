/* cli/inputs.h — Whose input is a path? Pure.
 *
 * An app's inputs are its own folder, the shared paths, the folders of the apps that its
 * package.json depends on, and what shopflow.yaml adds (inputs, dockerfile). A path outside apps/
 * that nothing names is shared: a needless build is better than a missing one.
 *
 * With --graph the folders of packages are inputs only of those that depend on them.
 *
 *     shopflow.yaml's shared > its ignore > PROJECT_SHARED > PROJECT_IGNORE > shared */
#ifndef CLI_INPUTS_H
#define CLI_INPUTS_H
#include <stdbool.h>
#include <stddef.h>

struct app;
struct apps;
struct arena;
struct changes;
struct project;

/* Where a path stands, the same for all apps. */
struct place {
    const char *path;
    const struct app *owner; /* the app or package in whose folder it is, or NULL */
    bool is_shared;          /* an input of every app; what has an owner never is */
};
struct place inputs_place(const struct project *p, const struct apps *apps, const char *path);

/* Whether what stands there is an input of the app. */
bool inputs_has(const struct apps *apps, const struct app *app, const struct place *place);

/* For each app of the list the changed paths that are its inputs. */
struct app_changes {
    const char **paths; /* NULL-terminated, at most INPUTS_PATHS_MAX */
    size_t n;           /* all of them */
};
#define INPUTS_PATHS_MAX 100
struct app_changes *inputs_changed(struct arena *a, const struct project *p,
                                   const struct apps *apps, const struct changes *changes);

#endif
