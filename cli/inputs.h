/* cli/inputs.h — Whose input is a path? Pure.
 *
 * An app's inputs are its own folder, the shared paths, the folders of the apps that its
 * package.json depends on, and what shopflow.yaml adds (inputs, dockerfile). A path outside apps/
 * that nothing names is shared: a needless build is better than a missing one.
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

/* Whether the path is shared: an input of every app. Folders of apps never are. */
bool inputs_is_shared(const struct project *p, const struct apps *apps, const char *path);

/* The app in whose folder the path is, or NULL. */
const struct app *inputs_owner(const struct apps *apps, const char *path);

/* Whether the path is an input of the app. */
bool inputs_has(const struct project *p, const struct apps *apps, const struct app *app,
                const char *path);

/* For each app of the list the changed paths that are its inputs. */
struct app_changes {
    const char **paths; /* NULL-terminated, at most INPUTS_PATHS_MAX */
    size_t n;           /* all of them */
};
#define INPUTS_PATHS_MAX 100
struct app_changes *inputs_changed(struct arena *a, const struct project *p,
                                   const struct apps *apps, const struct changes *changes);

#endif
