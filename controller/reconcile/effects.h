/* controller/reconcile/effects.h — Carries out the writes of one plan, in order.
 *
 * A run has copies of all it needs. It ends at the first write that fails, but trouble with the
 * patch of one Deployment does not keep the others' from being sent; it reports one outcome. What
 * the server returned goes to the release's facts, so that the next plan sees it before the watch
 * does. */
#ifndef RECONCILE_EFFECTS_H
#define RECONCILE_EFFECTS_H
#include <stdbool.h>

struct effect_run;
struct event_sink;
struct kube_client;
struct loop;
struct map;
struct plan;
struct release;

struct effects {
    struct loop *loop;
    struct kube_client *kube;
    struct event_sink *events;
    struct map *facts; /* release key → struct facts */
};

/* again: decide anew at once (a conflict, a refusal: new facts). failed: after the backoff. */
typedef void effects_done_fn(const char *key, bool failed, bool again, void *ctx);

/* Start; NULL when the plan has no writes (done is not called then). Else done comes once, on a
 * later turn, unless the run is cancelled. */
struct effect_run *effects_start(const struct effects *fx, const char *key, const struct release *r,
                                 const struct plan *p, effects_done_fn *done, void *ctx);
void effects_cancel(struct effect_run *run); /* NULL is fine */

#endif
