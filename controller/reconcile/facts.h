/* controller/reconcile/facts.h — What we learned about one release beside the watches: answers of
 * registries, logs, refusals, live reads, and the objects that our own writes returned.
 *
 * A fact is only ever a hint that can be learned again: after a restart there are none. Times are
 * wall-clock milliseconds of the API server's clock, as the plan's. */
#ifndef RECONCILE_FACTS_H
#define RECONCILE_FACTS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "deploy/observed.h"

struct arena;
struct kube_object;
struct registry_answer;
struct err;

struct facts {
    struct map *images;          /* reference → struct image_fact */
    struct map *logs;            /* "pod/container" → struct log_fact */
    struct map *refusals;        /* attempt id → struct refusal_fact */
    struct map *failures;        /* attempt id → struct failure_fact */
    struct map *deployments;     /* name → struct newer: live reads and answers to our writes */
    struct map *pods;            /* ReplicaSet's name → struct live_pods */
    struct kube_object *release; /* newer than the watch's; NULL = none */
    int64_t last_write_ms;       /* of our last status patch */
    char begun_rv[32];           /* of the release as it was when its work began, unwritten */
    int64_t begun_ms;
    int64_t live_ms; /* monotonic: when the release was last read live */
    int conflicts;   /* 409s in a row */
};

struct facts *facts_new(void);
void facts_free(void *f); /* NULL is fine */

/* Forget what only a moving release needs. */
void facts_settle(struct facts *f);

/* Forget answers of registries older than this: the plan asks again rather than use them. */
void facts_forget_images(struct facts *f, int64_t before_ms);

void facts_image_asked(struct facts *f, const char *image);
void facts_image_answered(struct facts *f, const char *image, const struct registry_answer *answer,
                          const struct err *err, int64_t now_ms);
void facts_log_asked(struct facts *f, const char *pod, const char *container, int64_t now_ms);
void facts_log_answered(struct facts *f, const char *pod, const char *container, const char *tail);
void facts_refused(struct facts *f, const char *attempt_id, const char *account, enum lack lack,
                   const struct err *err, int64_t now_ms);
/* Its patch failed, and may go through when it is sent again. */
void facts_failed(struct facts *f, const char *attempt_id, const struct err *err, int64_t now_ms);
/* The API server answers: the failures in a row are over. */
void facts_answered(struct facts *f, const char *attempt_id);
void facts_accepted(struct facts *f, const char *attempt_id); /* forget its refusals too */

/* Take an object the server has just given us. read_ms: wall clock of a live read, 0 for the answer
 * to a write. */
void facts_put_release(struct facts *f, struct kube_object *o);
void facts_put_deployment(struct facts *f, struct kube_object *o, int64_t mono_ms, int64_t read_ms);

/* The newer one of what the watch has (NULL = nothing) and what we hold. Ours is dropped only when
 * the watch has caught up or has nothing. */
const void *facts_newer_release(struct facts *f, const void *seen);
const void *facts_newer_deployment(struct facts *f, const char *name, const void *seen,
                                   int64_t mono_ms, int64_t *ret_read_ms);

/* The pods of a ReplicaSet by a live read, valid for a moment. Takes the objects (kube_pod), not
 * the array. */
void facts_put_pods(struct facts *f, const char *set, void **pods, size_t n, int64_t mono_ms);
void *const *facts_pods(const struct facts *f, const char *set, int64_t mono_ms,
                        size_t *ret_n); /* NULL = none that is fresh */

/* A plan began the release's work and wrote nothing: the next one of the same object goes on. */
void facts_began(struct facts *f, const char *rv, int64_t begun_ms);

/* The answers, refusals and logs as the plan wants them. */
void facts_observe(const struct facts *f, struct arena *a, struct observed *o);

#endif
