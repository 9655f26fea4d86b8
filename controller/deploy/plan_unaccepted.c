/* An attempt that was written ahead and whose patch the Deployment does not show yet: sent again,
 * held, refused, or given up (R4, R5). */
#include <string.h>

#include "base/clock.h"
#include "deploy/image.h"
#include "deploy/patch.h"
#include "deploy/planner.h"
#include "deploy/reason.h"

#define REFUSED_FIRST_MS (5 * SECOND_MS) /* R5: a right may be given soon */
#define REFUSED_MOST_MS (60 * SECOND_MS)
#define HICCUP_MS (10 * SECOND_MS) /* R5: what is over by then is not told */

/* That of another account says nothing of the one that the spec names. */
static const struct refusal *find_refusal(const struct planner *pl, const char *id)
{
    for (size_t i = 0; i < pl->o->n_refusals; i++)
        if (!strcmp(pl->o->refusals[i].attempt_id, id) &&
            same_text(pl->o->refusals[i].account, pl->o->account))
            return &pl->o->refusals[i];
    return NULL;
}

static const char *refusal_reason(const struct refusal *r)
{
    return r->for_good ? REASON_Rejected : r->forbidden ? REASON_Forbidden : REASON_Denied;
}

/* Who lacks what and what to do comes before the server's text, which may be cut. */
static const char *refusal_message(const struct planner *pl, const struct app_status *app,
                                   const struct refusal *r)
{
    if (r->account && r->lack == LACK_IMPERSONATE)
        return arena_printf(pl->a,
                            "the controller may not impersonate ServiceAccount %s of namespace %s: "
                            "give it the verb impersonate on serviceaccounts (the chart's "
                            "rbac.impersonate): %s",
                            r->account, pl->o->ns, r->text);
    if (r->account && r->lack == LACK_PATCH)
        return arena_printf(pl->a,
                            "ServiceAccount %s of namespace %s may not patch deployments: bind a "
                            "Role with the verb patch on deployments.apps to it: %s",
                            r->account, pl->o->ns, r->text);
    return arena_printf(pl->a, "the API server refuses the patch of Deployment %s%s%s: %s",
                        app->deployment, r->account ? " as ServiceAccount " : "", r->account ?: "",
                        r->text);
}

/* When a refused patch is sent again: after as long as it has been refused, so that the delays
 * double. A restart forgets none of it. */
static int64_t again_ms(const struct attempt *at, const struct refusal *r)
{
    int64_t delay_ms = r->at_ms - at->start_ms;

    if (delay_ms < REFUSED_FIRST_MS)
        delay_ms = REFUSED_FIRST_MS;
    return r->at_ms + (delay_ms < REFUSED_MOST_MS ? delay_ms : REFUSED_MOST_MS);
}

/* It was tried, and is not any more: whoever mends the cause asks for it again. Not so a rollback:
 * a retry would bring what failed. */
static const char *given_up(const struct planner *pl, const struct app_status *app,
                            const char *message)
{
    return arena_printf(
        pl->a, "gave up after %lld s%s: %s",
        (long long)((pl->o->now_ms - app->attempt->start_ms) / SECOND_MS),
        app->state == APP_ROLLING_BACK ? "" : ", retry with the annotation " ANNOTATIONS "retry-at",
        message);
}

/* R5: 422 is not sent again; what is Denied and Forbidden is, until imageWaitSeconds, or the
 * deadline of a rollback, have passed. */
static bool is_refused(struct planner *pl, struct app_status *app,
                       const struct deployment_facts *dep)
{
    const struct refusal *r = find_refusal(pl, app->attempt->id);
    bool back = app->state == APP_ROLLING_BACK;
    int64_t give_up_ms = app->attempt->start_ms +
                         (back ? pl->o->spec->health.deadline_ms : pl->o->spec->image_wait_ms);
    struct verdict v;

    if (!r)
        return false;
    v = (struct verdict){ .reason = refusal_reason(r), .message = refusal_message(pl, app, r) };
    if (!r->for_good && pl->o->now_ms < give_up_ms) {
        if (app->state == APP_UPDATING)
            app_set(pl, app, APP_UPDATING, v.reason, v.message);
        plan_again_at(pl, again_ms(app->attempt, r));
        plan_again_at(pl, give_up_ms);
        return pl->o->now_ms < again_ms(app->attempt, r);
    }
    if (!r->for_good)
        v.message = given_up(pl, app, v.message);
    if (!back && images_match(&dep->tmpl, &app->attempt->previous))
        plan_finish(pl, app, APP_FAILED, v.reason, v.message);
    else
        plan_fail(pl, app, dep,
                  &v); /* forward: it had taken over an attempt, back to before that */
    return true;
}

/* What has kept the API server from answering the app's patch for a while; NULL = nothing. */
static const char *find_failure(const struct planner *pl, const struct app_status *app)
{
    const struct attempt *at = app->attempt;

    for (size_t i = 0; i < pl->o->n_failures; i++) {
        const struct patch_failure *f = &pl->o->failures[i];

        if (!strcmp(f->attempt_id, at->id) && f->last_ms > f->first_ms &&
            pl->o->now_ms - f->first_ms >= HICCUP_MS)
            return arena_printf(pl->a,
                                "the API server did not take the patch of Deployment %s: %s; "
                                "trying again",
                                app->deployment, f->text);
    }
    return NULL;
}

const char *plan_patch_trouble(const struct planner *pl, const struct app_status *app,
                               const char **ret_reason)
{
    const struct refusal *r;

    if (!app_is_moving(app) || app->attempt->accepted || plan_is_hold(app->reason)) /* not tried */
        return NULL;
    r = find_refusal(pl, app->attempt->id); /* says more than failures */
    *ret_reason = r ? refusal_reason(r) : REASON_ApiUnavailable;
    return r ? refusal_message(pl, app, r) : find_failure(pl, app);
}

static const char *rolling_reason(const struct attempt *at)
{
    return at->kind == ATTEMPT_ADOPT ? REASON_Adopted : REASON_RollingUpdate;
}

/* In a rollback the app's own words stay those of what failed; the conditions tell of this. */
static void tell_patch_trouble(struct planner *pl, struct app_status *app)
{
    const char *reason, *trouble = plan_patch_trouble(pl, app, &reason);

    if (app->state != APP_UPDATING)
        return;
    if (trouble)
        app_set(pl, app, APP_UPDATING, reason, trouble);
    else if (same_text(app->reason, REASON_ApiUnavailable) ||
             same_text(app->reason, REASON_Forbidden) || same_text(app->reason, REASON_Denied))
        /* over: a conflict, a restart, another account */
        app_set(pl, app, APP_UPDATING, rolling_reason(app->attempt), NULL);
}

/* May the patch that nobody has seen yet still be sent, as it was written ahead? Only when the
 * Deployment is as we found it: else the way back would be a wrong one. */
static bool is_as_found(const struct planner *pl, const struct app_status *app,
                        const struct deployment_facts *dep)
{
    const struct attempt *at = app->attempt, *there = dep->attempt;

    return at->kind == ATTEMPT_PUT_BACK || at->kind == ATTEMPT_ROLLBACK ||
           images_match(&dep->tmpl, &at->previous) || images_match(&dep->tmpl, &at->images) ||
           (there && images_match(&dep->tmpl, &there->images) &&
            (attempt_is_of(there, pl->o->uid) || images_equal(&at->previous, &there->previous)));
}

/* A first patch that was written ahead, and that nobody has taken, has not started the app. A Roll
 * that takes over what is half rolled goes on: that must not be left alone (R12). What an Adopt
 * finds rolls by somebody else's hand, with us or without us. */
static bool is_unstarted(const struct app_status *app, const struct deployment_facts *dep)
{
    const struct attempt *at = app->attempt;

    return (at->kind == ATTEMPT_ROLL && images_match(&dep->tmpl, &at->previous)) ||
           (at->kind == ATTEMPT_ADOPT && images_match(&dep->tmpl, &at->images));
}

/* Does the spec still ask for the app to start? Not when it is wrong, names the app no longer or
 * with another Deployment (R12), or wants a plan only (R18). */
static bool is_asked_for(const struct planner *pl, const struct app_status *app)
{
    const struct app_spec *spec = plan_app_spec(pl, app->name);

    return !pl->o->spec_problem && !pl->o->spec->plan_only && spec &&
           same_text(spec->deployment, app->deployment);
}

/* Nobody has taken the patch, and it is not sent any more; its id is not used again. An Event said
 * that the app rolls: the last word is that it does not. */
static void give_patch_up(struct planner *pl, struct app_status *app, const char *why)
{
    struct action *event = plan_act(pl, ACT_EVENT);

    event->app = app->name;
    event->deployment = app->deployment;
    event->reason = "NotStarted";
    event->note =
        arena_printf(pl->a, "%s: not rolled to %.7s: %s", app->name, app->attempt->commit, why);
    app_set(pl, app, APP_PENDING, REASON_WaitingForTurn, NULL);
}

/* What nobody asks for any more is not sent. A live read tells that it was not taken meanwhile:
 * what rolls must not be left alone. */
static void take_back(struct planner *pl, struct app_status *app,
                      const struct deployment_facts *dep)
{
    if (dep->read_ms > app->attempt->start_ms) {
        give_patch_up(pl, app, "nobody asks for it any more");
        return;
    }
    plan_read_live(pl, app);
}

/* R17: what has not started is held. */
static bool is_held(struct planner *pl, struct app_status *app, const struct deployment_facts *dep)
{
    const struct refusal *r = find_refusal(pl, app->attempt->id);
    struct hold hold;

    if ((r && r->for_good) || !is_unstarted(app, dep))
        return false;
    hold = plan_hold(pl);
    if (hold.reason)
        app_set(pl, app, APP_UPDATING, hold.reason, hold.message);
    else if (plan_is_hold(app->reason))
        app_set(pl, app, APP_UPDATING, rolling_reason(app->attempt), NULL);
    return hold.reason != NULL;
}

void plan_follow_unaccepted(struct planner *pl, struct app_status *app,
                            const struct deployment_facts *dep)
{
    struct attempt *at = app->attempt;

    if (plan_is_marked(dep, at)) {
        at->accepted = dep->generation;
        if (app->state == APP_UPDATING)
            app_set(pl, app, APP_UPDATING, rolling_reason(at), NULL);
        return;
    }
    if (is_unstarted(app, dep) && !is_asked_for(pl, app)) {
        take_back(pl, app, dep);
        return;
    }
    if (is_held(pl, app, dep) || is_refused(pl, app, dep))
        return;
    if (!is_as_found(pl, app, dep)) {
        give_patch_up(pl, app,
                      arena_printf(pl->a, "Deployment %s was changed before it; decided anew",
                                   app->deployment));
        return;
    }
    tell_patch_trouble(pl, app);
    plan_send(pl, app, dep);
}
