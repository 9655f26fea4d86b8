/* What a plan may know of the world that a controller has seen: as reconcile/gather.c does it. */
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "deploy/image.h"
#include "property/model.h"

#define READ_LIVES_MS 5000
#define PODS_LIVE_MS 2000

static struct template_facts observe_template(const struct tmpl *t, int app, struct arena *a)
{
    struct template_facts facts = { 0 };
    char name[NAME_BYTES];

    facts.containers = arena_array(a, CONTAINERS, sizeof *facts.containers);
    for (int i = 0; i < CONTAINERS; i++) {
        enum container which = container_at(i);
        const struct container_kind *kind = container_kind(which);

        if (!t->images[which])
            continue;
        facts.containers[facts.n++] =
            (struct container_facts){ .name = arena_strdup(a, container_name(name, app, which)),
                                      .image = t->images[which],
                                      .init = kind->init,
                                      .readiness = kind->readiness };
    }
    return facts;
}

/* A container that is well: an init container has run, those after it run or wait for it. */
static struct run_facts well(const struct pod *pod, enum container which, const char *name)
{
    const struct container_kind *kind = container_kind(which);
    bool blocked = container_kind(pod->culprit)->init && !pod->ready &&
                   (!kind->init || pod->culprit == C_MIGRATE);
    struct run_facts run = { .name = name, .init = kind->init, .sidecar = kind->sidecar };

    if (!pod->running && !pod->has_last && !pod->ready)
        blocked = true; /* the images are being pulled */
    if (blocked)
        run.waiting = "PodInitializing";
    else if (which == C_MIGRATE)
        run.terminated = true, run.end_reason = "Completed";
    else
        run.running = true;
    run.image_id = blocked ? NULL : pod->image_ids[which];
    return run;
}

/* The container whose state the pod's is. An init container has done its work when the pod is
 * ready. */
static struct run_facts unwell(const struct pod *pod, const char *name)
{
    const struct container_kind *kind = container_kind(pod->culprit);
    bool done = pod->culprit == C_MIGRATE && pod->ready;

    return (struct run_facts){ .name = name,
                               .init = kind->init,
                               .sidecar = kind->sidecar,
                               .image_id = pod->running ? pod->image_ids[pod->culprit] : NULL,
                               .running = pod->running && !done,
                               .terminated = done,
                               .has_last = pod->has_last,
                               .restarts = pod->restarts,
                               .exit_code = done ? 0 : pod->exit_code,
                               .waiting = pod->waiting,
                               .waiting_message = pod->message,
                               .end_reason = done ? "Completed" : pod->end_reason };
}

static void observe_runs(const struct pod *pod, int app, struct arena *a, struct pod_facts *ret)
{
    char buf[NAME_BYTES];

    ret->runs = arena_array(a, CONTAINERS, sizeof *ret->runs);
    for (int i = 0; i < CONTAINERS; i++) {
        enum container which = container_at(i);
        const char *name;

        if (!pod->image_ids[which])
            continue;
        name = arena_strdup(a, container_name(buf, app, which));
        ret->runs[ret->n_runs++] =
            which == pod->culprit ? unwell(pod, name) : well(pod, which, name);
    }
}

static void observe_pod(const struct pod *pod, int app, struct arena *a, struct pod_facts *ret)
{
    *ret = (struct pod_facts){ .name = pod->name,
                               .phase = pod->start_ms ? "Running" : "Pending",
                               .created_ms = pod->created_ms,
                               .ready_ms = pod->ready_ms,
                               .start_ms = pod->start_ms,
                               .ready = pod->ready,
                               .deleting = pod->deleting,
                               .unschedulable = pod->unschedulable };
    if (!pod->start_ms)
        return;
    observe_runs(pod, app, a, ret);
}

static void observe_pods(const struct pod *pods, size_t n, const struct set *set, int app,
                         struct arena *a, struct replicaset_facts *ret)
{
    size_t room = 0;

    for (size_t i = 0; i < n; i++)
        room += pods[i].used && pods[i].set_uid == set->uid;
    ret->pods = arena_array(a, room + 1, sizeof *ret->pods);
    for (size_t i = 0; i < n; i++)
        if (pods[i].used && pods[i].set_uid == set->uid)
            observe_pod(&pods[i], app, a, &ret->pods[ret->n_pods++]);
}

static void observe_sets(struct model *m, const struct controller *c, const struct held_dep *held,
                         const struct dep *d, struct arena *a, struct deployment_facts *ret)
{
    bool live = held->pods_set && m->now_ms - held->pods_ms <= PODS_LIVE_MS;
    size_t n = 0;

    for (int i = 0; i < SETS; i++)
        n += c->seen.sets[i].used && c->seen.sets[i].dep_uid == d->uid;
    ret->sets = arena_array(a, n + 1, sizeof *ret->sets);
    for (int i = 0; i < SETS && c->pods == 2; i++) {
        const struct set *set = &c->seen.sets[i];
        struct replicaset_facts *facts = &ret->sets[ret->n_sets];

        if (!set->used || set->dep_uid != d->uid)
            continue;
        *facts = (struct replicaset_facts){ .name = set->name,
                                            .revision = set->revision,
                                            .tmpl = observe_template(&set->tmpl, d->app, a),
                                            .failure = set->failure,
                                            .failure_ms = set->failure ? set->failure_ms : 0 };
        if (live && held->pods_set == set->uid)
            observe_pods(held->pods, held->n_pods, set, d->app, a, facts);
        else
            observe_pods(c->seen.pods, PODS, set, d->app, a, facts);
        ret->n_sets++;
    }
    ret->pods_known = c->pods == 2;
}

static void observe_latch(const char *json, struct arena *a, struct deployment_facts *ret)
{
    struct err ignored = { 0 };
    AUTO(json) cJSON *tree = json ? json_parse(json, strlen(json), &ignored) : NULL;

    ret->latch_image = arena_strdup(a, json_str(tree, "image"));
    ret->latch_commit = arena_strdup(a, json_str(tree, "commit"));
    ret->latch_reason = arena_strdup(a, json_str(tree, "reason"));
    ret->latch_retry_at = arena_strdup(a, json_str(tree, "retryAt"));
}

static struct deployment_facts *observe_dep(const struct dep *d, struct arena *a)
{
    struct deployment_facts *ret = arena_alloc(a, sizeof *ret);

    *ret = (struct deployment_facts){ .uid = arena_printf(a, "uid-%lld", (long long)d->uid),
                                      .rv = arena_printf(a, "%lld", (long long)d->rv),
                                      .generation = d->generation,
                                      .observed_generation = d->observed,
                                      .replicas = d->replicas,
                                      .min_ready_s = d->min_ready_s,
                                      .status_replicas = d->s_replicas,
                                      .updated = d->s_updated,
                                      .available = d->s_available,
                                      .paused = d->paused,
                                      .deleting = d->deleting,
                                      .rolls_softly = d->soft,
                                      .tmpl = observe_template(&d->tmpl, d->app, a),
                                      .attempt = attempt_from_annotation(d->attempt, a),
                                      .owner = d->owner,
                                      .image_manager = d->manager };
    observe_latch(d->latch, a, ret);
    return ret;
}

/* The newer one of what the watch has and what we hold (reconcile/facts.c). */
static const struct dep *newer_dep(struct model *m, struct held_dep *held, const struct dep *seen,
                                   int64_t *ret_read_ms)
{
    *ret_read_ms = 0;
    if (!held->held)
        return seen->exists ? seen : NULL;
    if (seen->exists && held->dep.rv > seen->rv) {
        *ret_read_ms = held->read_ms;
        return &held->dep;
    }
    if (seen->exists && seen->uid == held->dep.uid && m->now_ms - held->at_ms < READ_LIVES_MS) {
        *ret_read_ms = held->read_ms;
        return seen;
    }
    held->held = false;
    return seen->exists ? seen : NULL;
}

static bool claims(const struct release *r, const char *deployment)
{
    if (!r->exists || r->problem || r->spec->suspend || r->spec->plan_only)
        return false;
    for (size_t i = 0; i < r->spec->n_apps; i++)
        if (!strcmp(r->spec->apps[i].deployment, deployment))
            return true;
    return false;
}

static bool same_token(const char *token, const char *last)
{
    return !token || (last && !strcmp(token, last));
}

static bool is_finished(const struct release *r)
{
    const struct release_status *s = r->status;

    return s->observed_generation == r->generation && status_condition(s, "Ready") &&
           !status_condition(s, "Reconciling") && same_token(r->retry_at, s->last_retry_at) &&
           same_token(r->reconcile_at, s->last_reconcile_at);
}

static struct rival observe_rival(const struct release *self, const struct release *other,
                                  const char *deployment)
{
    const struct release_status *s = other->status;
    struct rival ret = { .name = other->name,
                         .uid = other->uid,
                         .newer = other->created_ms == self->created_ms ?
                                      strcmp(other->name, self->name) > 0 :
                                      other->created_ms > self->created_ms,
                         .finished = is_finished(other) };

    for (size_t i = 0; i < s->n_apps; i++) {
        const struct app_status *app = &s->apps[i];

        if (strcmp(app->deployment, deployment) != 0)
            continue;
        ret.rolling |=
            app_moves(app) && (app->attempt->accepted || app->attempt->kind == ATTEMPT_ROLLBACK ||
                               app->attempt->kind == ATTEMPT_PUT_BACK);
        if (app->state == APP_UNCHANGED && s->observed_generation == other->generation)
            ret.unchanged_ms = app->state_ms;
    }
    return ret;
}

static void observe_rivals(const struct controller *c, int release, struct app_facts *app,
                           struct arena *a)
{
    app->rivals = arena_array(a, RELEASES, sizeof *app->rivals);
    for (int r = 0; r < RELEASES; r++)
        if (r != release && claims(&c->seen.releases[r], app->deployment))
            app->rivals[app->n_rivals++] =
                observe_rival(&c->seen.releases[release], &c->seen.releases[r], app->deployment);
}

static bool runs_a_tag(const struct tmpl *t)
{
    for (int i = 0; i < CONTAINERS; i++)
        if (t->images[i] && !image_digest(t->images[i]))
            return true;
    return false;
}

static bool needs_pods(const struct release *r, const struct dep *d)
{
    if (status_condition(r->status, "Reconciling") && (runs_a_tag(&d->tmpl) || !dep_is_complete(d)))
        return true;
    for (size_t i = 0; i < r->status->n_apps; i++)
        if (!strcmp(r->status->apps[i].deployment, d->name) && app_moves(&r->status->apps[i]))
            return true;
    return false;
}

static void add_app(struct model *m, struct controller *c, int release, const struct release *r,
                    const char *deployment, struct arena *a, struct observed *o)
{
    struct facts *f = &c->jobs[release].facts;
    struct app_facts *app = &o->apps[o->n_apps];
    int i = dep_index(deployment);
    const struct dep *d;
    int64_t read_ms;

    for (size_t k = 0; k < o->n_apps; k++)
        if (!strcmp(o->apps[k].deployment, deployment))
            return;
    d = newer_dep(m, &f->deps[i], &c->seen.deps[i], &read_ms);
    app->deployment = deployment;
    observe_rivals(c, release, app, a);
    o->n_apps++;
    if (!d)
        return;
    app->dep = observe_dep(d, a);
    ((struct deployment_facts *)app->dep)->read_ms = read_ms;
    if (needs_pods(r, d))
        observe_sets(m, c, &f->deps[i], d, a, (struct deployment_facts *)app->dep);
}

const struct release *observe_release(const struct controller *c, int release)
{
    const struct release *told = &c->jobs[release].facts.release;
    const struct release *seen = &c->seen.releases[release];

    return told->exists && told->rv > seen->rv ? told : seen;
}

struct observed observe(struct model *m, struct controller *c, int release, struct arena *a)
{
    struct facts *f = &c->jobs[release].facts;
    const struct release *r = observe_release(c, release);
    struct observed o = { .now_ms = m->now_ms, .ns = "shop" };

    o.name = r->name;
    o.uid = r->uid;
    o.rv = arena_printf(a, "%lld", (long long)r->rv);
    o.generation = r->generation;
    o.retry_at = r->retry_at;
    o.reconcile_at = r->reconcile_at;
    o.account = r->spec->service_account;
    o.account_wrong = r->spec->service_account_wrong;
    o.freeze_override = r->freeze_override;
    o.spec = r->spec;
    o.suspended = r->spec->suspend;
    o.spec_problem = r->problem;
    o.status = r->status;
    o.last_write_ms = f->last_write_ms;
    o.begun_ms = f->begun_rv == r->rv ? f->begun_ms : 0;
    o.patience_ms = model_chance(m, 60, release, 0, 1) * 250;
    o.apps = arena_array(a, DEPS + 1, sizeof *o.apps);
    for (size_t i = 0; !o.spec_problem && i < r->spec->n_apps; i++)
        add_app(m, c, release, r, r->spec->apps[i].deployment, a, &o);
    for (size_t i = 0; i < r->status->n_apps; i++)
        add_app(m, c, release, r, r->status->apps[i].deployment, a, &o);
    o.images = f->images;
    o.n_images = f->n_images;
    o.logs = f->logs;
    o.n_logs = f->n_logs;
    o.refusals = f->refusals;
    o.n_refusals = f->n_refusals;
    o.failures = f->failures;
    o.n_failures = f->n_failures;
    return o;
}
