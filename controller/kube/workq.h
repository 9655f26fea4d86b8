/* controller/kube/workq.h — Keys that want a reconcile, each with the time it is due.
 *
 * One entry a key; the earliest due time wins. A key that is taken is not given out again before
 * workq_done(); what was added meanwhile comes after that. Backoff 5 ms → 60 s a key. Pure: the
 * caller says what time it is. */
#ifndef KUBE_WORKQ_H
#define KUBE_WORKQ_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct workq;

struct workq *workq_new(void);
void workq_free(struct workq *q); /* NULL is fine */

void workq_add(struct workq *q, const char *key, int64_t due_ms);
/* A key that is due, or NULL. It lives until workq_done() and is not given out twice. */
const char *workq_take(struct workq *q, int64_t now_ms);
/* failed: comes back after the backoff. Else the backoff is forgotten, and again_ms > 0 makes it
 * due at that time (0 = only when added). */
void workq_done(struct workq *q, const char *key, bool failed, int64_t now_ms, int64_t again_ms);
void workq_forget(struct workq *q, const char *key); /* the object is gone */
int64_t workq_next_due(const struct workq *q);       /* INT64_MAX when empty */
size_t workq_depth(const struct workq *q);

#endif
