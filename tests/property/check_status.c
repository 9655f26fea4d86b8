/* The properties of a status that was taken. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "deploy/image.h"
#include "deploy/reason.h"
#include "property/check.h"

#define PUT_BACKS 3

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

/* The entry was dropped, and another AppRelease's patch, or somebody's undo, has replaced what the
 * Deployment told. */
static bool begins_to_count(struct model *m, int release, int dep)
{
    const struct attempt *there = attempt_from_annotation(m->truth.deps[dep].attempt, m->arena);

    return m->checks.dropped[release][dep] &&
           !(there && !m->checks.deps[dep].touched_ms &&
             attempt_is_of(there, m->truth.releases[release].uid));
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
    struct seen_id *seen = check_find_id(m, app->attempt->id, uid);
    long long top = check_same(c->top_dep[release][dep], uid) ? c->top[release][dep] : 0;

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
    check_begin(m, r, now, app);
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

    if (!check_same(c->top_uid[release], uid))
        memset(c->top[release], 0, sizeof c->top[release]);
    c->top_uid[release] = uid;
    for (size_t i = 0; i < now->n_apps; i++)
        if (now->apps[i].attempt && !strncmp(now->apps[i].attempt->id, uid, UID_DIGITS))
            check_id(m, release, now, &now->apps[i]);
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
        bool aside =
            app->state == APP_ROLLING_BACK && check_same(app->reason, REASON_ReleaseFailed);

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

    if (l->digest &&
        (!check_same(l->retry_at, now->last_retry_at) || app->state == APP_UPDATED ||
         app->state == APP_UNCHANGED || !check_same(l->deployment, app->deployment) ||
         (forward && !check_same(check_what_is(at->images.items[0].image), l->digest))))
        l->digest = NULL;
    if (app->failed_image)
        *l = (struct latch_oracle){ check_what_is(app->failed_image), now->last_retry_at,
                                    app->deployment, false };
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
        check_oracle(m, i)->touched |= m->checks.deps[i].by == release + 1;
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
           check_same(app->reason, REASON_NoRollbackTarget) ||
           check_same(app->reason, REASON_RollbackFailed) ||
           check_same(app->reason, REASON_Degraded) ||
           check_same(app->reason, REASON_OwnershipConflict) ||
           check_same(app->reason, REASON_FieldManagerConflict);
}

/* The chain of attempts on a Deployment ends where one ends well, or is back. */
static void follow_chain(struct model *m, const struct release *r, const struct app_status *app)
{
    int dep = dep_index(app->deployment);
    struct oracle *o = check_oracle(m, dep);
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

/* Did the app run its target, whole, about when status says so? In all its containers, or in its
 * own one at least. */
static void check_runs_target(struct model *m, const struct release *r,
                              const struct app_status *app)
{
    int dep = dep_index(app->deployment);
    struct oracle *o = check_oracle(m, dep);
    bool by_another = o->by && r != &m->truth.releases[o->by - 1];
    bool all = !r->wish.fields[field_index("containers")];
    int64_t slack_ms = m->script->lag_ms + m->script->slow_ms + 90 * SECOND_MS;

    if (app->state != APP_UPDATED && app->state != APP_UNCHANGED)
        return;
    check_note_complete(m, dep, &m->truth.deps[dep]);
    if (!m->truth.deps[dep].exists || o->touched_ms + slack_ms >= app->state_ms)
        return; /* somebody else's doing, told as a conflict */
    if (by_another && o->patched_ms + slack_ms >= app->state_ms)
        return; /* so is a patch that another release has just sent */
    if (!o->complete_ms || o->complete_ms + slack_ms < app->state_ms)
        check_fail(m, "ready-is-true", "Ready is True, and %s was not complete", app->deployment);
    for (int i = 0; i < CONTAINERS; i++) {
        const char *image = i == C_MESH || (!all && i != C_APP) ? NULL : o->complete.images[i];

        if (image_digest(image) && !image_same(image, app->target_image))
            check_fail(m, "ready-is-true", "Ready is True, and %s ran %s", app->deployment, image);
    }
}

static void check_ready(struct model *m, const struct release *r, const struct release_status *was,
                        const struct release_status *now)
{
    const struct condition *ready = status_condition(now, "Ready");
    const struct condition *before = status_condition(was, "Ready");

    if (!ready || !check_same(ready->status, "True") ||
        (before && check_same(before->status, "True") && was->start_ms == now->start_ms))
        return;
    for (size_t i = 0; i < now->n_apps; i++)
        check_runs_target(m, r, &now->apps[i]);
}

/* An app that is no longer listed, or under another Deployment, is dropped as it settles: status
 * does not say how (R12). */
static void drop_chains(struct model *m, int release, const struct release_status *was,
                        const struct release_status *now)
{
    for (size_t i = 0; i < was->n_apps; i++) {
        int dep = dep_index(was->apps[i].deployment);
        const struct app_status *kept = status_app(now, was->apps[i].name);

        if (kept && check_same(kept->deployment, was->apps[i].deployment))
            continue;
        check_oracle(m, dep)->touched = true;
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
    check_ready(m, r, was, now);
    follow_latches(m, release, now);
    drop_chains(m, release, was, now);
    for (size_t i = 0; i < now->n_apps; i++) {
        int by = check_oracle(m, dep_index(now->apps[i].deployment))->by;

        if (!by || by == release + 1)
            follow_chain(m, r, &now->apps[i]);
    }
}
