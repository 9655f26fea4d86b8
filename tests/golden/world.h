/* tests/golden/world.h — The small world that a golden case is played in: a tree of JSON.
 *
 * A step of a case is merged into it (RFC 7396: null removes, lists replace). Between two steps the
 * world does what the API server, the Deployment controller and a registry would do with what the
 * plan asked for; README.md tells how. A mistake in a case ends the program. */
#ifndef GOLDEN_WORLD_H
#define GOLDEN_WORLD_H
#include "base/json.h"
#include "deploy/plan.h"

struct world {
    cJSON *tree;    /* keys as in defaults.yaml, and the world's own memory */
    cJSON *pending; /* what the last plan wrote and asked, not delivered yet; NULL = nothing */
    int64_t now_ms;
};

/* Items of an array, or members of an object. */
#define EACH(item, tree)                                                                           \
    for (const cJSON *item = (tree) ? (tree)->child : NULL; item; item = item->next)

void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* A time of a case: seconds since it began, as a number or as text ("0.5"). */
int64_t world_time(const cJSON *value);
double world_seconds(const struct world *w); /* now */

/* Every member must be one of the words: a mistyped key would test nothing. */
void check_keys(const cJSON *object, const char *what, const char *const *words);

void merge_patch(cJSON *into, const cJSON *patch);

/* Deliver what the last plan did, then merge the step. */
void world_step(struct world *w, const cJSON *step);
/* What a plan may know of it. The tree must not change while that is used. */
struct observed world_observe(struct world *w, struct arena *a);
/* Keep what the plan writes and asks for the next step. */
void world_keep(struct world *w, const struct plan *p);
/* All pods of the Deployment's newest ReplicaSet are there and ready. */
void world_heal(struct world *w, const char *deployment);
/* As it is, without what the last plan did; the copy is released by itself. */
struct world world_copy(const struct world *w);
void world_release(struct world *w);

#endif
