/* R18: what mode Plan tells is what mode Apply does. Played beside every step of every case. */
#include "golden/told.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "deploy/planner.h"
#include "deploy/reason.h"
#include "golden/world.h"

#define ROUND_MS (10 * SECOND_MS)
#define ROUNDS 120

static bool is_moving(const struct release_status *s, const char *name)
{
    const struct app_status *app = status_app(s, name);

    return app && app_is_moving(app);
}

/* The attempt that the plan begins for the app, of a kind that is planned; NULL = none. A Rollback
 * and a PutBack depend on what comes. */
static const struct attempt *begun(const struct observed *o, const struct plan *p, const char *name)
{
    const struct app_status *app = status_app(&p->status, name), *was = status_app(o->status, name);
    const struct attempt *at = app ? app->attempt : NULL;

    if (!at || (at->kind != ATTEMPT_ROLL && at->kind != ATTEMPT_ADOPT))
        return NULL;
    return was && was->attempt && !strcmp(was->attempt->id, at->id) ? NULL : at;
}

static bool has_told(const struct app_status *app, const struct attempt *at)
{
    if (!app || app->planned.n != at->images.n)
        return false;
    for (size_t i = 0; i < at->images.n; i++)
        if (strcmp(app->planned.items[i].container, at->images.items[i].container) ||
            strcmp(app->planned.items[i].to, at->images.items[i].image))
            return false;
    return true;
}

static bool waits_for_others(const struct app_status *app)
{
    return plan_is_planned(app) &&
           (strstr(app->message, "; after ") || strstr(app->message, "; held: "));
}

static bool is_resolved(const struct plan *p)
{
    const struct condition *c = status_condition(&p->status, "ImagesResolved");

    return c && !strcmp(c->status, "True");
}

/* Mode Plan writes no Deployment but of what rolled before. */
static void check_touches_nothing(const struct observed *o, const struct plan *told)
{
    for (size_t i = 0; i < told->n_actions; i++)
        if (told->actions[i].kind == ACT_PATCH_DEPLOYMENT &&
            !is_moving(o->status, told->actions[i].app))
            die("mode Plan patches Deployment %s", told->actions[i].deployment);
}

/* Beside each other the modes share a generation, and no object has both in one: to be switched is
 * a new generation. What a newer AppRelease took over in this one is Superseded for Apply, and what
 * depends on it goes by how it was (R14); Plan decides it anew, as the new generation would: a
 * conflict while the newer one rolls, a take-over when that has ended (R15). In the story below the
 * switch is a generation, and there the two have to agree about these apps as well. */
static bool needs_superseded(const struct observed *o, const struct plan *done, const char *name)
{
    const struct release_spec *spec = o->spec;
    uint64_t needs = 0;

    for (size_t i = 0; i < spec->n_apps; i++)
        if (!strcmp(spec->apps[i].name, name))
            needs = spec->apps[i].needs;
    for (size_t i = 0; i < spec->n_apps; i++) {
        const struct app_status *app = status_app(&done->status, spec->apps[i].name);

        if (needs >> i & 1 && app->state == APP_SUPERSEDED)
            return true;
    }
    return false;
}

static void check_app(const struct observed *o, const struct plan *done, const struct plan *told,
                      const char *name)
{
    const struct app_status *does = status_app(&done->status, name);
    const struct app_status *says = status_app(&told->status, name);
    const struct app_status *was = status_app(o->status, name);
    const struct attempt *at = begun(o, done, name);
    bool moved = is_moving(o->status, name);

    if (needs_superseded(o, done, name))
        return;
    if (moved && !is_moving(&told->status, name))
        return; /* it ends with this very look; what comes then is told with the next one */
    if (at) {
        if (!has_told(says, at) || (!moved && (!plan_is_planned(says) || waits_for_others(says))))
            die("%s: Apply begins attempt %s, and Plan did not tell it so", name, at->id);
        return;
    }
    if (same_text(does->reason, REASON_Resolving) && was && was->planned.n)
        return; /* Apply has to ask what the plan was told before */
    if (same_text(does->reason, REASON_Resolving) && does->message && plan_is_planned(says))
        return; /* Apply counts the pods before it begins, for its way back */
    if (moved || (does->state != APP_PENDING && does->state != APP_WAITING))
        return;
    if (is_resolved(done) &&
        (plan_is_hold(does->reason) || same_text(does->reason, REASON_WaitingForDependency) ||
         (does->state == APP_PENDING && same_text(does->reason, REASON_WaitingForTurn) &&
          !does->message))) {
        if (!waits_for_others(says))
            die("%s: Apply waits, and Plan did not tell it so", name);
        return;
    }
    if (does->state != says->state || !same_text(does->reason, says->reason))
        die("%s: Apply says %s %s, Plan says %s %s", name, app_state_name(does->state),
            does->reason, app_state_name(says->state), says->reason);
}

void check_told(const struct observed *o, struct arena *a)
{
    struct release_spec apply, only;
    struct observed as_apply = *o, as_plan = *o;
    struct plan done, told;

    if (o->spec_problem)
        return;
    apply = only = *o->spec;
    apply.plan_only = false;
    only.plan_only = true;
    as_apply.spec = &apply;
    as_plan.spec = &only;
    done = plan_make(&as_apply, a);
    told = plan_make(&as_plan, a);
    check_touches_nothing(o, &told);
    for (size_t i = 0; i < done.status.n_apps; i++)
        check_app(o, &done, &told, done.status.apps[i].name);
}

/* --- first Plan to its end, then Apply to its end --- */

static bool writes_status(const struct plan *p)
{
    for (size_t i = 0; i < p->n_actions; i++)
        if (p->actions[i].kind == ACT_PATCH_STATUS)
            return true;
    return false;
}

/* The time goes on; what rolls is healthy. */
static void next_round(struct world *w, const struct plan *p, const char *mode)
{
    AUTO(json) cJSON *step = cJSON_CreateObject();

    if (mode)
        json_put_str(json_put_object(step, "spec"), "mode", mode);
    for (size_t i = 0; p && i < p->status.n_apps; i++)
        if (app_is_moving(&p->status.apps[i]))
            world_heal(w, p->status.apps[i].deployment);
    w->now_ms += ROUND_MS;
    world_step(w, step);
}

struct tale {
    struct plan plan;
    bool ended;
    const struct attempt *begun[64]; /* by index of the app */
};

static struct tale play_mode(struct world *w, const char *mode, struct arena *a)
{
    struct tale t = { 0 };

    next_round(w, NULL, mode);
    for (int i = 0; i < ROUNDS && !t.ended; i++) {
        struct observed *o = arena_alloc(a, sizeof *o);

        if (i)
            next_round(w, &t.plan, NULL);
        *o = world_observe(w, a);
        t.plan = plan_make(o, a);
        world_keep(w, &t.plan);
        if (o->spec->plan_only)
            check_touches_nothing(o, &t.plan);
        for (size_t k = 0; k < o->spec->n_apps; k++) {
            const struct attempt *at = begun(o, &t.plan, o->spec->apps[k].name);

            t.begun[k] = t.begun[k] ? t.begun[k] : at;
        }
        t.ended = t.plan.settled && !writes_status(&t.plan);
    }
    return t;
}

/* A Deployment that has been missing for 60 s is a failure in both modes, and what onFailure holds
 * for it is told so: that is how Apply ends. But the switch to Apply is a new generation, which
 * waits for the Deployment anew (R19), and what was held starts in these 60 s. What depends on the
 * missing one does not. */
static bool starts_in_the_grace(const struct app_status *says)
{
    return same_text(says->reason, REASON_ReleaseFailed) && says->message &&
           strstr(says->message, " failed (DeploymentNotFound)");
}

static bool would_write(const struct app_status *app)
{
    return app && plan_is_planned(app);
}

void check_plan_then_apply(const struct world *now, const struct observed *o, struct arena *a)
{
    struct world w;
    struct tale told, done;

    if (o->spec_problem || o->suspended) /* neither mode does anything */
        return;
    w = world_copy(now);
    told = play_mode(&w, "Plan", a);
    done = play_mode(&w, "Apply", a);
    for (size_t i = 0; i < o->spec->n_apps; i++) {
        const char *name = o->spec->apps[i].name;
        const struct app_status *says = status_app(&told.plan.status, name);
        const struct attempt *at = done.begun[i];

        if (says && starts_in_the_grace(says))
            continue;
        if (at && (!would_write(says) || !has_told(says, at)))
            die("%s: Apply began attempt %s, and Plan had not told it so", name, at->id);
        if (!at && would_write(says) && done.ended)
            die("%s: Plan told \"%s\", and Apply ended without it", name, says->message);
    }
    world_release(&w);
}
