/* cli/lockfile.h — pnpm-lock.yaml (version 9.0): does a change of it reach an importer? Pure.
 *
 * An importer is a folder with a package.json, "." the root. What it reaches is the closure of its
 * dependencies over the snapshots. Two lockfiles are the same for an importer when what stands at
 * the top (settings, overrides, …), the importers themselves and all they reach are. */
#ifndef CLI_LOCKFILE_H
#define CLI_LOCKFILE_H
#include <stdbool.h>
#include <stddef.h>

#include "base/auto.h"

struct err;
struct lockfile;

#define LOCKFILE "pnpm-lock.yaml"
#define LOCKFILE_MAX_BYTES (16 * 1024 * 1024)

/* The last document of the text: pnpm 11 writes another before it. ERR_INVALID: no YAML, or a
 * version that is not known. */
struct lockfile *lockfile_parse(const char *text, struct err *e);
void lockfile_free(struct lockfile *l); /* NULL is fine */

AUTO_DEFINE(lockfile, struct lockfile *, lockfile_free)

/* Whether all these importers (NULL-terminated) find the same in both. What is not understood
 * counts as different. */
bool lockfile_is_same(const struct lockfile *old, const struct lockfile *new,
                      const char *const *importers);

#endif
