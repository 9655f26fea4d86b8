/* cli/dirt.h — What of the working tree is not committed, and what of it may not go into an image.
 * Pure: reads what `git status` prints. */
#ifndef CLI_DIRT_H
#define CLI_DIRT_H
#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;

struct dirt_entry {
    const char *path; /* bytes; a nested repository ends with a slash */
    bool is_new;      /* HEAD does not have it: untracked, or added */
    bool is_unmerged;
    bool is_dirty_submodule; /* has work of its own that is not committed */
};

struct dirt {
    struct dirt_entry *entries;
    size_t n; /* 0 = clean */
};

/* `git status --porcelain=v2 -z --untracked-files=all --ignore-submodules=none --no-renames` */
int dirt_parse(const char *bytes, size_t len, struct arena *a, struct dirt *ret, struct err *e);

/* Why it cannot be released as it is, for people; NULL = it can. */
const char *dirt_refusal(const struct dirt_entry *entry);

#endif
