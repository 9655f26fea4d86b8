/* controller/reconcile/crd.h — Is the CRD in the cluster as new as this controller?
 *
 * With an older one the API server drops the fields of a spec that it does not know, without a word
 * (mode: Plan becomes Apply), and refuses a status with a new word in it. The description of the
 * CRD's schema ends with its number ("Schema 2."), and the API server publishes it to everyone who
 * has signed in: GET /openapi/v3/apis/<group>/<version>, ClusterRole system:discovery. The number
 * is asked for at the start, until it is high enough, each five minutes, and after the server has
 * said that it has no AppReleases. A newer CRD is fine. */
#ifndef RECONCILE_CRD_H
#define RECONCILE_CRD_H
#include "base/json.h"

struct crd;
struct kube_client;
struct loop;

/* What this controller needs. hack/schema.sh sees that it is the number in crd/, and that it is
 * raised with each change of the schema. */
#define CRD_SCHEMA 2

struct crd_opts {
    void (*on_fit)(void *ctx);   /* it fits: at first, and again after it did not */
    void (*on_older)(void *ctx); /* what was read through it may lack fields */
    void *ctx;
};

struct crd *crd_new(struct loop *l, struct kube_client *k,
                    const struct crd_opts *o); /* asks at once */
void crd_free(struct crd *c);                  /* NULL is fine */
void crd_missing(struct crd *c); /* the server said 404 to AppReleases: fits no more, until asked */

/* Why nothing may be done, and what mends it; NULL = the CRD fits. For /readyz; logged here. Lives
 * until the next answer. */
const char *crd_problem(const struct crd *c);

/* The number in an answer of the server, any JSON; -1 = it has no AppReleases, 0 = no number. For
 * tests. */
long crd_schema_in(const cJSON *tree);

#endif
