/* controller/deploy/spec.h — AppRelease.spec, checked and completed with its defaults.
 *
 * The CRD says the same (crd/appreleases.yaml). It is checked here again so that the rules hold for
 * objects stored before a rule existed and on servers without CEL. */
#ifndef DEPLOY_SPEC_H
#define DEPLOY_SPEC_H
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deploy/freeze.h"

struct arena;
struct zone;

enum missing_image { MISSING_WAIT, MISSING_SKIP, MISSING_FAIL };
enum on_failure { ON_FAILURE_ROLLBACK_FAILED, ON_FAILURE_ROLLBACK_ALL, ON_FAILURE_HALT };

struct app_spec {
    const char *name;
    const char *deployment;  /* completed: <deploymentPrefix><name> */
    const char *repository;  /* completed: <registry>/<name> */
    const char *commit;      /* completed: the release's, unless the app is held at its own */
    bool held;               /* has a commit of its own */
    const char *image;       /* <repository>:<tag> */
    const char **containers; /* named by the user; may be none */
    size_t n_containers;
    const char **depends_on; /* names of apps of the list; may be none */
    size_t n_depends_on;
    uint64_t needs; /* bit i: it depends on apps[i], directly or not; never on itself */
};

struct freeze_window {
    struct cron cron;        /* its schedule */
    const char *time_zone;   /* IANA; never NULL */
    const struct zone *zone; /* found by reconcile/zones.h; NULL until then */
    int64_t duration_ms;
};

struct health_spec {
    int64_t deadline_ms, soak_ms;
    int restart_threshold;
    bool fail_fast;
};

struct release_spec {
    const char *commit;
    struct app_spec *apps;
    size_t n_apps;
    size_t *order; /* indexes of apps: each after those it depends on, else as listed */
    const char **pull_secrets;
    size_t n_pull_secrets;
    bool full_sha, pin_digest, enforce_rolling_update, rollback_never;
    enum missing_image missing_image;
    int64_t image_wait_ms;
    int max_concurrent;
    struct health_spec health;
    enum on_failure on_failure;
    bool plan_only; /* mode Plan */
    bool suspend, paused, approval_required;
    const char *approved_commit; /* NULL = none */
    struct freeze_window *windows;
    size_t n_windows;
    /* Nobody's rights are taken for those of an account that cannot be. */
    const char *service_account; /* NULL = the controller's default */
    bool service_account_wrong;  /* it is there and cannot be one */
    const char *actor;           /* source.actor; NULL = not said */
    int history_limit;
    int64_t ttl_ms; /* -1 = keep for ever */
};

/* Decode the member "spec" of an AppRelease. Returns NULL, or what is wrong with it, with the path
 * of the field and the allowed values: "spec.apps[1].name: …". Then *ret still has what the other
 * fields say, by which what rolls is looked after (R12); the wrong one counts as its default, and
 * lists end before what is wrong. Strings go to the arena. */
const char *spec_decode(const cJSON *spec, struct arena *a, struct release_spec *ret);

/* What the status of its apps could come to once status_shorten() has cut what can be cut. */
size_t spec_status_bytes(const struct release_spec *spec);

#endif
