/* controller/deploy/status.h — AppRelease.status: what happened, and all we need to go on.
 *
 * Field by field as in the API's description (docs/api.md). Plain data in an arena: the plan copies
 * it, changes the copy, and the reconciler sends what differs. Times are wall-clock milliseconds,
 * 0 = absent; strings NULL = absent. */
#ifndef DEPLOY_STATUS_H
#define DEPLOY_STATUS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct cJSON;

/* As the CRD takes them: status with a longer one would be refused as a whole. */
#define STATUS_IMAGE_BYTES 1024
#define STATUS_COMMIT_BYTES 64
#define STATUS_TOKEN_BYTES 256    /* retry-at, reconcile-at */
#define STATUS_BYTES (224 * 1024) /* the whole as JSON: apps, history, and 8 KiB for the rest */
#define STATUS_HISTORY_BYTES (32 * 1024)
#define STATUS_APPS_BYTES (184 * 1024)
/* Of one app what is left of a message, a failure and a trouble once all that can be cut is cut:
 * pods' names have 63 characters, as containers' have; a cut message and two reasons 64 each. */
#define STATUS_CUT_BYTES (3 * 63 + 3 * 64)
#define STATUS_APP_BYTES 1100 /* of one app at most, without what is as long as its spec says */

enum app_state {
    APP_PENDING, /* not decided yet, or waiting for its turn */
    APP_WAITING, /* something outside must change first */
    APP_UNCHANGED,
    APP_UPDATING,
    APP_SOAKING,
    APP_UPDATED,
    APP_ROLLING_BACK,
    APP_ROLLED_BACK,
    APP_FAILED,
    APP_SKIPPED,
    APP_SUPERSEDED, /* another AppRelease has the Deployment, for this generation (R15) */
};

enum attempt_kind { ATTEMPT_ROLL, ATTEMPT_ADOPT, ATTEMPT_ROLLBACK, ATTEMPT_PUT_BACK };

struct image_of {
    const char *container, *image;
};

struct image_list {
    struct image_of *items;
    size_t n;
};

/* What keeps a container of the new pods from starting and may yet go away (section 6): kept while
 * it lasts, since a back-off need not name its cause. */
struct trouble {
    const char *container, *reason; /* reason NULL = none */
    int64_t since_ms;
};

/* The write-ahead (R4): one write to the Deployment, what for, how far. */
struct attempt {
    const char *id;
    enum attempt_kind kind;
    const char *commit;
    int64_t generation; /* of the AppRelease */
    const char *deployment_uid;
    int64_t accepted; /* the Deployment's generation first seen with the id; 0 = not seen yet */
    struct image_list images, previous;
    int previous_available; /* -1 = absent: replicas was 0 */
    const char *previous_good_commit, *previous_good_image;
    int64_t start_ms, progress_ms, complete_ms, soak_ms, clock_stopped_ms;
    int available_max; /* -1 = not counted yet */
    int put_backs;
    struct trouble trouble;
};

/* What Apply would write into a container (R18); the same image twice: nothing. */
struct planned_image {
    const char *container, *from, *to; /* from NULL = longer than status may say */
};

struct planned_list {
    struct planned_image *items;
    size_t n;
};

struct failure {
    const char *pod, *container, *reason, *log_tail;
    int exit_code; /* -1 = it did not end */
    int restarts;
};

struct app_status {
    const char *name, *deployment;
    bool unlisted;
    enum app_state state;
    const char *reason, *message;
    int64_t state_ms;
    const char *commit, *good_image;
    const char *target_commit, *target_image;
    const char *failed_commit, *failed_image;
    struct attempt *attempt;         /* NULL = none */
    struct planned_list planned;     /* mode Plan: of each container of the app */
    int desired, updated, available; /* replicas; desired -1 = not known */
    int64_t finish_ms;
    struct failure *failure; /* NULL = none */
};

struct held_app {
    const char *name, *commit;
};

struct history_entry {
    const char *commit, *result, *actor;
    int64_t start_ms, finish_ms;
    const char **changed; /* the first 16 */
    size_t n_changed;
    int changed_count; /* of all */
    struct held_app *held;
    size_t n_held;
};

struct condition {
    const char *type, *status, *reason, *message;
    int64_t transition_ms;
    int64_t observed_generation;
};

#define STATUS_CONDITIONS 8

struct release_status {
    int64_t observed_generation; /* -1 = nothing written yet */
    int64_t start_ms;
    const char *commit, *last_succeeded_commit;
    const char *last_retry_at, *last_reconcile_at;
    const char *progress;
    struct app_status *apps;
    size_t n_apps;
    struct history_entry *history;
    size_t n_history;
    struct condition conditions[STATUS_CONDITIONS];
    size_t n_conditions;
};

/* Decode the member "status" (NULL = none yet). What makes no sense is left out: status is ours,
 * and a field somebody spoiled must not stop us. Strings go to the arena. */
void status_decode(const struct cJSON *tree, struct arena *a, struct release_status *ret);

/* As a JSON tree; the caller frees with cJSON_Delete. */
struct cJSON *status_encode(const struct release_status *s);

/* Are they the same JSON? */
bool status_equal(const struct release_status *a, const struct release_status *b);

/* Must the difference be written at once (a state, a reason, an attempt, a condition), or may it
 * be gathered with others for a second (R20)? */
bool status_is_urgent(const struct release_status *was, const struct release_status *now);

/* Cut log tails to 1 KiB each and 16 KiB together; leave them out, then cut messages, as long as
 * the apps could take more than STATUS_APPS_BYTES. What is left of each (64 bytes) is what a spec
 * was measured for. Then, where the whole could take more than STATUS_BYTES, the conditions'
 * messages. What is needed to go on or back is never cut. */
void status_shorten(struct release_status *s, struct arena *a);

/* What so many entries of the history take as JSON, and what an app that rolls could come to before
 * it has settled, cut as it may be: from above. */
size_t status_history_bytes(const struct history_entry *h, size_t n_entries);
size_t status_mover_bytes(const struct app_status *app);

const char *app_state_name(enum app_state state);
const char *attempt_kind_name(enum attempt_kind kind);

/* Look up by name; NULL when absent. */
struct app_status *status_app(const struct release_status *s, const char *name);
const struct condition *status_condition(const struct release_status *s, const char *type);

/* {"id":…} of the annotation that marks the Deployment, from an attempt. Caller frees. */
struct cJSON *attempt_annotation(const struct attempt *at);
/* Back again, as far as it goes; NULL when it is no attempt. */
struct attempt *attempt_from_annotation(const char *json, struct arena *a);

/* Its id begins with so many digits of the uid of the AppRelease whose it is. */
#define ATTEMPT_UID_DIGITS 8
bool attempt_is_of(const struct attempt *at, const char *uid);

#endif
