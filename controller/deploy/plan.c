#include "deploy/plan.h"

#include <string.h>

#include "deploy/image.h"
#include "deploy/planner.h"
#include "deploy/reason.h"

static const char *const ACTIONS[] = {
    [ACT_RESOLVE] = "resolve",
    [ACT_FETCH_LOGS] = "fetch-logs",
    [ACT_READ_LIVE] = "read-live",
    [ACT_PATCH_STATUS] = "patch-status",
    [ACT_PATCH_DEPLOYMENT] = "patch-deployment",
    [ACT_DELETE_RELEASE] = "delete-release",
    [ACT_EVENT] = "event",
};

const char *action_name(enum action_kind kind)
{
    return ACTIONS[kind];
}

/* A new action, in its place: questions first, then the writes in the order of the enum. */
struct action *plan_act(struct planner *pl, enum action_kind kind)
{
    struct plan *p = pl->p;
    struct action *grown = arena_array(pl->a, p->n_actions + 1, sizeof *grown);
    size_t at = p->n_actions;

    while (at > 0 && p->actions[at - 1].kind > kind)
        at--;
    if (at)
        memcpy(grown, p->actions, at * sizeof *grown);
    if (p->n_actions > at)
        memcpy(grown + at + 1, p->actions + at, (p->n_actions - at) * sizeof *grown);
    grown[at] = (struct action){ .kind = kind };
    p->actions = grown;
    p->n_actions++;
    return &grown[at];
}

void plan_again_at(struct planner *pl, int64_t ms)
{
    if (ms && (!pl->p->again_ms || ms < pl->p->again_ms))
        pl->p->again_ms = ms;
}

const struct app_spec *plan_app_spec(const struct planner *pl, const char *name)
{
    for (size_t i = 0; i < pl->o->spec->n_apps; i++)
        if (!strcmp(pl->o->spec->apps[i].name, name))
            return &pl->o->spec->apps[i];
    return NULL;
}

const struct app_facts *plan_facts(const struct planner *pl, const char *deployment)
{
    static const struct app_facts none = { 0 };

    for (size_t i = 0; i < pl->o->n_apps; i++)
        if (!strcmp(pl->o->apps[i].deployment, deployment))
            return &pl->o->apps[i];
    return &none;
}

bool app_is_moving(const struct app_status *app)
{
    return app->attempt && (app->state == APP_UPDATING || app->state == APP_SOAKING ||
                            app->state == APP_ROLLING_BACK);
}

bool app_was_moving(const struct planner *pl, const struct app_status *app)
{
    const struct app_status *was = status_app(pl->o->status, app->name);

    return was && app_is_moving(was);
}

bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

void app_set(struct planner *pl, struct app_status *app, enum app_state state, const char *reason,
             const char *message)
{
    if (app->state != state || !same_text(app->reason, reason) || !app->state_ms)
        app->state_ms = pl->o->now_ms;
    app->state = state;
    app->reason = reason;
    app->message = message;
}

/* The stored status, with apps and attempts of our own to change. */
static void copy_status(struct planner *pl)
{
    const struct release_status *was = pl->o->status;
    size_t room = was->n_apps + pl->o->spec->n_apps;

    *pl->s = *was;
    pl->s->apps = arena_array(pl->a, room + 1, sizeof *pl->s->apps);
    for (size_t i = 0; i < was->n_apps; i++) {
        struct app_status *app = &pl->s->apps[i];

        *app = was->apps[i];
        if (app->attempt) {
            app->attempt = arena_alloc(pl->a, sizeof *app->attempt);
            *app->attempt = *was->apps[i].attempt;
        }
    }
}

/* No target is known before the registry has been asked (R2), and no plan (R18). */
static void resolve_anew(struct planner *pl)
{
    condition_set(pl, "ImagesResolved", "Unknown", REASON_Resolving,
                  "asking the registry for the digests");
    for (size_t i = 0; i < pl->s->n_apps; i++) {
        struct app_status *app = &pl->s->apps[i];

        app->planned.n = 0;
        if (plan_is_planned(app))
            app_set(pl, app, APP_PENDING, REASON_Resolving, NULL);
    }
}

/* Whoever takes the annotation away asks for nothing. */
static bool is_new_token(const char *token, const char *handled)
{
    return token && !same_text(token, handled);
}

/* R12, R22: a new generation or token begins the work anew; what runs goes on meanwhile. So does a
 * status that lost what the work is about. */
static void begin_work(struct planner *pl)
{
    const struct observed *o = pl->o;
    struct release_status *s = pl->s;
    bool retry = is_new_token(o->retry_at, s->last_retry_at);
    bool new_generation = s->observed_generation != o->generation || !s->start_ms;
    bool same = !new_generation && !retry;

    if (same && s->commit && !is_new_token(o->reconcile_at, s->last_reconcile_at))
        return;
    plan_carry_over(pl);
    pl->began = true;
    s->observed_generation = o->generation;
    s->start_ms = o->begun_ms ?: o->now_ms;
    s->commit = o->spec->commit;
    s->last_retry_at = o->retry_at ?: s->last_retry_at;
    s->last_reconcile_at = o->reconcile_at ?: s->last_reconcile_at;
    resolve_anew(pl);
    for (size_t i = 0; i < s->n_apps; i++) {
        if (retry)
            s->apps[i].failed_image = s->apps[i].failed_commit = NULL;
        if (s->apps[i].state == APP_SUPERSEDED && new_generation)
            app_set(pl, &s->apps[i], APP_PENDING, REASON_Resolving, NULL);
        if (!same && s->apps[i].attempt)
            s->apps[i].attempt->put_backs = 0;
    }
}

static struct app_status fresh_app(const struct planner *pl, const struct app_spec *spec)
{
    return (struct app_status){ .name = spec->name,
                                .deployment = spec->deployment,
                                .state = APP_PENDING,
                                .reason = REASON_Resolving,
                                .state_ms = pl->o->now_ms,
                                .desired = -1 };
}

/* status.apps = the apps of the spec, in its order, then those no longer listed that still move.
 * An app whose Deployment was renamed is settled under the old name first (R12). */
static void list_apps(struct planner *pl)
{
    struct release_status *s = pl->s;
    size_t n = 0, n_was = s->n_apps;
    struct app_status *was = s->apps;
    bool untold = false; /* an app without target: renamed, or its entry is lost */
    struct app_status *apps = arena_array(pl->a, n_was + pl->o->spec->n_apps + 1, sizeof *apps);

    for (size_t i = 0; i < pl->o->spec->n_apps; i++) {
        const struct app_spec *spec = &pl->o->spec->apps[i];
        struct app_status *old = status_app(s, spec->name);

        if (old && (app_is_moving(old) || same_text(old->deployment, spec->deployment)))
            apps[n] = *old;
        else
            apps[n] = fresh_app(pl, spec);
        untold |= apps[n].state == APP_PENDING && !apps[n].target_image;
        apps[n++].unlisted = false;
    }
    for (size_t i = 0; i < n_was; i++)
        if (!plan_app_spec(pl, was[i].name) && app_is_moving(&was[i])) {
            apps[n] = was[i];
            apps[n++].unlisted = true;
        }
    s->apps = apps;
    s->n_apps = n;
    if (untold && plan_images_state(pl) == RESOLVE_DONE)
        resolve_anew(pl);
}

static bool is_wanted(const struct planner *pl, const struct app_status *app, const char *has,
                      const char *want)
{
    const struct attempt *at = app->attempt;

    if (!pl->o->spec->pin_digest || !image_digest(want))
        return same_text(has, want);
    if (!image_digest(has)) /* found running, and compared by what its tag is */
        return at->kind == ATTEMPT_ADOPT && same_text(at->commit, app->target_commit);
    return image_same(has, want);
}

/* In each container: one that goes back may go to an image of its own in each. */
bool plan_is_for_target(const struct planner *pl, const struct app_status *app)
{
    const struct attempt *at = app->attempt;
    const char *want = plan_written_image(pl, app->target_image);

    if (!want || !at || !at->images.n)
        return false;
    for (size_t i = 0; i < at->images.n; i++)
        if (!is_wanted(pl, app, at->images.items[i].image, want))
            return false;
    return true;
}

bool plan_lacks_container(const struct planner *pl, const struct app_status *app)
{
    const struct app_spec *spec = plan_app_spec(pl, app->name);
    const struct deployment_facts *dep = plan_facts(pl, app->deployment)->dep;

    for (size_t i = 0; spec && dep && i < spec->n_containers; i++) {
        const char *image = image_in_template(&dep->tmpl, spec->containers[i]);

        if (image_digest(image) && !image_in(&app->attempt->images, spec->containers[i]) &&
            !image_same(image, plan_written_image(pl, app->target_image)))
            return true;
    }
    return false;
}

bool plan_has_moved_on(const struct planner *pl, const struct app_status *app)
{
    if (!app->target_image || !app->attempt)
        return false;
    if (plan_is_for_target(pl, app))
        return app->state == APP_ROLLED_BACK ||
               (app->attempt->generation < pl->o->generation && plan_lacks_container(pl, app));
    if (app->state == APP_UPDATING || app->state == APP_SOAKING || app->state == APP_UPDATED)
        return true;
    if (image_same(app->failed_image, app->target_image))
        return false;
    return pl->s->start_ms > app->attempt->start_ms ||
           !same_text(app->attempt->commit, app->target_commit); /* the next one was held */
}

/* Is the app's target known, and its own Deployment what the entry is about? */
static bool may_start(const struct planner *pl, const struct app_status *app,
                      const struct app_spec *spec)
{
    return spec && plan_images_state(pl) == RESOLVE_DONE &&
           same_text(app->deployment, spec->deployment) && app->target_image;
}

/* Is an app that does not move decided again? In mode Plan always, the plan is to stay true; but
 * the end of what moved is told first, and its plan with the next look (R18). */
static bool is_undecided(const struct planner *pl, const struct app_status *app)
{
    if (pl->o->spec->plan_only)
        return !app_was_moving(pl, app);
    return app->state == APP_PENDING || app->state == APP_WAITING || plan_is_held(app) ||
           (app->state == APP_FAILED && reason_is_rechecked(app->reason));
}

/* One step of an app whose attempt runs. */
static void step_mover(struct planner *pl, struct app_status *app)
{
    const struct app_spec *spec = plan_app_spec(pl, app->name);
    bool starts = may_start(pl, app, spec);

    if (starts && plan_has_moved_on(pl, app) && plan_decide(pl, app, spec))
        return;
    plan_follow(pl, app);
    if (spec && !app->target_image && plan_images_state(pl) == RESOLVE_DONE &&
        (app->state == APP_UPDATED || app->state == APP_PENDING))
        plan_skip_absent(pl, app, spec);
    if (starts && !app_is_moving(app) && !pl->o->spec->plan_only && !plan_is_held(app) &&
        plan_has_moved_on(pl, app))
        app_set(pl, app, APP_PENDING, REASON_WaitingForTurn, NULL);
}

static void start(struct planner *pl, struct app_status *app, const struct app_spec *spec)
{
    plan_decide(pl, app, spec);
}

/* What moves. Under RollbackAll what has to go back is not followed any further. */
static void step_movers(struct planner *pl)
{
    for (size_t i = 0; i < pl->s->n_apps; i++)
        if (app_is_moving(&pl->s->apps[i]) &&
            !(i < pl->o->spec->n_apps && plan_goes_back(pl, i))) /* else no longer listed */
            step_mover(pl, &pl->s->apps[i]);
}

/* Nothing more is resolved for a release that has given up: an app whose Deployment is gone, or not
 * as it was found, or that has settled under its old name, waits for nothing. */
static void skip_given_up(struct planner *pl)
{
    for (size_t i = 0; plan_images_state(pl) == RESOLVE_FAILED && i < pl->s->n_apps; i++)
        if (pl->s->apps[i].state == APP_PENDING)
            plan_skip(pl, &pl->s->apps[i]);
}

/* RollbackAll: what does not move, and what moves, for one that this plan found to have failed. One
 * whose patch this plan may send has its turn in the next. */
static void step_back(struct planner *pl)
{
    for (size_t k = pl->o->spec->n_apps; k-- > 0;) {
        const struct app_status *app = &pl->s->apps[pl->o->spec->order[k]];

        if (!app_is_moving(app) || app->attempt->accepted)
            plan_goes_back(pl, pl->o->spec->order[k]);
    }
}

/* What waits may start, each after what it depends on; or would it fail before any patch? */
static void step_waiters(struct planner *pl,
                         void step(struct planner *, struct app_status *, const struct app_spec *))
{
    const struct release_spec *spec = pl->o->spec;

    for (size_t k = 0; k < spec->n_apps; k++) {
        const struct app_spec *one = &spec->apps[spec->order[k]];
        struct app_status *app = &pl->s->apps[spec->order[k]];

        if (!app_is_moving(app) && may_start(pl, app, one) && is_undecided(pl, app))
            step(pl, app, one);
    }
}

static void count_moving(struct planner *pl)
{
    pl->moving = 0;
    for (size_t i = 0; i < pl->s->n_apps; i++)
        pl->moving += app_is_moving(&pl->s->apps[i]);
}

/* The spec with no app to start, and nothing to hold one: what rolls is looked after by the rest of
 * it, health and rollback above all. */
static struct release_spec policy_of(const struct release_spec *spec)
{
    struct release_spec policy = *spec;

    policy.n_apps = policy.n_windows = 0;
    policy.plan_only = policy.paused = policy.approval_required = false;
    return policy;
}

/* Nothing starts by a spec that is wrong, but what rolls is not left alone (R12). One that status
 * has no room for yet begins once there is: that is when startTime is set. */
static void follow_all(struct planner *pl)
{
    if (pl->postponed)
        pl->s->start_ms = 0;
    else
        plan_carry_over(pl);
    pl->s->observed_generation = pl->o->generation;
    plan_owners(pl);
    for (size_t i = 0; i < pl->s->n_apps; i++)
        if (app_is_moving(&pl->s->apps[i]))
            plan_follow(pl, &pl->s->apps[i]);
    count_moving(pl);
}

struct plan plan_make(const struct observed *o, struct arena *a)
{
    struct plan p = { 0 };
    struct release_spec none = policy_of(o->spec);
    struct observed seen = *o;
    struct planner pl = { .o = &seen, .a = a, .p = &p, .s = &p.status };

    if (o->spec_problem)
        seen.spec = &none;
    copy_status(&pl);
    pl.postponed = !o->suspended && !o->spec_problem && !plan_has_room(&pl);
    if (pl.postponed)
        seen.spec = &none;
    if (o->suspended) {
        plan_suspend(&pl);
    } else if (o->spec_problem || pl.postponed) {
        follow_all(&pl);
    } else {
        begin_work(&pl);
        list_apps(&pl);
        plan_owners(&pl);
        plan_forget_override(&pl);
        count_moving(&pl);
        plan_images(&pl);
        if (seen.spec->on_failure != ON_FAILURE_ROLLBACK_FAILED)
            step_waiters(&pl, plan_check);
        step_movers(&pl);
        skip_given_up(&pl);
        step_waiters(&pl, start);
        step_back(&pl);
        count_moving(&pl);
    }
    plan_conclude(&pl);
    p.watches_pods = pl.moving > 0 || pl.wants_pods;
    /* What is settled may be decided again and again, in mode Plan and for an app that is held: to
     * ask anew each time would not end, and a registry in trouble would never be left alone. */
    p.answers_ms =
        p.settled && !seen.spec->plan_only && !pl.wants_answers ? INT64_MAX : p.status.start_ms;
    return p;
}
