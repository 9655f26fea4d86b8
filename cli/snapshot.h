/* cli/snapshot.h — Uncommitted work as a commit object, so that a tag never lies.
 *
 * The index is copied, everything that is not ignored is added to the copy, and the tree gets a
 * commit with HEAD as its parent, a fixed author and HEAD's date: the same tree always has the same
 * id. No ref names it; index, stash and working tree stay as they are. */
#ifndef CLI_SNAPSHOT_H
#define CLI_SNAPSHOT_H
#include <stdbool.h>

struct err;
struct git;

struct snapshot {
    const char *head;   /* full id */
    const char *commit; /* head itself when all is committed */
    bool is_dirty;
};

/* What may not be released (cli/dirt.h, new files over 10 MiB) is named on stderr, and ERR_INVALID.
 * require_clean: so is any uncommitted work. */
int snapshot_take(const struct git *g, bool require_clean, struct snapshot *ret, struct err *e);

#endif
