/* controller/deploy/verdict.h — What the state of the new pods means (section 6 of the API). Pure.
 */
#ifndef DEPLOY_VERDICT_H
#define DEPLOY_VERDICT_H
#include <stdbool.h>
#include <stdint.h>

#include "deploy/observed.h"

struct arena;

/* The ReplicaSet of the attempt: of those whose template has its images, the one with the highest
 * revision (R6). NULL = none yet. */
const struct replicaset_facts *verdict_new_set(const struct deployment_facts *dep,
                                               const struct attempt *at);

/* Its available pods; *ret_next_ms = when a ready pod becomes available by minReadySeconds, or 0.
 */
int verdict_available(const struct replicaset_facts *set, int min_ready_s, int64_t now_ms,
                      int64_t *ret_next_ms);

/* Is its rollout complete, by its own counts (R6)? */
bool deployment_is_complete(const struct deployment_facts *dep);

/* The available pods of all templates that have these images, as far as pods are known. */
int verdict_standing(const struct deployment_facts *dep, const struct image_list *images,
                     int64_t now_ms);

struct verdict {
    bool fails;
    const char *reason, *message; /* when it fails; else what is worth telling, or NULL */
    const struct pod_facts *pod;  /* the pod to blame; may be NULL */
    const struct run_facts *run;  /* its container; may be NULL */
    bool image_gone;              /* the kubelet says so: worth asking the registry too */
    struct trouble trouble;       /* to be kept in the attempt, for the next verdict */
    int64_t again_ms;             /* nothing yet, but it may fail then; 0 = no such time */
};

/* Judge the pods of the attempt. registry_says_gone: our own HEAD gave 404 just now. */
struct verdict verdict_judge(const struct replicaset_facts *set, const struct attempt *at,
                             const struct health_spec *health, bool registry_says_gone,
                             int64_t now_ms, struct arena *a);

/* Why the deadline was missed: the first pod that is not fine, in words. Never fails = false. */
struct verdict verdict_explain(const struct replicaset_facts *set, const struct attempt *at,
                               struct arena *a);

#endif
