/* cli/inputs_tree.h — An app's inputs as one git tree: what is hashed, checked out and handed to
 * the builder is exactly what was compared.
 *
 * Folders of which all is an input keep their ids; the others are written with `git mktree`, those
 * of all apps in one call a level. Nothing refers to the new trees: git's gc may take them in two
 * weeks. */
#ifndef CLI_INPUTS_TREE_H
#define CLI_INPUTS_TREE_H
#include <stdbool.h>
#include <stddef.h>

struct apps;
struct arena;
struct err;
struct git;
struct project;
struct tree;

/* For each app of the list the id of its inputs' tree, or NULL where `wanted` (NULL = all) is
 * false. */
int inputs_trees(const struct git *g, const char *commit, const struct project *p,
                 const struct apps *apps, const bool *wanted, const char ***ret, struct err *e);

#endif
