/* controller/reconcile/cluster.h — The API server as we see it: stores kept by reflectors.
 *
 * AppReleases and Deployments are watched in every namespace (or in those the admin names);
 * ReplicaSets and Pods only in namespaces where an app rolls, and a while after. AppReleases are
 * listed once the CRD fits (reconcile/crd.h).
 * Pointers live within the turn, as those of kube/store. */
#ifndef RECONCILE_CLUSTER_H
#define RECONCILE_CLUSTER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"

struct cluster;
struct kube_client;
struct kube_deployment;
struct kube_pod;
struct kube_replicaset;
struct loop;
struct release;

struct cluster_opts {
    const char *const *namespaces; /* NULL-terminated; NULL or empty = all */
    void (*on_release)(const char *key, const struct release *old, void *ctx);
    /* A Deployment, or a ReplicaSet or Pod of it, changed. Key: "namespace/deployment". */
    void (*on_deployment)(const char *key, void *ctx);
    void (*on_synced)(void *ctx); /* a list was completed: cluster_synced() may be true now */
    void *ctx;
};

struct cluster *cluster_new(struct loop *l, struct kube_client *k, const struct cluster_opts *o);
void cluster_free(struct cluster *c); /* NULL is fine */

/* The CRD fits, and all AppReleases and Deployments are known. Else *why says what is missing. */
bool cluster_synced(const struct cluster *c, const char **why);

const struct release *cluster_release(const struct cluster *c, const char *key);
const struct kube_deployment *cluster_deployment(const struct cluster *c, const char *key);

/* Walk all AppReleases. */
void cluster_each_release(const struct cluster *c,
                          void (*fn)(const char *key, const struct release *r, void *ctx),
                          void *ctx);

/* Watch ReplicaSets and Pods of a namespace from now on, for at least five minutes. */
void cluster_watch_pods(struct cluster *c, const char *ns);
bool cluster_pods_synced(const struct cluster *c, const char *ns);
/* Why they cannot be listed, and what mends it; NULL = nothing is known to be wrong. */
const char *cluster_pods_problem(const struct cluster *c, const char *ns);

/* Walk those of a namespace that have this controller (ownerReferences). Start with it zeroed. */
const struct kube_replicaset *cluster_next_set(const struct cluster *c, const char *ns,
                                               const char *owner_uid, struct map_iter *it);
const struct kube_pod *cluster_next_pod(const struct cluster *c, const char *ns,
                                        const char *owner_uid, struct map_iter *it);

#endif
