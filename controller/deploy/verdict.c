#include "deploy/verdict.h"

#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/clock.h"
#include "base/text.h"
#include "deploy/image.h"
#include "deploy/reason.h"

#define GRACE_MS (30 * SECOND_MS) /* a Secret may arrive late, a mirror may lag */
#define QUOTE_BYTES 256

const struct replicaset_facts *verdict_new_set(const struct deployment_facts *dep,
                                               const struct attempt *at)
{
    const struct replicaset_facts *best = NULL;

    for (size_t i = 0; i < dep->n_sets; i++)
        if (images_match(&dep->sets[i].tmpl, &at->images) &&
            (!best || dep->sets[i].revision > best->revision))
            best = &dep->sets[i];
    return best;
}

int verdict_available(const struct replicaset_facts *set, int min_ready_s, int64_t now_ms,
                      int64_t *ret_next_ms)
{
    int count = 0;

    *ret_next_ms = 0;
    for (size_t i = 0; set && i < set->n_pods; i++) {
        const struct pod_facts *pod = &set->pods[i];
        int64_t since = pod->ready_ms + min_ready_s * SECOND_MS;

        if (!pod->ready || pod->deleting)
            continue;
        if (min_ready_s == 0 || since <= now_ms)
            count++;
        else if (!*ret_next_ms || since < *ret_next_ms)
            *ret_next_ms = since;
    }
    return count;
}

bool deployment_is_complete(const struct deployment_facts *dep)
{
    return dep->observed_generation >= dep->generation && dep->status_replicas == dep->replicas &&
           dep->updated == dep->replicas && dep->available == dep->replicas;
}

/* Until a rollout is complete the Deployment's own count has pods of other images in it: one that
 * never came up is no way back (R10). */
int verdict_standing(const struct deployment_facts *dep, const struct image_list *images,
                     int64_t now_ms)
{
    int64_t next_ms;
    int n = 0;

    if (deployment_is_complete(dep) || !dep->pods_known)
        return dep->available;
    for (size_t i = 0; i < dep->n_sets; i++)
        if (images_match(&dep->sets[i].tmpl, images))
            n += verdict_available(&dep->sets[i], dep->min_ready_s, now_ms, &next_ms);
    return n;
}

/* Pods of the infrastructure's making, older ones (a rollback reuses its ReplicaSet) and ones added
 * after the rollout was complete are not judged. */
static bool is_judged(const struct pod_facts *pod, const struct attempt *at)
{
    int64_t start_ms = at->start_ms - at->start_ms % SECOND_MS; /* creation times are seconds */

    return !pod->deleting && !pod->disrupted && pod->created_ms >= start_ms &&
           (!pod->phase || strcmp(pod->phase, "Failed") != 0) &&
           (!at->complete_ms || pod->created_ms <= at->complete_ms);
}

static bool contains_any(const char *text, const char *const *words)
{
    for (; text && *words; words++)
        if (strcasestr(text, *words))
            return true;
    return false;
}

static bool is_one_of(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (!strcmp(word, *words))
            return true;
    return false;
}

enum wait_class {
    WAIT_HARMLESS,
    WAIT_FATAL,
    WAIT_GONE,
    WAIT_AUTH,
    WAIT_TROUBLE,
    WAIT_CONFIG,
    WAIT_BACK_OFF, /* of a pull, and it does not name the cause */
};

static const char *const WAIT_REASONS[] = {
    [WAIT_HARMLESS] = REASON_NotReady,
    [WAIT_FATAL] = REASON_InvalidImage,
    [WAIT_GONE] = REASON_ImageNotFound,
    [WAIT_AUTH] = REASON_ImagePullUnauthorized,
    [WAIT_TROUBLE] = REASON_RegistryUnavailable,
    [WAIT_CONFIG] = REASON_ConfigError,
    [WAIT_BACK_OFF] = REASON_RegistryUnavailable,
};

static enum wait_class classify_wait(const char *reason, const char *message)
{
    static const char *const fatal[] = { "InvalidImageName", "ErrImageNeverPull",
                                         "SignatureValidationFailed", NULL };
    static const char *const config[] = { "CreateContainerConfigError", "CreateContainerError",
                                          "RunContainerError",          "ImageInspectError",
                                          "PostStartHookError",         "PreStartHookError",
                                          "PreCreateHookError",         NULL };
    static const char *const pull[] = { "ErrImagePull", "ImagePullBackOff", "RegistryUnavailable",
                                        NULL };
    static const char *const platform[] = { "no match for platform", "no matching manifest", NULL };
    static const char *const auth[] = { "denied", "unauthorized", "forbidden",
                                        "authentication required", NULL };
    static const char *const gone[] = { "manifest unknown", "not found", "name unknown", NULL };

    if (is_one_of(reason, fatal))
        return WAIT_FATAL;
    if (is_one_of(reason, config))
        return WAIT_CONFIG;
    if (!is_one_of(reason, pull))
        return WAIT_HARMLESS;
    if (contains_any(message, platform))
        return WAIT_FATAL;
    if (contains_any(message, auth))
        return WAIT_AUTH;
    if (contains_any(message, gone))
        return WAIT_GONE;
    if (!strcmp(reason, "ImagePullBackOff") && (!message || !strstr(message, ": ")))
        return WAIT_BACK_OFF;
    return WAIT_TROUBLE;
}

static bool is_trouble_of(const struct trouble *t, const struct run_facts *run,
                          enum wait_class class)
{
    return t->reason && !strcmp(t->container, run->name) && !strcmp(t->reason, WAIT_REASONS[class]);
}

static bool is_exec_format_error(const struct run_facts *run)
{
    return run->end_message && strstr(run->end_message, "exec format error");
}

/* Did its last start fail? Nothing ran then, so it is no failed run, whatever restartCount says;
 * but a program for another platform shows so too. */
static bool failed_to_start(const struct run_facts *run)
{
    return run->end_reason && !strcmp(run->end_reason, "StartError") && !is_exec_format_error(run);
}

/* What the container waits for. Where the back-off of a pull does not say, the last cause seen
 * counts; that of a start has it in the last end. */
static enum wait_class wait_class(const struct run_facts *run, const struct trouble *seen)
{
    enum wait_class class = classify_wait(run->waiting, run->waiting_message);

    if (class == WAIT_BACK_OFF)
        return is_trouble_of(seen, run, WAIT_GONE) ? WAIT_GONE :
               is_trouble_of(seen, run, WAIT_AUTH) ? WAIT_AUTH :
                                                     WAIT_TROUBLE;
    if (class == WAIT_HARMLESS && failed_to_start(run))
        return WAIT_CONFIG;
    return class;
}

/* How often the container has failed: restarts, and the run that has just ended. */
static int failed_runs(const struct run_facts *run)
{
    bool ended = run->terminated || (run->waiting && run->has_last);
    bool init = run->init && !run->sidecar;

    if (run->end_reason && !strcmp(run->end_reason, "ContainerStatusUnknown"))
        return 0;
    if (failed_to_start(run))
        return 0;
    if (init && run->exit_code == 0)
        ended = false;
    return run->restarts + (ended ? 1 : 0);
}

static const char *quote(const char *text, struct arena *a)
{
    char *whole = arena_strdup(a, text ? text : ""), buf[QUOTE_BYTES];

    text_scrub(whole); /* first: half a credential is not known as one */
    return arena_strdup(a, text_clip_middle(buf, sizeof buf, whole));
}

static const char *crash_reason(const struct run_facts *run)
{
    if (run->end_reason && !strcmp(run->end_reason, "OOMKilled"))
        return REASON_OOMKilled;
    if (is_exec_format_error(run))
        return REASON_ExecFormatError;
    return REASON_CrashLoop;
}

static const char *times(int n, struct arena *a)
{
    return n == 1 ? "once" :
           n == 2 ? "twice" :
           n == 3 ? "three times" :
                    arena_printf(a, "%d times", n);
}

static const char *crash_message(const struct pod_facts *pod, const struct run_facts *run, int runs,
                                 int64_t now_ms, struct arena *a)
{
    char span[TIME_TEXT_BYTES];
    const char *reason = crash_reason(run);

    time_span(span, (now_ms - pod->created_ms) / SECOND_MS);
    if (reason == REASON_OOMKilled)
        return arena_printf(a, "container \"%s\" was killed %s in %s: out of memory", run->name,
                            times(runs, a), span);
    if (reason == REASON_ExecFormatError)
        return arena_printf(a,
                            "container \"%s\" cannot run on this node: exec format error (the "
                            "image is for another platform)",
                            run->name);
    return arena_printf(a, "container \"%s\" exited %d %s in %s", run->name, run->exit_code,
                        times(runs, a), span);
}

struct judge {
    const struct attempt *at;
    const struct health_spec *health;
    bool registry_says_gone;
    int64_t now_ms;
    struct arena *a;
    struct verdict v;
    int all_runs, pods;
    const struct pod_facts *worst_pod; /* of the container that failed most */
    const struct run_facts *worst_run;
    int worst_runs;
};

static void fail(struct judge *j, const char *reason, const struct pod_facts *pod,
                 const struct run_facts *run, const char *message)
{
    if (j->v.fails)
        return;
    j->v.fails = true;
    j->v.reason = reason;
    j->v.message = message;
    j->v.pod = pod;
    j->v.run = run;
}

/* Since when the container has waited for the same; keeps that for the next verdict. What was there
 * already stays: one at a time is enough, since each ends within its grace. */
static int64_t waits_since(struct judge *j, const struct run_facts *run, enum wait_class class)
{
    const struct trouble *seen = &j->at->trouble;
    bool known = is_trouble_of(seen, run, class);

    if (known)
        j->v.trouble = *seen;
    else if (!j->v.trouble.reason)
        j->v.trouble = (struct trouble){ run->name, WAIT_REASONS[class], j->now_ms };
    return known ? seen->since_ms : j->now_ms;
}

/* When a kubelet took the pod: it may have waited long for a node. */
static int64_t started(const struct pod_facts *pod)
{
    return pod->start_ms ? pod->start_ms : pod->created_ms;
}

/* Fail once it has been so for the grace time. */
static void fail_later(struct judge *j, const char *reason, const struct pod_facts *pod,
                       const struct run_facts *run, const char *message, int64_t since_ms)
{
    int64_t due = since_ms + GRACE_MS;

    if (j->now_ms >= due) {
        fail(j, reason, pod, run, message);
        return;
    }
    if (!j->v.again_ms || due < j->v.again_ms)
        j->v.again_ms = due;
    if (!j->v.fails) {
        j->v.reason = reason;
        j->v.message = message;
    }
}

/* Where the kubelet does not name the cause, we do. */
static const char *remembered(const struct run_facts *run, enum wait_class class, struct arena *a)
{
    if (classify_wait(run->waiting, run->waiting_message) == class)
        return "";
    return class == WAIT_GONE   ? " (the last pull: the image was not found)" :
           class == WAIT_AUTH   ? " (the last pull: it was denied)" :
           class == WAIT_CONFIG ? arena_printf(a, " (the last start failed%s%s)",
                                               run->end_message ? ": " : "",
                                               quote(run->end_message, a)) :
                                  "";
}

static void judge_wait(struct judge *j, const struct pod_facts *pod, const struct run_facts *run)
{
    enum wait_class class = wait_class(run, &j->at->trouble);
    const char *reason = WAIT_REASONS[class];
    const char *message =
        arena_printf(j->a, "container \"%s\": %s: %s%s", run->name, run->waiting,
                     quote(run->waiting_message, j->a), remembered(run, class, j->a));

    switch (class) {
    case WAIT_FATAL:
        fail(j, reason, pod, run, message);
        break;
    case WAIT_GONE:
        j->v.image_gone = true;
        waits_since(j, run, class);
        if (j->registry_says_gone)
            fail(j, reason, pod, run, message);
        else
            fail_later(j, reason, pod, run, message, started(pod));
        break;
    case WAIT_AUTH:
        waits_since(j, run, class);
        fail_later(j, reason, pod, run, message, started(pod));
        break;
    case WAIT_CONFIG: /* a pull before it may have taken long */
        fail_later(j, reason, pod, run, message, waits_since(j, run, class));
        break;
    case WAIT_BACK_OFF:
    case WAIT_TROUBLE: /* the registry's trouble, not the app's: only the deadline counts */
        if (!j->v.reason) {
            j->v.reason = reason;
            j->v.message = message;
        }
        break;
    case WAIT_HARMLESS:
        break;
    }
}

static void judge_runs(struct judge *j, const struct pod_facts *pod, const struct run_facts *run)
{
    int runs = failed_runs(run);

    j->all_runs += runs;
    if (runs > j->worst_runs) {
        j->worst_runs = runs;
        j->worst_pod = pod;
        j->worst_run = run;
    }
}

static void judge_crashes(struct judge *j)
{
    int threshold = j->health->restart_threshold;
    int together = 2 * j->pods > threshold ? 2 * j->pods : threshold;
    const struct run_facts *run = j->worst_run;
    const char *message;

    if (!run)
        return;
    message = crash_message(j->worst_pod, run, j->worst_runs, j->now_ms, j->a);
    if (j->worst_runs >= threshold) {
        fail(j, crash_reason(run), j->worst_pod, run, message);
    } else if (j->all_runs >= together) {
        fail(
            j, crash_reason(run), j->worst_pod, run,
            arena_printf(j->a, "%s; %d failed runs in %d new pods", message, j->all_runs, j->pods));
    } else if (!j->v.reason) {
        j->v.reason = crash_reason(run);
        j->v.message = message;
    }
}

static void judge_refusal(struct judge *j, const struct replicaset_facts *set)
{
    int64_t due = set->failure_ms + GRACE_MS;
    const char *message;

    if (!set->failure)
        return;
    message = arena_printf(j->a, "no pod can be created: %s", quote(set->failure, j->a));
    if (j->now_ms >= due) {
        fail(j, REASON_PodsRefused, NULL, NULL, message);
        return;
    }
    if (!j->v.again_ms || due < j->v.again_ms)
        j->v.again_ms = due;
    if (!j->v.reason) {
        j->v.reason = REASON_PodsRefused;
        j->v.message = message;
    }
}

struct verdict verdict_judge(const struct replicaset_facts *set, const struct attempt *at,
                             const struct health_spec *health, bool registry_says_gone,
                             int64_t now_ms, struct arena *a)
{
    struct judge j = { .at = at,
                       .health = health,
                       .registry_says_gone = registry_says_gone,
                       .now_ms = now_ms,
                       .a = a };

    if (!set)
        return j.v;
    for (size_t i = 0; i < set->n_pods; i++) {
        const struct pod_facts *pod = &set->pods[i];

        if (!is_judged(pod, at))
            continue;
        j.pods++;
        for (size_t k = 0; k < pod->n_runs; k++) {
            if (pod->runs[k].waiting)
                judge_wait(&j, pod, &pod->runs[k]);
            judge_runs(&j, pod, &pod->runs[k]);
        }
    }
    judge_crashes(&j);
    judge_refusal(&j, set);
    return j.v;
}

/* The pod in words; NULL when it is fine. */
static const char *explain_pod(const struct pod_facts *pod, const struct attempt *at,
                               struct verdict *v, struct arena *a)
{
    if (pod->unschedulable) {
        v->reason = REASON_Unschedulable;
        return arena_printf(a, "pod %s: not scheduled: %s", pod->name,
                            quote(pod->unschedulable, a));
    }
    for (size_t i = 0; i < pod->n_runs; i++) {
        const struct run_facts *run = &pod->runs[i];
        enum wait_class class;

        if (!run->waiting)
            continue;
        class = wait_class(run, &at->trouble);
        v->run = run;
        v->reason = !strcmp(run->waiting, "CrashLoopBackOff") && class == WAIT_HARMLESS ?
                        crash_reason(run) :
                        WAIT_REASONS[class];
        return arena_printf(a, "pod %s: container \"%s\": %s%s%s%s", pod->name, run->name,
                            run->waiting, run->waiting_message ? ": " : "",
                            quote(run->waiting_message, a), remembered(run, class, a));
    }
    if (pod->ready)
        return NULL;
    v->reason = REASON_NotReady;
    for (size_t i = 0; i < pod->n_runs; i++)
        if (pod->runs[i].running && !pod->runs[i].init)
            v->run = &pod->runs[i];
    return arena_printf(a, "pod %s %s%s%s", pod->name,
                        v->run ? "runs but is not ready" : "does not run", pod->message ? ": " : "",
                        quote(pod->message, a));
}

/* Can it say why a rollout is not complete? Any pod that is to stay can, of whatever age. */
static bool is_telling(const struct pod_facts *pod)
{
    return !pod->deleting && (!pod->phase || strcmp(pod->phase, "Failed") != 0);
}

struct verdict verdict_explain(const struct replicaset_facts *set, const struct attempt *at,
                               struct arena *a)
{
    struct verdict v = { .reason = REASON_DeadlineExceeded };

    if (!set) {
        v.message = "no new ReplicaSet was made";
        return v;
    }
    for (int judged = 1; judged >= 0; judged--)
        for (size_t i = 0; i < set->n_pods; i++) {
            const char *message;

            if (!is_telling(&set->pods[i]) || is_judged(&set->pods[i], at) != judged)
                continue;
            message = explain_pod(&set->pods[i], at, &v, a);
            if (!message)
                continue;
            v.pod = &set->pods[i];
            v.message = message;
            return v;
        }
    v.message = set->failure ?
                    arena_printf(a, "no pod can be created: %s", quote(set->failure, a)) :
                    "the rollout did not complete";
    return v;
}
