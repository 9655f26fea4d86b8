/* Of several AppReleases that name a Deployment the newest owns it, from its first patch on (R15).
 *
 * The Deployment says whose patch was the last: the annotation `owner`, and `attempt` with the time
 * it began. `kubectl rollout undo` brings back old annotations: what began before our own attempt
 * has not replaced it. */
#include <string.h>

#include "base/arena.h"
#include "deploy/planner.h"
#include "deploy/reason.h"

static bool is_owned_by(const struct deployment_facts *dep, const char *uid)
{
    size_t n = strlen(uid);

    return dep->owner && !strncmp(dep->owner, uid, n) && dep->owner[n] == '/';
}

static const struct rival *find_owner(const struct app_facts *facts)
{
    for (size_t i = 0; facts->dep && i < facts->n_rivals; i++)
        if (is_owned_by(facts->dep, facts->rivals[i].uid))
            return &facts->rivals[i];
    return NULL;
}

/* Is the attempt that the Deployment names a patch of this very one? Who copies a Deployment, from
 * another namespace for one, brings its annotations along. */
static bool is_of_this(const struct deployment_facts *dep)
{
    const char *uid = dep->attempt->deployment_uid;

    return !uid || same_text(uid, dep->uid);
}

bool plan_is_patched_over(const struct planner *pl, const struct deployment_facts *dep,
                          const struct attempt *at)
{
    const struct attempt *there = dep->attempt;

    return there && is_of_this(dep) && !attempt_is_of(there, pl->o->uid) &&
           there->start_ms >= at->start_ms;
}

const struct rival *plan_conflict(const struct app_facts *facts)
{
    const struct rival *owner = find_owner(facts);

    for (size_t i = 0; i < facts->n_rivals; i++) {
        const struct rival *r = &facts->rivals[i];

        if (r->newer && !r->finished && (r == owner || r->rolling))
            return r;
    }
    return NULL;
}

bool plan_rival_rolls(const struct app_facts *facts)
{
    const struct rival *owner = find_owner(facts);

    return owner && owner->rolling && facts->dep->attempt &&
           attempt_is_of(facts->dep->attempt, owner->uid);
}

/* When the generation at hand began. The first one is older than any patch of a newer object. */
static int64_t generation_began_ms(const struct planner *pl)
{
    if (pl->o->generation <= 1)
        return 0;
    if (pl->o->status->observed_generation == pl->o->generation)
        return pl->o->status->start_ms;
    return pl->o->now_ms;
}

static bool is_good(const struct app_status *app)
{
    return app->state == APP_UPDATED || app->state == APP_UNCHANGED;
}

/* Did the patch that the Deployment names come after the generation at hand began? One that goes
 * back does not count: it ends what a first patch began. */
static bool came_later(const struct planner *pl, const struct attempt *at)
{
    int64_t began_ms = generation_began_ms(pl);

    return at->start_ms >= began_ms && (!began_ms || at->kind != ATTEMPT_ROLLBACK);
}

/* Is the patch that the Deployment names, another AppRelease's, one that we must give way to? */
static bool must_give_way(const struct planner *pl, const struct app_status *app,
                          const struct app_facts *facts)
{
    const struct rival *owner = find_owner(facts);
    int64_t since_ms = facts->dep->attempt->start_ms;

    if (owner && owner->newer && came_later(pl, facts->dep->attempt))
        return true;
    if (app_is_moving(app)) /* of an older one only `rollout undo` brings the annotations */
        return app->attempt->accepted && since_ms >= app->attempt->start_ms &&
               (!owner || owner->newer);
    return (is_good(app) || app->state == APP_FAILED || app->state == APP_ROLLED_BACK) &&
           since_ms >= app->state_ms;
}

/* Is the Deployment where a newer AppRelease wants it, without a patch? What has not started is not
 * to change that. */
static const struct rival *find_content(const struct planner *pl, const struct app_status *app,
                                        const struct app_facts *facts)
{
    if (app_is_moving(app) || (is_good(app) && plan_images_state(pl) != RESOLVE_BUSY))
        return NULL;
    for (size_t i = 0; i < facts->n_rivals; i++) {
        const struct rival *r = &facts->rivals[i];

        if (r->newer && r->unchanged_ms && r->unchanged_ms >= generation_began_ms(pl))
            return r;
    }
    return NULL;
}

/* What was good already keeps its target, which tells that it was; the rest has none any more. */
static void supersede(struct planner *pl, struct app_status *app, const struct rival *owner)
{
    const char *who =
        owner ? arena_printf(pl->a, "AppRelease %s", owner->name) : "another AppRelease";
    const char *note = arena_printf(pl->a, "%s has taken Deployment %s over", who, app->deployment);

    if (is_good(app)) {
        note = arena_printf(pl->a, "it was good; since then %s", note);
    } else {
        app->target_commit = app->target_image = NULL;
        app->finish_ms = pl->o->now_ms;
    }
    app_set(pl, app, APP_SUPERSEDED, REASON_Superseded, note);
}

/* What failed keeps its cause until it would be tried again. */
static bool may_be_superseded(const struct planner *pl, const struct app_status *app)
{
    bool failed =
        app->state == APP_FAILED || app->state == APP_ROLLED_BACK || app->state == APP_SKIPPED;

    if (app->state == APP_SUPERSEDED || !app->deployment)
        return false;
    return !failed || reason_is_rechecked(app->reason) || plan_images_state(pl) == RESOLVE_BUSY;
}

static void give_way(struct planner *pl, struct app_status *app)
{
    const struct app_facts *facts = plan_facts(pl, app->deployment);
    const struct deployment_facts *dep = facts->dep;
    const struct rival *content = find_content(pl, app, facts);

    if (dep && dep->owner && dep->attempt && is_of_this(dep) && !is_owned_by(dep, pl->o->uid) &&
        must_give_way(pl, app, facts)) {
        if (came_later(pl, dep->attempt))
            supersede(pl, app, find_owner(facts));
        else if (app_is_moving(app)) /* its attempt is over, but this generation came later */
            app_set(pl, app, APP_PENDING, REASON_WaitingForTurn, NULL);
    } else if (content) {
        supersede(pl, app, content);
    }
}

void plan_owners(struct planner *pl)
{
    for (size_t i = 0; i < pl->s->n_apps; i++)
        if (may_be_superseded(pl, &pl->s->apps[i]))
            give_way(pl, &pl->s->apps[i]);
}
