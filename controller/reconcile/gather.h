/* controller/reconcile/gather.h — From stores and facts to what the plan may know.
 *
 * The result points into the stores and the arena: use it within the turn. */
#ifndef RECONCILE_GATHER_H
#define RECONCILE_GATHER_H
#include <stdint.h>

#include "deploy/observed.h"

struct arena;
struct claims;
struct cluster;
struct facts;
struct kube_deployment;
struct kube_pod;
struct kube_replicaset;
struct kube_template;
struct release;

struct gather {
    const struct cluster *cluster;
    const struct claims *claims;
    struct facts *facts;
    struct arena *arena;
    const char *default_account; /* where a spec names none; NULL = none */
    int64_t now_ms;              /* the API server's wall clock */
    int64_t mono_ms;
};

/* The parts of it: one object each. An AppRelease with the account that its spec names, without a
 * time and Deployments; a Deployment without its ReplicaSets, a ReplicaSet without its pods; a pod
 * with the template of its ReplicaSet. */
struct observed gather_release(const struct release *r);
struct deployment_facts *gather_deployment(const struct kube_deployment *d, struct arena *a);
struct replicaset_facts gather_set(const struct kube_replicaset *set, struct arena *a);
void gather_pod(const struct kube_pod *pod, const struct kube_template *t, struct arena *a,
                struct pod_facts *ret);

struct observed gather(const struct gather *g, const struct release *r);

#endif
