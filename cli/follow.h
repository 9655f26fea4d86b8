/* cli/follow.h — Waiting for a release: a watch of the AppRelease until its outcome is known.
 *
 * A watch that is cut, expires or may not be opened is begun anew from a read; a server that does
 * not answer is waited for. */
#ifndef CLI_FOLLOW_H
#define CLI_FOLLOW_H
#include <stdint.h>

#include "outcome.h"

struct cli;
struct cluster;
struct err;

#define FOLLOW_TIMEOUT_MS (30 * 60 * 1000)

/* 0 with the outcome; OUTCOME_GOES_ON when the time is over or a signal came. forever: it shows
 * what changes until then. The caller gives seen_release(ret). */
int follow(struct cli *c, struct cluster *k, const struct followed *f, int64_t timeout_ms,
           bool forever, struct seen *ret, struct outcome *ret_outcome, struct err *e);

/* The usual end of a command: wait, tell, and answer with the exit code. */
int follow_to_end(struct cli *c, struct cluster *k, const struct followed *f, struct err *e);

#endif
