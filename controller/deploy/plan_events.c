/* Events: what is news since the stored status, told once. */
#include "deploy/planner.h"
#include "deploy/reason.h"

#define NOTE_BYTES 900

struct telling {
    bool warning;
    const char *reason; /* NULL = not told */
    const char *verb;
};

static struct telling telling_of(const struct app_status *app)
{
    switch (app->state) {
    case APP_UPDATING:
        return (struct telling){ false, "Updating", "rolling to" };
    case APP_UPDATED:
        return (struct telling){ false, "Updated",
                                 same_text(app->reason, REASON_NotVerified) ? "updated to" :
                                                                              "healthy at" };
    case APP_ROLLING_BACK:
        return (struct telling){ true, "RollingBack", "rolling back from" };
    case APP_ROLLED_BACK:
        return (struct telling){ true, "RolledBack", "gave up" };
    case APP_FAILED:
        return (struct telling){ true, NULL, "failed at" };
    case APP_WAITING:
        return (struct telling){ false, NULL, "waiting to roll to" };
    case APP_SKIPPED:
        return (struct telling){ false, "Skipped", "not rolled to" };
    case APP_SUPERSEDED:
        return (struct telling){ false, "Superseded", "superseded at" };
    case APP_PENDING:
    case APP_UNCHANGED:
    case APP_SOAKING:
        break;
    }
    return (struct telling){ 0 };
}

/* What the news is about: an attempt that runs or has just ended, else what the spec asks for. */
static const char *told_commit(const struct planner *pl, const struct app_status *app)
{
    const struct app_spec *spec = plan_app_spec(pl, app->name);

    if (app->attempt && app->state != APP_SKIPPED &&
        (app_is_moving(app) || app->finish_ms == pl->o->now_ms))
        return app->attempt->commit;
    return spec ? spec->commit : pl->s->commit;
}

/* An app that rolls and has not turned to another commit is no news, however it fares. */
static bool is_news(const struct app_status *app, const struct app_status *was)
{
    if (!was || was->state != app->state)
        return true;
    if (app->state == APP_UPDATING && was->attempt && app->attempt)
        return !same_text(was->attempt->commit, app->attempt->commit);
    return !same_text(was->reason, app->reason);
}

static void tell_app(struct planner *pl, const struct app_status *app, const struct app_status *was)
{
    struct telling t = telling_of(app);
    struct action *event;

    if (!t.verb || !is_news(app, was) || plan_is_hold(app->reason)) /* the release tells of it */
        return;
    if (pl->o->spec->plan_only && !app_was_moving(pl, app))
        return; /* it is planned, and has not happened (R18) */
    event = plan_act(pl, ACT_EVENT);
    event->warning = t.warning;
    event->app = app->name;
    event->deployment = app->deployment;
    event->reason = t.reason ? t.reason : app->reason;
    event->note =
        arena_printf(pl->a, "%s: %s %.7s%s%.*s", app->name, t.verb, told_commit(pl, app),
                     app->message ? ": " : "", NOTE_BYTES, app->message ? app->message : "");
}

/* Has an event of an app said so in this plan? */
static bool is_told(const struct planner *pl, const char *reason, bool warning)
{
    for (size_t i = 0; i < pl->p->n_actions; i++) {
        const struct action *act = &pl->p->actions[i];

        if (act->kind == ACT_EVENT && act->warning == warning && same_text(act->reason, reason))
            return true;
    }
    return false;
}

static void tell_release(struct planner *pl)
{
    const struct condition *now = status_condition(pl->s, "Ready");
    const struct condition *was = status_condition(pl->o->status, "Ready");
    bool warning = same_text(now->status, "False"), held = plan_is_hold(now->reason);
    struct action *event;

    if ((same_text(now->status, "Unknown") && !held) ||
        (was && same_text(was->reason, now->reason)) || same_text(now->reason, REASON_RolledBack) ||
        same_text(now->reason, REASON_Superseded) || is_told(pl, now->reason, warning))
        return; /* an app's own event has told of it */
    event = plan_act(pl, ACT_EVENT);
    event->warning = warning;
    event->reason = now->reason;
    event->note = now->message;
}

static void tell_conflict(struct planner *pl)
{
    const struct condition *now = status_condition(pl->s, "Conflicted");
    const struct condition *was = status_condition(pl->o->status, "Conflicted");
    struct action *event;

    if (!now || (was && same_text(was->message, now->message)))
        return;
    event = plan_act(pl, ACT_EVENT);
    event->warning = true;
    event->reason = "Conflicted";
    event->note = now->message;
}

void plan_events(struct planner *pl)
{
    for (size_t i = 0; i < pl->s->n_apps; i++)
        tell_app(pl, &pl->s->apps[i], status_app(pl->o->status, pl->s->apps[i].name));
    tell_release(pl);
    tell_conflict(pl);
}
