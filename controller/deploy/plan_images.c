/* Preflight: all targets are known, and written, before anything is touched (R2). */
#include <string.h>

#include "base/clock.h"
#include "deploy/image.h"
#include "deploy/planner.h"
#include "deploy/reason.h"

enum resolution plan_images_state(const struct planner *pl)
{
    const struct condition *c = status_condition(pl->s, "ImagesResolved");

    if (!c || c->observed_generation != pl->o->generation || !strcmp(c->status, "Unknown"))
        return RESOLVE_BUSY;
    return strcmp(c->status, "True") ? RESOLVE_FAILED : RESOLVE_DONE;
}

static void ask(struct planner *pl, const char *image)
{
    for (size_t i = 0; i < pl->p->n_actions; i++)
        if (pl->p->actions[i].kind == ACT_RESOLVE && !strcmp(pl->p->actions[i].image, image))
            return;
    plan_act(pl, ACT_RESOLVE)->image = image;
}

const struct image_answer *plan_ask_image(struct planner *pl, const char *image, int64_t since_ms)
{
    pl->wants_answers = true;
    for (size_t i = 0; i < pl->o->n_images; i++) {
        const struct image_answer *answer = &pl->o->images[i];

        if (strcmp(answer->image, image))
            continue;
        if (answer->at_ms < since_ms || !answer->at_ms) {
            if (!answer->asking)
                break;
            return NULL; /* on its way: the answer wakes us */
        }
        if (answer->digest || answer->asking)
            return answer;
        if (pl->o->now_ms >= answer->retry_ms)
            ask(pl, image);
        else
            plan_again_at(pl, answer->retry_ms);
        return answer;
    }
    ask(pl, image);
    return NULL;
}

/* An app held at its last good commit that runs it needs no resolving: its tag may be gone. */
static bool is_held_good(const struct planner *pl, const struct app_spec *spec,
                         const struct app_status *app)
{
    const struct deployment_facts *dep = plan_facts(pl, spec->deployment)->dep;

    if (!spec->held || !app->good_image || !same_text(app->commit, spec->commit) || !dep ||
        !image_is_from(app->good_image, spec->repository))
        return false;
    for (size_t i = 0; i < dep->tmpl.n; i++)
        if (image_same(dep->tmpl.containers[i].image, plan_written_image(pl, app->good_image)))
            return true;
    return false;
}

struct findings {
    const char **targets;  /* by index of the spec's app; NULL = not known */
    const char **problems; /* why it never will be; NULL = it may still come */
    int unanswered, busy, failed;
    const char *message, *reason; /* of the first that failed */
};

static int64_t give_up_ms(const struct planner *pl)
{
    return pl->s->start_ms + pl->o->spec->image_wait_ms;
}

/* What is waited for, and until when. */
static const char *wait_note(const struct planner *pl, const struct app_spec *spec,
                             const struct image_answer *answer)
{
    char buf[TIME_TEXT_BYTES];
    const char *until = time_format(buf, give_up_ms(pl));

    if (answer->missing)
        return arena_printf(pl->a, "image %s is not in the registry yet; waited for until %s",
                            spec->image, until);
    return arena_printf(pl->a, "%s; asked again until %s", answer->error, until);
}

/* What keeps an app's target from being known. */
static void note_trouble(struct planner *pl, struct findings *f, size_t i,
                         const struct image_answer *answer)
{
    const struct release_spec *release = pl->o->spec;
    const struct app_spec *spec = &release->apps[i];
    bool over = pl->o->now_ms >= give_up_ms(pl) ||
                (answer->missing && release->missing_image == MISSING_FAIL);
    const char *message;

    if (!answer->missing && !answer->denied) { /* transient: again and again */
        f->busy++;
        pl->waiting_retry++;
        pl->trouble = answer->error;
        return;
    }
    if (answer->missing && release->missing_image == MISSING_SKIP)
        return;
    message = answer->missing ?
                  arena_printf(pl->a, "image %s is not in the registry", spec->image) :
                  answer->error;
    if (over) {
        f->problems[i] = message;
        if (!f->failed++) {
            f->message = message;
            f->reason = answer->missing ? REASON_ImageNotFound : REASON_RegistryUnauthorized;
        }
        return;
    }
    f->busy++;
    pl->waiting_image++;
    pl->trouble = wait_note(pl, spec, answer);
    plan_again_at(pl, give_up_ms(pl));
}

static void find_targets(struct planner *pl, struct findings *f)
{
    for (size_t i = 0; i < pl->o->spec->n_apps; i++) {
        const struct app_spec *spec = &pl->o->spec->apps[i];
        const struct app_status *app = status_app(pl->s, spec->name);
        const struct image_answer *answer;

        if (app->state == APP_SUPERSEDED) /* of this generation: it has no target to find */
            continue;
        if (is_held_good(pl, spec, app)) {
            f->targets[i] = app->good_image;
            continue;
        }
        answer = plan_ask_image(pl, spec->image, pl->s->start_ms);
        if (plan_lacks_pods(pl, spec)) {
            pl->wants_pods = true;
            f->unanswered++;
        }
        if (!answer)
            f->unanswered++;
        else if (answer->digest)
            f->targets[i] = arena_printf(pl->a, "%s@%s", spec->image, answer->digest);
        else
            note_trouble(pl, f, i, answer);
    }
}

void plan_skip_absent(struct planner *pl, struct app_status *app, const struct app_spec *spec)
{
    app_set(pl, app, APP_SKIPPED, REASON_ImageAbsent,
            arena_printf(pl->a, "image %s is not in the registry", spec->image));
}

/* Give an app its target; what it does about it is decided in its step. */
static void retarget(struct planner *pl, const struct app_spec *spec, const char *target)
{
    struct app_status *app = status_app(pl->s, spec->name);
    bool latched = target && plan_latch_holds(app, target);
    /* Whether it is still held is decided again; what became of it is no other thing by an edit. */
    bool went_back = target && plan_went_back_for_another(app) &&
                     same_text(app->target_commit, spec->commit) &&
                     image_same(app->target_image, target);
    /* Its failure is what the state says already: no later trouble has taken its place. */
    bool told = (app->state == APP_ROLLED_BACK || app->state == APP_FAILED) &&
                app->state_ms == app->finish_ms && same_text(app->failed_commit, spec->commit);

    if (app->state == APP_SUPERSEDED)
        return;
    if (!target) {
        app->target_commit = app->target_image = NULL;
        if (!app_is_moving(app))
            plan_skip_absent(pl, app, spec);
        return;
    }
    app->target_commit = spec->commit;
    app->target_image = target;
    if (app_is_moving(app) || went_back || (latched && told))
        return;
    if (latched)
        plan_still_bad(pl, app);
    else
        app_set(pl, app, APP_PENDING, REASON_WaitingForTurn, NULL);
}

void plan_skip(struct planner *pl, struct app_status *app)
{
    app_set(pl, app, APP_SKIPPED, REASON_ReleaseFailed,
            "not touched: an image of the release is missing");
}

/* A release with an image missing touches no app at all. */
static void give_up(struct planner *pl, const struct findings *f)
{
    const char *more = f->failed > 1 ? arena_printf(pl->a, " (and %d more)", f->failed - 1) : "";

    condition_set(pl, "ImagesResolved", "False", f->reason,
                  arena_printf(pl->a, "%s%s", f->message, more));
    for (size_t i = 0; i < pl->o->spec->n_apps; i++) {
        const struct app_spec *spec = &pl->o->spec->apps[i];
        struct app_status *app = status_app(pl->s, spec->name);

        if (app_is_moving(app) || app->state == APP_SUPERSEDED)
            continue;
        if (f->problems[i])
            app_set(pl, app, APP_FAILED, f->reason, f->problems[i]);
        else if (f->targets[i] && plan_is_there(pl, spec, f->targets[i]))
            app_set(pl, app, APP_UNCHANGED, REASON_SameDigest, NULL);
        else
            plan_skip(pl, app);
    }
}

static void show_waiting(struct planner *pl, const struct findings *f)
{
    for (size_t i = 0; i < pl->o->spec->n_apps; i++) {
        const struct app_spec *spec = &pl->o->spec->apps[i];
        struct app_status *app = status_app(pl->s, spec->name);
        const struct image_answer *answer;

        if (app_is_moving(app) || app->state == APP_SUPERSEDED)
            continue;
        if (plan_lacks_pods(pl, spec))
            app_set(pl, app, APP_PENDING, REASON_Resolving,
                    plan_pods_note(pl, plan_facts(pl, spec->deployment)->dep));
        if (f->targets[i])
            continue;
        answer = plan_ask_image(pl, spec->image, pl->s->start_ms);
        if (answer && answer->missing && pl->o->spec->missing_image != MISSING_WAIT)
            app_set(pl, app, APP_WAITING, REASON_ImageNotFound, /* for the others' answers only */
                    arena_printf(pl->a, "image %s is not in the registry", spec->image));
        else if (answer && answer->missing)
            app_set(pl, app, APP_WAITING, REASON_ImageNotFound, wait_note(pl, spec, answer));
        else if (answer && answer->denied)
            app_set(pl, app, APP_WAITING, REASON_RegistryUnauthorized, wait_note(pl, spec, answer));
        else if (answer && answer->error)
            app_set(pl, app, APP_WAITING, REASON_RegistryUnavailable, answer->error);
    }
}

void plan_images(struct planner *pl)
{
    struct findings f = { 0 };

    if (plan_images_state(pl) != RESOLVE_BUSY)
        return;
    f.targets = arena_array(pl->a, pl->o->spec->n_apps, sizeof *f.targets);
    f.problems = arena_array(pl->a, pl->o->spec->n_apps, sizeof *f.problems);
    find_targets(pl, &f);
    if (f.failed && !f.unanswered) {
        pl->waiting_image = pl->waiting_retry = 0;
        give_up(pl, &f);
        return;
    }
    if (f.unanswered || f.busy || f.failed) {
        show_waiting(pl, &f);
        return;
    }
    for (size_t i = 0; i < pl->o->spec->n_apps; i++)
        retarget(pl, &pl->o->spec->apps[i], f.targets[i]);
    condition_set(pl, "ImagesResolved", "True", REASON_AllResolved, "all digests are known");
}
