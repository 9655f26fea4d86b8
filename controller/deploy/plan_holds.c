/* What holds a release: paused, approval and freeze windows keep first patches back, never a
 * rollback; suspend keeps back everything (R17). */
#include <string.h>

#include "base/zone.h"
#include "deploy/freeze.h"
#include "deploy/patch.h"
#include "deploy/planner.h"
#include "deploy/reason.h"

#define OVERRIDE ANNOTATIONS "freeze-override"
#define FREEZE_OVERRIDDEN "FreezeOverridden"

bool plan_is_hold(const char *reason)
{
    return same_text(reason, REASON_Paused) || same_text(reason, REASON_WaitingForApproval) ||
           same_text(reason, REASON_WaitingForWindow);
}

/* " by 'kubectl-edit'", as far as it is known. */
static const char *by(struct planner *pl, const char *who)
{
    return who ? arena_printf(pl->a, " by '%s'", who) : "";
}

static struct hold paused(struct planner *pl)
{
    return (struct hold){
        REASON_Paused, arena_printf(pl->a, "paused%s: no app is started until spec.paused is false",
                                    by(pl, pl->o->paused_by))
    };
}

static struct hold unapproved(struct planner *pl)
{
    const struct release_spec *spec = pl->o->spec;
    const char *has = spec->approved_commit && *spec->approved_commit ?
                          arena_printf(pl->a, " (it is '%s')", spec->approved_commit) :
                          "";

    return (struct hold){ REASON_WaitingForApproval,
                          arena_printf(pl->a,
                                       "no app is started until spec.approval.approvedCommit is "
                                       "'%s', letter for letter%s",
                                       spec->commit, has) };
}

/* --- freeze windows --- */

static bool is_overridden(const struct planner *pl)
{
    return same_text(pl->o->freeze_override, pl->o->spec->commit);
}

/* Who overrides which window, and until when it would have held: kept as a condition while the
 * annotation names the commit. */
static void tell_override(struct planner *pl, const char *window, const char *until)
{
    const struct condition *was = status_condition(pl->o->status, FREEZE_OVERRIDDEN);
    const char *message =
        arena_printf(pl->a, "annotation %s=%s%s overrides %s, which would hold %s", OVERRIDE,
                     pl->o->spec->commit, by(pl, pl->o->overridden_by), window, until);
    struct action *event;

    condition_set(pl, FREEZE_OVERRIDDEN, "True", REASON_FreezeOverridden, message);
    if (was && same_text(was->message, message))
        return;
    event = plan_act(pl, ACT_EVENT);
    event->reason = REASON_FreezeOverridden;
    event->note = message;
}

static struct hold frozen(struct planner *pl)
{
    const struct release_spec *spec = pl->o->spec;
    struct freeze f = freeze_at(spec->windows, spec->n_windows, pl->o->now_ms);
    const struct freeze_window *w = &spec->windows[f.window];
    char buf[ZONE_TEXT_BYTES];
    const char *window, *until = "without an end in sight";

    if (!f.frozen)
        return (struct hold){ 0 };
    window = arena_printf(pl->a, "spec.freezeWindows[%zu] (%s)", f.window, w->time_zone);
    if (!f.endless)
        until = arena_printf(pl->a, "until %s", zone_format(w->zone, buf, f.until_ms));
    if (is_overridden(pl)) {
        tell_override(pl, window, until);
        return (struct hold){ 0 };
    }
    plan_again_at(pl, f.until_ms);
    return (struct hold){ REASON_WaitingForWindow,
                          arena_printf(pl->a,
                                       "no app is started: %s holds %s; to override it: kubectl -n "
                                       "%s annotate arel/%s --overwrite %s=%s",
                                       window, until, pl->o->ns, pl->o->name, OVERRIDE,
                                       spec->commit) };
}

void plan_forget_override(struct planner *pl)
{
    if (!is_overridden(pl))
        condition_remove(pl, FREEZE_OVERRIDDEN);
}

static struct hold find_hold(struct planner *pl)
{
    const struct release_spec *spec = pl->o->spec;

    if (spec->paused)
        return paused(pl);
    if (spec->approval_required && !same_text(spec->approved_commit, spec->commit))
        return unapproved(pl);
    return frozen(pl);
}

struct hold plan_hold(struct planner *pl)
{
    if (!pl->hold_known)
        pl->hold = find_hold(pl);
    pl->hold_known = true;
    return pl->hold;
}

/* --- suspended --- */

/* Has anything of it been written? What goes back was rolled before. */
static bool is_half_rolled(const struct app_status *app)
{
    return app_is_moving(app) && (app->attempt->accepted || app->state == APP_ROLLING_BACK);
}

/* R7: the clock stands. Nobody looks at the pods, so no stretch of soaking goes on unbroken. That
 * the patch was taken is seen and kept: it decides what an image changed meanwhile means (R4). */
static void stop_clock(struct planner *pl, struct app_status *app)
{
    const struct deployment_facts *dep = plan_facts(pl, app->deployment)->dep;
    struct attempt *at = app->attempt;

    if (!at->accepted && dep && same_text(dep->uid, at->deployment_uid) && plan_is_marked(dep, at))
        at->accepted = dep->generation;
    if (at->accepted && at->progress_ms && !at->clock_stopped_ms)
        at->clock_stopped_ms = pl->o->now_ms;
    at->soak_ms = 0;
    if (app->state != APP_ROLLING_BACK) /* there the message is what failed */
        app_set(pl, app, app->state, app->reason,
                is_half_rolled(app) ? "suspended: it stays as it is, half rolled" :
                                      "suspended: nothing of it is written yet");
}

static void tell_half_rolled(struct planner *pl, const struct app_status *app)
{
    struct action *event = plan_act(pl, ACT_EVENT);

    event->warning = true;
    event->app = app->name;
    event->deployment = app->deployment;
    event->reason = REASON_Suspended;
    event->note = arena_printf(pl->a,
                               "%s: suspended%s while Deployment %s was %s %.7s: it stays half "
                               "rolled until spec.suspend is false",
                               app->name, by(pl, pl->o->suspended_by), app->deployment,
                               app->state == APP_ROLLING_BACK ? "going back from" : "rolling to",
                               app->attempt->commit);
}

/* Is status still the outcome of what the spec asks for? */
static bool is_outcome(const struct planner *pl)
{
    const struct release_status *s = pl->s;
    const struct condition *ready = status_condition(s, "Ready");

    return ready && strcmp(ready->status, "Unknown") != 0 && !status_condition(s, "Reconciling") &&
           !same_text(ready->reason, REASON_InvalidSpec) &&
           same_text(ready->reason, REASON_Planned) == pl->o->spec->plan_only &&
           s->n_apps == pl->o->spec->n_apps && plan_is_same_release(pl);
}

static const char *suspended_note(struct planner *pl)
{
    const char *names = "";

    for (size_t i = 0; i < pl->s->n_apps; i++)
        if (is_half_rolled(&pl->s->apps[i]))
            names = arena_printf(pl->a, "%s%s%s", names, *names ? ", " : "", pl->s->apps[i].name);
    return arena_printf(pl->a, "suspended%s: no Deployment is written%s%s",
                        by(pl, pl->o->suspended_by), *names ? "; half rolled: " : "", names);
}

static void set_suspended(struct planner *pl)
{
    const struct condition *ready = status_condition(pl->s, "Ready");

    if (pl->o->spec_problem) {
        condition_set_stalled(pl, REASON_InvalidSpec, pl->o->spec_problem);
        return;
    }
    if (is_outcome(pl))
        condition_set(pl, "Ready", ready->status, ready->reason, ready->message);
    else
        condition_set(pl, "Ready", "Unknown", REASON_Suspended, suspended_note(pl));
    condition_remove(pl, "Reconciling");
    condition_remove(pl, "Stalled");
}

/* Has an earlier plan told of what is half rolled? What moves is always Reconciling, unless it was
 * suspended. */
static bool is_told(const struct release_status *stored, int64_t generation)
{
    const struct condition *ready = status_condition(stored, "Ready");

    if (stored->observed_generation == generation)
        return true;
    return ready && !status_condition(stored, "Reconciling") &&
           (same_text(ready->reason, REASON_Suspended) ||
            same_text(ready->reason, REASON_InvalidSpec));
}

void plan_suspend(struct planner *pl)
{
    bool told = is_told(pl->o->status, pl->o->generation);

    plan_carry_over(pl);
    pl->s->observed_generation = pl->o->generation;
    for (size_t i = 0; i < pl->s->n_apps; i++) {
        struct app_status *app = &pl->s->apps[i];

        if (!app_is_moving(app))
            continue;
        stop_clock(pl, app);
        if (!told && is_half_rolled(app))
            tell_half_rolled(pl, app);
    }
    set_suspended(pl);
}
