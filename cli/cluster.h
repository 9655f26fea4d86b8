/* cli/cluster.h — The Kubernetes API as a command uses it: one call at a time, turned until it is
 * answered.
 *
 *     AUTO(cluster) struct cluster *k = cluster_open(c, e);   // who and where, from the settings
 *     if (!k)
 *         return -1;
 *     AUTO(json) cJSON *object = cluster_get(k, path, e);
 *
 * Errors say what to do next: not reachable, credentials that are not taken, a right that is
 * missing (verb and resource), no such namespace, no AppRelease kind. Reads are tried again when
 * the server is in trouble; writes are not cut short by Ctrl-C: what became of them is known. */
#ifndef CLI_CLUSTER_H
#define CLI_CLUSTER_H
#include <cjson/cJSON.h>
#include <stdint.h>

#include "base/auto.h"
#include "kube/client.h"

struct cli;
struct cluster;
struct err;
struct settings;

extern const struct kube_resource APPRELEASES, DEPLOYMENTS, REPLICASETS, PODS;
#define APPRELEASE_API "deploy.btc-shopflow.io/v1alpha1"
#define APPRELEASE_MARK "deploy.btc-shopflow.io/" /* its annotations begin so */

/* Nothing is asked of it yet. */
struct cluster *cluster_open(struct cli *c, struct err *e);
/* Likewise; 0 with NULL when no cluster is configured, which in CI is no mistake. */
int cluster_open_any(struct cli *c, struct cluster **ret, struct err *e);
void cluster_close(struct cluster *k); /* NULL is fine */
AUTO_DEFINE(cluster, struct cluster *, cluster_close)

/* Is it there, does it take us, does it know AppReleases? */
int cluster_check(struct cluster *k, struct err *e);

const char *cluster_namespace(const struct cluster *k);
const char *cluster_name(const struct cluster *k); /* of the AppRelease */
const struct settings *cluster_settings(const struct cluster *k);

/* The answer's tree; the caller frees. An object that is not there is ERR_NOT_FOUND. */
cJSON *cluster_get(struct cluster *k, const struct kube_resource *r, const char *name,
                   const char *query, struct err *e);
/* Create, merge-patch, delete; the answer may be left with a NULL ret. ERR_CONFLICT is the
 * caller's to handle; what the server refuses as wrong is ERR_INVALID. */
int cluster_create(struct cluster *k, const struct kube_resource *r, const cJSON *object,
                   const char *query, cJSON **ret, struct err *e);
int cluster_patch(struct cluster *k, const struct kube_resource *r, const char *name,
                  const cJSON *patch, const char *query, cJSON **ret, struct err *e);
int cluster_delete(struct cluster *k, const struct kube_resource *r, const char *name,
                   struct err *e);
/* What a pod's container says, as text in the arena of the command. */
const char *cluster_log(struct cluster *k, const char *pod, const char *query, struct err *e);

/* For a watch of the AppRelease: its path, the client, and new credentials after a 401. */
struct kube_client *cluster_client(const struct cluster *k);
int cluster_renew(struct cluster *k, struct err *e); /* ERR_DENIED when there is no way to */

/* Turn the loop for so long, or until a signal comes. */
void cluster_sleep(struct cluster *k, int64_t ms);

#endif
