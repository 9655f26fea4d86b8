/* cli/graph.h — --graph: of packages/ and the lockfile, only what an app reaches marks it. */
#ifndef CLI_GRAPH_H
#define CLI_GRAPH_H
struct app_changes;
struct apps;
struct err;
struct git;

/* Add the packages of packages/ to the apps, and link them anew. A package is a folder with a
 * package.json; what is nested in it belongs to it. Files beside packages stay shared. */
int graph_add_packages(const struct git *g, const char *commit, struct apps *apps, struct err *e);

/* Take a change of pnpm-lock.yaml away from the apps that find the same in both. A lockfile that is
 * not understood is said on stderr, and marks all. */
int graph_compare_lockfiles(const struct git *g, const char *base, const char *commit,
                            const struct apps *apps, struct app_changes *since, struct err *e);

#endif
