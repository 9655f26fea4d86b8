/* tests/property/model.h — A small cluster with a clock of its own, and controllers that run the
 * pure plan in it.
 *
 *   server.c     the API server and a registry: what is stored, what a write does, script events
 *   kubernetes.c the Deployment controller and kubelets
 *   control.c    a controller: facts, plan, effects (as reconcile/ does it); watch.c: what it sees
 *   observe.c    what a plan may know
 *   check.h      the properties, in check*.c
 *
 * All that lives is in the model's arena or in its arrays, so that a snapshot is a copy. */
#ifndef PROPERTY_MODEL_H
#define PROPERTY_MODEL_H
#include <stdio.h>

#include "base/arena.h"
#include "base/clock.h"
#include "deploy/plan.h"
#include "property/field.h"
#include "property/script.h"

#define BEGIN_MS 1767225600000LL /* 2026-01-01T00:00:00Z */
#define DEPS (2 * APPS)          /* btc-… and alt-… */
#define SETS 64
#define PODS 96
#define TIMERS 512
#define IDS 512

/* --- containers.c --- */

enum container { C_APP, C_MESH, C_WORKER, C_MIGRATE, C_PROXY, CONTAINERS };

struct container_kind {
    const char *name; /* NULL = the app's */
    bool init, sidecar, readiness;
};

struct tmpl;
enum container container_at(int place); /* in a list of the API server */
const struct container_kind *container_kind(enum container which);
const char *container_name(char buf[NAME_BYTES], int app, enum container which);
/* One of the app; C_MESH = the template has none of that name. */
enum container container_named(const struct tmpl *t, int app, const char *name);
/* Which of them shows what its image does to it; C_APP where all are good. */
enum container container_culprit(const enum fate fates[CONTAINERS]);

/* --- what is stored --- */

struct tmpl {
    const char *images[CONTAINERS]; /* NULL = it has none of that kind */
    int env;
};

struct dep {
    bool exists, paused, deleting, soft;
    int app;
    const char *name;
    int64_t uid, rv, generation, observed;
    int replicas, min_ready_s, s_replicas, s_updated, s_available;
    struct tmpl tmpl;
    const char *attempt, *latch, *owner, *manager; /* NULL = none */
};

struct set {
    bool used;
    int64_t uid, dep_uid, revision;
    const char *name;
    struct tmpl tmpl;
    const char *attempt, *latch, *owner; /* annotations, as the Deployment controller copies them */
    const char *failure;
    int64_t failure_ms;
};

struct pod {
    bool used, ready, deleting, running, has_last;
    int64_t uid, set_uid, dep_uid, created_ms, start_ms, ready_ms;
    const char *name, *image_ids[CONTAINERS], *waiting, *message, *end_reason, *unschedulable;
    int restarts, exit_code;
    enum fate fate;
    enum container culprit; /* whose state all of this is; the others are well */
    int step;
};

struct release {
    bool exists;
    const char *name, *uid;
    int64_t rv, generation, created_ms;
    const char *retry_at, *reconcile_at, *freeze_override;
    const struct release_spec *spec; /* as far as it could be read */
    const char *problem;             /* NULL = it is good */
    const struct release_status *status;
    struct spec_model wish;
};

enum kind { KIND_RELEASES, KIND_DEPS, KIND_SETS, KIND_PODS, KINDS };

struct cluster {
    struct release releases[RELEASES];
    struct dep deps[DEPS];
    struct set sets[SETS];
    struct pod pods[PODS];
};

/* --- what a controller holds --- */

struct image_fact {
    const char *image;
    struct image_answer answer;
    unsigned failures;
};

struct held_dep {
    bool held;
    struct dep dep;
    int64_t at_ms, read_ms;
    struct pod pods[8]; /* of its newest set, by a live read */
    size_t n_pods;
    int64_t pods_ms, pods_set; /* 0 = none */
};

#define FACTS 48

struct facts {
    struct image_answer images[FACTS];
    unsigned image_failures[FACTS];
    size_t n_images;
    struct log_answer logs[FACTS];
    size_t n_logs;
    struct refusal refusals[FACTS];
    size_t n_refusals;
    struct patch_failure failures[FACTS];
    size_t n_failures;
    struct held_dep deps[DEPS];
    struct release release; /* exists = held */
    int64_t last_write_ms, live_ms;
    int64_t begun_rv, begun_ms; /* 0 = none */
    int conflicts;
};

struct write {
    enum action_kind kind;
    const char *app, *deployment, *id, *account, *body;
    int dep;
};

/* Writes under way, one after the other (reconcile/effects.c). */
struct chain {
    bool on, failed, reads_again;
    struct write *writes;
    size_t n, at;
    const char *uid;
    int64_t rv, again_ms;
    const struct release_status *status;
};

struct job { /* a release of a controller */
    struct facts facts;
    struct chain chain;
    int64_t due_ms; /* 0 = not due */
    bool pending;   /* came due while its writes were under way */
    unsigned failures;
};

struct controller {
    bool alive;
    int epoch; /* answers to an earlier life are lost */
    struct cluster seen;
    bool stale[KINDS]; /* a refresh is under way */
    int64_t frozen_ms[KINDS];
    int pods; /* 0 not watched, 1 being listed, 2 known */
    struct job jobs[RELEASES];
};

/* --- time --- */

enum timer_kind {
    T_EVENT,
    T_SYNC,
    T_POD,
    T_GONE,
    T_RETURN,
    T_CALL,
    T_REFRESH,
    T_PODS_SYNCED,
    T_WORK,
    T_ARRIVE,
    T_REPLY,
    T_DIE,
};

struct model;
struct request;

struct timer {
    int64_t at_ms, seq;
    enum timer_kind kind;
    int a, b;
    int64_t uid;
    struct request *req;
};

/* --- what the properties remember (check*.c) --- */

struct seen_id {
    const char *id;
    int release, app;
    const char *dep_uid;
    const char *text; /* the attempt's annotation */
};

struct oracle { /* of a Deployment */
    int64_t uid;
    /* The images that ran before a chain of attempts began, and whether anybody else interfered. */
    bool chained, touched, may_stay;
    struct tmpl before;
    int64_t touched_ms;
    int64_t incomplete_ms;
    int64_t complete_ms; /* when it was last complete, with this template */
    struct tmpl complete;
    int64_t rolled_ms; /* the work that rolled it last */
    int by;            /* whose patch was the last: a release, 1-based */
    int64_t patched_ms;
};

struct latch_oracle { /* of an app of a release */
    const char *digest, *retry_at, *deployment;
    bool by_annotation; /* status has no entry any more */
};

struct checks {
    bool failed;
    char property[32], text[1024];
    struct seen_id ids[IDS];
    size_t n_ids;
    long long top[RELEASES][DEPS];
    const char *top_dep[RELEASES][DEPS];
    bool dropped[RELEASES][DEPS]; /* the entry that counted so far is gone */
    const char *top_uid[RELEASES];
    struct oracle deps[DEPS];
    struct latch_oracle latches[RELEASES][APPS];
    int64_t stirred_ms[DEPS]; /* when its counts changed */
    int64_t settled_ms;       /* since when all is at rest; 0 = it is not */
    bool quiet;
    int rest_plans;
    long plans, patches;
};

struct model {
    const struct script *script;
    struct arena *arena;
    FILE *story; /* NULL = nobody listens */
    int64_t now_ms, calm_ms;
    struct cluster truth;
    int64_t rv, uids, draws;
    int n_releases; /* that ever were */
    struct timer timers[TIMERS];
    size_t n_timers;
    int64_t seq;
    struct controller *controllers; /* two */
    int leader;
    int64_t sync_ms[DEPS]; /* a sync is due */
    int64_t quota_ms[DEPS], no_node_ms[DEPS];
    int64_t refuse_ms[DEPS + 1]; /* the last: status */
    int refuse_code[DEPS + 1];
    int64_t lossy_ms, registry_ms;
    int lossy;
    bool zombie; /* the request that arrives is of a controller that has ended or given it up */
    int tags[APPS][COMMITS];
    struct checks checks;
};

/* model.c */
void model_run(struct model *m, const struct script *s, FILE *story);
void model_release(struct model *m);
void model_at(struct model *m, int64_t at_ms, enum timer_kind kind, int a, int b, int64_t uid,
              struct request *req);
/* As model_at(), in place of an earlier one of the same kind. */
void model_move(struct model *m, int64_t at_ms, enum timer_kind kind, int a, int b);
/* The next number of chance: what it is about, and which. */
int64_t model_chance(struct model *m, int what, int64_t which, int64_t low, int64_t high);
void model_tell(struct model *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *model_text(struct model *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* An array of the model is too small. */
void model_abort(struct model *m, const char *where) __attribute__((noreturn));

/* server.c */
void server_begin(struct model *m);
void server_event(struct model *m, const struct event *e);
void server_changed(struct model *m, enum kind kind);
void server_gone(struct model *m, int dep, int64_t uid);
void server_return(struct model *m, int dep);
/* HTTP codes; the object as it is after it, where it was taken. */
int server_patch_status(struct model *m, int release, const char *uid, int64_t rv,
                        const struct release_status *status);
/* In the name of an account; NULL = our own. */
int server_patch_deployment(struct model *m, int dep, const char *account, const char *body);
/* HTTP codes; the uid is a precondition. */
int server_delete_release(struct model *m, int release, const char *uid);
const char *server_digest(struct model *m, const char *image); /* NULL = missing */
int dep_index(const char *name);                               /* -1 = none of ours */
int app_index(const char *name);

/* kubernetes.c */
void kubernetes_begin(struct model *m, int dep);
void kubernetes_wake(struct model *m, int dep, int64_t delay_ms);
void kubernetes_sync(struct model *m, int dep);
void kubernetes_pod(struct model *m, int64_t uid);
void kubernetes_pod_gone(struct model *m, int64_t uid);
void kubernetes_evict(struct model *m, int dep);
struct set *kubernetes_newest(struct cluster *c, int64_t dep_uid);
bool dep_is_complete(const struct dep *d);
bool tmpl_same(const struct tmpl *a, const struct tmpl *b);

/* control.c */
void control_begin(struct model *m, int which);
void control_add_keys(struct model *m, int which);
void control_stop(struct model *m, int which);
void control_refresh(struct model *m, int which, enum kind kind);
void control_pods_synced(struct model *m, int which, int epoch);
void control_work(struct model *m, int which, int release);
void control_arrive(struct model *m, struct request *req);
void control_reply(struct model *m, struct request *req);
void control_stale(struct model *m, enum kind kind); /* the watches will tell */
void control_freeze(struct model *m, enum kind kind, int64_t until_ms);

/* observe.c */
/* A release as the controller knows it: by its watch, or by what it was told since. */
const struct release *observe_release(const struct controller *c, int release);
struct observed observe(struct model *m, struct controller *c, int release, struct arena *a);

/* check*.c */
void check_fail(struct model *m, const char *property, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* What a plan makes of the release, as its controller knows it. */
void check_plan(struct model *m, const struct release *r, const struct observed *o,
                const struct plan *p);
/* A status as text, and as it is read again. */
void check_kept(struct model *m, const struct cJSON *tree, const struct release_status *kept);
void check_status(struct model *m, int release, const struct release_status *was,
                  const struct release_status *now);
void check_patch(struct model *m, int dep, const struct dep *was, const struct attempt *at);
void check_touched(struct model *m, int dep); /* somebody else changed it */
void check_remade(struct model *m, int release);
void check_deleted(struct model *m, int release); /* by ourselves */
void check_truth(struct model *m, int dep);       /* its counts changed */
void check_rest(struct model *m);                 /* after each step once the world is calm */
bool app_moves(const struct app_status *app);

#endif
