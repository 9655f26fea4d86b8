/* controller/kube/workload.h — Deployments, ReplicaSets and Pods as the release logic needs them.
 *
 * Each decode function makes one object in an arena of its own (kube_object_free); NULL with *e set
 * when the tree is not such an object. Absent numbers have the API's defaults. Messages of
 * kubelets, schedulers and hooks are scrubbed and at most 2 KiB. */
#ifndef KUBE_WORKLOAD_H
#define KUBE_WORKLOAD_H
#include <stddef.h>

#include "kube/meta.h"

struct err;

struct kube_container { /* of a pod template */
    const char *name, *image;
    bool init;      /* from initContainers */
    bool sidecar;   /* an init container with restartPolicy: Always */
    bool readiness; /* has a readinessProbe */
};

struct kube_template {
    struct kube_container *containers; /* init containers first */
    size_t n;
    const char *service_account; /* NULL = "default" */
    const char **pull_secrets;
    size_t n_pull_secrets;
};

struct kube_deployment {
    struct kube_object meta;
    int replicas, min_ready_s;
    bool paused;
    bool recreate;                     /* strategy.type Recreate */
    bool surge_is_1, unavailable_is_0; /* rollingUpdate.maxSurge 1, maxUnavailable 0 */
    int64_t observed_generation;
    int status_replicas, updated_replicas, available_replicas;
    struct kube_template tmpl;
    const char *attempt, *latch, *owner; /* annotations deploy.btc-shopflow.io/…; NULL = absent */
    const char *image_manager; /* managedFields: who last set a container's image; or NULL */
};

struct kube_replicaset {
    struct kube_object meta;
    int64_t revision; /* deployment.kubernetes.io/revision; 0 = absent */
    int replicas, status_replicas, available_replicas;
    struct kube_template tmpl;
    const char *failure; /* message of ReplicaFailure=True; NULL = none */
    int64_t failure_ms;  /* its lastTransitionTime */
};

struct kube_run { /* containerStatuses and initContainerStatuses */
    const char *name, *image_id;
    bool init, ready, running;
    int restarts;
    const char *waiting, *waiting_message; /* state.waiting; NULL = not waiting */
    bool terminated;                       /* state.terminated */
    bool has_last; /* there is a terminated state: the current or the last one */
    const char *end_reason, *end_message; /* of it: Error, OOMKilled, Completed, … */
    int exit_code;
    int64_t end_ms;
};

struct kube_pod {
    struct kube_object meta;
    const char *phase, *reason, *message, *node;
    bool ready;
    int64_t ready_ms;          /* lastTransitionTime of Ready */
    int64_t start_ms;          /* status.startTime */
    const char *unschedulable; /* message of PodScheduled=False; NULL = scheduled */
    bool disrupted;            /* DisruptionTarget=True */
    struct kube_run *runs;
    size_t n_runs;
    const char *template_hash; /* label pod-template-hash */
};

extern const struct kube_resource KUBE_DEPLOYMENTS, KUBE_REPLICASETS, KUBE_PODS, KUBE_SECRETS,
    KUBE_SERVICEACCOUNTS, KUBE_EVENTS, KUBE_APPRELEASES;

void *kube_deployment_decode(const cJSON *tree, struct err *e);
void *kube_replicaset_decode(const cJSON *tree, struct err *e);
void *kube_pod_decode(const cJSON *tree, struct err *e);

#endif
