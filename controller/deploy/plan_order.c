/* Which app waits for which, and what one that failed means for the others (R13, R14). */
#include <string.h>

#include "deploy/image.h"
#include "deploy/planner.h"
#include "deploy/reason.h"

bool app_is_good(const struct app_status *app)
{
    return app->state == APP_UPDATED || app->state == APP_UNCHANGED ||
           (app->state == APP_SKIPPED && same_text(app->reason, REASON_ImageAbsent)) ||
           (app->state == APP_SUPERSEDED && app->target_image);
}

bool plan_went_back_for_another(const struct app_status *app)
{
    return (app->state == APP_ROLLING_BACK || app->state == APP_ROLLED_BACK) &&
           same_text(app->reason, REASON_ReleaseFailed);
}

bool plan_failed_for_another(const struct app_status *app)
{
    return app->state == APP_FAILED && same_text(app->reason, REASON_RollbackFailed) &&
           !app->failed_image;
}

bool plan_is_held(const struct app_status *app)
{
    return (app->state == APP_SKIPPED && (same_text(app->reason, REASON_ReleaseFailed) ||
                                          same_text(app->reason, REASON_DependencyFailed))) ||
           (app->state == APP_ROLLED_BACK && plan_went_back_for_another(app));
}

/* Is the entry of a listed app about the Deployment that the spec names? */
static bool is_own_entry(const struct planner *pl, size_t i)
{
    return same_text(pl->s->apps[i].deployment, pl->o->spec->apps[i].deployment);
}

/* Has a listed app failed by itself, at what is its target still? */
static bool has_failed(const struct planner *pl, size_t i)
{
    const struct app_status *app = &pl->s->apps[i];

    if (!is_own_entry(pl, i) || plan_went_back_for_another(app))
        return false;
    return app->state == APP_FAILED || app->state == APP_ROLLED_BACK ||
           (app->state == APP_ROLLING_BACK && !plan_has_moved_on(pl, app));
}

static bool is_in(uint64_t set, size_t i)
{
    return set >> i & 1;
}

/* The first of a set of apps that has failed by itself, one that began it if there is one; NULL =
 * none has. */
static const struct app_status *first_failed(const struct planner *pl, uint64_t set)
{
    const struct app_status *found = NULL;

    for (size_t i = 0; i < pl->o->spec->n_apps; i++)
        if (is_in(set, i) && has_failed(pl, i) && (!found || plan_failed_for_another(found)))
            found = &pl->s->apps[i];
    return found;
}

static const char *failed_note(const struct planner *pl, const struct app_status *failed)
{
    const char *policy = pl->o->spec->on_failure == ON_FAILURE_HALT ? "Halt" : "RollbackAll";

    return arena_printf(pl->a, "app %s failed (%s), and onFailure is %s", failed->name,
                        failed->reason, policy);
}

/* --- what an app waits for --- */

static size_t index_of(const struct planner *pl, const char *name)
{
    return (size_t)(plan_app_spec(pl, name) - pl->o->spec->apps);
}

/* What keeps an app that is not good from ever being so by itself, in words; NULL = nothing does.
 */
static const char *end_of(const struct planner *pl, size_t on)
{
    const struct app_status *dep = &pl->s->apps[on], *failed = dep;

    if (dep->state == APP_SUPERSEDED)
        return arena_printf(pl->a, "%s, which is Superseded", dep->name);
    if (dep->state == APP_SKIPPED && same_text(dep->reason, REASON_DependencyFailed))
        failed = first_failed(pl, pl->o->spec->apps[on].needs);
    else if (!has_failed(pl, on) || dep->state == APP_ROLLING_BACK)
        return NULL;
    if (!failed) /* one before it is Superseded */
        return arena_printf(pl->a, "%s, which was not started", dep->name);
    return arena_printf(pl->a, "%s, which failed (%s)", failed->name, failed->reason);
}

/* R14: an app of dependsOn is not good. */
static struct hurdle wait_for(const struct planner *pl, size_t on)
{
    const struct app_status *dep = &pl->s->apps[on];
    const char *end = end_of(pl, on);

    if (end)
        return (struct hurdle){ APP_SKIPPED, REASON_DependencyFailed,
                                arena_printf(pl->a, "not started: it depends on %s", end) };
    return (struct hurdle){ APP_WAITING, REASON_WaitingForDependency,
                            arena_printf(pl->a, "waits for %s, which is %s (%s)", dep->name,
                                         app_state_name(dep->state), dep->reason) };
}

struct hurdle plan_order(struct planner *pl, const struct app_status *app,
                         const struct app_spec *spec)
{
    const struct app_status *failed =
        first_failed(pl, ~((uint64_t)1 << (spec - pl->o->spec->apps)));

    if (failed && pl->o->spec->on_failure != ON_FAILURE_ROLLBACK_FAILED) {
        if (plan_went_back_for_another(app))
            return (struct hurdle){ app->state, app->reason, app->message };
        return (struct hurdle){ APP_SKIPPED, REASON_ReleaseFailed,
                                arena_printf(pl->a, "not started: %s", failed_note(pl, failed)) };
    }
    for (size_t k = 0; k < spec->n_depends_on; k++) {
        size_t on = index_of(pl, spec->depends_on[k]);

        if (!app_is_good(&pl->s->apps[on]) || !is_own_entry(pl, on))
            return wait_for(pl, on);
    }
    return (struct hurdle){ 0 };
}

/* --- one release over several generations --- */

/* Is the app's target what the spec asks for, as far as one can tell without a registry? */
static bool is_same_target(const struct planner *pl, const struct app_spec *want)
{
    const struct app_status *app = status_app(pl->s, want->name);
    size_t n = strlen(want->image);

    if (!app || !same_text(app->deployment, want->deployment))
        return false;
    return !app->target_image || /* its image was missing: the commit says it all */
           (same_text(app->target_commit, want->commit) &&
            !strncmp(app->target_image, want->image, n) && app->target_image[n] == '@');
}

bool plan_is_same_release(const struct planner *pl)
{
    const struct release_spec *spec = pl->o->spec;
    size_t listed = 0;

    for (size_t i = 0; i < pl->s->n_apps; i++)
        listed += !pl->s->apps[i].unlisted;
    if (!same_text(pl->s->commit, spec->commit) || listed != spec->n_apps)
        return false;
    for (size_t i = 0; i < spec->n_apps; i++)
        if (!is_same_target(pl, &spec->apps[i]))
            return false;
    return true;
}

static bool any_moves(const struct planner *pl)
{
    for (size_t i = 0; i < pl->s->n_apps; i++)
        if (!pl->s->apps[i].unlisted && app_is_moving(&pl->s->apps[i]))
            return true;
    return false;
}

/* While suspended, or wrong, a spec asks for nothing else. Mode Plan begins anew, and so does what
 * has come to its end: a policy that is changed then is one for the next release. */
void plan_carry_over(struct planner *pl)
{
    const struct observed *o = pl->o;
    int64_t was = pl->s->observed_generation;

    if (was == o->generation ||
        (!o->suspended && !o->spec_problem &&
         (o->spec->plan_only || !any_moves(pl) || !plan_is_same_release(pl))))
        return;
    for (size_t i = 0; i < pl->s->n_apps; i++) {
        struct app_status *app = &pl->s->apps[i];

        if (app->attempt && app->attempt->generation == was && !plan_lacks_container(pl, app))
            app->attempt->generation = o->generation;
    }
}

/* --- RollbackAll --- */

/* No failure of the release: a version that was good and lost its pods (R3), a Deployment that a
 * newer AppRelease has for now (R15). */
static bool is_nobodys_fault(const struct app_status *app)
{
    return same_text(app->reason, REASON_Degraded) ||
           same_text(app->reason, REASON_OwnershipConflict);
}

static const struct app_status *all_go_back_for(const struct planner *pl)
{
    uint64_t set = 0;

    for (size_t i = 0; i < pl->o->spec->n_apps; i++)
        if (!is_nobodys_fault(&pl->s->apps[i]))
            set |= (uint64_t)1 << i;
    return first_failed(pl, set);
}

/* Did this generation bring the app where it is, or is it doing so? Found Unchanged after a retry
 * value it still did. What goes on from an earlier generation is somebody else's release (R12). */
static bool is_of_this_generation(const struct planner *pl, const struct app_status *app)
{
    const struct attempt *at = app->attempt;

    return at && at->generation == pl->o->generation && at->kind != ATTEMPT_ROLLBACK &&
           plan_is_for_target(pl, app) &&
           (app->state == APP_UPDATING || app->state == APP_SOAKING || app->state == APP_UPDATED ||
            app->state == APP_UNCHANGED);
}

/* Is the Deployment as our attempt put it? What somebody else has made of it stands (R16). */
static bool is_as_put(const struct deployment_facts *dep, const struct attempt *at)
{
    if (!dep || !same_text(dep->uid, at->deployment_uid))
        return false;
    return !at->accepted || (plan_is_marked(dep, at) && images_match(&dep->tmpl, &at->images));
}

/* What the app is to go back to; n = 0: it stays. One that was good at this image before its
 * attempt has nothing to go back from. */
static struct image_list way_back(const struct planner *pl, size_t i)
{
    const struct app_status *app = &pl->s->apps[i];
    const struct attempt *at = app->attempt;
    struct image_list none = { 0 };

    if (!is_own_entry(pl, i) || !is_of_this_generation(pl, app) ||
        !is_as_put(plan_facts(pl, app->deployment)->dep, at) ||
        image_same(plan_written_image(pl, at->previous_good_image), at->images.items[0].image))
        return none;
    return plan_way_back(pl, at, at->previous_good_image, at->images.items[0].image);
}

/* Dependents first: does one of them go back, or has yet to? */
static bool waits_for_dependent(const struct planner *pl, size_t i)
{
    for (size_t k = 0; k < pl->o->spec->n_apps; k++)
        if (is_in(pl->o->spec->apps[k].needs, i) &&
            (pl->s->apps[k].state == APP_ROLLING_BACK || way_back(pl, k).n))
            return true;
    return false;
}

bool plan_goes_back(struct planner *pl, size_t i)
{
    struct app_status *app = &pl->s->apps[i];
    const struct app_status *failed;
    struct image_list back;

    if (pl->o->spec->on_failure != ON_FAILURE_ROLLBACK_ALL || pl->o->spec->plan_only ||
        plan_images_state(pl) != RESOLVE_DONE)
        return false;
    failed = all_go_back_for(pl);
    if (!failed)
        return false;
    back = way_back(pl, i);
    if (!back.n || waits_for_dependent(pl, i))
        return false;
    app->commit = app->attempt->previous_good_commit;
    app->good_image = app->attempt->previous_good_image;
    app_set(pl, app, APP_ROLLING_BACK, REASON_ReleaseFailed, failed_note(pl, failed));
    plan_roll_back(pl, app, plan_facts(pl, app->deployment)->dep, back);
    return true;
}
