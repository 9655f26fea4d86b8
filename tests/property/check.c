/* The properties: what every world keeps, whatever happens to it. README.md tells them in words. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "deploy/image.h"
#include "deploy/reason.h"
#include "property/model.h"

#define CONVERGES_MS (3600 * SECOND_MS)
#define GRACE_MS                                                                                   \
    (150 * SECOND_MS) /* after it has settled: a Deployment's absence is told by then */
#define QUIET_MS (300 * SECOND_MS)
#define PLANS_AT_REST 500
#define PUT_BACKS 3
#define UID_DIGITS 8

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

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

bool app_moves(const struct app_status *app)
{
    return app->attempt && (app->state == APP_UPDATING || app->state == APP_SOAKING ||
                            app->state == APP_ROLLING_BACK);
}

/* The digest, or the whole image where it has none. */
static const char *what_is(const char *image)
{
    return image_digest(image) ? image_digest(image) : image;
}

/* --- a plan --- */

void check_kept(struct model *m, const struct cJSON *tree, const struct release_status *kept)
{
    AUTO(json) cJSON *again = status_encode(kept);

    if (!cJSON_Compare(tree, again, true))
        check_fail(m, "round-trip", "the status is another one after it was written and read");
}

static size_t length(const char *s)
{
    return s ? strlen(s) : 0;
}

/* As crd/appreleases.yaml bounds it: one field too long, and the whole status is refused. */
static void check_bounds(struct model *m, const struct release_status *s)
{
    bool bad = s->n_apps > 256 || s->n_history > 50 || s->n_conditions > STATUS_CONDITIONS;

    for (size_t i = 0; i < s->n_apps; i++) {
        const struct app_status *app = &s->apps[i];

        bad |= length(app->message) > 2048 || length(app->reason) > 64;
        bad |= length(app->good_image) > 1024 || length(app->target_image) > 1024;
        bad |= length(app->failed_image) > 1024 || length(app->failed_commit) > 64;
        bad |= app->failure && length(app->failure->log_tail) > 1024;
        bad |= app->attempt && (length(app->attempt->id) > 64 || app->attempt->put_backs < 0);
    }
    for (size_t i = 0; i < s->n_conditions; i++)
        bad |= length(s->conditions[i].message) > 32768;
    if (bad)
        check_fail(m, "bounds", "the status has a field that the CRD refuses");
}

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
    for (size_t i = 0; i < r->status->n_apps; i++) {
        int dep = dep_index(r->status->apps[i].deployment);

        if (dep >= 0 && m->truth.deps[dep].exists && m->truth.deps[dep].paused)
            return true;
    }
    return false;
}

/* R17, R18: nothing begins by such a spec. */
static bool is_held(const struct release *r)
{
    const struct release_spec *spec = r->spec;

    return spec->suspend || spec->plan_only || spec->paused ||
           (spec->approval_required && !same(spec->approved_commit, spec->commit));
}

static bool any_excused(const struct model *m)
{
    for (int r = 0; r < m->script->releases; r++)
        if (is_excused(m, &m->truth.releases[r]))
            return true;
    return false;
}

/* In mode Plan what is told follows the cluster, pods that come and go as well (R18). */
static bool any_plan_only(const struct model *m)
{
    for (int r = 0; r < m->script->releases; r++)
        if (m->truth.releases[r].spec->plan_only)
            return true;
    return false;
}

static void check_quiet(struct model *m, const struct plan *p)
{
    struct checks *c = &m->checks;

    if (!c->settled_ms || m->now_ms < c->settled_ms + GRACE_MS)
        return;
    if (++c->rest_plans > PLANS_AT_REST)
        check_fail(m, "quiet", "%d plans since all is settled", c->rest_plans);
    if (p->n_actions && !any_excused(m) && !any_plan_only(m))
        check_fail(m, "quiet", "%s, %lld s after all was settled", action_name(p->actions[0].kind),
                   (long long)((m->now_ms - c->settled_ms) / SECOND_MS));
}

void check_plan(struct model *m, const struct plan *p)
{
    m->checks.plans++;
    check_conditions(m, &p->status);
    check_quiet(m, p);
}

/* --- what the Deployments were --- */

static struct oracle *oracle_of(struct model *m, int dep)
{
    struct oracle *o = &m->checks.deps[dep];

    if (o->uid != m->truth.deps[dep].uid) /* another one, of somebody else's making */
        *o = (struct oracle){ .uid = m->truth.deps[dep].uid, .touched_ms = o->uid ? m->now_ms : 0 };
    return o;
}

static void note_complete(struct model *m, int dep, const struct dep *d)
{
    struct oracle *o = oracle_of(m, dep);

    if (!dep_is_complete(d)) {
        o->incomplete_ms = m->now_ms;
        return;
    }
    o->complete = d->tmpl;
    o->complete_ms = m->now_ms;
}

void check_truth(struct model *m, int dep)
{
    note_complete(m, dep, &m->truth.deps[dep]);
}

void check_touched(struct model *m, int dep)
{
    struct oracle *o = oracle_of(m, dep);

    note_complete(m, dep, &m->truth.deps[dep]);
    o->touched = true;
    o->touched_ms = m->now_ms;
    for (int r = 0; r < RELEASES; r++)
        if (m->checks.latches[r][dep % APPS].by_annotation)
            m->checks.latches[r][dep % APPS].digest = NULL;
}

/* --- a status that was taken --- */

/* Where an app's entry was dropped, its Deployment tells how far was counted: a number may come
 * again on another Deployment. */
static struct seen_id *find_id(struct model *m, const char *id, const char *dep_uid)
{
    for (size_t i = m->checks.n_ids; i-- > 0;)
        if (!strcmp(m->checks.ids[i].id, id) && same(m->checks.ids[i].dep_uid, dep_uid))
            return &m->checks.ids[i];
    return NULL;
}

static const char *attempt_text(struct model *m, const struct attempt *at)
{
    AUTO(json) cJSON *tree = attempt_annotation(at);
    char *text = json_print(tree), *kept = arena_strdup(m->arena, text);

    free(text);
    return kept;
}

static long long id_number(const char *id)
{
    const char *dash = strrchr(id, '-');

    return dash ? strtoll(dash + 1, NULL, 10) : 0;
}

/* As others may depend on it (R14): a Superseded app that keeps its target was good. */
static bool is_good_state(const struct app_status *app)
{
    return app->state == APP_UPDATED || app->state == APP_UNCHANGED ||
           (app->state == APP_SKIPPED && same(app->reason, REASON_ImageAbsent)) ||
           (app->state == APP_SUPERSEDED && app->target_image);
}

/* Has a listed app failed by itself, and is it over? */
static bool has_failed(const struct release_spec *spec, const struct app_status *app)
{
    for (size_t i = 0; i < spec->n_apps; i++)
        if (!strcmp(spec->apps[i].name, app->name))
            return app->state == APP_FAILED ||
                   (app->state == APP_ROLLED_BACK && !same(app->reason, REASON_ReleaseFailed));
    return false;
}

/* R13, R14: where a first patch is written ahead, what the app depends on is good in the same
 * status, and under Halt and RollbackAll no other app has failed. */
static void check_order(struct model *m, int release, const struct release_status *now,
                        const struct app_status *app)
{
    const struct release_spec *spec = m->truth.releases[release].spec;
    const struct app_spec *own = NULL;

    for (size_t i = 0; i < spec->n_apps; i++)
        if (!strcmp(spec->apps[i].name, app->name))
            own = &spec->apps[i];
    for (size_t k = 0; own && k < own->n_depends_on; k++) {
        const struct app_status *on = status_app(now, own->depends_on[k]);

        if (!on || !is_good_state(on))
            check_fail(m, "order", "attempt %s of %s begins, and %s is not good", app->attempt->id,
                       app->name, own->depends_on[k]);
    }
    for (size_t i = 0; spec->on_failure != ON_FAILURE_ROLLBACK_FAILED && i < now->n_apps; i++)
        if (&now->apps[i] != app && has_failed(spec, &now->apps[i]))
            check_fail(m, "policy", "attempt %s of %s begins, and %s has failed (%s)",
                       app->attempt->id, app->name, now->apps[i].name, now->apps[i].reason);
}

/* The entry was dropped, and another AppRelease's patch has replaced what the Deployment told. */
static bool begins_to_count(struct model *m, int release, int dep)
{
    const struct attempt *there = attempt_from_annotation(m->truth.deps[dep].attempt, m->arena);

    return m->checks.dropped[release][dep] &&
           !(there && attempt_is_of(there, m->truth.releases[release].uid));
}

/* Every attempt has a number higher than all before on its Deployment, and what it says does not
 * change. */
static void check_id(struct model *m, int release, const struct release_status *now,
                     const struct app_status *app)
{
    struct checks *c = &m->checks;
    const struct release *r = &m->truth.releases[release];
    const char *text = attempt_text(m, app->attempt), *uid = app->attempt->deployment_uid;
    int dep = dep_index(app->deployment);
    struct seen_id *seen = find_id(m, app->attempt->id, uid);
    long long top = same(c->top_dep[release][dep], uid) ? c->top[release][dep] : 0;

    if (begins_to_count(m, release, dep) && !(seen && !strcmp(seen->text, text))) {
        c->dropped[release][dep] = false;
        seen = NULL;
        top = 0;
    }
    if (seen) {
        if (strcmp(seen->text, text) != 0)
            check_fail(m, "counters-rise", "attempt %s was %s and is %s", seen->id, seen->text,
                       text);
        return;
    }
    if (id_number(app->attempt->id) <= top)
        check_fail(m, "counters-rise", "attempt %s is new, and there was %lld before",
                   app->attempt->id, top);
    if (!r->problem && now->observed_generation == r->generation &&
        (app->attempt->kind == ATTEMPT_ROLL || app->attempt->kind == ATTEMPT_ADOPT)) {
        if (is_held(r))
            check_fail(m, "held", "attempt %s begins while the release is held", app->attempt->id);
        check_order(m, release, now, app);
    }
    if (c->n_ids == IDS)
        model_abort(m, __func__);
    c->ids[c->n_ids++] =
        (struct seen_id){ app->attempt->id, release, app_index(app->name), uid, text };
    c->top_dep[release][dep] = uid;
    c->top[release][dep] = id_number(app->attempt->id);
}

static void check_ids(struct model *m, int release, const struct release_status *now)
{
    struct checks *c = &m->checks;
    const char *uid = m->truth.releases[release].uid;

    if (!same(c->top_uid[release], uid))
        memset(c->top[release], 0, sizeof c->top[release]);
    c->top_uid[release] = uid;
    for (size_t i = 0; i < now->n_apps; i++)
        if (now->apps[i].attempt && !strncmp(now->apps[i].attempt->id, uid, UID_DIGITS))
            check_id(m, release, now, &now->apps[i]);
}

static int count_moving(const struct release_status *s)
{
    int n = 0;

    for (size_t i = 0; i < s->n_apps; i++)
        n += app_moves(&s->apps[i]);
    return n;
}

/* Nothing begins beyond maxConcurrent. What RollbackAll takes back begins at once, but counts for
 * what would begin after it (R13). */
static void check_concurrent(struct model *m, int release, const struct release_status *was,
                             const struct release_status *now)
{
    const struct release *r = &m->truth.releases[release];
    bool begins = false;
    int n = 0;

    for (size_t i = 0; i < now->n_apps; i++) {
        const struct app_status *app = &now->apps[i], *before = status_app(was, app->name);
        bool moved = before && app_moves(before);
        bool aside = app->state == APP_ROLLING_BACK && same(app->reason, REASON_ReleaseFailed);

        n += app_moves(app) && (moved || !aside);
        begins |= app_moves(app) && !moved && !aside;
    }
    if (!r->problem && now->observed_generation == r->generation && begins &&
        n > r->spec->max_concurrent)
        check_fail(m, "max-concurrent", "an app begins, so %d roll, and maxConcurrent is %d", n,
                   r->spec->max_concurrent);
}

/* R11: remember what failed, and what lifts it. */
static void follow_latch(struct model *m, int release, const struct release_status *now,
                         const struct app_status *app)
{
    struct latch_oracle *l = &m->checks.latches[release][app_index(app->name)];
    const struct attempt *at = app->attempt;
    bool forward = at && (at->kind == ATTEMPT_ROLL || at->kind == ATTEMPT_ADOPT);

    if (l->digest && (!same(l->retry_at, now->last_retry_at) || app->state == APP_UPDATED ||
                      app->state == APP_UNCHANGED || !same(l->deployment, app->deployment) ||
                      (forward && !same(what_is(at->images.items[0].image), l->digest))))
        l->digest = NULL;
    if (app->failed_image)
        *l = (struct latch_oracle){ what_is(app->failed_image), now->last_retry_at, app->deployment,
                                    false };
}

/* An app that status has no entry for: only the annotation knows. */
static void forget_latch(struct model *m, int release, int app)
{
    struct latch_oracle *l = &m->checks.latches[release][app];
    int dep = dep_index(l->deployment);
    const char *latch = dep >= 0 && m->truth.deps[dep].exists ? m->truth.deps[dep].latch : NULL;

    if (!l->digest)
        return;
    l->by_annotation = true;
    if (!latch || !strstr(latch, l->digest))
        l->digest = NULL;
}

void check_remade(struct model *m, int release)
{
    for (int a = 0; a < APPS; a++)
        forget_latch(m, release, a);
    for (int i = 0; i < DEPS;
         i++) /* what it left is another's by now: complete, it is a way back */
        oracle_of(m, i)->touched |= m->checks.deps[i].by == release + 1;
}

static void follow_latches(struct model *m, int release, const struct release_status *now)
{
    bool there[APPS] = { false };

    for (size_t i = 0; i < now->n_apps; i++) {
        there[app_index(now->apps[i].name)] = true;
        follow_latch(m, release, now, &now->apps[i]);
    }
    for (int a = 0; a < m->script->apps; a++)
        if (!there[a])
            forget_latch(m, release, a);
}

/* For which reasons what failed may go on running. */
static bool may_stay(const struct app_status *app, const struct release *r)
{
    return r->problem || r->spec->rollback_never || r->spec->on_failure == ON_FAILURE_HALT ||
           same(app->reason, REASON_NoRollbackTarget) || same(app->reason, REASON_RollbackFailed) ||
           same(app->reason, REASON_Degraded) || same(app->reason, REASON_OwnershipConflict) ||
           same(app->reason, REASON_FieldManagerConflict);
}

/* The chain of attempts on a Deployment ends where one ends well, or is back. */
static void follow_chain(struct model *m, const struct release *r, const struct app_status *app)
{
    int dep = dep_index(app->deployment);
    struct oracle *o = oracle_of(m, dep);
    bool good = app->attempt && !app_moves(app) &&
                image_same(app->good_image, app->attempt->images.items[0].image);

    if (good || app->state == APP_UNCHANGED || app->state == APP_UPDATED ||
        app->state == APP_ROLLED_BACK)
        o->chained = false;
    if (app->state == APP_FAILED && app->failed_image)
        o->may_stay |= may_stay(app, r);
    if (app->attempt && app->attempt->put_backs > PUT_BACKS)
        check_fail(m, "put-backs", "%s was put back %d times", app->deployment,
                   app->attempt->put_backs);
}

/* Did the app run its target, whole, about when status says so? */
static void check_runs_target(struct model *m, const struct app_status *app)
{
    int dep = dep_index(app->deployment);
    struct oracle *o = oracle_of(m, dep);
    int64_t slack_ms = m->script->lag_ms + m->script->slow_ms + 90 * SECOND_MS;
    const char *image;

    if (app->state != APP_UPDATED && app->state != APP_UNCHANGED)
        return;
    note_complete(m, dep, &m->truth.deps[dep]);
    if (!m->truth.deps[dep].exists || o->touched_ms + slack_ms >= app->state_ms)
        return; /* somebody else's doing, told as a conflict */
    image = o->complete.images[0];
    if (!o->complete_ms || o->complete_ms + slack_ms < app->state_ms)
        check_fail(m, "ready-is-true", "Ready is True, and %s was not complete", app->deployment);
    else if (image_digest(image) && !image_same(image, app->target_image))
        check_fail(m, "ready-is-true", "Ready is True, and %s ran %s", app->deployment, image);
}

static void check_ready(struct model *m, const struct release_status *was,
                        const struct release_status *now)
{
    const struct condition *ready = status_condition(now, "Ready");
    const struct condition *before = status_condition(was, "Ready");

    if (!ready || !same(ready->status, "True") ||
        (before && same(before->status, "True") && was->start_ms == now->start_ms))
        return;
    for (size_t i = 0; i < now->n_apps; i++)
        check_runs_target(m, &now->apps[i]);
}

/* An app that is no longer listed is dropped as it settles: status does not say how (R12). */
static void drop_chains(struct model *m, int release, const struct release_status *was,
                        const struct release_status *now)
{
    for (size_t i = 0; i < was->n_apps; i++) {
        int dep = dep_index(was->apps[i].deployment);

        if (status_app(now, was->apps[i].name))
            continue;
        oracle_of(m, dep)->touched = true;
        m->checks.dropped[release][dep] = true;
    }
}

void check_status(struct model *m, int release, const struct release_status *was,
                  const struct release_status *now)
{
    const struct release *r = &m->truth.releases[release];

    if (now->observed_generation > r->generation)
        check_fail(m, "observed-generation", "status has seen generation %lld of %lld",
                   (long long)now->observed_generation, (long long)r->generation);
    if (now->observed_generation < was->observed_generation)
        check_fail(m, "observed-generation", "it went back from %lld to %lld",
                   (long long)was->observed_generation, (long long)now->observed_generation);
    check_bounds(m, now);
    check_ids(m, release, now);
    check_concurrent(m, release, was, now);
    check_ready(m, was, now);
    follow_latches(m, release, now);
    drop_chains(m, release, was, now);
    for (size_t i = 0; i < now->n_apps; i++) {
        int by = oracle_of(m, dep_index(now->apps[i].deployment))->by;

        if (!by || by == release + 1)
            follow_chain(m, r, &now->apps[i]);
    }
}

/* --- a patch that was taken --- */

/* R4: the attempt of a patch is in the stored status, now; of a request that was under way when its
 * controller ended or gave up, that it was there once. */
static void check_written_ahead(struct model *m, int dep, const struct attempt *at,
                                const struct seen_id *seen)
{
    const struct release *r = &m->truth.releases[seen->release];
    const struct app_status *app = NULL;

    for (size_t i = 0; i < r->status->n_apps; i++)
        if (app_index(r->status->apps[i].name) == seen->app)
            app = &r->status->apps[i];
    if (m->zombie || strncmp(r->uid, at->id, UID_DIGITS) != 0)
        return;
    if (r->status->observed_generation == r->generation && r->spec->suspend)
        check_fail(m, "suspended", "%s is patched", m->truth.deps[dep].name);
    if (!app || !app->attempt || strcmp(app->attempt->id, at->id) != 0)
        check_fail(m, "two-writers", "%s is patched for %s, and status names %s",
                   m->truth.deps[dep].name, at->id,
                   app && app->attempt ? app->attempt->id : "none");
}

static void check_latch(struct model *m, const struct attempt *at, const struct seen_id *seen)
{
    const struct latch_oracle *l = &m->checks.latches[seen->release][seen->app];
    const char *image = at->images.items[0].image;

    if (at->kind == ATTEMPT_ROLL && l->digest && same(what_is(image), l->digest) &&
        same(l->retry_at, m->truth.releases[seen->release].retry_at))
        check_fail(m, "latched", "%s failed, and is rolled again by %s", image, at->id);
}

/* R10: back to exactly what ran before the attempts began, or to what was good. */
static void check_rollback(struct model *m, int dep, const struct attempt *at,
                           const struct seen_id *seen)
{
    const struct oracle *o = oracle_of(m, dep);
    const struct latch_oracle *l = &m->checks.latches[seen->release][seen->app];
    const char *image = at->images.items[0].image;

    if (l->digest && same(what_is(image), l->digest) &&
        !(o->chained && same(what_is(o->before.images[0]), l->digest)))
        check_fail(m, "rollback", "%s goes back to %s, which failed", m->truth.deps[dep].name,
                   image);
    if (!o->chained || o->touched || at->previous_available == 0)
        return;
    if (strcmp(image, o->before.images[0]) != 0)
        check_fail(m, "previous-restored", "%s goes back to %s; before it ran %s",
                   m->truth.deps[dep].name, image, o->before.images[0]);
}

/* Has what ran another's history? It was found by an Adopt; or somebody changed it since the
 * attempt was written ahead; or it was not whole then and may have been left so by an earlier
 * attempt, as its annotation says. */
static bool has_history(struct model *m, const struct oracle *o, const struct dep *was,
                        const struct attempt *at)
{
    int64_t seen_ms = at->start_ms - m->script->lag_ms - SECOND_MS;

    return at->kind == ATTEMPT_ADOPT || o->touched_ms >= seen_ms ||
           (was->attempt && o->incomplete_ms >= seen_ms);
}

static void begin_chain(struct model *m, int dep, const struct dep *was, const struct attempt *at)
{
    struct oracle *o = oracle_of(m, dep);

    if (o->chained || (at->kind != ATTEMPT_ROLL && at->kind != ATTEMPT_ADOPT))
        return;
    o->chained = true;
    o->may_stay = false;
    o->touched = has_history(m, o, was, at);
    o->before = was->tmpl;
}

/* R21: one rollout of an app for each time the work began. */
static void count_rollouts(struct model *m, int dep, const struct dep *was,
                           const struct attempt *at, const struct seen_id *seen)
{
    struct oracle *o = oracle_of(m, dep);
    int64_t start_ms = m->truth.releases[seen->release].status->start_ms;

    if (at->kind != ATTEMPT_ROLL || tmpl_same(&was->tmpl, &m->truth.deps[dep].tmpl) ||
        at->start_ms < start_ms) /* what was begun before is still sent */
        return;
    if (start_ms && o->rolled_ms == start_ms && !o->touched_ms && !m->zombie)
        check_fail(m, "one-rollout", "%s is rolled twice for the same work",
                   m->truth.deps[dep].name);
    o->rolled_ms = start_ms;
}

void check_patch(struct model *m, int dep, const struct dep *was, const struct attempt *at)
{
    const char *uid = model_text(m, "uid-%lld", (long long)was->uid);
    const struct seen_id *seen = at ? find_id(m, at->id, uid) : NULL;
    struct oracle *o = oracle_of(m, dep);

    m->checks.patches++;
    note_complete(m, dep, was);
    if (!seen) {
        check_fail(m, "write-ahead", "%s is patched for %s, which was never in status", was->name,
                   at ? at->id : "nothing");
        return;
    }
    if (m->script->releases > 1 && o->by != seen->release + 1)
        check_touched(m, dep); /* for the other one it is somebody else's doing */
    o->by = seen->release + 1;
    check_written_ahead(m, dep, at, seen);
    check_latch(m, at, seen);
    begin_chain(m, dep, was, at);
    if (at->kind == ATTEMPT_ROLLBACK)
        check_rollback(m, dep, at, seen);
    count_rollouts(m, dep, was, at, seen);
}

/* --- at the end --- */

static bool is_at_rest(const struct model *m, const struct release *r)
{
    return r->status->observed_generation == r->generation &&
           (!status_condition(r->status, "Reconciling") || is_excused(m, r) || r->spec->suspend ||
            (is_held(r) && !count_moving(r->status)));
}

static bool all_at_rest(const struct model *m)
{
    for (int r = 0; r < m->script->releases; r++)
        if (!is_at_rest(m, &m->truth.releases[r]) ||
            (m->controllers[m->leader].jobs[r].chain.on && !any_excused(m) && !any_plan_only(m)))
            return false;
    return true;
}

static void check_restorable(struct model *m, const struct app_status *app)
{
    int dep = dep_index(app->deployment);
    const struct dep *d = &m->truth.deps[dep];
    const struct oracle *o = oracle_of(m, dep);

    if (!d->exists || o->touched_ms)
        return;
    if (app->state == APP_ROLLED_BACK && app->attempt &&
        strcmp(d->tmpl.images[0], app->attempt->images.items[0].image) != 0)
        check_fail(m, "restorable", "%s is RolledBack and runs %s", d->name, d->tmpl.images[0]);
    if (app->state == APP_FAILED && app->failed_image && !o->may_stay &&
        image_same(d->tmpl.images[0], app->failed_image))
        check_fail(m, "restorable", "%s failed (%s) and still runs %s", d->name, app->reason,
                   d->tmpl.images[0]);
    if (same(app->reason, REASON_NoRollbackTarget) && app->good_image &&
        !image_same(app->good_image, app->failed_image))
        check_fail(m, "restorable", "%s has NoRollbackTarget, and %s was good", d->name,
                   app->good_image);
}

static void check_end(struct model *m)
{
    for (int r = 0; r < m->script->releases; r++) {
        const struct release *release = &m->truth.releases[r];

        for (size_t i = 0; i < release->status->n_apps; i++)
            check_restorable(m, &release->status->apps[i]);
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
