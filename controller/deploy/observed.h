/* controller/deploy/observed.h — Everything a plan may know, as plain data.
 *
 * Gathered from the stores, from live reads and from answers of earlier effects; lives in the
 * arena of one reconcile. Times are wall-clock milliseconds of the API server's clock. */
#ifndef DEPLOY_OBSERVED_H
#define DEPLOY_OBSERVED_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deploy/spec.h"
#include "deploy/status.h"

struct container_facts { /* of a pod template */
    const char *name, *image;
    bool init, readiness;
};

struct template_facts {
    struct container_facts *containers;
    size_t n;
};

struct run_facts { /* one container of a pod */
    const char *name;
    const char
        *image_id; /* what the kubelet says it runs: "repo@sha256:…", or other forms; may be NULL */
    bool init, running, terminated, has_last;
    bool sidecar; /* an init container that keeps running */
    int restarts, exit_code;
    const char *waiting, *waiting_message; /* NULL = not waiting */
    const char *end_reason, *end_message;  /* of the last terminated state */
};

struct pod_facts {
    const char *name, *phase, *reason;
    int64_t created_ms, ready_ms;
    int64_t start_ms; /* when its kubelet took it; 0 = none has */
    bool ready, deleting, disrupted;
    const char *unschedulable; /* what the scheduler says; NULL = scheduled */
    const char *message;       /* of the pod's status, or of a condition; may be NULL */
    struct run_facts *runs;
    size_t n_runs;
};

struct replicaset_facts {
    const char *name;
    int64_t revision;
    struct template_facts tmpl;
    const char *failure; /* message of ReplicaFailure; NULL = none */
    int64_t failure_ms;
    struct pod_facts *pods; /* those it controls */
    size_t n_pods;
};

struct deployment_facts {
    const char *uid, *rv;
    int64_t generation, observed_generation;
    int replicas, min_ready_s;
    int status_replicas, updated, available;
    bool paused, deleting, recreate;
    bool rolls_softly; /* maxSurge 1, maxUnavailable 0 already */
    struct template_facts tmpl;
    const struct attempt *attempt; /* our annotation, decoded; NULL = none */
    const char *latch_image, *latch_commit, *latch_reason, *latch_retry_at; /* NULL = none */
    const char *owner;         /* our annotation "<uid>/<generation>"; NULL = none */
    const char *image_manager; /* who last set an image; NULL = not known */
    struct replicaset_facts *sets;
    size_t n_sets;
    bool pods_known;          /* sets and pods are complete */
    const char *pods_problem; /* why they may never be, and what mends it; NULL = they come */
    int64_t read_ms;          /* when all this was last read live; 0 = never */
};

/* Another AppRelease that names the Deployment: valid, not suspended, mode Apply (R15). */
struct rival {
    const char *name, *uid;
    bool newer;           /* by (creationTimestamp, name) */
    bool finished;        /* with its generation and tokens */
    bool rolling;         /* its patch of the Deployment was accepted, and is followed */
    int64_t unchanged_ms; /* since when it has found the Deployment at its target; 0 = has not */
};

struct app_facts {
    const char *deployment;             /* the name */
    const struct deployment_facts *dep; /* NULL = there is none */
    struct rival *rivals;
    size_t n_rivals;
};

/* What a registry said of an image reference. */
struct image_answer {
    const char *image;
    bool asking;        /* a (new) answer is under way */
    int64_t at_ms;      /* of the last answer; 0 = none yet */
    const char *digest; /* NULL = none */
    bool missing;
    bool denied;       /* 401, 403 */
    const char *error; /* a transient error; NULL = none */
    int64_t retry_ms;  /* with an error or missing: not before */
};

struct log_answer {
    const char *pod, *container;
    int64_t asked_ms;
    bool done;        /* else it is under way */
    const char *tail; /* scrubbed, ≤ 1 KiB; NULL = could not be had */
};

/* What right the API server said is lacking; none: an admission policy or webhook said no. */
enum lack { LACK_OTHER, LACK_PATCH, LACK_IMPERSONATE, LACK_NOTHING };

/* The API server's last refusal to patch a Deployment. */
struct refusal {
    const char *attempt_id;
    const char *account; /* that was impersonated; NULL = none */
    enum lack lack;
    bool for_good;  /* 422 of the API server itself: not to be sent again */
    bool forbidden; /* 403 likewise; neither: denied */
    const char *text;
    int64_t at_ms;
};

/* The API server neither took nor refused the patch of a Deployment: no answer, 429, 5xx. */
struct patch_failure {
    const char *attempt_id;
    const char *text;
    int64_t first_ms, last_ms; /* in a row */
};

struct observed {
    int64_t now_ms;
    const char *ns, *name, *uid, *rv;
    int64_t generation;
    const char *retry_at, *reconcile_at; /* annotations; NULL = none */
    const char *account; /* to impersonate for writes to Deployments; NULL = our own rights */
    bool account_wrong;  /* the spec names one that cannot be: nothing is written to Deployments */
    const char *freeze_override; /* likewise: the commit that may start in a freeze */
    bool suspended;              /* spec.suspend, also where spec is wrong */
    /* Who set them, by server-side field tracking; NULL = not known. */
    const char *suspended_by, *paused_by, *overridden_by;
    const struct release_spec *spec;     /* where it is wrong: what can be read of it */
    const char *spec_problem;            /* NULL = spec is good */
    const struct release_status *status; /* as it is stored; never NULL */
    int64_t last_write_ms;               /* of our last status patch; 0 = not since we started */
    int64_t begun_ms;    /* an earlier plan began this work then and wrote nothing; 0 = none did */
    int64_t patience_ms; /* so long the status of what has begun waits for the first answers */
    /* By Deployment name: all that spec and status name. */
    struct app_facts *apps;
    size_t n_apps;
    struct image_answer *images;
    size_t n_images;
    struct log_answer *logs;
    size_t n_logs;
    struct refusal *refusals;
    size_t n_refusals;
    struct patch_failure *failures;
    size_t n_failures;
};

#endif
