#include "reconcile/gather.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "deploy/image.h"
#include "deploy/verdict.h"
#include "kube/workload.h"
#include "reconcile/claims.h"
#include "reconcile/cluster.h"
#include "reconcile/facts.h"
#include "reconcile/release.h"

#define REASON_BYTES 256

static struct template_facts gather_template(const struct kube_template *t, struct arena *a)
{
    struct template_facts facts = { .n = t->n };

    facts.containers = arena_array(a, t->n + 1, sizeof *facts.containers);
    for (size_t i = 0; i < t->n; i++)
        facts.containers[i] = (struct container_facts){ .name = t->containers[i].name,
                                                        .image = t->containers[i].image,
                                                        .init = t->containers[i].init,
                                                        .readiness = t->containers[i].readiness };
    return facts;
}

/* Is the container of a pod an init container that keeps running? The template knows. */
static bool is_sidecar(const struct kube_template *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++)
        if (!strcmp(t->containers[i].name, name))
            return t->containers[i].sidecar;
    return false;
}

void gather_pod(const struct kube_pod *pod, const struct kube_template *t, struct arena *a,
                struct pod_facts *ret)
{
    *ret = (struct pod_facts){ .name = pod->meta.name,
                               .phase = pod->phase,
                               .reason = pod->reason,
                               .message = pod->message,
                               .created_ms = pod->meta.created_ms,
                               .ready_ms = pod->ready_ms,
                               .start_ms = pod->start_ms,
                               .ready = pod->ready,
                               .deleting = pod->meta.deleted_ms != 0,
                               .disrupted = pod->disrupted,
                               .unschedulable = pod->unschedulable,
                               .n_runs = pod->n_runs };
    ret->runs = arena_array(a, pod->n_runs + 1, sizeof *ret->runs);
    for (size_t i = 0; i < pod->n_runs; i++) {
        const struct kube_run *run = &pod->runs[i];

        ret->runs[i] = (struct run_facts){ .name = run->name,
                                           .image_id = run->image_id,
                                           .init = run->init,
                                           .sidecar = run->init && is_sidecar(t, run->name),
                                           .running = run->running,
                                           .terminated = run->terminated,
                                           .has_last = run->has_last,
                                           .restarts = run->restarts,
                                           .exit_code = run->exit_code,
                                           .waiting = run->waiting,
                                           .waiting_message = run->waiting_message,
                                           .end_reason = run->end_reason,
                                           .end_message = run->end_message };
    }
}

struct replicaset_facts gather_set(const struct kube_replicaset *set, struct arena *a)
{
    return (struct replicaset_facts){ .name = set->meta.name,
                                      .revision = set->revision,
                                      .tmpl = gather_template(&set->tmpl, a),
                                      .failure = set->failure,
                                      .failure_ms = set->failure_ms };
}

/* The pods of a ReplicaSet: those of a live read where there is a fresh one, else the watch's. */
static void gather_pods(const struct gather *g, const struct kube_replicaset *set,
                        struct replicaset_facts *ret)
{
    size_t n_live = 0, room = 8;
    void *const *live = facts_pods(g->facts, set->meta.name, g->mono_ms, &n_live);
    struct map_iter it = { 0 };
    const struct kube_pod *pod;
    size_t at = 0;

    ret->pods = arena_array(g->arena, room, sizeof *ret->pods);
    while (true) {
        if (live)
            pod = at < n_live ? live[at++] : NULL;
        else
            pod = cluster_next_pod(g->cluster, set->meta.ns, set->meta.uid, &it);
        if (!pod)
            return;
        if (!pod->meta.owner_uid || strcmp(pod->meta.owner_uid, set->meta.uid))
            continue;
        if (ret->n_pods == room) {
            struct pod_facts *more = arena_array(g->arena, room * 2, sizeof *more);

            memcpy(more, ret->pods, room * sizeof *more);
            ret->pods = more;
            room *= 2;
        }
        gather_pod(pod, &set->tmpl, g->arena, &ret->pods[ret->n_pods++]);
    }
}

static void gather_sets(const struct gather *g, const struct kube_deployment *d,
                        struct deployment_facts *ret)
{
    struct map_iter it = { 0 };
    const struct kube_replicaset *set;
    size_t n = 0;

    while (cluster_next_set(g->cluster, d->meta.ns, d->meta.uid, &it))
        n++;
    ret->sets = arena_array(g->arena, n + 1, sizeof *ret->sets);
    it = (struct map_iter){ 0 };
    while ((set = cluster_next_set(g->cluster, d->meta.ns, d->meta.uid, &it))) {
        struct replicaset_facts *facts = &ret->sets[ret->n_sets++];

        *facts = gather_set(set, g->arena);
        if (set->replicas ||
            set->status_replicas) /* old ones are many, and a walk is of all pods */
            gather_pods(g, set, facts);
    }
    ret->pods_known = cluster_pods_synced(g->cluster, d->meta.ns);
    ret->pods_problem = cluster_pods_problem(g->cluster, d->meta.ns);
}

/* NULL when it is longer than we write it: it goes to status, which would be refused. */
static const char *text_upto(struct arena *a, const cJSON *object, const char *key, size_t max)
{
    const char *s = json_str(object, key);

    return s && strlen(s) <= max ? arena_strdup(a, s) : NULL;
}

static void gather_latch(const char *json, struct arena *a, struct deployment_facts *ret)
{
    struct err ignored = { 0 };
    AUTO(json) cJSON *tree = json ? json_parse(json, strlen(json), &ignored) : NULL;

    ret->latch_image = text_upto(a, tree, "image", STATUS_IMAGE_BYTES);
    ret->latch_commit = text_upto(a, tree, "commit", STATUS_COMMIT_BYTES);
    ret->latch_reason = text_upto(a, tree, "reason", REASON_BYTES);
    ret->latch_retry_at = text_upto(a, tree, "retryAt", STATUS_TOKEN_BYTES);
}

struct deployment_facts *gather_deployment(const struct kube_deployment *d, struct arena *a)
{
    struct deployment_facts *ret = arena_alloc(a, sizeof *ret);

    *ret = (struct deployment_facts){ .uid = d->meta.uid,
                                      .rv = d->meta.rv,
                                      .generation = d->meta.generation,
                                      .observed_generation = d->observed_generation,
                                      .replicas = d->replicas,
                                      .min_ready_s = d->min_ready_s,
                                      .status_replicas = d->status_replicas,
                                      .updated = d->updated_replicas,
                                      .available = d->available_replicas,
                                      .paused = d->paused,
                                      .deleting = d->meta.deleted_ms != 0,
                                      .recreate = d->recreate,
                                      .rolls_softly = d->surge_is_1 && d->unavailable_is_0,
                                      .tmpl = gather_template(&d->tmpl, a),
                                      .attempt = attempt_from_annotation(d->attempt, a),
                                      .owner = d->owner,
                                      .image_manager = d->image_manager };
    gather_latch(d->latch, a, ret);
    return ret;
}

/* --- who else names it --- */

struct rivals {
    const struct gather *g;
    const struct release *self;
    struct app_facts *app;
    size_t room;
};

/* How far it is with the Deployment. */
static void look_at_apps(const struct release *r, const char *deployment, struct rival *ret)
{
    for (size_t i = 0; i < r->status.n_apps; i++) {
        const struct app_status *app = &r->status.apps[i];

        if (!app->deployment || strcmp(app->deployment, deployment))
            continue;
        /* What goes back or is put back had a first patch. */
        ret->rolling |= app->attempt &&
                        (app->attempt->accepted || app->attempt->kind == ATTEMPT_ROLLBACK ||
                         app->attempt->kind == ATTEMPT_PUT_BACK) &&
                        (app->state == APP_UPDATING || app->state == APP_SOAKING ||
                         app->state == APP_ROLLING_BACK);
        if (app->state == APP_UNCHANGED && r->status.observed_generation == r->meta.generation)
            ret->unchanged_ms = app->state_ms;
    }
}

static void add_rival(const char *key, void *ctx)
{
    struct rivals *rivals = ctx;
    struct app_facts *app = rivals->app;
    const struct release *other = cluster_release(rivals->g->cluster, key);

    if (!other || !strcmp(other->meta.uid, rivals->self->meta.uid) ||
        !release_claims(other, app->deployment))
        return;
    if (app->n_rivals == rivals->room) {
        size_t room = rivals->room ? rivals->room * 2 : 4;
        struct rival *more = arena_array(rivals->g->arena, room, sizeof *more);

        if (app->n_rivals)
            memcpy(more, app->rivals, app->n_rivals * sizeof *more);
        app->rivals = more;
        rivals->room = room;
    }
    app->rivals[app->n_rivals] = (struct rival){ .name = other->meta.name,
                                                 .uid = other->meta.uid,
                                                 .newer = release_is_newer(other, rivals->self),
                                                 .finished = release_is_finished(other) };
    look_at_apps(other, app->deployment, &app->rivals[app->n_rivals++]);
}

static void gather_rivals(const struct gather *g, const struct release *r, struct app_facts *app)
{
    struct rivals rivals = { .g = g, .self = r, .app = app };

    claims_each(g->claims, kube_key(g->arena, r->meta.ns, app->deployment), add_rival, &rivals);
}

/* --- all together --- */

static bool is_pinned(const struct kube_deployment *d)
{
    for (size_t i = 0; i < d->tmpl.n; i++)
        if (!image_digest(d->tmpl.containers[i].image))
            return false;
    return true;
}

/* Those of an app that moves; and, while a release is worked on, of one that runs a tag (R3), or
 * that somebody else is rolling: how many run what is there (R10)? */
static bool needs_pods(const struct release *r, const struct kube_deployment *d,
                       const struct deployment_facts *dep)
{
    const char *deployment = d->meta.name;

    if (status_condition(&r->status, "Reconciling") &&
        (!is_pinned(d) || !deployment_is_complete(dep)))
        return true;
    for (size_t i = 0; i < r->status.n_apps; i++) {
        const struct app_status *app = &r->status.apps[i];

        if (!strcmp(app->deployment ? app->deployment : "", deployment) &&
            (app->state == APP_UPDATING || app->state == APP_SOAKING ||
             app->state == APP_ROLLING_BACK))
            return true;
    }
    return false;
}

static void add_app(const struct gather *g, const struct release *r, const char *deployment,
                    struct observed *o)
{
    struct app_facts *app = &o->apps[o->n_apps];
    const struct kube_deployment *d;
    struct deployment_facts *dep;
    int64_t read_ms;

    if (!deployment)
        return;
    for (size_t i = 0; i < o->n_apps; i++)
        if (!strcmp(o->apps[i].deployment, deployment))
            return;
    d = cluster_deployment(g->cluster, kube_key(g->arena, r->meta.ns, deployment));
    d = facts_newer_deployment(g->facts, deployment, d, g->mono_ms, &read_ms);
    app->deployment = deployment;
    app->dep = dep = d ? gather_deployment(d, g->arena) : NULL;
    if (dep) {
        dep->read_ms = read_ms;
        if (needs_pods(r, d, dep))
            gather_sets(g, d, dep);
    }
    gather_rivals(g, r, app);
    o->n_apps++;
}

struct observed gather_release(const struct release *r)
{
    return (struct observed){ .ns = r->meta.ns,
                              .name = r->meta.name,
                              .uid = r->meta.uid,
                              .rv = r->meta.rv,
                              .generation = r->meta.generation,
                              .retry_at = r->retry_at,
                              .reconcile_at = r->reconcile_at,
                              .account = r->spec.service_account,
                              .account_wrong = r->spec.service_account_wrong,
                              .freeze_override = r->freeze_override,
                              .suspended = r->spec.suspend,
                              .suspended_by = r->suspended_by,
                              .paused_by = r->paused_by,
                              .overridden_by = r->overridden_by,
                              .spec = &r->spec,
                              .spec_problem = r->spec_problem,
                              .status = &r->status };
}

struct observed gather(const struct gather *g, const struct release *r)
{
    struct observed o = gather_release(r);

    o.now_ms = g->now_ms;
    o.account = o.account ?: g->default_account;
    o.apps = arena_array(g->arena, r->status.n_apps + r->spec.n_apps + 1, sizeof *o.apps);
    for (size_t i = 0; !o.spec_problem && i < r->spec.n_apps; i++)
        add_app(g, r, r->spec.apps[i].deployment, &o);
    for (size_t i = 0; i < r->status.n_apps; i++)
        add_app(g, r, r->status.apps[i].deployment, &o);
    facts_observe(g->facts, g->arena, &o);
    return o;
}
