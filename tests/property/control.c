/* A controller: watches that lag, facts beside them, and the writes of a plan one after the other.
 * It does what reconcile/ does (reconciler.c, effects.c, facts.c, questions.c), on this clock. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/backoff.h"
#include "property/told.h"
#include "property/watch.h"

#define LIVE_READ_MS 60000
#define TIMEOUT_MS 5000
#define CONFLICTS 10

static const struct backoff WORK_AGAIN = { 5, 60000 };

enum { WHAT_LAG = 40, WHAT_WAY, WHAT_LOSS };

enum req_kind {
    REQ_STATUS,
    REQ_PATCH,
    REQ_DELETE,
    REQ_REREAD_RELEASE,
    REQ_REREAD_DEP,
    REQ_LIVE_RELEASE,
    REQ_LIVE_DEP,
    REQ_RESOLVE,
    REQ_LOG,
};

struct request {
    enum req_kind kind;
    int which, epoch, release, dep;
    const char *image, *pod, *container;
    int64_t set_uid;       /* whose pods are read too */
    int64_t sent_ms, n;    /* n: its number, for chance */
    bool lost, late, mute; /* never arrives; arrives after the timeout; its reply is lost */
    struct write write;
    const char *uid;
    int64_t rv;
    const struct release_status *status;
    /* the answer */
    int code; /* 0 = none came */
    struct release got_release;
    struct dep got_dep;
    struct pod pods[8];
    size_t n_pods;
    const char *digest;
};

/* --- when keys are due --- */

static struct job *job_of(struct model *m, int which, int release)
{
    return &m->controllers[which].jobs[release];
}

static void schedule(struct model *m, int which, int release, int64_t at_ms)
{
    struct job *job = job_of(m, which, release);

    if (job->due_ms && job->due_ms <= at_ms)
        return;
    job->due_ms = at_ms;
    model_move(m, at_ms, T_WORK, which, release);
}

static void add_key(struct model *m, int which, int release)
{
    struct job *job = job_of(m, which, release);

    if (job->chain.on)
        job->pending = true;
    else
        schedule(m, which, release, m->now_ms + 1);
}

void control_add_keys(struct model *m, int which)
{
    for (int r = 0; r < m->n_releases; r++)
        add_key(m, which, r);
}

static void finish(struct model *m, int which, int release, bool failed, int64_t again_ms)
{
    struct job *job = job_of(m, which, release);

    job->chain.on = false;
    job->failures = failed ? job->failures + 1 : 0;
    if (failed)
        schedule(m, which, release, m->now_ms + 1 + backoff_ms(&WORK_AGAIN, job->failures));
    else if (again_ms)
        schedule(m, which, release, again_ms > m->now_ms ? again_ms : m->now_ms + 1);
    if (job->pending)
        schedule(m, which, release, m->now_ms + 1);
    job->pending = false;
}

void control_begin(struct model *m, int which)
{
    struct controller *c = &m->controllers[which];
    int epoch = c->epoch + 1;

    memset(c, 0, sizeof *c);
    c->alive = true;
    c->epoch = epoch;
    watch_copy(m, c, KIND_RELEASES);
    watch_copy(m, c, KIND_DEPS);
    model_tell(m, "controller %d starts", which);
    for (int r = 0; r < RELEASES; r++)
        c->jobs[r].facts.live_ms = m->now_ms;
    for (int r = 0; r < m->n_releases; r++) {
        schedule(m, which, r, m->now_ms + model_chance(m, WHAT_LAG, ++m->draws, 5, 500));
    }
}

void control_stop(struct model *m, int which)
{
    m->controllers[which].alive = false;
    m->controllers[which].epoch++;
}

/* --- requests --- */

/* What a network does to a request: its way there, the way back, or neither, is lost. */
static void send(struct model *m, struct request *req)
{
    bool api = req->kind != REQ_RESOLVE && req->kind != REQ_LOG;
    bool lossy = api && m->lossy_ms > m->now_ms;
    int64_t way_ms;

    req->n = ++m->draws;
    req->epoch = m->controllers[req->which].epoch;
    req->sent_ms = m->now_ms;
    way_ms = model_chance(m, WHAT_WAY, req->n, 1, 60);
    if (lossy && model_chance(m, WHAT_LOSS, req->n, 0, 2) == 0) {
        req->lost = m->lossy == 0 || (m->lossy == 2 && req->n % 2);
        req->late = m->lossy == 3;
        req->mute = !req->lost;
    }
    if (req->late)
        way_ms += TIMEOUT_MS + model_chance(m, WHAT_WAY, req->n, 500, 9000);
    if (!req->lost)
        model_at(m, m->now_ms + way_ms, T_ARRIVE, 0, 0, 0, req);
    if (req->mute || req->lost)
        model_at(m, m->now_ms + TIMEOUT_MS, T_REPLY, 0, 0, 0, req);
}

static struct request *new_request(struct model *m, int which, int release, enum req_kind kind)
{
    struct request *req = arena_alloc(m->arena, sizeof *req);

    req->kind = kind;
    req->which = which;
    req->release = release;
    return req;
}

static void get_dep(struct model *m, struct request *req)
{
    req->got_dep = m->truth.deps[req->dep];
    req->code = req->got_dep.exists ? 200 : 404;
    for (int i = 0; i < PODS && req->n_pods < ARRAY_LEN(req->pods); i++)
        if (req->set_uid && m->truth.pods[i].used && m->truth.pods[i].set_uid == req->set_uid)
            req->pods[req->n_pods++] = m->truth.pods[i];
}

void control_arrive(struct model *m, struct request *req)
{
    const struct controller *c = &m->controllers[req->which];

    m->zombie = req->late || !c->alive || c->epoch != req->epoch || req->which != m->leader;
    switch (req->kind) {
    case REQ_STATUS:
        req->code = server_patch_status(m, req->release, req->uid, req->rv, req->status);
        req->got_release = m->truth.releases[req->release];
        break;
    case REQ_PATCH:
        req->code = server_patch_deployment(m, req->dep, req->write.account, req->write.body);
        req->got_dep = m->truth.deps[req->dep];
        break;
    case REQ_DELETE:
        req->code = server_delete_release(m, req->release, req->uid);
        break;
    case REQ_REREAD_RELEASE:
    case REQ_LIVE_RELEASE:
        req->got_release = m->truth.releases[req->release];
        req->code = req->got_release.exists ? 200 : 404;
        break;
    case REQ_REREAD_DEP:
    case REQ_LIVE_DEP:
        get_dep(m, req);
        break;
    case REQ_RESOLVE:
        req->digest = server_digest(m, req->image);
        req->code = m->registry_ms > m->now_ms ? 503 : req->digest ? 200 : 404;
        break;
    case REQ_LOG:
        req->code = 200;
        break;
    }
    if (req->code != 200 && (req->kind == REQ_PATCH || req->kind == REQ_STATUS))
        model_tell(m, "  %s of %d is answered %d", req->kind == REQ_PATCH ? "patch" : "status",
                   req->kind == REQ_PATCH ? req->dep : req->release, req->code);
    if (!req->mute)
        model_at(m, m->now_ms + model_chance(m, WHAT_WAY, req->n + 7, 1, 60), T_REPLY, 0, 0, 0,
                 req);
}

/* --- writes --- */

static void end_chain(struct model *m, const struct request *req, bool failed, bool again)
{
    struct chain *chain = &job_of(m, req->which, req->release)->chain;

    finish(m, req->which, req->release, failed, again ? m->now_ms + 1 : chain->again_ms);
}

static enum req_kind request_of(enum action_kind kind)
{
    return kind == ACT_PATCH_STATUS   ? REQ_STATUS :
           kind == ACT_DELETE_RELEASE ? REQ_DELETE :
                                        REQ_PATCH;
}

static void next_write(struct model *m, int which, int release)
{
    struct chain *chain = &job_of(m, which, release)->chain;
    const struct write *w = &chain->writes[chain->at];
    struct request *req;

    if (chain->at == chain->n) {
        finish(m, which, release, chain->failed, chain->again_ms);
        return;
    }
    chain->at++;
    req = new_request(m, which, release, request_of(w->kind));
    req->write = *w;
    req->dep = w->dep;
    req->uid = chain->uid;
    req->rv = chain->rv;
    req->status = chain->status;
    send(m, req);
}

/* 409: read what is there now, decide again. */
static void reread(struct model *m, const struct request *req)
{
    struct facts *f = &job_of(m, req->which, req->release)->facts;
    struct request *again;

    if (++f->conflicts > CONFLICTS) {
        end_chain(m, req, true, false);
        return;
    }
    again = new_request(m, req->which, req->release,
                        req->kind == REQ_STATUS ? REQ_REREAD_RELEASE : REQ_REREAD_DEP);
    again->dep = req->dep;
    send(m, again);
}

static void on_status(struct model *m, const struct request *req)
{
    struct facts *f = &job_of(m, req->which, req->release)->facts;

    if (req->code == 409) {
        reread(m, req);
        return;
    }
    if (req->code != 200) {
        end_chain(m, req, req->code != 404, false);
        return;
    }
    told_put_release(f, &req->got_release);
    f->last_write_ms = m->now_ms;
    f->conflicts = 0;
    next_write(m, req->which, req->release);
}

static void on_patch(struct model *m, const struct request *req)
{
    struct job *job = job_of(m, req->which, req->release);
    struct facts *f = &job->facts;

    if (req->code == 200) {
        told_put_dep(m, f, req->dep, &req->got_dep, 0);
        told_forget_failure(f, req->write.id);
        told_forget_refusal(f, req->write.id);
        f->conflicts = 0;
        next_write(m, req->which, req->release);
    } else if (req->code == 409) {
        told_forget_failure(f, req->write.id);
        reread(m, req);
    } else if (req->code == 400 || req->code == 403 || req->code == 422) {
        told_note_refusal(m, f, &req->write, req->code);
        end_chain(m, req, false, true);
    } else {
        told_note_failure(m, f, req->write.id);
        job->chain.failed = true;
        next_write(m, req->which, req->release);
    }
}

static void on_live_dep(struct model *m, const struct request *req, struct facts *f)
{
    struct held_dep *held = &f->deps[req->dep];

    if (req->code != 200)
        return;
    told_put_dep(m, f, req->dep, &req->got_dep, m->now_ms);
    if (!req->set_uid)
        return;
    held->pods_ms = m->now_ms;
    held->pods_set = req->set_uid;
    held->n_pods = req->n_pods;
    memcpy(held->pods, req->pods, sizeof held->pods);
}

static void on_answer(struct model *m, const struct request *req, struct facts *f)
{
    if (req->kind == REQ_RESOLVE)
        told_image_answered(m, f, req->image, req->code, req->digest);
    else if (req->kind == REQ_LIVE_DEP)
        on_live_dep(m, req, f);
    else if (req->kind == REQ_LIVE_RELEASE && req->code == 200)
        told_put_release(f, &req->got_release);
    for (size_t i = 0; req->kind == REQ_LOG && i < f->n_logs; i++)
        if (!strcmp(f->logs[i].pod, req->pod)) {
            f->logs[i].done = true;
            f->logs[i].tail = "panic: no such table";
        }
    add_key(m, req->which, req->release);
}

void control_reply(struct model *m, struct request *req)
{
    struct controller *c = &m->controllers[req->which];
    struct facts *f = &c->jobs[req->release].facts;

    if (!c->alive || c->epoch != req->epoch)
        return;
    if (req->mute || req->lost)
        req->code = 0;
    switch (req->kind) {
    case REQ_STATUS:
        on_status(m, req);
        break;
    case REQ_PATCH:
        on_patch(m, req);
        break;
    case REQ_DELETE:
        end_chain(m, req, req->code == 0, false);
        break;
    case REQ_REREAD_RELEASE:
        if (req->code == 200)
            told_put_release(f, &req->got_release);
        end_chain(m, req, req->code != 200, true);
        break;
    case REQ_REREAD_DEP:
        if (req->code == 200)
            told_put_dep(m, f, req->dep, &req->got_dep, 0);
        end_chain(m, req, req->code != 200, true);
        break;
    case REQ_LIVE_RELEASE:
    case REQ_LIVE_DEP:
    case REQ_RESOLVE:
    case REQ_LOG:
        on_answer(m, req, f);
        break;
    }
}

/* --- questions --- */

static void ask_log(struct model *m, struct facts *f, struct request *req, const struct action *act)
{
    if (f->n_logs == FACTS)
        model_abort(m, __func__);
    req->pod = arena_strdup(m->arena, act->pod);
    f->logs[f->n_logs++] = (struct log_answer){ .pod = req->pod,
                                                .container = arena_strdup(m->arena, act->container),
                                                .asked_ms = m->now_ms };
}

static void ask(struct model *m, int which, int release, const struct action *act)
{
    struct controller *c = &m->controllers[which];
    struct facts *f = &c->jobs[release].facts;
    struct request *req;
    const struct set *set;
    size_t at;

    if (act->kind == ACT_RESOLVE) {
        req = new_request(m, which, release, REQ_RESOLVE);
        told_image(m, f, act->image, &at)->asking = true;
        req->image = f->images[at].image;
    } else if (act->kind == ACT_FETCH_LOGS) {
        req = new_request(m, which, release, REQ_LOG);
        ask_log(m, f, req, act);
    } else if (act->kind == ACT_READ_LIVE) {
        req = new_request(m, which, release, REQ_LIVE_DEP);
        req->dep = dep_index(act->deployment);
        set = c->pods == 2 ? kubernetes_newest(&c->seen, c->seen.deps[req->dep].uid) : NULL;
        req->set_uid = set ? set->uid : 0;
    } else {
        return;
    }
    send(m, req);
}

static void ask_all(struct model *m, int which, int release, const struct plan *p)
{
    struct facts *f = &job_of(m, which, release)->facts;

    for (size_t i = 0; i < p->n_actions; i++)
        ask(m, which, release, &p->actions[i]);
    if (p->settled || m->now_ms < f->live_ms + LIVE_READ_MS)
        return;
    f->live_ms = m->now_ms;
    send(m, new_request(m, which, release, REQ_LIVE_RELEASE));
}

/* --- a reconcile --- */

static const struct release_status *keep_status(struct model *m, const struct plan *p)
{
    AUTO(json) cJSON *tree = status_encode(&p->status);
    struct release_status *kept = arena_alloc(m->arena, sizeof *kept);

    status_decode(tree, m->arena, kept);
    check_kept(m, tree, kept);
    return kept;
}

static void keep_write(struct model *m, struct chain *chain, const struct action *act)
{
    chain->writes[chain->n++] = (struct write){ .kind = act->kind,
                                                .app = arena_strdup(m->arena, act->app),
                                                .id = arena_strdup(m->arena, act->id),
                                                .account = arena_strdup(m->arena, act->account),
                                                .body = arena_strdup(m->arena, act->body),
                                                .dep = dep_index(act->deployment) };
}

static bool start_chain(struct model *m, struct job *job, const struct observed *o,
                        const struct plan *p, int64_t again_ms)
{
    struct chain *chain = &job->chain;

    *chain = (struct chain){ .again_ms = again_ms };
    chain->writes = arena_array(m->arena, p->n_actions + 1, sizeof *chain->writes);
    for (size_t i = 0; i < p->n_actions; i++)
        if (p->actions[i].kind >= ACT_PATCH_STATUS && p->actions[i].kind != ACT_EVENT)
            keep_write(m, chain, &p->actions[i]);
    if (!chain->n)
        return false;
    chain->uid = arena_strdup(m->arena, o->uid);
    chain->rv = strtoll(o->rv, NULL, 10);
    if (chain->writes[0].kind == ACT_PATCH_STATUS)
        chain->status = keep_status(m, p);
    chain->on = true;
    return true;
}

static int64_t next_look(const struct model *m, const struct facts *f, const struct plan *p)
{
    int64_t again_ms = p->again_ms;

    if (again_ms && again_ms <= m->now_ms)
        again_ms = m->now_ms + 1;
    if (!p->settled && (!again_ms || again_ms > f->live_ms + LIVE_READ_MS))
        again_ms = f->live_ms + LIVE_READ_MS;
    return again_ms;
}

static void tell_plan(struct model *m, int which, const struct observed *o, const struct plan *p)
{
    char *text;

    if (!m->story || !p->n_actions)
        return;
    text = plan_print(o, p);
    model_tell(m, "controller %d plans for %s\n%s", which, o->name, text);
    free(text);
}

static void reconcile(struct model *m, int which, int release)
{
    AUTO(arena) struct arena *a = arena_new(16384);
    struct controller *c = &m->controllers[which];
    struct job *job = &c->jobs[release];
    struct facts *f = &job->facts;
    struct observed o;
    struct plan p;
    int64_t again_ms;

    if (!observe_release(c, release)->exists) { /* deleted, or not seen yet */
        *f = (struct facts){ .live_ms = m->now_ms };
        return;
    }
    if (f->release.exists && f->release.rv <= c->seen.releases[release].rv)
        f->release.exists = false;
    o = observe(m, c, release, a);
    p = plan_make(&o, a);
    if (p.begun_unwritten) {
        f->begun_rv = strtoll(o.rv, NULL, 10);
        f->begun_ms = p.status.start_ms;
    }
    tell_plan(m, which, &o, &p);
    check_plan(m, observe_release(c, release), &o, &p);
    if (p.watches_pods)
        watch_pods(m, which);
    ask_all(m, which, release, &p);
    again_ms = next_look(m, f, &p);
    told_forget_images(f, p.answers_ms);
    if (p.settled)
        f->n_logs = f->n_refusals = f->n_failures = 0;
    if (start_chain(m, job, &o, &p, again_ms))
        next_write(m, which, release);
    else
        finish(m, which, release, false, again_ms);
}

void control_work(struct model *m, int which, int release)
{
    struct controller *c = &m->controllers[which];
    struct job *job = &c->jobs[release];

    if (!c->alive || job->due_ms != m->now_ms)
        return;
    job->due_ms = 0;
    if (job->chain.on)
        job->pending = true;
    else
        reconcile(m, which, release);
}
