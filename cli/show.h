/* cli/show.h — The release for people: a live table on a terminal, else one line per change; then
 * a summary with the next command. All of it to stderr.
 *
 * Text that comes from pods, registries and other people is clipped and scrubbed on its way. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H
#include <stdint.h>
#include <stdio.h>

#include "outcome.h"

struct cli;
struct cluster;
struct map;

struct show {
    struct cli *cli;
    const struct followed *followed;
    size_t drawn;     /* lines of the table on the terminal */
    struct map *told; /* app → the line that was last told of it */
};

void show_init(struct show *s, struct cli *c, const struct followed *f);
void show_release(struct show *s); /* forgets; what is on the terminal stays */

/* Draw the table anew, or tell what has changed. */
void show_seen(struct show *s, const struct seen *seen);
/* A line beside the table. */
void show_note(struct show *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The last lines: what happened, why, and what to type next. timeout_ms: that has passed when the
 * outcome is OUTCOME_GOES_ON and no signal came. */
void show_summary(struct cli *c, const struct cluster *k, const struct seen *seen,
                  const struct followed *f, const struct outcome *o, int64_t timeout_ms);

/* For stdout: the table and what stands above it; wide adds commits. */
void show_status(struct cli *c, const struct seen *seen, bool wide);

/* Text of others, one line of at most `bytes`, in the arena. */
const char *show_clean(struct arena *a, const char *text, size_t bytes);

/* What would become of each app: "system-app  1a2b3c4 -> 9f8e7d6". */
void show_changes(FILE *to, const cJSON *was, const struct wanted *w);
/* Likewise, as `before` of an ask: to stdout when that is all (--dry-run), else to stderr. */
void show_before(struct cli *c, const cJSON *was, const struct wanted *w, void *ctx);

#endif
