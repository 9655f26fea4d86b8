/* The properties of a patch that was taken. */
#include <string.h>

#include "deploy/reason.h"
#include "property/check.h"

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
    if (m->zombie || !r->exists || strncmp(r->uid, at->id, UID_DIGITS) != 0)
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

    if (at->kind == ATTEMPT_ROLL && l->digest && check_same(check_what_is(image), l->digest) &&
        check_same(l->retry_at, m->truth.releases[seen->release].retry_at))
        check_fail(m, "latched", "%s failed, and is rolled again by %s", image, at->id);
}

/* Are all images of that digest? What failed may be where one container was before. */
static bool is_all(const struct image_list *images, const char *digest)
{
    for (size_t i = 0; i < images->n; i++)
        if (!digest || !check_same(check_what_is(images->items[i].image), digest))
            return false;
    return true;
}

static bool is_all_in(const struct dep *d, const struct attempt *at, const char *digest)
{
    for (size_t i = 0; i < at->images.n; i++) {
        enum container which = container_named(&d->tmpl, d->app, at->images.items[i].container);

        if (which == C_MESH || !check_same(check_what_is(d->tmpl.images[which]), digest))
            return false;
    }
    return true;
}

/* R10: back to exactly what ran before the attempts began, or to what was good. */
static void check_rollback(struct model *m, int dep, const struct attempt *at,
                           const struct seen_id *seen)
{
    const struct oracle *o = check_oracle(m, dep);
    const struct latch_oracle *l = &m->checks.latches[seen->release][seen->app];
    const char *image = at->images.items[0].image;
    struct dep before = m->truth.deps[dep];

    before.tmpl = o->before;
    if (is_all(&at->images, l->digest) && !(o->chained && is_all_in(&before, at, l->digest)))
        check_fail(m, "rollback", "%s goes back to %s, which failed", before.name, image);
    if (!o->chained || o->touched || at->previous_available == 0)
        return;
    if (!check_runs(&before, &at->images))
        check_fail(m, "previous-restored", "%s goes back to %s; before it ran %s", before.name,
                   image, o->before.images[C_APP]);
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
    struct oracle *o = check_oracle(m, dep);

    if (o->chained || (at->kind != ATTEMPT_ROLL && at->kind != ATTEMPT_ADOPT))
        return;
    o->chained = true;
    o->may_stay = false;
    o->touched = has_history(m, o, was, at);
    o->before = was->tmpl;
}

/* What went back for another app's sake goes on when that one is good after all (R13). */
static bool goes_back_for_another(struct model *m, const struct attempt *at,
                                  const struct seen_id *seen)
{
    const struct release_status *s = m->truth.releases[seen->release].status;

    for (size_t i = 0; i < s->n_apps; i++)
        if (app_index(s->apps[i].name) == seen->app)
            return at->kind == ATTEMPT_ROLLBACK &&
                   check_same(s->apps[i].reason, REASON_ReleaseFailed);
    return false;
}

/* R21: one rollout of an app for each time the work began. */
static void count_rollouts(struct model *m, int dep, const struct dep *was,
                           const struct attempt *at, const struct seen_id *seen)
{
    struct oracle *o = check_oracle(m, dep);
    int64_t start_ms = m->truth.releases[seen->release].status->start_ms;

    if (goes_back_for_another(m, at, seen))
        o->rolled_ms = 0;
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
    const struct seen_id *seen = at ? check_find_id(m, at->id, uid) : NULL;
    struct oracle *o = check_oracle(m, dep);

    m->checks.patches++;
    check_note_complete(m, dep, was);
    if (!seen) {
        check_fail(m, "write-ahead", "%s is patched for %s, which was never in status", was->name,
                   at ? at->id : "nothing");
        return;
    }
    if (m->n_releases > 1 && o->by != seen->release + 1)
        check_touched(m, dep); /* for the other one it is somebody else's doing */
    o->by = seen->release + 1;
    o->patched_ms = m->now_ms;
    check_written_ahead(m, dep, at, seen);
    check_latch(m, at, seen);
    begin_chain(m, dep, was, at);
    if (at->kind == ATTEMPT_ROLLBACK)
        check_rollback(m, dep, at, seen);
    count_rollouts(m, dep, was, at, seen);
}
