/* What of a Deployment's ReplicaSets and pods is counted, and for whom. */
#include "deploy/verdict.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/clock.h"
#include "deploy/image.h"
#include "deploy/observed.h"
#include "unit.h"

#define NEW "reg.io/web:2222222@sha256:2222"
#define OLD "reg.io/web:1111111@sha256:1111"

static struct container_facts new_web = { .name = "web", .image = NEW };
static struct container_facts old_web = { .name = "web", .image = OLD };

static struct replicaset_facts set_of(struct container_facts *web, int64_t revision,
                                      struct pod_facts *pods, size_t n_pods)
{
    return (struct replicaset_facts){
        .revision = revision, .tmpl = { web, 1 }, .pods = pods, .n_pods = n_pods
    };
}

static struct image_list images_of(struct image_of *item)
{
    return (struct image_list){ .items = item, .n = 1 };
}

/* A template that was changed and changed back in another field has two ReplicaSets of its image.
 */
static void the_new_set_is_that_of_the_highest_revision(void)
{
    static const struct {
        const char *name;
        int64_t revisions[3]; /* of the sets with the new image; 0 = one with the old image */
        int best;             /* -1 = none */
    } rows[] = {
        { "the last", { 1, 2, 3 }, 2 },      { "the first", { 3, 2, 1 }, 0 },
        { "in the middle", { 1, 3, 2 }, 1 }, { "other images do not count", { 1, 0, 0 }, 0 },
        { "none", { 0, 0, 0 }, -1 },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct replicaset_facts sets[3];
        struct deployment_facts dep = { .sets = sets, .n_sets = 3 };
        struct image_of item = { "web", NEW };
        struct attempt at = { .images = images_of(&item) };
        const struct replicaset_facts *best;

        for (size_t k = 0; k < 3; k++)
            sets[k] = rows[i].revisions[k] ? set_of(&new_web, rows[i].revisions[k], NULL, 0) :
                                             set_of(&old_web, 9, NULL, 0);
        best = verdict_new_set(&dep, &at);
        CASE(rows[i].name, best == (rows[i].best < 0 ? NULL : &sets[rows[i].best]));
    }
}

static void a_pod_is_available_after_its_time(void)
{
    static const struct {
        const char *name;
        struct pod_facts pod;
        int min_ready_s, count;
        int64_t next_ms;
    } rows[] = {
        { "ready", { .ready = true, .ready_ms = 5000 }, 0, 1, 0 },
        { "not ready", { .ready_ms = 5000 }, 0, 0, 0 },
        { "on its way out", { .ready = true, .deleting = true, .ready_ms = 5000 }, 0, 0, 0 },
        { "ready for less", { .ready = true, .ready_ms = 5000 }, 6, 0, 11000 },
        { "ready just as long", { .ready = true, .ready_ms = 5000 }, 5, 1, 0 },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pod_facts pod = rows[i].pod;
        struct replicaset_facts set = set_of(&new_web, 1, &pod, 1);
        int64_t next_ms = -1;

        CASE(rows[i].name,
             verdict_available(&set, rows[i].min_ready_s, 10000, &next_ms) == rows[i].count &&
                 next_ms == rows[i].next_ms);
    }
}

static void what_stands_is_counted_by_image(void)
{
    struct pod_facts ready[2] = { { .ready = true }, { .ready = true } };
    struct replicaset_facts sets[] = { set_of(&old_web, 1, ready, 2),
                                       set_of(&new_web, 2, ready, 1) };
    struct deployment_facts dep = { .generation = 2,
                                    .observed_generation = 2,
                                    .replicas = 2,
                                    .status_replicas = 3,
                                    .updated = 1,
                                    .available = 3,
                                    .sets = sets,
                                    .n_sets = 2,
                                    .pods_known = true };
    struct image_of item = { "web", NEW };
    struct image_list images = images_of(&item);

    CASE("in the middle: its own only", verdict_standing(&dep, &images, 1000) == 1);
    dep.pods_known = false;
    CASE("not known: what the Deployment says", verdict_standing(&dep, &images, 1000) == 3);
    dep.pods_known = true;
    dep.status_replicas = dep.updated = dep.available = 2;
    CASE("complete: all are its own", verdict_standing(&dep, &images, 1000) == 2);
}

#define NOW (100 * SECOND_MS)
#define STARTED (60 * SECOND_MS) /* of the attempt and its pods: every grace is over */
#define BACK_OFF "CrashLoopBackOff"
#define GONE                                                                                       \
    {                                                                                              \
        "web", "ImageNotFound", STARTED                                                            \
    }

/* What a kubelet says, and may leave out. */
static const struct {
    const char *name;
    struct run_facts run;
    struct trouble seen;
    const char *phase;
    bool fails;
    const char *reason;    /* NULL = nothing to tell */
    const char *explained; /* the reason at the deadline */
} RUNS[] = {
    { "a crash without a reason",
      { .has_last = true, .exit_code = 1, .restarts = 3 },
      { 0 },
      "Running",
      true,
      "CrashLoop",
      "NotReady" },
    { "of a pod that has no phase yet",
      { .has_last = true, .exit_code = 1, .restarts = 3 },
      { 0 },
      NULL,
      true,
      "CrashLoop",
      "NotReady" },
    { "a run that nobody knows the end of",
      { .has_last = true, .end_reason = "ContainerStatusUnknown", .restarts = 3 },
      { 0 },
      "Running",
      false,
      NULL,
      "NotReady" },
    { "an app that has just ended well",
      { .terminated = true, .has_last = true, .restarts = 2 },
      { 0 },
      "Running",
      true,
      "CrashLoop",
      "NotReady" },
    { "a sidecar that has",
      { .init = true, .sidecar = true, .terminated = true, .has_last = true, .restarts = 2 },
      { 0 },
      "Running",
      true,
      "CrashLoop",
      "NotReady" },
    { "an init container that has",
      { .init = true, .terminated = true, .has_last = true, .restarts = 2 },
      { 0 },
      "Pending",
      false,
      "CrashLoop",
      "NotReady" },
    { "an init container that ended well and waits to run again",
      { .init = true, .waiting = "PodInitializing", .has_last = true, .restarts = 2 },
      { 0 },
      "Pending",
      false,
      "CrashLoop",
      "NotReady" },
    { "a BackOff that says nothing",
      { .waiting = "ImagePullBackOff" },
      GONE,
      "Pending",
      true,
      "ImageNotFound",
      "ImageNotFound" },
    { "one that says no cause",
      { .waiting = "ImagePullBackOff", .waiting_message = "Back-off pulling image" },
      GONE,
      "Pending",
      true,
      "ImageNotFound",
      "ImageNotFound" },
    { "one that says another cause",
      { .waiting = "ImagePullBackOff", .waiting_message = "ErrImagePull: HTTP 503" },
      GONE,
      "Pending",
      false,
      "RegistryUnavailable",
      "RegistryUnavailable" },
    { "no BackOff: what was seen before is over",
      { .waiting = "RegistryUnavailable", .waiting_message = "Back-off" },
      GONE,
      "Pending",
      false,
      "RegistryUnavailable",
      "RegistryUnavailable" },
    { "a pull that failed and says nothing",
      { .waiting = "ErrImagePull" },
      { 0 },
      "Pending",
      false,
      "RegistryUnavailable",
      "RegistryUnavailable" },
    { "a crash that is waited for",
      { .waiting = BACK_OFF, .has_last = true, .exit_code = 1, .restarts = 1 },
      { 0 },
      "Running",
      false,
      "CrashLoop",
      "CrashLoop" },
    { "killed",
      { .waiting = BACK_OFF, .has_last = true, .end_reason = "OOMKilled" },
      { 0 },
      "Running",
      false,
      "OOMKilled",
      "OOMKilled" },
    { "a start that failed",
      { .waiting = BACK_OFF, .has_last = true, .end_reason = "StartError", .exit_code = 128 },
      { "web", "ConfigError", STARTED },
      "Running",
      true,
      "ConfigError",
      "ConfigError" },
    { "a pull that fails after a start that failed",
      { .waiting = "ErrImagePull",
        .waiting_message = "HTTP 503",
        .has_last = true,
        .end_reason = "StartError" },
      { 0 },
      "Running",
      false,
      "RegistryUnavailable",
      "RegistryUnavailable" },
    { "a container that is made anew after a crash",
      { .waiting = "ContainerCreating", .has_last = true, .end_reason = "Error" },
      { 0 },
      "Pending",
      false,
      "CrashLoop",
      "NotReady" },
};

static void what_a_container_says_is_judged(void)
{
    const struct health_spec health = { .restart_threshold = 3 };

    for (size_t i = 0; i < ARRAY_LEN(RUNS); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        struct run_facts run = RUNS[i].run;
        struct pod_facts pod = { .name = "new-1",
                                 .phase = RUNS[i].phase,
                                 .created_ms = STARTED,
                                 .runs = &run,
                                 .n_runs = 1 };
        struct replicaset_facts set = set_of(&new_web, 1, &pod, 1);
        struct attempt at = { .start_ms = STARTED, .trouble = RUNS[i].seen };
        struct verdict v;

        run.name = "web";
        v = verdict_judge(&set, &at, &health, false, NOW, a);
        CASE(RUNS[i].name, v.fails == RUNS[i].fails);
        CASE(RUNS[i].name,
             RUNS[i].reason ? v.reason && !strcmp(v.reason, RUNS[i].reason) : !v.reason);
        v = verdict_explain(&set, &at, a);
        CASE(RUNS[i].name, v.pod == &pod && !strcmp(v.reason, RUNS[i].explained));
    }
}

/* Of two containers that wait for their configuration, one since 20 s. */
static void each_wait_keeps_its_own_time(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    const struct health_spec health = { .restart_threshold = 3 };
    struct run_facts runs[] = { { .name = "web", .waiting = "CreateContainerConfigError" },
                                { .name = "log", .waiting = "CreateContainerConfigError" } };
    struct pod_facts pod = { .name = "new-1", .created_ms = STARTED, .runs = runs, .n_runs = 2 };
    struct replicaset_facts set = set_of(&new_web, 1, &pod, 1);
    struct attempt at = { .start_ms = STARTED,
                          .trouble = { "web", "ConfigError", NOW - 20 * SECOND_MS } };
    struct verdict v = verdict_judge(&set, &at, &health, false, NOW, a);

    CASE("the first one's stays", !v.fails && !strcmp(v.trouble.container, "web") &&
                                      v.trouble.since_ms == NOW - 20 * SECOND_MS);
    CASE("it ends first", v.again_ms == NOW + 10 * SECOND_MS);
    at.trouble = v.trouble;
    v = verdict_judge(&set, &at, &health, false, NOW + 10 * SECOND_MS, a);
    CASE("and fails", v.fails && v.run == &runs[0]);
    runs[0].name = "log";
    runs[1].name = "web";
    v = verdict_judge(&set, &at, &health, false, NOW, a);
    CASE("in any order", !v.fails && v.again_ms == NOW + 10 * SECOND_MS);
}

/* A container that cannot start, and one whose grace is not over. */
static void the_cause_that_failed_is_told(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    const struct health_spec health = { .restart_threshold = 3 };
    struct run_facts runs[] = { { .name = "web", .waiting = "InvalidImageName" },
                                { .name = "log", .waiting = "CreateContainerConfigError" } };
    struct pod_facts pod = { .name = "new-1", .created_ms = STARTED, .runs = runs, .n_runs = 2 };
    struct replicaset_facts set = set_of(&new_web, 1, &pod, 1);
    struct attempt at = { .start_ms = STARTED };
    struct verdict v = verdict_judge(&set, &at, &health, false, NOW, a);

    CASE("not the one that may come right", v.fails && !strcmp(v.reason, "InvalidImage") &&
                                                v.run == &runs[0] &&
                                                strstr(v.message, "InvalidImageName"));
}

/* One pod waits for its configuration since 20 s, and the next is refused. */
static void a_refusal_of_pods_keeps_its_own_time(void)
{
    static const struct {
        const char *name;
        int64_t since_s, again_s;
    } rows[] = { { "it ends later", 5, 10 }, { "it ends first", 25, 5 } };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        const struct health_spec health = { .restart_threshold = 3 };
        struct run_facts run = { .name = "web", .waiting = "CreateContainerConfigError" };
        struct pod_facts pod = {
            .name = "new-1", .created_ms = STARTED, .runs = &run, .n_runs = 1
        };
        struct replicaset_facts set = set_of(&new_web, 1, &pod, 1);
        struct attempt at = { .start_ms = STARTED,
                              .trouble = { "web", "ConfigError", NOW - 20 * SECOND_MS } };
        struct verdict v;

        set.failure = "exceeded quota";
        set.failure_ms = NOW - rows[i].since_s * SECOND_MS;
        v = verdict_judge(&set, &at, &health, false, NOW, a);
        CASE(rows[i].name, !v.fails && v.again_ms == NOW + rows[i].again_s * SECOND_MS);
        CASE("what the container says comes first", !strcmp(v.reason, "ConfigError"));
        v = verdict_judge(&set, &at, &health, false, v.again_ms, a);
        CASE(rows[i].name, v.fails);
    }
}

/* At the deadline. */
static void a_pod_runs_when_its_app_does(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    struct run_facts runs[] = { { .name = "proxy", .init = true, .sidecar = true, .running = true },
                                { .name = "web", .terminated = true, .has_last = true } };
    struct pod_facts pod = { .name = "new-1", .created_ms = STARTED, .runs = runs, .n_runs = 2 };
    struct replicaset_facts set = set_of(&new_web, 1, &pod, 1);
    struct attempt at = { .start_ms = STARTED };
    struct verdict v = verdict_explain(&set, &at, a);

    CASE("only its sidecar", !v.run && !strcmp(v.message, "pod new-1 does not run"));
    runs[1] = (struct run_facts){ .name = "web", .running = true };
    v = verdict_explain(&set, &at, a);
    CASE("its app", v.run == &runs[1] && !strcmp(v.message, "pod new-1 runs but is not ready"));
}

UNIT_MAIN(UNIT_TEST(the_new_set_is_that_of_the_highest_revision),
          UNIT_TEST(a_pod_is_available_after_its_time), UNIT_TEST(what_stands_is_counted_by_image),
          UNIT_TEST(what_a_container_says_is_judged), UNIT_TEST(each_wait_keeps_its_own_time),
          UNIT_TEST(the_cause_that_failed_is_told), UNIT_TEST(a_refusal_of_pods_keeps_its_own_time),
          UNIT_TEST(a_pod_runs_when_its_app_does))
