/* cli/glob.h — Patterns over paths of the repository, as .gitignore has them.
 *
 * A pattern without a slash (but at its end) is compared with each part of the path; else with the
 * path from the root on. What a pattern takes it takes with all below. "**" stands for any number
 * of folders; a slash at the end takes folders alone. There is no "!". */
#ifndef CLI_GLOB_H
#define CLI_GLOB_H
#include <stdbool.h>

/* path is that of a file: "packages/ui/index.ts". */
bool glob_takes(const char *pattern, const char *path);

/* Any of a NULL-terminated list; NULL is an empty one. */
bool glob_any(const char *const *patterns, const char *path);

#endif
