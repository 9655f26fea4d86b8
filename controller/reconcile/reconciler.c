#include "reconcile/reconciler.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "deploy/plan.h"
#include "io/loop.h"
#include "kube/client.h"
#include "kube/workq.h"
#include "reconcile/claims.h"
#include "reconcile/cluster.h"
#include "reconcile/effects.h"
#include "reconcile/facts.h"
#include "reconcile/gather.h"
#include "reconcile/questions.h"
#include "reconcile/release.h"
#include "reconcile/zones.h"

#define KEYS_A_TURN 8
#define LIVE_READ_MS 60000 /* a release that is not settled is read live so often */
#define PATIENCE_MS 250    /* so long a new work's status waits for the registry's first answers */

static struct metric reconciles = { .name = "shopflow_deployer_reconcile_total",
                                    .help = "Reconciles of AppReleases, by result.",
                                    .type = METRIC_COUNTER,
                                    .labels = { "result" } };
static struct metric durations = { .name = "shopflow_deployer_reconcile_duration_seconds",
                                   .help = "From a key taken to its writes answered.",
                                   .type = METRIC_HISTOGRAM,
                                   .buckets = METRIC_SECONDS };
static struct metric releases = { .name = "shopflow_deployer_releases",
                                  .help = "AppReleases, by the reason of their Ready condition.",
                                  .type = METRIC_GAUGE,
                                  .labels = { "reason" } };
static struct metric depth = { .name = "shopflow_deployer_queue_depth",
                               .help = "Keys waiting for a reconcile.",
                               .type = METRIC_GAUGE };

/* A key whose writes are under way. */
struct running {
    struct effect_run *run;
    int64_t taken_ms;
    int64_t again_ms; /* monotonic; what the plan asked for; 0 = nothing */
};

struct reconciler {
    struct reconciler_opts o;
    struct cluster *cluster;
    struct claims *claims;
    struct questions *questions;
    struct effects effects;
    struct map *facts;   /* release key → struct facts */
    struct map *running; /* release key → struct running */
    struct workq *queue;
    struct loop_timer timer;
    bool stopped;
};

static void run_keys(void *ctx);

/* --- keys --- */

/* Wake up when the next key is due. */
static void arm(struct reconciler *rc)
{
    int64_t due_ms = workq_next_due(rc->queue);

    if (rc->stopped || due_ms == INT64_MAX || !reconciler_ready(rc, NULL))
        loop_timer_stop(rc->o.loop, &rc->timer);
    else
        loop_timer_set(rc->o.loop, &rc->timer, due_ms);
}

static void add_key(struct reconciler *rc, const char *key)
{
    workq_add(rc->queue, key, loop_now_ms(rc->o.loop));
    arm(rc);
}

static void on_claimant(const char *release_key, void *ctx)
{
    add_key(ctx, release_key);
}

static void on_deployment(const char *key, void *ctx)
{
    struct reconciler *rc = ctx;

    claims_each(rc->claims, key, on_claimant, rc);
}

/* Is the release to others, which name its Deployments too, what it was (R15)? */
static bool stands_as_before(const struct release *old, const struct release *r)
{
    return old && r && release_is_finished(old) == release_is_finished(r) &&
           release_claims(old, NULL) == release_claims(r, NULL);
}

static void on_release(const char *key, const struct release *old, void *ctx)
{
    struct reconciler *rc = ctx;
    const struct release *r = cluster_release(rc->cluster, key);

    claims_set(rc->claims, key, r, on_deployment, rc);
    if (!stands_as_before(old, r))
        claims_of(rc->claims, key, on_deployment, rc);
    add_key(rc, key);
}

static void on_answer(const char *key, void *ctx)
{
    add_key(ctx, key);
}

static void on_synced(void *ctx)
{
    arm(ctx);
}

/* --- one reconcile --- */

static void finish(struct reconciler *rc, const char *key, bool failed, int64_t taken_ms,
                   int64_t again_ms)
{
    int64_t now_ms = loop_now_ms(rc->o.loop);

    metric_add(&reconciles, 1, failed ? "error" : "success");
    metric_observe(&durations, (double)(now_ms - taken_ms) / 1000.0);
    workq_done(rc->queue, key, failed, now_ms, again_ms);
    arm(rc);
}

static void on_effects(const char *key, bool failed, bool again, void *ctx)
{
    struct reconciler *rc = ctx;
    struct running *running = map_del(rc->running, key);
    int64_t again_ms = again ? loop_now_ms(rc->o.loop) : running->again_ms;

    finish(rc, key, failed, running->taken_ms, again_ms);
    free(running);
}

static struct facts *facts_for(struct reconciler *rc, const char *key)
{
    struct facts *f = map_get(rc->facts, key);

    if (!f) {
        f = facts_new();
        f->live_ms = loop_now_ms(rc->o.loop);
        map_put(rc->facts, key, f);
    }
    return f;
}

static void forget(struct reconciler *rc, const char *key)
{
    facts_free(map_del(rc->facts, key));
    workq_forget(rc->queue, key);
    workq_done(rc->queue, key, false, 0, 0); /* ends the key: no use of it from here on */
    arm(rc);
}

/* When to look again, by the monotonic clock; 0 = only when something changes. */
static int64_t next_look(struct reconciler *rc, const struct plan *p, struct facts *f,
                         int64_t wall_ms)
{
    int64_t now_ms = loop_now_ms(rc->o.loop), again_ms = 0;

    if (p->again_ms)
        again_ms = p->again_ms > wall_ms ? now_ms + (p->again_ms - wall_ms) : now_ms + 1;
    if (!p->settled && (!again_ms || again_ms > f->live_ms + LIVE_READ_MS))
        again_ms = f->live_ms + LIVE_READ_MS;
    return again_ms;
}

static void ask_questions(struct reconciler *rc, const char *key, const struct release *r,
                          const struct plan *p, struct facts *f)
{
    int64_t now_ms = loop_now_ms(rc->o.loop);

    for (size_t i = 0; i < p->n_actions; i++)
        questions_ask(rc->questions, key, r, &p->actions[i]);
    if (p->settled || now_ms < f->live_ms + LIVE_READ_MS)
        return;
    f->live_ms = now_ms;
    questions_read_release(rc->questions, key, r);
}

static void reconcile(struct reconciler *rc, const char *key)
{
    AUTO(arena) struct arena *a = arena_new(16384);
    int64_t now_ms = loop_now_ms(rc->o.loop), wall_ms = kube_now_ms(rc->o.kube), again_ms;
    const struct release *r = cluster_release(rc->cluster, key);
    struct running *running;
    struct facts *f;
    struct observed o;
    struct plan p;

    if (!r) {
        forget(rc, key);
        return;
    }
    f = facts_for(rc, key);
    r = facts_newer_release(f, r);
    o = gather(&(struct gather){ .cluster = rc->cluster,
                                 .claims = rc->claims,
                                 .facts = f,
                                 .default_account = rc->o.default_account,
                                 .arena = a,
                                 .now_ms = wall_ms,
                                 .mono_ms = now_ms },
               r);
    o.patience_ms = PATIENCE_MS;
    p = plan_make(&o, a);
    if (p.begun_unwritten)
        facts_began(f, o.rv, p.status.start_ms);
    if (p.watches_pods)
        cluster_watch_pods(rc->cluster, r->meta.ns);
    ask_questions(rc, key, r, &p, f);
    again_ms = next_look(rc, &p, f, wall_ms);
    facts_forget_images(f, p.answers_ms);
    if (p.settled)
        facts_settle(f);
    running = xcalloc(1, sizeof *running);
    *running = (struct running){ .taken_ms = now_ms, .again_ms = again_ms };
    running->run = effects_start(&rc->effects, key, r, &p, on_effects, rc);
    if (running->run) {
        map_put(rc->running, key, running);
        return;
    }
    free(running);
    finish(rc, key, false, now_ms, again_ms);
}

static void run_keys(void *ctx)
{
    struct reconciler *rc = ctx;
    const char *key;

    if (rc->stopped || !reconciler_ready(rc, NULL))
        return;
    for (int i = 0; i < KEYS_A_TURN; i++) {
        key = workq_take(rc->queue, loop_now_ms(rc->o.loop));
        if (!key)
            break;
        reconcile(rc, key);
    }
    arm(rc);
}

/* --- life --- */

struct reconciler *reconciler_new(const struct reconciler_opts *o)
{
    struct reconciler *rc = xcalloc(1, sizeof *rc);

    metric_register(&reconciles);
    metric_register(&durations);
    metric_register(&releases);
    metric_register(&depth);
    rc->o = *o;
    rc->facts = map_new();
    rc->running = map_new();
    rc->claims = claims_new();
    rc->queue = workq_new();
    rc->timer = (struct loop_timer){ .fn = run_keys, .ctx = rc };
    rc->effects = (struct effects){
        .loop = o->loop, .kube = o->kube, .events = o->events, .facts = rc->facts
    };
    rc->cluster = cluster_new(o->loop, o->kube,
                              &(struct cluster_opts){ .namespaces = o->namespaces,
                                                      .on_release = on_release,
                                                      .on_deployment = on_deployment,
                                                      .on_synced = on_synced,
                                                      .ctx = rc });
    rc->questions = questions_new(&(struct questions_opts){ .loop = o->loop,
                                                            .kube = o->kube,
                                                            .registry = o->registry,
                                                            .cluster = rc->cluster,
                                                            .facts = rc->facts,
                                                            .on_answer = on_answer,
                                                            .ctx = rc });
    return rc;
}

static void running_free(void *value)
{
    struct running *running = value;

    effects_cancel(running->run);
    free(running);
}

void reconciler_free(struct reconciler *rc)
{
    if (!rc)
        return;
    loop_timer_stop(rc->o.loop, &rc->timer);
    map_free(rc->running, running_free);
    questions_free(rc->questions);
    cluster_free(rc->cluster);
    map_free(rc->facts, facts_free);
    claims_free(rc->claims);
    workq_free(rc->queue);
    zones_free();
    free(rc);
}

bool reconciler_ready(const struct reconciler *rc, const char **why)
{
    const char *ignored;

    return rc->cluster && cluster_synced(rc->cluster, why ? why : &ignored);
}

void reconciler_stop(struct reconciler *rc)
{
    rc->stopped = true;
    loop_timer_stop(rc->o.loop, &rc->timer);
}

bool reconciler_busy(const struct reconciler *rc)
{
    return map_count(rc->running) > 0;
}

static void count_release(const char *key, const struct release *r, void *ctx)
{
    const struct condition *ready = status_condition(&r->status, "Ready");

    (void)key;
    (void)ctx;
    metric_add(&releases, 1, ready && ready->reason ? ready->reason : "Unknown");
}

void reconciler_scrape(struct reconciler *rc)
{
    metric_clear(&releases);
    cluster_each_release(rc->cluster, count_release, NULL);
    metric_set(&depth, (double)workq_depth(rc->queue));
}
