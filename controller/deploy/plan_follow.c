/* A running attempt: is it healthy, failed, or overwritten by somebody else? */
#include <string.h>

#include "base/clock.h"
#include "deploy/image.h"
#include "deploy/planner.h"
#include "deploy/reason.h"

#define LOG_WAIT_MS SECOND_MS /* R9: logs hold the rollback back this long at most */
#define PUT_BACKS 3           /* R16 */
#define LIVE_RETRY_MS (2 * SECOND_MS)

/* The image and the commit that the attempt is about: the target's, where that is the same. */
static const char *attempt_image(const struct planner *pl, const struct app_status *app)
{
    return plan_is_for_target(pl, app) ? app->target_image : app->attempt->images.items[0].image;
}

static const char *attempt_commit(const struct planner *pl, const struct app_status *app)
{
    return plan_is_for_target(pl, app) ? app->target_commit : app->attempt->commit;
}

/* --- ends --- */

void plan_finish(struct planner *pl, struct app_status *app, enum app_state state,
                 const char *reason, const char *message)
{
    app_set(pl, app, state, reason, message);
    app->finish_ms = pl->o->now_ms;
    app->attempt->trouble = (struct trouble){ 0 };
}

/* What has no replicas is not seen good: where something was, that stays the way back (R19). */
static void succeed(struct planner *pl, struct app_status *app, bool verified)
{
    const char *image;

    if (app->state == APP_ROLLING_BACK) {
        image = app->attempt->images.items[0].image;
        plan_finish(pl, app, APP_ROLLED_BACK, app->reason,
                    arena_printf(pl->a, "%s; rolled back to %s",
                                 app->message ? app->message : "it did not become healthy", image));
        return;
    }
    if (verified || !app->good_image) {
        app->commit = attempt_commit(pl, app);
        app->good_image = attempt_image(pl, app);
    }
    app->failure = NULL;
    plan_finish(pl, app, APP_UPDATED, verified ? REASON_Healthy : REASON_NotVerified,
                verified ? NULL : "it has no replicas, so nothing was verified");
}

struct image_list plan_way_back(const struct planner *pl, const struct attempt *at,
                                const char *good, const char *failed)
{
    struct image_list back = { 0 };

    if (at->previous.n == at->images.n && at->previous_available != 0 &&
        !images_equal(&at->previous, &at->images))
        return at->previous;
    if (!good || image_same(good, failed))
        return back;
    back.items = arena_array(pl->a, at->images.n, sizeof *back.items);
    for (; back.n < at->images.n; back.n++)
        back.items[back.n] =
            (struct image_of){ at->images.items[back.n].container, plan_written_image(pl, good) };
    return back;
}

void plan_roll_back(struct planner *pl, struct app_status *app, const struct deployment_facts *dep,
                    struct image_list back)
{
    const struct attempt *old = app->attempt;
    struct attempt *at;

    at = plan_start(pl, app, dep, ATTEMPT_ROLLBACK, attempt_commit(pl, app), back);
    at->previous = back;
    at->previous_available = old->previous_available;
    at->previous_good_commit = old->previous_good_commit;
    at->previous_good_image = old->previous_good_image;
    plan_send(pl, app, dep);
}

/* --- failure --- */

/* Has the log been fetched, or been waited for long enough? Asks for it the first time. */
static bool log_is_ready(struct planner *pl, const struct app_status *app, const struct verdict *v,
                         const char **ret_tail)
{
    struct action *act;

    *ret_tail = NULL;
    if (!v->pod || !v->run || !(v->run->has_last || v->run->running || v->run->restarts))
        return true;
    for (size_t i = 0; i < pl->o->n_logs; i++) {
        const struct log_answer *log = &pl->o->logs[i];
        int64_t enough_ms = log->asked_ms + LOG_WAIT_MS;

        if (strcmp(log->pod, v->pod->name) || strcmp(log->container, v->run->name))
            continue;
        *ret_tail = log->tail;
        if (log->done || pl->o->now_ms >= enough_ms)
            return true;
        plan_again_at(pl, enough_ms);
        return false;
    }
    act = plan_act(pl, ACT_FETCH_LOGS);
    act->app = app->name;
    act->pod = v->pod->name;
    act->container = v->run->name;
    act->previous = v->run->running && v->run->has_last;
    return false;
}

static struct failure *make_failure(struct planner *pl, const struct verdict *v, const char *tail)
{
    struct failure *f = arena_alloc(pl->a, sizeof *f);

    f->reason = v->run && v->run->end_reason && v->run->has_last ? v->run->end_reason : v->reason;
    f->exit_code = -1;
    if (v->pod)
        f->pod = v->pod->name;
    if (v->run) {
        f->container = v->run->name;
        f->restarts = v->run->restarts;
        if (v->run->has_last)
            f->exit_code = v->run->exit_code;
    }
    f->log_tail = tail;
    return f;
}

/* Is it a version that was good, found without all its pods (R3)? Put back, such an Adopt has
 * nothing to go back to. */
static bool is_degraded(const struct app_status *app, const char *image)
{
    const struct attempt *at = app->attempt;

    return image_same(app->good_image, image) &&
           (at->kind == ATTEMPT_ADOPT || (at->kind == ATTEMPT_PUT_BACK && !at->previous.n));
}

/* Was it the image that failed? A registry's trouble is not the app's, and what the API server has
 * refused never ran. */
static bool blames_image(const struct app_status *app, const struct verdict *v)
{
    return app->attempt->accepted && v->reason != REASON_RegistryUnavailable;
}

static void fail_forward(struct planner *pl, struct app_status *app,
                         const struct deployment_facts *dep, const struct verdict *v)
{
    const char *failed = attempt_image(pl, app), *tail;
    bool degraded = is_degraded(app, failed);
    struct image_list back;

    if (!log_is_ready(pl, app, v, &tail))
        return;
    app->failure = make_failure(pl, v, tail);
    if (degraded) {
        plan_finish(pl, app, APP_FAILED, REASON_Degraded, v->message);
        return;
    }
    if (blames_image(app, v)) {
        app->failed_commit = attempt_commit(pl, app);
        app->failed_image = failed;
    }
    if (pl->o->spec->rollback_never || pl->o->spec->on_failure == ON_FAILURE_HALT) {
        plan_finish(
            pl, app, APP_FAILED, v->reason,
            arena_printf(pl->a, "%s; left as it is (%s)", v->message,
                         pl->o->spec->rollback_never ? "rollback: Never" : "onFailure: Halt"));
        return;
    }
    back = plan_way_back(pl, app->attempt, app->good_image, failed);
    if (!back.n) {
        plan_finish(pl, app, APP_FAILED, REASON_NoRollbackTarget,
                    arena_printf(pl->a, "%s; there is no earlier image to go back to", v->message));
        return;
    }
    app_set(pl, app, APP_ROLLING_BACK, v->reason, v->message);
    plan_roll_back(pl, app, dep, back);
}

void plan_fail(struct planner *pl, struct app_status *app, const struct deployment_facts *dep,
               const struct verdict *v)
{
    if (app->state != APP_ROLLING_BACK) {
        fail_forward(pl, app, dep, v);
        return;
    }
    plan_finish(pl, app, APP_FAILED, REASON_RollbackFailed,
                arena_printf(pl->a, "%s; and the rollback failed too: %s",
                             app->message ? app->message : "the new version failed", v->message));
}

/* --- accepted --- */

static void tell_put_back(struct planner *pl, const struct app_status *app,
                          const struct deployment_facts *dep)
{
    struct action *event = plan_act(pl, ACT_EVENT);

    event->warning = true;
    event->app = app->name;
    event->deployment = app->deployment;
    event->reason = REASON_PutBack;
    event->note = arena_printf(pl->a,
                               "%s: '%s' changed Deployment %s while it rolled: put back, "
                               "%d of %d times",
                               app->name, dep->image_manager ? dep->image_manager : "somebody",
                               app->deployment, app->attempt->put_backs, PUT_BACKS);
}

/* R16: somebody else changed the image while we are at it. */
static bool put_back(struct planner *pl, struct app_status *app, const struct deployment_facts *dep)
{
    const struct attempt was = *app->attempt;
    const bool degraded = is_degraded(app, attempt_image(pl, app));
    struct attempt *at;

    if (plan_is_marked(dep, &was) && images_match(&dep->tmpl, &was.images))
        return false;
    if (was.put_backs >= PUT_BACKS) {
        plan_finish(pl, app, APP_FAILED, REASON_FieldManagerConflict,
                    arena_printf(pl->a,
                                 "'%s' keeps changing the image of Deployment %s: put back %d "
                                 "times, no longer",
                                 dep->image_manager ? dep->image_manager : "somebody",
                                 app->deployment, PUT_BACKS));
        return true;
    }
    at = plan_start(pl, app, dep, ATTEMPT_PUT_BACK, was.commit, was.images);
    *at = (struct attempt){ .id = at->id,
                            .kind = ATTEMPT_PUT_BACK,
                            .commit = was.commit,
                            .generation = was.generation,
                            .deployment_uid = was.deployment_uid,
                            .images = was.images,
                            .previous = degraded ? (struct image_list){ 0 } : was.previous,
                            .previous_available = was.previous_available,
                            .previous_good_commit = was.previous_good_commit,
                            .previous_good_image = was.previous_good_image,
                            .start_ms = was.start_ms,
                            .progress_ms = was.progress_ms,
                            .available_max = was.available_max,
                            .put_backs = was.put_backs + 1 };
    plan_send(pl, app, dep);
    tell_put_back(pl, app, dep);
    if (app->state == APP_SOAKING)
        app_set(pl, app, APP_UPDATING, REASON_PutBack, NULL);
    return true;
}

/* R7: the clock stands still while the Deployment is paused or its controller has not seen our
 * patch. Returns whether it stands. */
static bool clock_stands(struct planner *pl, struct attempt *at, const struct deployment_facts *dep)
{
    int64_t now_ms = pl->o->now_ms, stood_ms;

    if (dep->paused || dep->observed_generation < dep->generation) {
        /* A patch that was not seen yet has no clock to stop, and is worth no write. */
        if (!at->clock_stopped_ms && (at->progress_ms || dep->paused))
            at->clock_stopped_ms = now_ms;
        return true;
    }
    if (at->clock_stopped_ms) {
        stood_ms = now_ms - at->clock_stopped_ms;
        if (at->progress_ms)
            at->progress_ms += stood_ms;
        if (at->complete_ms)
            at->complete_ms += stood_ms;
        at->clock_stopped_ms = 0;
    }
    if (!at->progress_ms)
        at->progress_ms = now_ms;
    return false;
}

/* Keep the high-water mark of available new pods, and with it progressTime. Fewer replicas do not
 * lower it before all are there: what comes up again was counted already (R7). */
static int count_pods(struct planner *pl, struct attempt *at, const struct deployment_facts *dep,
                      const struct replicaset_facts *set)
{
    int64_t next_ms;
    int available = verdict_available(set, dep->min_ready_s, pl->o->now_ms, &next_ms);
    int counted = available < dep->replicas ? available : dep->replicas;

    plan_again_at(pl, next_ms);
    if (at->available_max < 0)
        at->available_max = counted;
    if (counted > at->available_max && !at->complete_ms) {
        at->available_max = counted;
        at->progress_ms = pl->o->now_ms;
    }
    if (at->complete_ms && at->available_max > dep->replicas)
        at->available_max = dep->replicas;
    return available;
}

/* R6: complete, and for soakSeconds no fewer available than at the best time. */
static bool is_good(struct planner *pl, struct app_status *app, const struct deployment_facts *dep,
                    int available)
{
    struct attempt *at = app->attempt;
    int64_t soak_ms = pl->o->spec->health.soak_ms;

    if (!at->complete_ms) {
        if (!deployment_is_complete(dep))
            return false;
        at->complete_ms = pl->o->now_ms;
        at->available_max = dep->replicas;
        if (app->state == APP_UPDATING)
            app_set(pl, app, APP_SOAKING, REASON_Soaking, NULL);
    }
    if (available < at->available_max) {
        at->soak_ms = 0;
        return false;
    }
    if (!at->soak_ms)
        at->soak_ms = pl->o->now_ms;
    if (pl->o->now_ms >= at->soak_ms + soak_ms || !dep->replicas)
        return true;
    plan_again_at(pl, at->soak_ms + soak_ms);
    return false;
}

void plan_read_live(struct planner *pl, const struct app_status *app)
{
    plan_act(pl, ACT_READ_LIVE)->deployment = app->deployment;
    plan_again_at(pl, pl->o->now_ms + LIVE_RETRY_MS);
}

/* R7: the deadline, judged by a live read made after it passed. */
static bool deadline_passed(struct planner *pl, const struct app_status *app,
                            const struct deployment_facts *dep)
{
    const struct health_spec *health = &pl->o->spec->health;
    const struct attempt *at = app->attempt;
    int64_t limit_ms = at->complete_ms ?
                           at->complete_ms + health->deadline_ms + health->soak_ms :
                           at->progress_ms + health->deadline_ms + dep->min_ready_s * SECOND_MS;

    if (pl->o->now_ms < limit_ms) {
        plan_again_at(pl, limit_ms);
        return false;
    }
    if (dep->read_ms >= limit_ms)
        return true;
    plan_read_live(pl, app);
    return false;
}

static struct verdict judge(struct planner *pl, const struct app_status *app,
                            const struct replicaset_facts *set)
{
    struct attempt *at = app->attempt;
    const struct health_spec *health = &pl->o->spec->health;
    struct verdict v = verdict_judge(set, at, health, false, pl->o->now_ms, pl->a);
    const struct image_answer *answer;

    if (v.image_gone && !v.fails) {
        answer = plan_ask_image(pl, at->images.items[0].image, at->start_ms + 1);
        v = verdict_judge(set, at, health, answer && answer->missing, pl->o->now_ms, pl->a);
    }
    at->trouble = v.trouble;
    return v;
}

/* While it runs, the message says how far it is, or what is in its way. */
static void tell_progress(struct planner *pl, struct app_status *app,
                          const struct deployment_facts *dep, const struct verdict *v)
{
    const int max = app->attempt->available_max;
    const char *text = arena_printf(pl->a, "%d of %d new pods available",
                                    max < dep->replicas ? max : dep->replicas, dep->replicas);

    if (app->state == APP_UPDATING)
        app_set(pl, app, APP_UPDATING, app->reason,
                v->message ? arena_printf(pl->a, "%s; %s", text, v->message) : text);
    else if (app->state == APP_SOAKING)
        app_set(pl, app, APP_SOAKING, REASON_Soaking,
                arena_printf(pl->a,
                             app->attempt->soak_ms ?
                                 "all new pods are available, watching them for %lld s" :
                                 "a new pod is unavailable again; when all are available they are "
                                 "watched for %lld s anew",
                             (long long)(pl->o->spec->health.soak_ms / SECOND_MS)));
}

static void follow_accepted(struct planner *pl, struct app_status *app,
                            const struct deployment_facts *dep)
{
    const struct replicaset_facts *set = verdict_new_set(dep, app->attempt);
    struct verdict v;
    int available;

    app->desired = dep->replicas;
    app->updated = dep->updated;
    app->available = dep->available;
    if (clock_stands(pl, app->attempt, dep)) {
        if (dep->paused && app->state != APP_ROLLING_BACK)
            app_set(pl, app, app->state, app->reason,
                    arena_printf(pl->a, "Deployment %s is paused, and so is its deadline",
                                 app->deployment));
        return;
    }
    if (!dep->pods_known) {
        if (app->state == APP_UPDATING && (!app->message || plan_is_pods_note(app->message)))
            app_set(pl, app, APP_UPDATING, app->reason, plan_pods_note(pl, dep));
        return;
    }
    available = count_pods(pl, app->attempt, dep, set);
    v = judge(pl, app, set);
    plan_again_at(pl, v.again_ms);
    if (v.fails && pl->o->spec->health.fail_fast) {
        plan_fail(pl, app, dep, &v);
        return;
    }
    if (is_good(pl, app, dep, available)) {
        succeed(pl, app, dep->replicas > 0);
        return;
    }
    if (deadline_passed(pl, app, dep)) {
        if (!v.fails) /* else failFast is off, and the cause is known */
            v = verdict_explain(set, app->attempt, pl->a);
        v.message =
            arena_printf(pl->a,
                         app->attempt->complete_ms ? "did not stay available within %lld s: %s" :
                                                     "no progress for %lld s: %s",
                         (long long)(pl->o->spec->health.deadline_ms / SECOND_MS), v.message);
        plan_fail(pl, app, dep, &v);
        return;
    }
    tell_progress(pl, app, dep, &v);
}

void plan_follow(struct planner *pl, struct app_status *app)
{
    const struct deployment_facts *dep = plan_facts(pl, app->deployment)->dep;

    if (!dep || !same_text(dep->uid, app->attempt->deployment_uid)) { /* gone: plan anew (R4) */
        app_set(pl, app, APP_PENDING, REASON_WaitingForTurn, NULL);
        return;
    }
    if (!app->attempt->accepted)
        plan_follow_unaccepted(pl, app, dep);
    else if (put_back(pl, app, dep))
        return;
    if (app_is_moving(app) && app->attempt->accepted)
        follow_accepted(pl, app, dep);
}
