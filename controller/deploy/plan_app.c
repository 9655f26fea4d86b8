/* May an app start, and how: the checks before the first patch. */
#include <string.h>

#include "base/clock.h"
#include "deploy/image.h"
#include "deploy/patch.h"
#include "deploy/planner.h"
#include "deploy/reason.h"

#define MISSING_GRACE_MS (60 * SECOND_MS) /* R19: a Deployment may be applied just after us */
#define CONTAINER_NAMES 8                 /* a message names so many */

const char *plan_written_image(const struct planner *pl, const char *target)
{
    if (!target || pl->o->spec->pin_digest)
        return target;
    return image_without_digest(target, pl->a);
}

static struct hurdle hurdle(enum app_state state, const char *reason, const char *message)
{
    return (struct hurdle){ state, reason, message };
}

static struct hurdle missing_deployment(struct planner *pl, const struct app_status *app)
{
    bool known = same_text(app->reason, REASON_DeploymentNotFound);
    int64_t since = known ? app->state_ms : pl->o->now_ms;
    const char *message = arena_printf(pl->a, "Deployment %s does not exist in namespace %s",
                                       app->deployment, pl->o->ns);

    if ((known && app->state == APP_FAILED) || pl->o->now_ms >= since + MISSING_GRACE_MS)
        return hurdle(APP_FAILED, REASON_DeploymentNotFound, message);
    plan_again_at(pl, since + MISSING_GRACE_MS);
    return hurdle(APP_WAITING, REASON_DeploymentNotFound, message);
}

/* R12: an app that is no longer listed, or whose Deployment was renamed, is settled first. */
static const struct app_status *other_mover(const struct planner *pl, const struct app_status *app)
{
    for (size_t i = 0; i < pl->s->n_apps; i++) {
        const struct app_status *other = &pl->s->apps[i];

        if (other != app && app_is_moving(other) && same_text(other->deployment, app->deployment))
            return other;
    }
    return NULL;
}

/* R19: odd Deployments. */
static struct hurdle check_deployment(struct planner *pl, const struct app_status *app)
{
    const struct app_facts *facts = plan_facts(pl, app->deployment);
    const struct deployment_facts *dep = facts->dep;
    const struct app_status *other = other_mover(pl, app);
    const struct rival *rival = plan_conflict(facts);

    if (other)
        return hurdle(
            APP_PENDING, REASON_WaitingForTurn,
            arena_printf(pl->a, "app %s still rolls Deployment %s", other->name, app->deployment));
    if (rival)
        return hurdle(APP_FAILED, REASON_OwnershipConflict,
                      arena_printf(pl->a,
                                   "AppRelease %s, which is newer, has Deployment %s and is not "
                                   "finished",
                                   rival->name, app->deployment));
    if (!dep)
        return missing_deployment(pl, app);
    if (dep->deleting)
        return hurdle(APP_WAITING, REASON_DeploymentDeleting,
                      arena_printf(pl->a, "Deployment %s is being deleted", app->deployment));
    if (dep->recreate)
        return hurdle(APP_FAILED, REASON_UnsupportedStrategy,
                      arena_printf(pl->a,
                                   "Deployment %s has strategy Recreate: only RollingUpdate "
                                   "rolls without downtime",
                                   app->deployment));
    if (dep->paused)
        return hurdle(APP_WAITING, REASON_DeploymentPaused,
                      arena_printf(pl->a,
                                   "Deployment %s is paused: kubectl rollout resume "
                                   "deployment/%s",
                                   app->deployment, app->deployment));
    return hurdle(app->state, NULL, NULL);
}

static void pick(struct image_list *list, const char *container, const char *image)
{
    list->items[list->n++] = (struct image_of){ container, image };
}

/* "a, b and 2 more": what a spec may name. */
static const char *container_names(struct planner *pl, const struct template_facts *t)
{
    const char *names = "";

    for (size_t i = 0; i < t->n && i < CONTAINER_NAMES; i++)
        names = arena_printf(pl->a, "%s%s%s", names, i ? ", " : "", t->containers[i].name);
    return t->n > CONTAINER_NAMES ?
               arena_printf(pl->a, "%s and %zu more", names, t->n - CONTAINER_NAMES) :
               names;
}

/* The app's containers and the images they run now: those the spec names; else those whose image
 * is of the app's repository; else the one named like the app; else the only one. */
static struct hurdle pick_containers(struct planner *pl, const struct app_spec *spec,
                                     const struct template_facts *t, struct image_list *ret)
{
    size_t mains = 0, only = 0;

    ret->items = arena_array(pl->a, t->n + spec->n_containers + 1, sizeof *ret->items);
    ret->n = 0;
    for (size_t i = 0; i < spec->n_containers; i++) {
        const char *image = image_in_template(t, spec->containers[i]);

        if (!image)
            return hurdle(APP_FAILED, REASON_ContainerNotFound,
                          arena_printf(pl->a, "Deployment %s has no container '%s', it has: %s",
                                       spec->deployment, spec->containers[i],
                                       container_names(pl, t)));
        pick(ret, spec->containers[i], image);
    }
    for (size_t i = 0; i < t->n && !spec->n_containers; i++) {
        if (image_is_from(t->containers[i].image, spec->repository))
            pick(ret, t->containers[i].name, t->containers[i].image);
        if (!t->containers[i].init) {
            mains++;
            only = i;
        }
    }
    if (!ret->n && image_in_template(t, spec->name))
        pick(ret, spec->name, image_in_template(t, spec->name));
    if (!ret->n && mains == 1)
        pick(ret, t->containers[only].name, t->containers[only].image);
    if (ret->n)
        return (struct hurdle){ 0 };
    return hurdle(APP_FAILED, REASON_AmbiguousContainer,
                  arena_printf(pl->a,
                               "Deployment %s has %zu containers and none runs an image of "
                               "%s: name yours in spec.apps[].containers, of: %s",
                               spec->deployment, mains, spec->repository, container_names(pl, t)));
}

enum change { CHANGE_NONE, CHANGE_YES, CHANGE_UNKNOWN };

/* Does a pod of the running template run another image than the digest? Its tag may have moved
 * since the pod was made. */
static bool runs_another(const struct deployment_facts *dep, const struct image_of *running,
                         const char *digest)
{
    for (size_t i = 0; i < dep->n_sets; i++) {
        const struct replicaset_facts *set = &dep->sets[i];

        if (!same_text(image_in_template(&set->tmpl, running->container), running->image))
            continue;
        for (size_t k = 0; k < set->n_pods; k++)
            for (size_t r = 0; r < set->pods[k].n_runs; r++) {
                const struct run_facts *run = &set->pods[k].runs[r];
                const char *there = image_digest(run->image_id);

                if (!strcmp(run->name, running->container) && there && strcmp(there, digest) &&
                    !set->pods[k].deleting)
                    return true;
            }
    }
    return false;
}

/* Has the registry said that there is no such image, or none for us? That answers whether it is the
 * target, and is not asked again: an app may be held for days. */
static bool is_known_gone(struct planner *pl, const char *image)
{
    pl->wants_answers = true;
    for (size_t i = 0; i < pl->o->n_images; i++) {
        const struct image_answer *answer = &pl->o->images[i];

        if (!strcmp(answer->image, image))
            return answer->at_ms >= pl->s->start_ms && (answer->missing || answer->denied);
    }
    return false;
}

/* R3: changed means another digest. A running image without one: its tag is asked for, and its pods
 * must agree. */
static enum change compare_image(struct planner *pl, const struct app_spec *spec,
                                 const struct deployment_facts *dep, const struct image_of *is,
                                 const char *target)
{
    const char *want = plan_written_image(pl, target), *running = is->image;
    const struct image_answer *answer;

    if (strlen(running) > STATUS_IMAGE_BYTES)
        return CHANGE_YES;
    if (!pl->o->spec->pin_digest || !image_digest(target))
        return strcmp(running, want) ? CHANGE_YES : CHANGE_NONE;
    if (image_digest(running))
        return image_same(running, target) ? CHANGE_NONE : CHANGE_YES;
    if (!image_is_from(running, spec->repository) || is_known_gone(pl, running))
        return CHANGE_YES;
    answer = plan_ask_image(pl, running, pl->s->start_ms);
    if (!answer)
        return CHANGE_UNKNOWN;
    if (!answer->digest)
        return answer->missing || answer->denied ? CHANGE_YES : CHANGE_UNKNOWN;
    if (strcmp(answer->digest, image_digest(target)) || runs_another(dep, is, answer->digest))
        return CHANGE_YES;
    pl->wants_pods |= !dep->pods_known;
    return dep->pods_known ? CHANGE_NONE : CHANGE_UNKNOWN;
}

static enum change compare_images(struct planner *pl, const struct app_spec *spec,
                                  const struct deployment_facts *dep,
                                  const struct image_list *running, const char *target)
{
    enum change all = CHANGE_NONE;

    for (size_t i = 0; i < running->n; i++) {
        enum change one = compare_image(pl, spec, dep, &running->items[i], target);

        if (one == CHANGE_YES)
            return one;
        if (one == CHANGE_UNKNOWN)
            all = one;
    }
    return all;
}

bool plan_lacks_pods(struct planner *pl, const struct app_spec *spec)
{
    const struct deployment_facts *dep = plan_facts(pl, spec->deployment)->dep;
    struct image_list images;

    if (!dep || dep->pods_known || !pl->o->spec->pin_digest ||
        pick_containers(pl, spec, &dep->tmpl, &images).reason)
        return false;
    for (size_t i = 0; i < images.n; i++)
        if (!image_digest(images.items[i].image) &&
            image_is_from(images.items[i].image, spec->repository))
            return true;
    return false;
}

bool plan_runs_another(struct planner *pl, const struct app_spec *spec,
                       const struct deployment_facts *dep, const char *image)
{
    const char *string = image ? image_without_digest(image, pl->a) : NULL;
    struct image_list images;

    if (!image || pick_containers(pl, spec, &dep->tmpl, &images).reason)
        return false;
    for (size_t i = 0; i < images.n; i++) {
        const char *running = images.items[i].image;

        if (image_digest(running) ? !image_same(running, image) : !i && strcmp(running, string))
            return true;
    }
    return false;
}

bool plan_is_there(struct planner *pl, const struct app_spec *spec, const char *target)
{
    const struct deployment_facts *dep = plan_facts(pl, spec->deployment)->dep;
    struct image_list images;

    return dep && deployment_is_complete(dep) &&
           !pick_containers(pl, spec, &dep->tmpl, &images).reason &&
           compare_images(pl, spec, dep, &images, target) == CHANGE_NONE;
}

static void warn_no_readiness(struct planner *pl, const struct app_status *app,
                              const struct deployment_facts *dep)
{
    struct action *event;

    for (size_t i = 0; i < dep->tmpl.n; i++)
        if (dep->tmpl.containers[i].readiness)
            return;
    event = plan_act(pl, ACT_EVENT);
    event->warning = true;
    event->deployment = app->deployment;
    event->reason = "NoReadinessProbe";
    event->note = arena_printf(pl->a,
                               "Deployment %s has no readinessProbe: only crashes are "
                               "noticed, and rollback is blind to the rest",
                               app->deployment);
}

static void start_roll(struct planner *pl, struct app_status *app,
                       const struct deployment_facts *dep, struct image_list images)
{
    const char *want = plan_written_image(pl, app->target_image);

    for (size_t i = 0; i < images.n; i++)
        images.items[i].image = want;
    app->failure = NULL;
    app->failed_image = app->failed_commit = NULL;
    plan_start(pl, app, dep, ATTEMPT_ROLL, app->target_commit, images);
    plan_send(pl, app, dep);
    app_set(pl, app, APP_UPDATING, REASON_RollingUpdate, NULL);
    warn_no_readiness(pl, app, dep);
    pl->moving++;
}

/* The digest is there but the rollout is not complete, and it is none of ours. */
static void start_adopt(struct planner *pl, struct app_status *app,
                        const struct deployment_facts *dep, struct image_list images)
{
    const struct attempt *theirs = dep->attempt;
    struct attempt *at;

    app->failure = NULL;
    app->failed_image = app->failed_commit = NULL; /* another digest than this one */
    at = plan_start(pl, app, dep, ATTEMPT_ADOPT, app->target_commit, images);

    at->previous.n = 0;
    if (theirs && images_equal(&theirs->images, &images)) {
        at->previous = theirs->previous;
        at->previous_available = theirs->previous_available;
    }
    plan_send(pl, app, dep);
    app_set(pl, app, APP_UPDATING, REASON_Adopted, NULL);
    pl->moving++;
}

/* What was found good: the string that the Deployment has, with the digest that it stands for. By
 * the string a later change of it is known (R16), by the digest the way back is exact. */
static const char *found_image(const struct planner *pl, const char *running, const char *target)
{
    const char *digest = image_digest(target);

    if (!digest || strlen(running) + 1 + strlen(digest) > STATUS_IMAGE_BYTES)
        return target;
    return image_digest(running) ? running : arena_printf(pl->a, "%s@%s", running, digest);
}

static void settle_unchanged(struct planner *pl, struct app_status *app,
                             const struct deployment_facts *dep, const struct image_list *running)
{
    app_set(pl, app, APP_UNCHANGED, REASON_SameDigest, NULL);
    if (dep->replicas || !app->good_image) { /* else nothing was seen of it (R19) */
        app->commit = app->target_commit;
        app->good_image = found_image(pl, running->items[0].image, app->target_image);
    }
    app->failed_image = app->failed_commit = NULL;
    app->failure = NULL;
}

static void set_still_bad(struct planner *pl, struct app_status *app, const char *commit,
                          const char *reason)
{
    app_set(pl, app, APP_FAILED, REASON_StillBad,
            arena_printf(pl->a,
                         "the image failed at %s (%s): try it again with the annotation %s, or "
                         "release another image",
                         commit ? arena_printf(pl->a, "%.7s", commit) : "an earlier commit",
                         reason ? reason : "no reason kept", ANNOTATIONS "retry-at"));
}

/* R11: the latch outlives the object, as an annotation; read only where status knows nothing. */
static bool latched_by_annotation(struct planner *pl, struct app_status *app,
                                  const struct deployment_facts *dep)
{
    if (app->attempt || app->commit || app->failed_image || !dep->latch_image ||
        !image_same(dep->latch_image, app->target_image) ||
        (pl->o->retry_at && !same_text(dep->latch_retry_at, pl->o->retry_at)))
        return false;
    if (!pl->o->spec->plan_only) { /* a plan leaves no latch behind */
        app->failed_image = dep->latch_image;
        app->failed_commit = dep->latch_commit;
    }
    set_still_bad(pl, app, dep->latch_commit, dep->latch_reason);
    return true;
}

static bool stay(struct planner *pl, struct app_status *app, struct hurdle h)
{
    if (app_is_moving(app))
        return false;
    app_set(pl, app, h.state, h.reason, h.message);
    return true;
}

bool plan_latch_holds(const struct app_status *app, const char *target)
{
    return app->failed_image && image_same(app->failed_image, target);
}

void plan_still_bad(struct planner *pl, struct app_status *app)
{
    const struct deployment_facts *dep = plan_facts(pl, app->deployment)->dep;
    const char *reason = app->failure ? app->failure->reason : NULL; /* the container's, if any */

    if (dep && dep->latch_reason && image_same(dep->latch_image, app->failed_image))
        reason = dep->latch_reason;
    set_still_bad(pl, app, app->failed_commit, reason);
}

/* In mode Plan an app that was told is decided again, without asking anybody again. */
static enum change find_change(struct planner *pl, const struct app_status *app,
                               const struct app_spec *spec, const struct deployment_facts *dep,
                               const struct planned_list *was, const struct image_list *running)
{
    bool changes;

    if (plan_knows_change(pl, was, running, &changes))
        return changes ? CHANGE_YES : CHANGE_NONE;
    return compare_images(pl, spec, dep, running, app->target_image);
}

/* The app's Deployment and the images of its containers there. */
static struct hurdle look_at(struct planner *pl, const struct app_status *app,
                             const struct app_spec *spec, struct image_list *ret)
{
    struct hurdle h = check_deployment(pl, app);

    if (h.reason)
        return h;
    return pick_containers(pl, spec, &plan_facts(pl, app->deployment)->dep->tmpl, ret);
}

void plan_check(struct planner *pl, struct app_status *app, const struct app_spec *spec)
{
    struct image_list images;
    struct hurdle h = look_at(pl, app, spec, &images);

    if (!h.reason)
        latched_by_annotation(pl, app, plan_facts(pl, app->deployment)->dep);
    else if (h.state == APP_FAILED)
        stay(pl, app, h);
}

#define PODS_NOTE "waiting for the list of its ReplicaSets and pods"
/* A list that comes wakes us; one that is refused does not. */
#define PODS_LOOK_MS (5 * SECOND_MS)

const char *plan_pods_note(struct planner *pl, const struct deployment_facts *dep)
{
    if (dep->pods_problem)
        return arena_printf(pl->a, PODS_NOTE ": %s", dep->pods_problem);
    plan_again_at(pl, pl->o->now_ms + PODS_LOOK_MS);
    return PODS_NOTE;
}

bool plan_is_pods_note(const char *message)
{
    return message && !strncmp(message, PODS_NOTE, strlen(PODS_NOTE));
}

/* Mode Plan: it would start, after what holds it now. */
static bool tell_start(struct planner *pl, struct app_status *app, const struct image_list *running,
                       enum change change, const char *held)
{
    return change == CHANGE_NONE ? plan_tell_adopt(pl, app, running, held) :
                                   plan_tell_roll(pl, app, running, held);
}

static bool is_latched(const struct app_status *app)
{
    return !app_is_moving(app) && plan_latch_holds(app, app->target_image);
}

/* Has our rollback, to the very digest that failed since, ended well? */
static bool has_gone_back(const struct app_status *app, const struct deployment_facts *dep)
{
    const struct attempt *at = app->attempt;

    return at && at->kind == ATTEMPT_ROLLBACK && at->complete_ms && app->state != APP_FAILED &&
           same_text(at->deployment_uid, dep->uid) && images_match(&dep->tmpl, &at->images);
}

/* The target's images are there: are they all that is to be said? Not while they are being rolled
 * by another, nor in a Deployment that was made anew with what had just failed. */
static bool runs_it_well(const struct planner *pl, const struct app_status *app,
                         const struct deployment_facts *dep)
{
    return deployment_is_complete(dep) && !plan_rival_rolls(plan_facts(pl, app->deployment)) &&
           (!is_latched(app) || has_gone_back(app, dep));
}

bool plan_decide(struct planner *pl, struct app_status *app, const struct app_spec *spec)
{
    const bool plan_only = pl->o->spec->plan_only;
    const struct planned_list was = app->planned;
    const struct deployment_facts *dep = plan_facts(pl, app->deployment)->dep;
    struct image_list images;
    struct hurdle h = look_at(pl, app, spec, &images), order;
    enum change change;
    struct hold hold;

    app->planned.n = 0;
    if (h.reason)
        return stay(pl, app, h);
    if (latched_by_annotation(pl, app, dep))
        return true;
    order = plan_order(pl, app, spec);
    change = find_change(pl, app, spec, dep, &was, &images);
    if (change == CHANGE_UNKNOWN)
        return stay(pl, app,
                    plan_is_held(app) && order.reason ?
                        order :
                        hurdle(APP_PENDING, REASON_Resolving, NULL));
    if (change == CHANGE_NONE && runs_it_well(pl, app, dep)) {
        if (plan_only)
            return plan_tell_unchanged(pl, app, &images);
        settle_unchanged(pl, app, dep, &images);
        return true;
    }
    if (is_latched(app)) {
        plan_still_bad(pl, app);
        return true;
    }
    if (order.reason && !(plan_only && order.state == APP_WAITING))
        return stay(pl, app, order);
    hold = plan_hold(pl);
    if (plan_only)
        return tell_start(pl, app, &images, change, hold.reason ? hold.message : order.message);
    if (hold.reason)
        return stay(pl, app, hurdle(APP_WAITING, hold.reason, hold.message));
    if (!app_is_moving(app) && pl->moving >= pl->o->spec->max_concurrent)
        return stay(pl, app, hurdle(APP_PENDING, REASON_WaitingForTurn, NULL));
    if (change == CHANGE_YES && plan_lacks_count(pl, app, dep))
        return stay(pl, app, hurdle(APP_PENDING, REASON_Resolving, plan_pods_note(pl, dep)));
    pl->moving -= app_is_moving(app);
    if (change == CHANGE_NONE)
        start_adopt(pl, app, dep, images);
    else
        start_roll(pl, app, dep, images);
    return true;
}
