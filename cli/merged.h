/* cli/merged.h — Which apps the mainline has as they are here.
 *
 * After a merge or a squash the merge base may be old, yet the work is in the mainline: what it
 * releases is not ours to release again. */
#ifndef CLI_MERGED_H
#define CLI_MERGED_H
#include <stdbool.h>

struct survey;

/* For each app whether a version of the mainline after the base has its inputs; NULL when that is
 * not known: then it counts as having none. */
bool *merged_find(struct survey *s);

#endif
