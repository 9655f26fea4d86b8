/* From the world's tree to what a plan may know. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "golden/world.h"
#include "kube/status.h"
#include "reconcile/zones.h"

static size_t count(const cJSON *list)
{
    return list ? (size_t)cJSON_GetArraySize(list) : 0;
}

static int64_t time_at(const cJSON *object, const char *key)
{
    const cJSON *value = json_get(object, key);

    return value ? world_time(value) : 0;
}

static struct template_facts observe_template(const cJSON *containers, struct arena *a)
{
    static const char *const keys[] = { "name", "image", "init", "sidecar", "readiness", NULL };
    struct template_facts t = { .containers =
                                    arena_array(a, count(containers) + 1, sizeof *t.containers) };

    EACH(c, containers)
    {
        bool init = json_bool(c, "init", false) || json_bool(c, "sidecar", false);

        check_keys(c, "a container", keys);
        t.containers[t.n++] =
            (struct container_facts){ .name = json_str(c, "name"),
                                      .image = json_str(c, "image"),
                                      .init = init,
                                      .readiness = json_bool(c, "readiness", !init) };
    }
    return t;
}

/* --- pods --- */

#define RUN_KEYS                                                                                   \
    "imageID", "waiting", "message", "terminated", "restarts", "exit", "end", "endMessage",        \
        "running"

static struct run_facts observe_run(const cJSON *tree, const cJSON *container)
{
    const cJSON *waiting = json_get(tree, "waiting");
    bool terminated = json_bool(tree, "terminated", false);

    return (struct run_facts){
        .name = json_str(container, "name"),
        .image_id = json_str(tree, "imageID"),
        .init = json_bool(container, "init", false) || json_bool(container, "sidecar", false),
        .sidecar = json_bool(container, "sidecar", false),
        .waiting = cJSON_GetStringValue(waiting),
        .waiting_message = waiting ? json_str(tree, "message") : NULL,
        .terminated = terminated,
        .running = json_bool(tree, "running", !waiting && !terminated),
        .has_last = json_get(tree, "exit") != NULL,
        .restarts = (int)json_int(tree, "restarts", 0),
        .exit_code = (int)json_int(tree, "exit", 0),
        .end_reason = json_str(tree, "end"),
        .end_message = json_str(tree, "endMessage"),
    };
}

/* A pod's own keys are those of its first container that is no init container; "runs" names
 * others. */
static void observe_runs(const cJSON *pod, const cJSON *containers, struct arena *a,
                         struct pod_facts *ret)
{
    static const char *const keys[] = { RUN_KEYS, NULL };
    const cJSON *runs = json_get(pod, "runs");
    bool seen_main = false;

    ret->runs = arena_array(a, count(containers) + 1, sizeof *ret->runs);
    EACH(c, containers)
    {
        const cJSON *tree = json_get(runs, json_str(c, "name"));
        bool init = json_bool(c, "init", false) || json_bool(c, "sidecar", false);

        check_keys(tree, "a run", keys);
        if (!tree && !init && !seen_main && !json_get(pod, "unschedulable"))
            tree = pod;
        seen_main |= !init;
        if (tree)
            ret->runs[ret->n_runs++] = observe_run(tree, c);
    }
}

static void observe_pod(const cJSON *pod, const cJSON *containers, struct arena *a,
                        struct pod_facts *ret)
{
    static const char *const keys[] = {
        RUN_KEYS,   "runs",          "ready",   "readyAt",   "created", "phase", "reason",
        "deleting", "unschedulable", "podSays", "disrupted", "started", NULL
    };

    check_keys(pod, "a pod", keys);
    *ret = (struct pod_facts){ .name = pod->string,
                               .phase = json_str(pod, "phase") ?: "Running",
                               .reason = json_str(pod, "reason"),
                               .message = json_str(pod, "podSays"),
                               .created_ms = time_at(pod, "created"),
                               .ready_ms = time_at(pod, "readyAt"),
                               .start_ms = time_at(pod, "started"),
                               .ready = json_bool(pod, "ready", false),
                               .deleting = json_bool(pod, "deleting", false),
                               .disrupted = json_bool(pod, "disrupted", false),
                               .unschedulable = json_str(pod, "unschedulable") };
    observe_runs(pod, containers, a, ret);
}

/* --- Deployments --- */

static void observe_sets(const cJSON *sets, struct arena *a, struct deployment_facts *dep)
{
    dep->sets = arena_array(a, count(sets) + 1, sizeof *dep->sets);
    EACH(set, sets)
    {
        struct replicaset_facts *facts = &dep->sets[dep->n_sets++];
        const cJSON *pods = json_get(set, "pods"), *containers = json_get(set, "containers");

        *facts = (struct replicaset_facts){ .name = set->string,
                                            .revision = json_int(set, "revision", 0),
                                            .tmpl = observe_template(containers, a),
                                            .failure = json_str(set, "refused"),
                                            .failure_ms = time_at(set, "refusedAt") };
        facts->pods = arena_array(a, count(pods) + 1, sizeof *facts->pods);
        EACH(pod, pods)
        observe_pod(pod, containers, a, &facts->pods[facts->n_pods++]);
    }
}

/* The counts that the Deployment controller would report. */
static void count_replicas(struct deployment_facts *dep)
{
    int64_t top = 0;

    for (size_t i = 0; i < dep->n_sets; i++)
        if (dep->sets[i].revision > top)
            top = dep->sets[i].revision;
    for (size_t i = 0; i < dep->n_sets; i++)
        for (size_t k = 0; k < dep->sets[i].n_pods; k++) {
            const struct pod_facts *pod = &dep->sets[i].pods[k];

            if (pod->deleting || !strcmp(pod->phase, "Failed"))
                continue;
            dep->status_replicas++;
            dep->updated += dep->sets[i].revision == top;
            dep->available += pod->ready;
        }
}

static void observe_annotations(const cJSON *notes, struct arena *a, struct deployment_facts *dep)
{
    struct err ignored = { 0 };
    const char *latch = json_str(notes, "deploy.btc-shopflow.io/latch");
    AUTO(json) cJSON *tree = latch ? json_parse(latch, strlen(latch), &ignored) : NULL;

    dep->attempt = attempt_from_annotation(json_str(notes, "deploy.btc-shopflow.io/attempt"), a);
    dep->owner = json_str(notes, "deploy.btc-shopflow.io/owner");
    dep->latch_image = arena_strdup(a, json_str(tree, "image"));
    dep->latch_commit = arena_strdup(a, json_str(tree, "commit"));
    dep->latch_reason = arena_strdup(a, json_str(tree, "reason"));
    dep->latch_retry_at = arena_strdup(a, json_str(tree, "retryAt"));
}

static const struct deployment_facts *observe_deployment(const struct world *w, const cJSON *tree,
                                                         struct arena *a)
{
    static const char *const keys[] = { "uid",
                                        "resourceVersion",
                                        "generation",
                                        "observedGeneration",
                                        "replicas",
                                        "updated",
                                        "available",
                                        "minReady",
                                        "paused",
                                        "deleting",
                                        "recreate",
                                        "rollsSoftly",
                                        "imageManager",
                                        "podsKnown",
                                        "podsProblem",
                                        "containers",
                                        "sets",
                                        "annotations",
                                        "rivals",
                                        "stuck",
                                        NULL };
    struct deployment_facts *dep = arena_alloc(a, sizeof *dep);

    check_keys(tree, "a Deployment", keys);
    *dep = (struct deployment_facts){
        .uid = json_str(tree, "uid") ?: arena_printf(a, "uid-of-%s", tree->string),
        .rv = arena_printf(a, "%lld", (long long)json_int(tree, "resourceVersion", 1)),
        .generation = json_int(tree, "generation", 1),
        .replicas = (int)json_int(tree, "replicas", 2),
        .min_ready_s = (int)json_int(tree, "minReady", 0),
        .paused = json_bool(tree, "paused", false),
        .deleting = json_bool(tree, "deleting", false),
        .recreate = json_bool(tree, "recreate", false),
        .rolls_softly = json_bool(tree, "rollsSoftly", false),
        .image_manager = json_str(tree, "imageManager"),
        .pods_known = json_bool(tree, "podsKnown", true),
        .pods_problem = json_str(tree, "podsProblem"),
        .tmpl = observe_template(json_get(tree, "containers"), a),
        .read_ms = time_at(json_get(w->tree, "liveReads"), tree->string),
    };
    dep->observed_generation = json_int(tree, "observedGeneration", dep->generation);
    observe_annotations(json_get(tree, "annotations"), a, dep);
    observe_sets(json_get(tree, "sets"), a, dep);
    count_replicas(dep);
    dep->updated = (int)json_int(tree, "updated", dep->updated);
    dep->available = (int)json_int(tree, "available", dep->available);
    return dep;
}

/* --- answers --- */

static struct image_answer observe_answer(const cJSON *known, int64_t at_ms)
{
    static const char *const keys[] = { "digest", "missing", "denied", "error",
                                        "asking", "again",   NULL };
    bool asking = json_bool(known, "asking", false);

    check_keys(known, "a registry's answer", keys);
    return (struct image_answer){
        .image = known->string,
        .asking = asking,
        .at_ms = asking && !json_get(known, "digest") ? 0 : at_ms,
        .digest = cJSON_IsString(known) ? known->valuestring : json_str(known, "digest"),
        .missing = json_bool(known, "missing", false),
        .denied = json_bool(known, "denied", false),
        .error = json_str(known, "error"),
        .retry_ms = at_ms + json_int(known, "again", 10) * SECOND_MS,
    };
}

static enum lack lack_named(const char *verb)
{
    if (!verb)
        return LACK_OTHER;
    return strcmp(verb, "impersonate") ? LACK_PATCH : LACK_IMPERSONATE;
}

/* As reconcile/ reads it: a rule's denial has any code. */
static bool has_code(const cJSON *refusal, int code)
{
    return json_int(refusal, "code", 0) == code &&
           !kube_denied_by_admission(json_str(refusal, "text"));
}

static void observe_answers(const struct world *w, struct arena *a, struct observed *o)
{
    const cJSON *registry = json_get(w->tree, "registry"), *asked = json_get(w->tree, "askedLogs");
    const cJSON *refusals = json_get(w->tree, "refusals"), *logs = json_get(w->tree, "logs");
    const cJSON *failures = json_get(w->tree, "failures");

    o->images = arena_array(a, count(registry) + 1, sizeof *o->images);
    EACH(known, registry)
    if (json_get(json_get(w->tree, "answers"), known->string))
        o->images[o->n_images++] =
            observe_answer(known, time_at(json_get(w->tree, "answers"), known->string));
    o->logs = arena_array(a, count(asked) + 1, sizeof *o->logs);
    EACH(log, asked)
    {
        const char *slash = strchr(log->string, '/');

        o->logs[o->n_logs++] =
            (struct log_answer){ .pod =
                                     arena_strndup(a, log->string, (size_t)(slash - log->string)),
                                 .container = slash + 1,
                                 .asked_ms = world_time(log),
                                 .done = json_get(logs, log->string) != NULL,
                                 .tail = json_str(logs, log->string) };
    }
    o->refusals = arena_array(a, count(refusals) + 1, sizeof *o->refusals);
    EACH(refusal, refusals)
    o->refusals[o->n_refusals++] = (struct refusal){ .attempt_id = refusal->string,
                                                     .for_good = has_code(refusal, 422),
                                                     .forbidden = has_code(refusal, 403),
                                                     .account = json_str(refusal, "account"),
                                                     .lack = lack_named(json_str(refusal, "lacks")),
                                                     .text = json_str(refusal, "text"),
                                                     .at_ms = time_at(refusal, "at") };
    o->failures = arena_array(a, count(failures) + 1, sizeof *o->failures);
    EACH(failure, failures)
    o->failures[o->n_failures++] = (struct patch_failure){ .attempt_id = failure->string,
                                                           .text = json_str(failure, "text"),
                                                           .first_ms = time_at(failure, "first"),
                                                           .last_ms = time_at(failure, "last") };
}

/* --- all together --- */

static void observe_rivals(const cJSON *rivals, struct arena *a, struct app_facts *app)
{
    static const char *const keys[] = { "uid", "newer", "finished", "rolling", "unchanged", NULL };

    app->rivals = arena_array(a, count(rivals) + 1, sizeof *app->rivals);
    EACH(rival, rivals)
    {
        check_keys(rival, "a rival", keys);
        app->rivals[app->n_rivals++] =
            (struct rival){ .name = rival->string,
                            .uid = json_str(rival, "uid"),
                            .newer = json_bool(rival, "newer", false),
                            .finished = json_bool(rival, "finished", false),
                            .rolling = json_bool(rival, "rolling", false),
                            .unchanged_ms = time_at(rival, "unchanged") };
    }
}

static void observe_apps(const struct world *w, struct arena *a, struct observed *o)
{
    const cJSON *deployments = json_get(w->tree, "deployments");

    o->apps = arena_array(a, count(deployments) + 1, sizeof *o->apps);
    EACH(tree, deployments)
    {
        struct app_facts *app = &o->apps[o->n_apps++];

        *app =
            (struct app_facts){ .deployment = tree->string, .dep = observe_deployment(w, tree, a) };
        observe_rivals(json_get(tree, "rivals"), a, app);
    }
}

struct observed world_observe(struct world *w, struct arena *a)
{
    static const char *const keys[] = {
        "at",           "name",        "namespace",      "uid",
        "spec",         "registry",    "retryAt",        "reconcileAt",
        "status",       "generation",  "logs",           "deployments",
        "lastWrite",    "liveReads",   "answers",        "askedLogs",
        "refusals",     "failures",    "defaultAccount", "freezeOverride",
        "overriddenBy", "suspendedBy", "pausedBy",       "patience",
        "begun",        NULL
    };
    struct release_spec *spec = arena_alloc(a, sizeof *spec);
    struct release_status *status = arena_alloc(a, sizeof *status);
    const char *problem = spec_decode(json_get(w->tree, "spec"), a, spec);
    struct observed o;

    if (!problem)
        problem = zones_find(spec, a);
    o = (struct observed){ .now_ms = w->now_ms,
                           .ns = json_str(w->tree, "namespace"),
                           .name = json_str(w->tree, "name"),
                           .uid = json_str(w->tree, "uid"),
                           .rv = "1",
                           .generation = json_int(w->tree, "generation", 1),
                           .retry_at = json_str(w->tree, "retryAt"),
                           .reconcile_at = json_str(w->tree, "reconcileAt"),
                           .account = spec->service_account ?: json_str(w->tree, "defaultAccount"),
                           .account_wrong = spec->service_account_wrong,
                           .freeze_override = json_str(w->tree, "freezeOverride"),
                           .suspended = spec->suspend,
                           .suspended_by = json_str(w->tree, "suspendedBy"),
                           .paused_by = json_str(w->tree, "pausedBy"),
                           .overridden_by = json_str(w->tree, "overriddenBy"),
                           .spec = spec,
                           .spec_problem = problem,
                           .status = status,
                           .last_write_ms = time_at(w->tree, "lastWrite"),
                           .begun_ms = time_at(w->tree, "begun"),
                           .patience_ms = json_int(w->tree, "patience", 0) };

    check_keys(w->tree, "a step", keys);
    status_decode(json_get(w->tree, "status"), a, status);
    observe_apps(w, a, &o);
    observe_answers(w, a, &o);
    return o;
}
