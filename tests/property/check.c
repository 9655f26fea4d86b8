/* The properties: what every world keeps, whatever happens to it. README.md tells them in words. */
#include <stdarg.h>
#include <string.h>

#include "base/auto.h"
#include "deploy/image.h"
#include "deploy/reason.h"
#include "property/check.h"

#define CONVERGES_MS (3600 * SECOND_MS)
#define GRACE_MS                                                                                   \
    (150 * SECOND_MS) /* after it has settled: a Deployment's absence is told by then */
#define QUIET_MS (300 * SECOND_MS)
#define PLANS_AT_REST 500
#define LATE_MS (100 * SECOND_MS)
#define WOKEN_MS (2 * SECOND_MS)
#define OPEN_MS (BEGIN_MS + 480 * SECOND_MS) /* in no window that ends */

void check_fail(struct model *m, const char *property, const char *fmt, ...)
{
    struct checks *c = &m->checks;
    va_list ap;

    if (c->failed)
        return;
    c->failed = true;
    snprintf(c->property, sizeof c->property, "%s", property);
    va_start(ap, fmt);
    vsnprintf(c->text, sizeof c->text, fmt, ap);
    va_end(ap);
    model_tell(m, "!! %s: %s", property, c->text);
}

bool check_same(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

bool app_moves(const struct app_status *app)
{
    return app->attempt && (app->state == APP_UPDATING || app->state == APP_SOAKING ||
                            app->state == APP_ROLLING_BACK);
}

bool check_runs(const struct dep *d, const struct image_list *images)
{
    for (size_t i = 0; i < images->n; i++) {
        enum container which = container_named(&d->tmpl, d->app, images->items[i].container);

        if (which == C_MESH || strcmp(d->tmpl.images[which], images->items[i].image) != 0)
            return false;
    }
    return true;
}

/* The digest, or the whole image where it has none. */
const char *check_what_is(const char *image)
{
    return image_digest(image) ? image_digest(image) : image;
}

/* R17, R18: nothing begins by such a spec. */
bool check_is_held(const struct release *r, int64_t at_ms)
{
    const struct release_spec *spec = r->spec;
    bool frozen = windows_hold(spec_windows(&r->wish), at_ms) &&
                  !check_same(r->freeze_override, spec->commit);

    return spec->suspend || spec->plan_only || spec->paused || frozen ||
           (spec->approval_required && !check_same(spec->approved_commit, spec->commit));
}

/* --- a plan --- */

static void check_conditions(struct model *m, const struct release_status *s)
{
    const struct condition *ready = status_condition(s, "Ready");

    if (status_condition(s, "Reconciling") && status_condition(s, "Stalled"))
        check_fail(m, "conditions", "Reconciling and Stalled are both there");
    if (!ready || ready->observed_generation != s->observed_generation)
        check_fail(m, "conditions", "Ready is of another generation than the status");
}

/* Does something outside that stays keep the release waiting? */
static bool is_excused(const struct model *m, const struct release *r)
{
    for (size_t i = 0; r->exists && i < r->status->n_apps; i++) {
        int dep = dep_index(r->status->apps[i].deployment);

        if (dep >= 0 && m->truth.deps[dep].exists && m->truth.deps[dep].paused)
            return true;
    }
    return false;
}

static bool any_excused(const struct model *m)
{
    for (int r = 0; r < m->n_releases; r++)
        if (is_excused(m, &m->truth.releases[r]))
            return true;
    return false;
}

/* In mode Plan what is told follows the cluster, pods that come and go as well (R18). */
static bool any_plan_only(const struct model *m)
{
    for (int r = 0; r < m->n_releases; r++)
        if (m->truth.releases[r].exists && m->truth.releases[r].spec->plan_only)
            return true;
    return false;
}

/* An app that is held for another's sake is looked at again when its Deployment changes (R13). */
static bool is_woken(const struct model *m, const struct plan *p)
{
    for (size_t i = 0; i < p->status.n_apps; i++) {
        const struct app_status *app = &p->status.apps[i];
        bool held = app->state == APP_SKIPPED || app->state == APP_UNCHANGED ||
                    check_same(app->reason, REASON_ReleaseFailed);

        if (held && m->now_ms < m->checks.stirred_ms[dep_index(app->deployment)] +
                                    m->script->lag_ms + WOKEN_MS)
            return true;
    }
    return false;
}

static void check_quiet(struct model *m, const struct plan *p)
{
    struct checks *c = &m->checks;

    if (!c->settled_ms || m->now_ms < c->settled_ms + GRACE_MS)
        return;
    if (++c->rest_plans > PLANS_AT_REST)
        check_fail(m, "quiet", "%d plans since all is settled", c->rest_plans);
    if (p->n_actions && !any_excused(m) && !any_plan_only(m) && !is_woken(m, p))
        check_fail(m, "quiet", "%s, %lld s after all was settled", action_name(p->actions[0].kind),
                   (long long)((m->now_ms - c->settled_ms) / SECOND_MS));
}

void check_plan(struct model *m, const struct release *r, const struct observed *o,
                const struct plan *p)
{
    m->checks.plans++;
    check_conditions(m, &p->status);
    check_quiet(m, p);
    check_writes(m, r, o, p);
}

/* --- at the end --- */

/* What was written ahead before the hold, and never taken, waits with the rest. */
static bool has_started(const struct release_status *s)
{
    for (size_t i = 0; i < s->n_apps; i++)
        if (app_moves(&s->apps[i]) && !check_same(s->apps[i].reason, REASON_Paused) &&
            !check_same(s->apps[i].reason, REASON_WaitingForApproval) &&
            !check_same(s->apps[i].reason, REASON_WaitingForWindow))
            return true;
    return false;
}

/* No patch is sent in the name of what cannot be an account: only what was taken is followed. */
static bool waits_for_account(const struct release *r)
{
    for (size_t i = 0; i < r->status->n_apps; i++)
        if (app_moves(&r->status->apps[i]) && r->status->apps[i].attempt->accepted)
            return false;
    return r->spec->service_account_wrong;
}

/* A window that ends is waited for like any other work. */
static bool is_held_for_good(const struct model *m, const struct release *r)
{
    return check_is_held(r, m->now_ms) && check_is_held(r, OPEN_MS);
}

/* Images are looked for under a hold as well. */
static bool is_resolving(const struct release *r)
{
    const struct condition *resolved = status_condition(r->status, "ImagesResolved");

    return resolved && check_same(resolved->status, "Unknown");
}

/* It may be Stalled meanwhile, for another app's sake. */
static bool waits_for_window(const struct model *m, const struct release *r)
{
    if (r->problem || is_held_for_good(m, r))
        return false;
    for (size_t i = 0; i < r->status->n_apps; i++)
        if (check_same(r->status->apps[i].reason, REASON_WaitingForWindow))
            return true;
    return false;
}

static bool is_at_rest(const struct model *m, const struct release *r)
{
    if (!r->exists)
        return true;
    return r->status->observed_generation == r->generation && !waits_for_window(m, r) &&
           (!status_condition(r->status, "Reconciling") || is_excused(m, r) || r->spec->suspend ||
            waits_for_account(r) ||
            (is_held_for_good(m, r) && !has_started(r->status) && !is_resolving(r)));
}

static bool all_at_rest(const struct model *m)
{
    for (int r = 0; r < m->n_releases; r++)
        if (!is_at_rest(m, &m->truth.releases[r]) ||
            (m->controllers[m->leader].jobs[r].chain.on && !any_excused(m) && !any_plan_only(m)))
            return false;
    return true;
}

/* What failed may be, in one container, where it went back to. */
static bool runs_in_all(const struct dep *d, const char *image)
{
    for (int i = 0; i < CONTAINERS; i++)
        if (i != C_MESH && d->tmpl.images[i] && !image_same(d->tmpl.images[i], image))
            return false;
    return true;
}

static void check_restorable(struct model *m, const struct app_status *app)
{
    int dep = dep_index(app->deployment);
    const struct dep *d = &m->truth.deps[dep];
    const struct oracle *o = check_oracle(m, dep);

    if (!d->exists || o->touched_ms)
        return;
    if (app->state == APP_ROLLED_BACK && app->attempt && !check_runs(d, &app->attempt->images))
        check_fail(m, "restorable", "%s is RolledBack and runs %s", d->name, d->tmpl.images[0]);
    if (app->state == APP_FAILED && app->failed_image && !o->may_stay &&
        runs_in_all(d, app->failed_image))
        check_fail(m, "restorable", "%s failed (%s) and still runs %s", d->name, app->reason,
                   d->tmpl.images[0]);
    if (check_same(app->reason, REASON_NoRollbackTarget) && app->good_image &&
        !image_same(app->good_image, app->failed_image))
        check_fail(m, "restorable", "%s has NoRollbackTarget, and %s was good", d->name,
                   app->good_image);
}

/* Was what it goes back from good already, or is there nothing to go back to? */
static bool has_way_back(const struct attempt *at)
{
    const char *image = at->images.items[0].image;

    if (image_same(at->previous_good_image, image))
        return false;
    return (at->previous.n == at->images.n && at->previous_available != 0 &&
            !images_equal(&at->previous, &at->images)) ||
           at->previous_good_image;
}

/* R13: where RollbackAll found a failure, no app of this generation stays at the new version, but
 * one that somebody has changed since, or that has no way back. */
static void check_all_back(struct model *m, const struct release *r)
{
    const struct release_status *s = r->status;
    const struct app_status *failed = NULL;
    const struct condition *resolved = status_condition(s, "ImagesResolved");

    if (r->problem || r->spec->suspend || r->spec->plan_only ||
        r->spec->on_failure != ON_FAILURE_ROLLBACK_ALL || !resolved ||
        !check_same(resolved->status, "True"))
        return;
    for (size_t i = 0; i < s->n_apps; i++)
        if (check_has_failed(r->spec, &s->apps[i]) &&
            !check_same(s->apps[i].reason, REASON_Degraded) &&
            !check_same(s->apps[i].reason, REASON_OwnershipConflict))
            failed = &s->apps[i];
    for (size_t i = 0; failed && i < s->n_apps; i++) {
        const struct app_status *app = &s->apps[i];
        const struct attempt *at = app->attempt;

        if (app->state == APP_UPDATED && at && at->kind != ATTEMPT_ROLLBACK &&
            at->generation == r->generation && has_way_back(at) &&
            !check_oracle(m, dep_index(app->deployment))->touched_ms)
            check_fail(m, "all-back", "%s is Updated, and %s has failed", app->name, failed->name);
    }
}

/* What has finished is deleted in time, and nothing else is. */
static bool is_expired(const struct model *m, const struct release *r, int64_t late_ms)
{
    const struct release_status *s = r->status;
    const struct condition *ready = status_condition(s, "Ready");
    int64_t since_ms = r->spec->plan_only && ready ? ready->transition_ms :
                       s->n_history                ? s->history[0].finish_ms :
                                                     0;

    return r->spec->ttl_ms >= 0 && since_ms && m->now_ms >= since_ms + r->spec->ttl_ms + late_ms;
}

/* Beside one that failed an app may wait: what it waits for may come. */
static bool any_waits(const struct release_status *s)
{
    for (size_t i = 0; i < s->n_apps; i++)
        if (s->apps[i].state == APP_WAITING)
            return true;
    return false;
}

static void check_expired(struct model *m, const struct release *r)
{
    if (!r->problem && !r->spec->suspend && !status_condition(r->status, "Reconciling") &&
        !is_excused(m, r) && !any_waits(r->status) && is_expired(m, r, LATE_MS))
        check_fail(m, "ttl", "%s has finished long ago, and is there still", r->name);
}

void check_deleted(struct model *m, int release)
{
    const struct release *r = &m->truth.releases[release];

    if (m->zombie)
        return; /* it was right when it was sent */
    for (size_t i = 0; i < r->status->n_apps; i++)
        if (app_moves(&r->status->apps[i]))
            check_fail(m, "ttl", "%s is deleted while %s rolls", r->name, r->status->apps[i].name);
    if (!is_expired(m, r, 0) || status_condition(r->status, "Reconciling"))
        check_fail(m, "ttl", "%s is deleted, and has not finished so long ago", r->name);
}

static void check_end(struct model *m)
{
    for (int r = 0; r < m->n_releases; r++) {
        const struct release *release = &m->truth.releases[r];

        if (!release->exists)
            continue;
        check_expired(m, release);
        for (size_t i = 0; i < release->status->n_apps; i++)
            check_restorable(m, &release->status->apps[i]);
        check_all_back(m, release);
    }
}

void check_rest(struct model *m)
{
    struct checks *c = &m->checks;

    if (m->now_ms < m->calm_ms || c->failed)
        return;
    if (!all_at_rest(m)) {
        c->settled_ms = 0;
        if (m->now_ms > m->calm_ms + CONVERGES_MS || !m->n_timers)
            check_fail(m, "converges", "%lld s after the last change it still reconciles",
                       (long long)((m->now_ms - m->calm_ms) / SECOND_MS));
        return;
    }
    if (!c->settled_ms)
        c->settled_ms = m->now_ms;
    if (m->n_timers && m->now_ms < c->settled_ms + GRACE_MS + QUIET_MS)
        return;
    check_end(m);
    c->quiet = true;
}
