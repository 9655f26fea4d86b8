/* A new attempt: its id, what it goes back to, and the patch that is sent behind it (R4, R10). */
#include <stdlib.h>
#include <string.h>

#include "deploy/image.h"
#include "deploy/patch.h"
#include "deploy/planner.h"

#define COUNTER_MAX 1000000000000LL

/* An attempt's counter. One so high that we did not count that far is somebody else's writing, and
 * left out: there must be room to count on. */
static long long id_number(const char *id)
{
    const char *dash = strrchr(id, '-');
    long long n = dash ? strtoll(dash + 1, NULL, 10) : 0;

    return n <= COUNTER_MAX ? n : 0;
}

static void raise_top(long long *top, const char *id)
{
    if (id_number(id) > *top)
        *top = id_number(id);
}

static void raise_by_status(long long *top, const struct release_status *s)
{
    for (size_t i = 0; i < s->n_apps; i++)
        if (s->apps[i].attempt)
            raise_top(top, s->apps[i].attempt->id);
}

/* "3f2a91c0-7": the object's uid, 8 digits, and a counter. Once an entry is dropped its Deployment
 * tells how far was counted, and what the API server said of its attempt is not said of another. */
static const char *next_id(struct planner *pl, const struct deployment_facts *dep)
{
    const struct observed *o = pl->o;
    long long top = 0;

    raise_by_status(&top, pl->s);
    raise_by_status(&top, o->status); /* an entry that has just been dropped */
    for (size_t i = 0; i < o->n_refusals; i++)
        raise_top(&top, o->refusals[i].attempt_id);
    for (size_t i = 0; i < o->n_failures; i++)
        raise_top(&top, o->failures[i].attempt_id);
    if (dep->attempt && attempt_is_of(dep->attempt, o->uid))
        raise_top(&top, dep->attempt->id);
    return arena_printf(pl->a, "%.*s-%lld", ATTEMPT_UID_DIGITS, pl->o->uid, top + 1);
}

/* Did the attempt end well, or has it (an Adopt) found what was good already? It may have been
 * written without digest, whatever pinDigest says by now. */
static bool is_good_attempt(const struct planner *pl, const struct app_status *app)
{
    const struct attempt *at = app->attempt;
    const char *good = app->good_image, *wrote = at->images.items[0].image;

    if (!image_digest(wrote) && at->kind == ATTEMPT_ADOPT && good &&
        same_text(app->commit, at->commit)) /* its tag's digest was the target's */
        return true;
    if (good && !image_digest(wrote))
        good = image_without_digest(good, pl->a);
    return image_same(good, wrote) && (at->kind == ATTEMPT_ADOPT || !app_is_moving(app));
}

/* Did it end without replicas, NotVerified? From completeTime on the mark does not rise. */
static bool was_unverified(const struct attempt *at)
{
    return at->complete_ms && at->available_max == 0;
}

bool plan_is_marked(const struct deployment_facts *dep, const struct attempt *at)
{
    return dep->attempt && !strcmp(dep->attempt->id, at->id);
}

/* Was its patch taken? One that was never sent has put nothing there, whatever runs. */
static bool was_taken(const struct attempt *at, const struct deployment_facts *dep)
{
    return at->accepted || plan_is_marked(dep, at);
}

/* The attempt whose unfinished or failed images the Deployment runs, if any: what it went back to
 * is what we go back to (R4). So it is with what was not verified, until it has replicas: their
 * count tells by then whether they are a way back (R10). */
static const struct attempt *standing_attempt(const struct planner *pl,
                                              const struct app_status *app,
                                              const struct deployment_facts *dep)
{
    const struct attempt *own = app->attempt;
    bool failed = own && own->kind == ATTEMPT_ROLLBACK && !own->accepted; /* and is still there */

    if (own && own->images.n && same_text(own->deployment_uid, dep->uid) && was_taken(own, dep) &&
        images_match(&dep->tmpl, &own->images) && !plan_is_patched_over(pl, dep, own))
        return is_good_attempt(pl, app) || (was_unverified(own) && dep->replicas) ? NULL : own;
    if (dep->attempt && dep->attempt->images.n && images_match(&dep->tmpl, &dep->attempt->images) &&
        (failed || !deployment_is_complete(dep) ||
         plan_rival_rolls(plan_facts(pl, app->deployment))))
        return dep->attempt;
    return NULL;
}

bool plan_lacks_count(struct planner *pl, const struct app_status *app,
                      const struct deployment_facts *dep)
{
    bool lacks = dep->replicas && !deployment_is_complete(dep) && !dep->pods_known &&
                 !standing_attempt(pl, app, dep);

    pl->wants_pods |= lacks;
    return lacks;
}

/* What the Deployment says now, or, where an attempt that did not end well put that there, what
 * that attempt found. */
static void set_previous(struct planner *pl, const struct app_status *app,
                         const struct deployment_facts *dep, struct attempt *at)
{
    const struct attempt *old = standing_attempt(pl, app, dep);

    at->previous.items = arena_array(pl->a, at->images.n, sizeof *at->previous.items);
    for (size_t i = 0; i < at->images.n; i++) {
        const char *container = at->images.items[i].container;
        const char *image = old && image_in(&old->images, container) ?
                                image_in(&old->previous, container) :
                                image_in_template(&dep->tmpl, container);

        if (image && strlen(image) <= STATUS_IMAGE_BYTES) /* longer: nothing that could run */
            at->previous.items[at->previous.n++] = (struct image_of){ container, image };
    }
    at->previous_available = old           ? old->previous_available :
                             dep->replicas ? verdict_standing(dep, &at->previous, pl->o->now_ms) :
                                             -1;
    at->previous_good_commit = app->commit;
    at->previous_good_image = app->good_image;
}

void plan_send(struct planner *pl, const struct app_status *app, const struct deployment_facts *dep)
{
    struct action *act;

    if (pl->o->account_wrong) /* whose rights? Not ours: it is sent when the spec says */
        return;
    act = plan_act(pl, ACT_PATCH_DEPLOYMENT);
    act->app = app->name;
    act->deployment = app->deployment;
    act->account = pl->o->account;
    act->id = app->attempt->id;
    act->body = patch_deployment(pl->o, app, dep, pl->a);
}

struct attempt *plan_start(struct planner *pl, struct app_status *app,
                           const struct deployment_facts *dep, enum attempt_kind kind,
                           const char *commit, struct image_list images)
{
    struct attempt *at = arena_alloc(pl->a, sizeof *at);

    *at = (struct attempt){ .id = next_id(pl, dep),
                            .kind = kind,
                            .commit = commit,
                            .generation = pl->o->generation,
                            .deployment_uid = dep->uid,
                            .images = images,
                            .start_ms = pl->o->now_ms,
                            .available_max = -1 };
    set_previous(pl, app, dep, at);
    app->attempt = at;
    app->finish_ms = 0;
    return at;
}
