/* cli/tree.h — What git prints of trees with -z, as structs; pure.
 *
 * Paths are bytes without a NUL: they may hold newlines, quotes and what is no UTF-8. They and the
 * ids point into the text that was read, which must live as long as they. */
#ifndef CLI_TREE_H
#define CLI_TREE_H
#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;

enum {
    MODE_SYMLINK = 0120000,
    MODE_TREE = 0040000,
    MODE_COMMIT = 0160000, /* a submodule */
};

struct tree_entry {
    unsigned mode;
    const char *id, *path;
};

struct tree {
    struct tree_entry *entries;
    size_t n;
};

/* `git ls-tree -z`, with -r or without. */
int tree_parse(const char *bytes, size_t len, struct arena *a, struct tree *ret, struct err *e);

/* The entry with that path, or NULL. */
const struct tree_entry *tree_find(const struct tree *t, const char *path);

struct changes {
    const char **paths; /* each once, in git's order */
    size_t n;
};

/* `git diff-tree -r -z --no-renames TREE TREE`. */
int changes_parse(const char *bytes, size_t len, struct arena *a, struct changes *ret,
                  struct err *e);

/* `git diff-tree --stdin …` of pairs of trees: one after the other, each after a line with both. */
struct series {
    struct changes *list;
    size_t n;
};
int series_parse(const char *bytes, size_t len, struct arena *a, struct series *ret, struct err *e);

/* A path for people: bytes that are no text as C writes them, "a\nb" between double quotes, as
 * git does it. What needs none of it comes back as it is. */
const char *path_show(struct arena *a, const char *path);

#endif
