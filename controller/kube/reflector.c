#include "kube/reflector.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/backoff.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/text.h"
#include "io/lines.h"
#include "io/loop.h"
#include "kube/client.h"
#include "kube/meta.h"
#include "kube/status.h"
#include "kube/store.h"
#include "kube/watch.h"

#define LINE_BYTES (4 * MIB)
#define SILENCE_MS 150000 /* bookmarks come about once a minute */
#define STREAM_MIN_S 240
#define STREAM_MAX_S 290

static const struct backoff RETRY = { .first_ms = 800, .max_ms = 30000 };

static struct metric restarts = {
    .name = "shopflow_deployer_watch_restarts_total",
    .help = "Watches that ended, by resource and reason (end = the server's own time limit).",
    .type = METRIC_COUNTER,
    .labels = { "resource", "reason" },
};

#define KEY_BYTES 320 /* namespace 63, name 253 */

struct reflector {
    struct loop *loop;
    struct kube_client *client;
    struct reflector_opts opts;
    char *path, *ns, *selector;
    struct store *store;
    struct watch watch;
    struct kube_call *call; /* the page or the stream; NULL = asleep */
    struct loop_timer timer;
    struct lines lines;
    struct err stream_err; /* why on_line ended the stream */
    int64_t alive_ms;
    char problem[256];      /* "" = fine */
    bool is_stream_problem; /* then a list that works does not end it */
};

static void perform(struct reflector *r, struct watch_turn turn);

/* --- what gets reported --- */

/* Problems that somebody must mend; all others pass. NULL = fine. */
static void set_problem(struct reflector *r, const struct err *err, bool is_stream)
{
    const char *plural = r->opts.resource->plural;
    const char *group = r->opts.resource->group_version;
    char problem[sizeof r->problem] = "";
    int code = err ? err->code : 0;

    if (code == 404)
        snprintf(problem, sizeof problem, "the API server has no %s in %s", plural, group);
    else if (code == 401)
        snprintf(problem, sizeof problem, "the API server does not accept our credentials: %.150s",
                 err->text);
    else if (code == 403)
        snprintf(problem, sizeof problem, "grant get, list and watch of %s (%s) in %s: %.120s",
                 plural, group, r->ns ?: "all namespaces", err->text);
    if (strcmp(problem, r->problem) != 0) {
        memcpy(r->problem, problem, sizeof problem);
        if (*problem)
            log_error("watch is not possible", F("resource", plural), F("problem", problem));
        else
            log_info("watch is possible again", F("resource", plural));
    }
    r->is_stream_problem = *problem && is_stream;
    if (code == 404 && r->opts.on_missing)
        r->opts.on_missing(r->opts.ctx);
}

static void report(const struct reflector *r, const char *what, const struct watch_turn *turn,
                   const struct err *err)
{
    log_warn(what, F("resource", r->opts.resource->plural), F("ns", r->ns ?: ""),
             F("reason", turn->reason), F("err", err ? err->text : ""),
             F("failures", turn->failures));
}

/* --- objects --- */

/* The item as an object, and its key; NULL (logged) when it makes no sense. */
static void *decode(const struct reflector *r, const cJSON *tree, char key[KEY_BYTES])
{
    struct err e = { 0 };
    struct kube_object *o = r->opts.decode(tree, &e);

    if (!o) {
        log_warn("object left out", F("resource", r->opts.resource->plural), F("err", e.text));
        return NULL;
    }
    snprintf(key, KEY_BYTES, "%s%s%s", o->ns ?: "", o->ns ? "/" : "", o->name);
    return o;
}

static void on_change(const char *key, const void *old, void *ctx)
{
    const struct reflector *r = ctx;

    if (r->opts.on_change)
        r->opts.on_change(key, old, r->opts.ctx);
}

/* After a reconnect the server may repeat events that we have seen. */
static bool is_news(const struct kube_object *held, const struct kube_object *o)
{
    return !held || (strcmp(held->rv, o->rv) != 0 && !kube_rv_older(o->rv, held->rv));
}

static void put(struct reflector *r, const cJSON *tree)
{
    char key[KEY_BYTES];
    void *o = decode(r, tree, key);
    void *old;

    if (!o)
        return;
    if (!is_news(store_get(r->store, key), o)) {
        kube_object_free(o);
        return;
    }
    old = store_put(r->store, key, &o);
    on_change(key, old, r);
    kube_object_free(old);
}

static void drop(struct reflector *r, const cJSON *tree)
{
    char key[KEY_BYTES];
    struct kube_object *o = decode(r, tree, key);
    const struct kube_object *held = o ? store_get(r->store, key) : NULL;

    if (held && !kube_rv_older(o->rv, held->rv)) { /* else: made anew, and the new one is here */
        void *old = store_drop(r->store, key);

        on_change(key, old, r);
        kube_object_free(old);
    }
    kube_object_free(o);
}

/* --- the list --- */

/* An answer that is no list would delete everything. */
static int check_list(const cJSON *tree, struct err *e)
{
    const cJSON *items = json_get(tree, "items");
    const char *rv = json_str(json_get(tree, "metadata"), "resourceVersion");

    if (items && (cJSON_IsArray(items) || cJSON_IsNull(items)) && rv && *rv)
        return 0;
    return err_set(e, ERR_INVALID, 200, "the API server's answer is no list");
}

static void take_page(struct reflector *r, const cJSON *tree)
{
    char key[KEY_BYTES];

    JSON_EACH(item, json_get(tree, "items")) {
        void *o = decode(r, item, key);

        if (o)
            store_list(r->store, key, &o);
    }
}

static void commit(struct reflector *r)
{
    store_commit(r->store, on_change, r);
    malloc_trim(0); /* the pages' trees: several MiB, seldom needed again */
    if (r->opts.on_synced)
        r->opts.on_synced(r->opts.ctx);
}

static void on_page(const struct cJSON *tree, const char *text, const struct err *err,
                    int64_t retry_after_ms, void *ctx)
{
    struct reflector *r = ctx;
    const cJSON *meta = json_get(tree, "metadata");
    struct err e = { 0 };
    struct watch_turn turn;

    (void)text;
    r->call = NULL;
    if (!err && check_list(tree, &e))
        err = &e;
    if (err) {
        turn = watch_on_page_error(&r->watch, err, retry_after_ms);
        set_problem(r, err, false);
        report(r, "list failed", &turn, err);
        perform(r, turn);
        return;
    }
    if (!r->is_stream_problem)
        set_problem(r, NULL, false);
    r->alive_ms = loop_now_ms(r->loop);
    take_page(r, tree);
    turn = watch_on_page(&r->watch, json_str(meta, "resourceVersion"), json_str(meta, "continue"),
                         r->alive_ms);
    if (turn.commit)
        commit(r);
    perform(r, turn);
}

static void ask_page(struct reflector *r)
{
    char *query = watch_page_query(&r->watch, r->selector);
    char *path = xasprintf("%s?%s", r->path, query);
    struct kube_request req = {
        .method = "GET",
        .path = path,
        .max_body = watch_page_bytes(&r->watch),
        .on_done = on_page,
        .ctx = r,
    };

    r->call = kube_send(r->client, &req);
    free(path);
    free(query);
}

/* --- the stream --- */

static int on_line(const char *line, size_t len, void *ctx, struct err *e)
{
    struct reflector *r = ctx;
    AUTO(json) cJSON *tree = NULL;
    struct watch_event event;

    if (watch_read(line, len, &tree, &event, e))
        return -1;
    switch (event.type) {
    case WATCH_PUT:
        put(r, event.object);
        break;
    case WATCH_DROP:
        drop(r, event.object);
        break;
    case WATCH_BOOKMARK:
        break;
    case WATCH_ERROR:
        return kube_error_from_status(event.object, e);
    }
    watch_on_event(&r->watch, event.rv, loop_now_ms(r->loop));
    set_problem(r, NULL, true);
    return 0;
}

static int on_data(const char *bytes, size_t n, void *ctx)
{
    struct reflector *r = ctx;

    r->alive_ms = loop_now_ms(r->loop);
    return lines_feed(&r->lines, bytes, n, &r->stream_err);
}

static void on_end(const struct err *err, int64_t retry_after_ms, void *ctx)
{
    struct reflector *r = ctx;
    struct watch_turn turn;

    r->call = NULL;
    lines_release(&r->lines); /* half an event is no event */
    if (r->stream_err.kind)
        err = &r->stream_err;
    if (!err)
        r->alive_ms = loop_now_ms(r->loop);
    turn = watch_on_end(&r->watch, err, retry_after_ms, loop_now_ms(r->loop));
    metric_add(&restarts, 1, r->opts.resource->plural, turn.reason);
    if (err)
        set_problem(r, err, true);
    if (err || turn.cmd == WATCH_SLEEP)
        report(r, "watch ended", &turn, err);
    perform(r, turn);
}

static void open_stream(struct reflector *r)
{
    char *query =
        watch_stream_query(&r->watch, r->selector, random_between(STREAM_MIN_S, STREAM_MAX_S));
    char *path = xasprintf("%s?%s", r->path, query);
    struct kube_stream stream = {
        .path = path,
        .idle_ms = SILENCE_MS,
        .on_data = on_data,
        .on_end = on_end,
        .ctx = r,
    };

    r->stream_err = (struct err){ 0 };
    watch_on_open(&r->watch, loop_now_ms(r->loop));
    r->call = kube_stream_open(r->client, &stream);
    free(path);
    free(query);
}

/* --- carrying out --- */

static void on_awake(void *ctx)
{
    struct reflector *r = ctx;

    perform(r, watch_next(&r->watch));
}

static void perform(struct reflector *r, struct watch_turn turn)
{
    int64_t delay_ms;

    if (turn.begin)
        store_begin(r->store);
    switch (turn.cmd) {
    case WATCH_PAGE:
        ask_page(r);
        break;
    case WATCH_STREAM:
        open_stream(r);
        break;
    case WATCH_SLEEP:
        delay_ms = backoff_ms(&RETRY, turn.failures);
        if (delay_ms < turn.at_least_ms)
            delay_ms = turn.at_least_ms;
        loop_timer_set(r->loop, &r->timer, loop_now_ms(r->loop) + delay_ms);
        break;
    }
}

static char *copy(const char *s)
{
    return s ? xstrdup(s) : NULL;
}

struct reflector *reflector_new(struct loop *l, struct kube_client *k,
                                const struct reflector_opts *o)
{
    struct reflector *r = xcalloc(1, sizeof *r);
    char path[512];
    struct err e = { 0 };

    metric_register(&restarts);
    r->loop = l;
    r->client = k;
    r->opts = *o;
    r->ns = copy(o->ns);
    r->selector = copy(o->selector);
    r->store = store_new();
    r->timer = (struct loop_timer){ .fn = on_awake, .ctx = r };
    r->lines = (struct lines){ .rest = TEXT_INIT(LINE_BYTES), .on_line = on_line, .ctx = r };
    watch_init(&r->watch);
    if (kube_path(path, sizeof path, o->resource, o->ns, NULL, NULL, NULL, &e)) {
        snprintf(r->problem, sizeof r->problem, "%s", e.text); /* a namespace that cannot exist */
        log_error("watch is not possible", F("resource", o->resource->plural),
                  F("problem", r->problem));
        return r;
    }
    r->path = xstrdup(path);
    perform(r, watch_next(&r->watch));
    return r;
}

void reflector_free(struct reflector *r)
{
    if (!r)
        return;
    kube_cancel(r->call);
    loop_timer_stop(r->loop, &r->timer);
    lines_release(&r->lines);
    watch_release(&r->watch);
    store_free(r->store);
    free(r->path);
    free(r->ns);
    free(r->selector);
    free(r);
}

struct store *reflector_store(const struct reflector *r)
{
    return r->store;
}

const char *reflector_problem(const struct reflector *r)
{
    return *r->problem ? r->problem : NULL;
}

int64_t reflector_alive_ms(const struct reflector *r)
{
    return r->alive_ms;
}
