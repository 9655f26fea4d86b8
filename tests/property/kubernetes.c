/* The Deployment controller, ReplicaSets and kubelets, as far as a rollout shows them. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "property/model.h"

#define FLAPS 30

enum { WHAT_SYNC, WHAT_POD, WHAT_GONE };

bool tmpl_same(const struct tmpl *a, const struct tmpl *b)
{
    for (int i = 0; i < CONTAINERS; i++)
        if (a->images[i] != b->images[i] &&
            (!a->images[i] || !b->images[i] || strcmp(a->images[i], b->images[i]) != 0))
            return false;
    return a->env == b->env;
}

bool dep_is_complete(const struct dep *d)
{
    return d->exists && d->observed >= d->generation && d->s_replicas == d->replicas &&
           d->s_updated == d->replicas && d->s_available == d->replicas;
}

void kubernetes_wake(struct model *m, int dep, int64_t delay_ms)
{
    int64_t at_ms = m->now_ms + delay_ms;

    if (m->sync_ms[dep] && m->sync_ms[dep] <= at_ms)
        return;
    m->sync_ms[dep] = at_ms;
    model_move(m, at_ms, T_SYNC, dep, 0);
}

static void wake_soon(struct model *m, int dep)
{
    kubernetes_wake(m, dep, model_chance(m, WHAT_SYNC, ++m->draws, 10, m->script->slow_ms));
}

static struct pod *pod_of(struct model *m, int64_t uid)
{
    for (int i = 0; i < PODS; i++)
        if (m->truth.pods[i].used && m->truth.pods[i].uid == uid)
            return &m->truth.pods[i];
    return NULL;
}

static int dep_of(const struct model *m, int64_t uid)
{
    for (int i = 0; i < DEPS; i++)
        if (m->truth.deps[i].exists && m->truth.deps[i].uid == uid)
            return i;
    return -1;
}

struct set *kubernetes_newest(struct cluster *c, int64_t dep_uid)
{
    struct set *best = NULL;

    for (int i = 0; i < SETS; i++) {
        struct set *set = &c->sets[i];

        if (set->used && set->dep_uid == dep_uid && (!best || set->revision > best->revision))
            best = set;
    }
    return best;
}

/* --- pods --- */

static const char *digest_of(struct model *m, const char *image)
{
    const char *at = strchr(image, '@');

    return at ? at + 1 : server_digest(m, image);
}

static enum fate fate_of(const struct model *m, const char *digest)
{
    int i = digest ? (int)strtol(digest + strlen("sha256:"), NULL, 10) : -1;

    return i >= 0 && i < DIGESTS ? (enum fate)m->script->fates[i] : FATE_GONE;
}

static void step_in(struct model *m, struct pod *pod, int64_t low_ms, int64_t high_ms)
{
    int64_t ms = model_chance(m, WHAT_POD, pod->uid * 64 + pod->step, low_ms, high_ms);

    pod->step++;
    model_at(m, m->now_ms + ms, T_POD, 0, 0, pod->uid, NULL);
}

/* What each of its containers runs, and what becomes of it. */
static void give_images(struct model *m, const struct set *set, struct pod *pod)
{
    enum fate fates[CONTAINERS] = { FATE_GOOD };

    for (int i = 0; i < CONTAINERS; i++) {
        const char *digest;

        if (i == C_MESH || !set->tmpl.images[i])
            continue;
        digest = digest_of(m, set->tmpl.images[i]);
        fates[i] = fate_of(m, digest);
        pod->image_ids[i] = model_text(m, "reg.io/x@%s", digest ? digest : "sha256:none");
    }
    pod->culprit = container_culprit(fates);
    pod->fate = fates[pod->culprit];
}

static void make_pod(struct model *m, struct set *set, bool old)
{
    struct pod *pod = NULL;

    for (int i = 0; i < PODS && !pod; i++)
        if (!m->truth.pods[i].used)
            pod = &m->truth.pods[i];
    if (!pod)
        model_abort(m, __func__);
    *pod = (struct pod){ .used = true,
                         .uid = ++m->uids,
                         .set_uid = set->uid,
                         .dep_uid = set->dep_uid,
                         .created_ms = m->now_ms - m->now_ms % SECOND_MS };
    pod->name = model_text(m, "%s-%lld", set->name, (long long)pod->uid);
    give_images(m, set, pod);
    if (!old) {
        step_in(m, pod, 50, 800);
        return;
    }
    pod->created_ms = pod->start_ms = pod->ready_ms = m->now_ms - 3600 * SECOND_MS;
    pod->ready = pod->running = true;
    pod->step = 3;
}

static void crash(struct model *m, struct pod *pod)
{
    int64_t wait_s = pod->restarts < 5 ? 10 << pod->restarts : 300;

    pod->running = pod->ready = false;
    pod->ready_ms = 0;
    pod->has_last = true;
    pod->waiting = "CrashLoopBackOff";
    pod->message = "back-off restarting failed container";
    pod->exit_code = 1;
    pod->end_reason = "Error";
    step_in(m, pod, wait_s * SECOND_MS, wait_s * SECOND_MS + 1500);
}

static void run_again(struct model *m, struct pod *pod)
{
    pod->running = true;
    pod->waiting = pod->message = NULL;
    pod->restarts++;
    step_in(m, pod, 500, 4000);
}

static void become_ready(struct model *m, struct pod *pod)
{
    pod->ready = pod->running = true;
    pod->waiting = pod->message = NULL;
    pod->ready_ms = m->now_ms - m->now_ms % SECOND_MS;
}

/* Running, and its readiness or end is due. */
static void live(struct model *m, struct pod *pod)
{
    switch (pod->fate) {
    case FATE_CRASH:
        crash(m, pod);
        return;
    case FATE_CRASH_ONCE:
        if (pod->restarts == 0)
            crash(m, pod);
        else
            become_ready(m, pod);
        return;
    case FATE_CRASH_LATE:
        if (pod->ready)
            crash(m, pod);
        else
            become_ready(m, pod);
        if (pod->ready)
            step_in(m, pod, 2000, 40000);
        return;
    case FATE_NOT_READY:
        return;
    case FATE_FLAP:
        if (pod->ready) {
            pod->ready = false;
            pod->ready_ms = 0;
        } else {
            become_ready(m, pod);
        }
        if (pod->step < FLAPS)
            step_in(m, pod, 2000, 9000);
        return;
    case FATE_GOOD:
    case FATE_SLOW:
    case FATE_GONE:
    case FATE_DENIED:
    case FATE_TROUBLE:
    case FATE_CONFIG:
    case FATE_END:
        become_ready(m, pod);
        return;
    }
}

static void wait_for(struct pod *pod, const char *reason, const char *message)
{
    pod->waiting = reason;
    pod->message = message;
}

/* A node has taken it: pull, create, run. */
static void start_pod(struct model *m, struct pod *pod)
{
    switch (pod->fate) {
    case FATE_GONE:
        wait_for(pod, "ErrImagePull", "manifest unknown: not found");
        return;
    case FATE_DENIED:
        wait_for(pod, "ErrImagePull", "pull access denied, 401 unauthorized");
        return;
    case FATE_TROUBLE:
        wait_for(pod, "ErrImagePull", "unexpected status: 503 Service Unavailable");
        return;
    case FATE_CONFIG:
        wait_for(pod, "CreateContainerConfigError", "secret \"x\" not found");
        return;
    case FATE_SLOW:
        pod->running = true;
        step_in(m, pod, 8000, 50000);
        return;
    case FATE_GOOD:
    case FATE_CRASH:
    case FATE_CRASH_ONCE:
    case FATE_CRASH_LATE:
    case FATE_NOT_READY:
    case FATE_FLAP:
    case FATE_END:
        pod->running = true;
        step_in(m, pod, 500, 6000);
        return;
    }
}

static void schedule_pod(struct model *m, struct pod *pod, int dep)
{
    if (m->no_node_ms[dep] > m->now_ms) {
        pod->unschedulable = "0/3 nodes are available: insufficient cpu";
        model_at(m, m->no_node_ms[dep], T_POD, 0, 0, pod->uid, NULL);
        return;
    }
    pod->unschedulable = NULL;
    pod->start_ms = m->now_ms - m->now_ms % SECOND_MS;
    pod->waiting = "ContainerCreating";
    step_in(m, pod, 200, 3000);
}

void kubernetes_pod(struct model *m, int64_t uid)
{
    struct pod *pod = pod_of(m, uid);
    int dep = pod ? dep_of(m, pod->dep_uid) : -1;

    if (dep < 0 || pod->deleting)
        return;
    if (!pod->start_ms) {
        schedule_pod(m, pod, dep);
    } else if (!pod->running && !pod->has_last) {
        pod->waiting = NULL;
        start_pod(m, pod);
    } else if (!pod->running) {
        run_again(m, pod);
    } else {
        live(m, pod);
    }
    server_changed(m, KIND_PODS);
    wake_soon(m, dep);
}

static void delete_pod(struct model *m, struct pod *pod)
{
    pod->deleting = true;
    pod->ready = false;
    pod->ready_ms = 0;
    model_at(m, m->now_ms + model_chance(m, WHAT_GONE, pod->uid, 300, 4000), T_GONE, 0, 0, pod->uid,
             NULL);
    server_changed(m, KIND_PODS);
    wake_soon(m, dep_of(m, pod->dep_uid));
}

void kubernetes_pod_gone(struct model *m, int64_t uid)
{
    struct pod *pod = pod_of(m, uid);

    if (!pod)
        return;
    pod->used = false;
    server_changed(m, KIND_PODS);
}

void kubernetes_evict(struct model *m, int dep)
{
    for (int i = 0; i < PODS; i++) {
        struct pod *pod = &m->truth.pods[i];

        if (pod->used && !pod->deleting && pod->dep_uid == m->truth.deps[dep].uid) {
            delete_pod(m, pod);
            return;
        }
    }
}

/* --- the Deployment controller --- */

struct counts {
    int total, fresh, fresh_available, available;
};

static bool is_available(const struct model *m, const struct dep *d, const struct pod *pod)
{
    return pod->ready && pod->ready_ms + d->min_ready_s * SECOND_MS <= m->now_ms;
}

static struct counts count(struct model *m, const struct dep *d, const struct set *fresh)
{
    struct counts n = { 0 };

    for (int i = 0; i < PODS; i++) {
        const struct pod *pod = &m->truth.pods[i];
        bool up, is_fresh = pod->set_uid == fresh->uid;

        if (!pod->used || pod->deleting || pod->dep_uid != d->uid)
            continue;
        up = is_available(m, d, pod);
        n.total++;
        n.fresh += is_fresh;
        n.available += up;
        n.fresh_available += up && is_fresh;
        if (pod->ready && !up)
            kubernetes_wake(m, dep_of(m, d->uid),
                            pod->ready_ms + d->min_ready_s * SECOND_MS - m->now_ms);
    }
    return n;
}

static void remove_pods(struct model *m, const struct dep *d, const struct set *fresh,
                        bool of_fresh, bool only_down, int n)
{
    for (int i = 0; i < PODS && n > 0; i++) {
        struct pod *pod = &m->truth.pods[i];

        if (!pod->used || pod->deleting || pod->dep_uid != d->uid ||
            (pod->set_uid == fresh->uid) != of_fresh || (only_down && is_available(m, d, pod)))
            continue;
        delete_pod(m, pod);
        n--;
    }
}

static void drop_oldest_set(struct model *m, int64_t dep_uid)
{
    struct set *oldest = NULL;
    int n = 0;

    for (int i = 0; i < SETS; i++) {
        struct set *set = &m->truth.sets[i];
        bool empty = true;

        if (!set->used || set->dep_uid != dep_uid)
            continue;
        n++;
        for (int k = 0; k < PODS; k++)
            empty &= !m->truth.pods[k].used || m->truth.pods[k].set_uid != set->uid;
        if (empty && (!oldest || set->revision < oldest->revision))
            oldest = set;
    }
    if (n > SETS / DEPS - 1 && oldest)
        oldest->used = false;
}

static struct set *make_set(struct model *m, const struct dep *d)
{
    drop_oldest_set(m, d->uid);
    for (int i = 0; i < SETS; i++) {
        struct set *set = &m->truth.sets[i];

        if (set->used)
            continue;
        *set = (struct set){ .used = true, .uid = ++m->uids, .dep_uid = d->uid, .tmpl = d->tmpl };
        set->name = model_text(m, "%s-%lld", d->name, (long long)set->uid);
        return set;
    }
    model_abort(m, __func__);
}

static struct set *fresh_set(struct model *m, const struct dep *d)
{
    struct set *newest = kubernetes_newest(&m->truth, d->uid), *set = NULL;
    int64_t top = newest ? newest->revision : 0;

    for (int i = 0; i < SETS && !set; i++)
        if (m->truth.sets[i].used && m->truth.sets[i].dep_uid == d->uid &&
            tmpl_same(&m->truth.sets[i].tmpl, &d->tmpl))
            set = &m->truth.sets[i];
    if (!set)
        set = make_set(m, d);
    if (set->revision < top || !set->revision) {
        set->revision = top + 1;
        server_changed(m, KIND_SETS);
    }
    if (set->attempt != d->attempt || set->latch != d->latch || set->owner != d->owner) {
        set->attempt = d->attempt;
        set->latch = d->latch;
        set->owner = d->owner;
        server_changed(m, KIND_SETS);
    }
    return set;
}

static void note_failure(struct model *m, struct set *set, const char *failure)
{
    if (set->failure == failure)
        return;
    set->failure = failure;
    set->failure_ms = m->now_ms;
    server_changed(m, KIND_SETS);
}

/* One pod more at most, none fewer: as maxSurge 1, maxUnavailable 0 say. */
static void roll(struct model *m, int dep, struct set *fresh)
{
    static const char quota[] = "pods \"x\" is forbidden: exceeded quota";
    struct dep *d = &m->truth.deps[dep];
    struct counts n = count(m, d, fresh);
    int spare;

    if (n.fresh > d->replicas) {
        remove_pods(m, d, fresh, true, false, n.fresh - d->replicas);
        n = count(m, d, fresh);
    }
    note_failure(m, fresh, n.fresh < d->replicas && m->quota_ms[dep] > m->now_ms ? quota : NULL);
    while (!fresh->failure && n.fresh < d->replicas && n.total < d->replicas + 1) {
        make_pod(m, fresh, false);
        n.fresh++;
        n.total++;
        server_changed(m, KIND_PODS);
    }
    spare = n.total - d->replicas - (n.fresh - n.fresh_available);
    if (spare > 0 && n.total > n.fresh) {
        remove_pods(m, d, fresh, false, true, spare);
        n = count(m, d, fresh);
    }
    if (n.available > d->replicas && n.total > n.fresh)
        remove_pods(m, d, fresh, false, false, n.available - d->replicas);
}

static void put_counts(struct model *m, int dep, const struct counts *n)
{
    struct dep *d = &m->truth.deps[dep];

    if (d->observed == d->generation && d->s_replicas == n->total && d->s_updated == n->fresh &&
        d->s_available == n->available)
        return;
    d->observed = d->generation;
    d->s_replicas = n->total;
    d->s_updated = n->fresh;
    d->s_available = n->available;
    d->rv = ++m->rv;
    m->checks.stirred_ms[dep] = m->now_ms;
    model_tell(m, "  %s has %d pods, %d updated, %d available of %d: %s", d->name, n->total,
               n->fresh, n->available, d->replicas, d->tmpl.images[0]);
    server_changed(m, KIND_DEPS);
}

void kubernetes_sync(struct model *m, int dep)
{
    struct dep *d = &m->truth.deps[dep];
    struct set *fresh;
    struct counts n;

    if (m->sync_ms[dep] != m->now_ms)
        return; /* an earlier one came first */
    m->sync_ms[dep] = 0;
    if (!d->exists || d->deleting)
        return;
    check_truth(m, dep);
    if (d->paused)
        fresh = kubernetes_newest(&m->truth, d->uid);
    else
        fresh = fresh_set(m, d);
    if (!d->paused)
        roll(m, dep, fresh);
    n = count(m, d, fresh);
    if (d->paused && !tmpl_same(&fresh->tmpl, &d->tmpl))
        n.fresh = 0;
    put_counts(m, dep, &n);
    check_truth(m, dep);
}

/* A Deployment that has been there for long, or has just been made. */
void kubernetes_begin(struct model *m, int dep)
{
    struct dep *d = &m->truth.deps[dep];
    struct set *set = fresh_set(m, d);

    for (int i = 0; i < d->replicas; i++)
        make_pod(m, set, true);
    d->observed = d->generation;
    d->s_replicas = d->s_updated = d->s_available = d->replicas;
    check_truth(m, dep);
}
