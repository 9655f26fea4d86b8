#include "reconcile/effects.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "deploy/plan.h"
#include "io/loop.h"
#include "kube/client.h"
#include "kube/event.h"
#include "kube/status.h"
#include "kube/workload.h"
#include "reconcile/facts.h"
#include "reconcile/release.h"

#define FIELD_MANAGER "fieldManager=btc-shopflow-deployer"
#define PATH_BYTES 1024
#define CONFLICTS 10 /* R5: so often at once, then with backoff */

struct effect_run {
    const struct effects *fx;
    struct arena *arena;
    char *key;
    const char *ns, *name, *uid;
    const char *rv; /* of the AppRelease, as it was decided about, or as we wrote it since */
    const char *status_body;
    struct action *actions; /* the writes */
    size_t n, at;
    struct kube_call *call;
    bool failed; /* a Deployment's patch did; the other apps' are sent nevertheless */
    effects_done_fn *done;
    void *ctx;
};

static void run_next(struct effect_run *run);

static struct facts *facts_of(const struct effect_run *run)
{
    return map_get(run->fx->facts, run->key);
}

static void run_free(struct effect_run *run)
{
    kube_cancel(run->call);
    loop_defer_cancel(run->fx->loop, run);
    arena_free(run->arena);
    free(run->key);
    free(run);
}

void effects_cancel(struct effect_run *run)
{
    if (run)
        run_free(run);
}

static void run_end(struct effect_run *run, bool failed, bool again)
{
    effects_done_fn *done = run->done;
    void *ctx = run->ctx;
    char *key = take(run->key);

    run_free(run);
    done(key, failed, again, ctx);
    free(key);
}

static void report(const struct effect_run *run, const char *what, const char *name,
                   const struct err *err)
{
    log_warn("write failed", F("release", run->key), F("write", what), F("name", name),
             F("kind", err_name(err->kind)), F("err", err->text));
}

/* --- 409: read what is there now, decide again --- */

static void on_reread(const cJSON *tree, const char *text, const struct err *err,
                      int64_t retry_after_ms, void *ctx)
{
    struct effect_run *run = ctx;
    bool is_release = run->actions[run->at - 1].kind == ACT_PATCH_STATUS;
    struct facts *f = facts_of(run);
    struct err e = { 0 };
    struct kube_object *o = NULL;

    (void)text;
    (void)retry_after_ms;
    run->call = NULL;
    if (!err)
        o = is_release ? release_decode(tree, &e) : kube_deployment_decode(tree, &e);
    if (o && f && is_release)
        facts_put_release(f, take(o));
    else if (o && f)
        facts_put_deployment(f, take(o), loop_now_ms(run->fx->loop), 0);
    kube_object_free(o);
    run_end(run, err != NULL, true);
}

/* The object that the last write was about. */
static void reread(struct effect_run *run)
{
    const struct action *act = &run->actions[run->at - 1];
    bool is_release = act->kind == ACT_PATCH_STATUS;
    struct facts *f = facts_of(run);
    char path[PATH_BYTES];
    struct kube_request req = { .method = "GET", .path = path, .on_done = on_reread, .ctx = run };
    struct err e = { 0 };

    if (!f || ++f->conflicts > CONFLICTS ||
        kube_path(path, sizeof path, is_release ? &KUBE_APPRELEASES : &KUBE_DEPLOYMENTS, run->ns,
                  is_release ? run->name : act->deployment, NULL, NULL, &e)) {
        run_end(run, true, false);
        return;
    }
    run->call = kube_send(run->fx->kube, &req);
}

/* --- the writes --- */

static void on_status(const cJSON *tree, const char *text, const struct err *err,
                      int64_t retry_after_ms, void *ctx)
{
    struct effect_run *run = ctx;
    struct facts *f = facts_of(run);
    struct err e = { 0 };
    struct kube_object *o = err ? NULL : release_decode(tree, &e);

    (void)text;
    (void)retry_after_ms;
    run->call = NULL;
    if (err && err->kind == ERR_CONFLICT) {
        reread(run);
        return;
    }
    if (err && err->kind == ERR_NOT_FOUND) { /* deleted meanwhile: nothing is left to tell */
        run_end(run, false, false);
        return;
    }
    if (!o) {
        report(run, "patch-status", run->name, err ? err : &e);
        run_end(run, true, false);
        return;
    }
    run->rv = arena_strdup(run->arena, o->rv);
    if (f) {
        facts_put_release(f, take(o));
        f->last_write_ms = kube_now_ms(run->fx->kube);
        f->conflicts = 0;
    }
    kube_object_free(o);
    run_next(run);
}

/* RBAC's words for the right that is lacking: other refusals (a webhook's) have none of them. The
 * verb of a missing right to impersonate is longer where that right may be limited (1.35). */
static enum lack find_lack(const char *body, const struct err *err)
{
    if (kube_denied_by_admission(body))
        return LACK_NOTHING;
    if (err->code != 403 || !body)
        return LACK_OTHER;
    if (strstr(body, " cannot impersonate"))
        return LACK_IMPERSONATE;
    return strstr(body, " cannot patch resource ") ? LACK_PATCH : LACK_OTHER;
}

/* An admission webhook chooses its code: 409 and 500 too. */
static bool is_refusal(const struct err *err, enum lack lack)
{
    return err->kind == ERR_REFUSED || err->code == 403 || lack == LACK_NOTHING;
}

static void on_deployment(const cJSON *tree, const char *text, const struct err *err,
                          int64_t retry_after_ms, void *ctx)
{
    struct effect_run *run = ctx;
    const struct action *act = &run->actions[run->at - 1];
    struct facts *f = facts_of(run);
    struct err e = { 0 };
    struct kube_object *o = err ? NULL : kube_deployment_decode(tree, &e);
    enum lack lack;

    (void)retry_after_ms;
    run->call = NULL;
    if (o && f) {
        facts_put_deployment(f, take(o), loop_now_ms(run->fx->loop), 0);
        facts_accepted(f, act->id);
        f->conflicts = 0;
    }
    kube_object_free(o);
    if (!err) {
        log_info("deployment patched", F("release", run->key), F("deployment", act->deployment),
                 F("attempt", act->id));
        run_next(run);
        return;
    }
    lack = find_lack(text, err);
    if (err->kind == ERR_CONFLICT && lack != LACK_NOTHING) {
        log_info("somebody else wrote first: reading it again", F("release", run->key),
                 F("deployment", act->deployment));
        if (f)
            facts_answered(f, act->id);
        reread(run);
        return;
    }
    report(run, "patch-deployment", act->deployment, err);
    if (f && is_refusal(err, lack)) {
        facts_refused(f, act->id, act->account, lack, err, kube_now_ms(run->fx->kube));
        run_end(run, false, true);
        return;
    }
    if (f)
        facts_failed(f, act->id, err, kube_now_ms(run->fx->kube));
    run->failed = true;
    run_next(run);
}

static void on_deleted(const cJSON *tree, const char *text, const struct err *err,
                       int64_t retry_after_ms, void *ctx)
{
    struct effect_run *run = ctx;
    bool gone = err && (err->kind == ERR_NOT_FOUND || err->kind == ERR_CONFLICT);

    (void)tree;
    (void)text;
    (void)retry_after_ms;
    run->call = NULL;
    if (err && !gone)
        report(run, "delete", run->name, err);
    run_end(run, err && !gone, false);
}

/* All of status at once, as a JSON patch that the resourceVersion guards. */
static const char *status_body(struct arena *a, const struct release *r, const struct plan *p)
{
    AUTO(json) cJSON *ops = cJSON_CreateArray();
    cJSON *op = cJSON_CreateObject();
    const char *body;
    char *text;

    json_put_str(op, "op", "replace");
    json_put_str(op, "path", "/metadata/resourceVersion");
    json_put_str(op, "value", r->meta.rv);
    cJSON_AddItemToArray(ops, op);
    op = cJSON_CreateObject();
    json_put_str(op, "op", "replace");
    json_put_str(op, "path", "/metadata/uid");
    json_put_str(op, "value", r->meta.uid);
    cJSON_AddItemToArray(ops, op);
    op = cJSON_CreateObject();
    json_put_str(op, "op", "add");
    json_put_str(op, "path", "/status");
    cJSON_AddItemToObject(op, "value", status_encode(&p->status));
    cJSON_AddItemToArray(ops, op);
    text = json_print(ops);
    body = arena_strdup(a, text);
    free(text);
    return body;
}

static void patch_status(struct effect_run *run)
{
    char path[PATH_BYTES];
    struct kube_request req = { .method = "PATCH",
                                .path = path,
                                .content_type = PATCH_JSON,
                                .body = run->status_body,
                                .on_done = on_status,
                                .ctx = run };
    struct err e = { 0 };

    if (kube_path(path, sizeof path, &KUBE_APPRELEASES, run->ns, run->name, "status", FIELD_MANAGER,
                  &e)) {
        report(run, "patch-status", run->name, &e);
        run_end(run, true, false);
        return;
    }
    run->call = kube_send(run->fx->kube, &req);
}

static void patch_deployment_now(struct effect_run *run, const struct action *act)
{
    char path[PATH_BYTES], user[KUBE_USER_BYTES];
    struct kube_request req = { .method = "PATCH",
                                .path = path,
                                .content_type = PATCH_STRATEGIC,
                                .body = act->body,
                                .as = act->account ? user : NULL,
                                .on_done = on_deployment,
                                .ctx = run };
    struct err e = { 0 };

    if (kube_path(path, sizeof path, &KUBE_DEPLOYMENTS, run->ns, act->deployment, NULL,
                  FIELD_MANAGER, &e) ||
        (act->account && kube_account_user(user, sizeof user, run->ns, act->account, &e))) {
        report(run, "patch-deployment", act->deployment, &e);
        run_end(run, true, false);
        return;
    }
    run->call = kube_send(run->fx->kube, &req);
}

/* Not one that somebody has given a new spec meanwhile. */
static void delete_release(struct effect_run *run)
{
    char path[PATH_BYTES];
    const char *body = arena_printf(run->arena,
                                    "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\","
                                    "\"preconditions\":{\"uid\":\"%s\","
                                    "\"resourceVersion\":\"%s\"}}",
                                    run->uid, run->rv);
    struct kube_request req = {
        .method = "DELETE", .path = path, .body = body, .on_done = on_deleted, .ctx = run
    };
    struct err e = { 0 };

    if (kube_path(path, sizeof path, &KUBE_APPRELEASES, run->ns, run->name, NULL, NULL, &e)) {
        run_end(run, true, false);
        return;
    }
    run->call = kube_send(run->fx->kube, &req);
}

static void send_event(struct effect_run *run, const struct action *act)
{
    struct event ev = { .ns = run->ns,
                        .name = run->name,
                        .uid = run->uid,
                        .api_version = "deploy.btc-shopflow.io/v1alpha1",
                        .kind = "AppRelease",
                        .warning = act->warning,
                        .reason = act->reason,
                        .action = act->reason,
                        .note = act->note,
                        .related_deployment = act->deployment };

    event_send(run->fx->events, &ev);
}

/* Go on with the next write; events need no answer. */
static void run_next(struct effect_run *run)
{
    while (run->at < run->n) {
        const struct action *act = &run->actions[run->at++];

        switch (act->kind) {
        case ACT_PATCH_STATUS:
            patch_status(run);
            return;
        case ACT_PATCH_DEPLOYMENT:
            patch_deployment_now(run, act);
            return;
        case ACT_DELETE_RELEASE:
            delete_release(run);
            return;
        case ACT_EVENT:
            send_event(run, act);
            break;
        case ACT_RESOLVE:
        case ACT_FETCH_LOGS:
        case ACT_READ_LIVE:
            break;
        }
    }
    run_end(run, run->failed, false);
}

static void start(void *ctx)
{
    run_next(ctx);
}

static bool is_write(enum action_kind kind)
{
    return kind >= ACT_PATCH_STATUS;
}

static struct action copy_action(struct arena *a, const struct action *act)
{
    struct action copy = *act;

    copy.app = arena_strdup(a, act->app);
    copy.deployment = arena_strdup(a, act->deployment);
    copy.id = arena_strdup(a, act->id);
    copy.account = arena_strdup(a, act->account);
    copy.body = arena_strdup(a, act->body);
    copy.reason = arena_strdup(a, act->reason);
    copy.note = arena_strdup(a, act->note);
    return copy;
}

/* Status and what it tells come first: a Deployment's patch that fails must not swallow an event,
 * which the next plan, seeing the status written, would not send again. */
static void copy_actions(struct effect_run *run, const struct release *r, const struct plan *p,
                         bool telling)
{
    for (size_t i = 0; i < p->n_actions; i++) {
        enum action_kind kind = p->actions[i].kind;

        if (!is_write(kind) || (kind == ACT_PATCH_STATUS || kind == ACT_EVENT) != telling)
            continue;
        run->actions[run->n++] = copy_action(run->arena, &p->actions[i]);
        if (kind == ACT_PATCH_STATUS)
            run->status_body = status_body(run->arena, r, p);
    }
}

struct effect_run *effects_start(const struct effects *fx, const char *key, const struct release *r,
                                 const struct plan *p, effects_done_fn *done, void *ctx)
{
    struct effect_run *run;
    struct arena *a;
    size_t n = 0;

    for (size_t i = 0; i < p->n_actions; i++)
        n += is_write(p->actions[i].kind);
    if (!n)
        return NULL;
    a = arena_new(4096);
    run = xcalloc(1, sizeof *run);
    *run = (struct effect_run){ .fx = fx,
                                .arena = a,
                                .key = xstrdup(key),
                                .ns = arena_strdup(a, r->meta.ns),
                                .name = arena_strdup(a, r->meta.name),
                                .uid = arena_strdup(a, r->meta.uid),
                                .rv = arena_strdup(a, r->meta.rv),
                                .actions = arena_array(a, n, sizeof *run->actions),
                                .done = done,
                                .ctx = ctx };
    copy_actions(run, r, p, true);
    copy_actions(run, r, p, false);
    loop_defer(fx->loop, start, run);
    return run;
}
