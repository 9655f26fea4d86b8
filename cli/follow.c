#include "follow.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "cluster.h"
#include "io/lines.h"
#include "io/loop.h"
#include "kube/watch.h"
#include "options.h"
#include "show.h"

#define PATH_BYTES 1024
#define LINE_BYTES (8 * MIB)
#define STREAM_S "240"        /* the server ends a watch after so long */
#define IDLE_MS (90 * 1000)   /* bookmarks come once a minute */
#define POLL_MS 2000          /* while there is no watch */
#define UNSEEN_MS (15 * 1000) /* a controller that runs has looked by then */

struct follower {
    struct cli *c;
    struct cluster *k;
    struct followed f; /* with what we have learnt since */
    struct show show;
    struct seen seen;
    struct outcome outcome;
    bool forever, is_over, timed_out;
    /* the stream */
    bool ended;
    struct err why;
    struct lines lines;
};

static void on_timeout(void *ctx)
{
    ((struct follower *)ctx)->timed_out = true;
}

static bool is_enough(const struct follower *w)
{
    return w->is_over || w->timed_out || w->c->signo;
}

/* The object as it is by now; NULL = it is not there. */
static void take_object(struct follower *w, cJSON *tree)
{
    seen_release(&w->seen);
    seen_decode(tree, &w->seen);
    w->outcome = outcome_of(&w->seen, &w->f);
    w->f.was_asked = w->f.was_asked || outcome_is_asked(&w->seen, &w->f);
    w->is_over = !w->forever && w->outcome.kind != OUTCOME_GOES_ON;
    show_seen(&w->show, &w->seen);
}

static void on_unseen(void *ctx)
{
    struct follower *w = ctx;

    if (w->seen.status.observed_generation < w->seen.generation && !is_enough(w))
        show_note(&w->show,
                  "the controller has not looked at it yet: does it run, and watch namespace %s? "
                  "kubectl get pods -A -l app.kubernetes.io/name=btc-shopflow-deployer",
                  cluster_namespace(w->k));
}

/* --- the stream --- */

static int on_line(const char *line, size_t len, void *ctx, struct err *e)
{
    struct follower *w = ctx;
    struct watch_event event;
    cJSON *tree = NULL;

    if (watch_read(line, len, &tree, &event, e))
        return -1;
    if (event.type == WATCH_PUT)
        take_object(w, cJSON_DetachItemFromObjectCaseSensitive(tree, "object"));
    else if (event.type == WATCH_DROP)
        take_object(w, NULL);
    cJSON_Delete(tree);
    return event.type == WATCH_ERROR ? err_set(e, ERR_GONE, 410, "the watch has expired") : 0;
}

static int on_data(const char *bytes, size_t n, void *ctx)
{
    struct follower *w = ctx;
    struct err e = { 0 };

    return is_enough(w) ? 0 : lines_feed(&w->lines, bytes, n, &e);
}

static void on_end(const struct err *err, int64_t retry_after_ms, void *ctx)
{
    struct follower *w = ctx;

    (void)retry_after_ms;
    w->ended = true;
    w->why = err ? *err : (struct err){ 0 };
}

static int stream(struct follower *w, struct err *e)
{
    const char *rv = json_str(json_get(w->seen.tree, "metadata"), "resourceVersion");
    const char *query = arena_printf(w->seen.arena,
                                     "watch=1&allowWatchBookmarks=true&timeoutSeconds=" STREAM_S
                                     "&fieldSelector=metadata.name%%3D%s&resourceVersion=%s",
                                     cluster_name(w->k), rv);
    char path[PATH_BYTES];
    struct kube_stream s = {
        .path = path, .idle_ms = IDLE_MS, .on_data = on_data, .on_end = on_end, .ctx = w
    };
    struct kube_call *call;

    if (kube_path(path, sizeof path, &APPRELEASES, cluster_namespace(w->k), NULL, NULL, query, e))
        return -1;
    w->ended = false;
    w->lines = (struct lines){ .rest = TEXT_INIT(LINE_BYTES), .on_line = on_line, .ctx = w };
    call = kube_stream_open(cluster_client(w->k), &s);
    while (!w->ended && !is_enough(w))
        loop_turn(w->c->loop, -1);
    if (!w->ended)
        kube_cancel(call);
    lines_release(&w->lines);
    return 0;
}

/* --- from the beginning, as often as it takes --- */

/* Read it; -1 only where waiting cannot help. */
static int read_object(struct follower *w, bool *ret_failed, struct err *e)
{
    struct err why = { 0 };
    cJSON *tree = cluster_get(w->k, &APPRELEASES, cluster_name(w->k), NULL, &why);

    *ret_failed = false;
    if (tree || why.kind == ERR_NOT_FOUND) {
        take_object(w, tree);
        return 0;
    }
    if (w->c->signo)
        return 0;
    if (!err_is_transient(why.kind)) {
        *e = why;
        return -1;
    }
    show_note(&w->show, "%s; trying again", why.text);
    *ret_failed = true;
    return 0;
}

static int turn(struct follower *w, struct err *e)
{
    bool failed;

    if (read_object(w, &failed, e))
        return -1;
    if (is_enough(w))
        return 0;
    if (failed || !w->seen.tree) {
        cluster_sleep(w->k, POLL_MS);
        return 0;
    }
    if (stream(w, e))
        return -1;
    if (is_enough(w) || !w->why.kind)
        return 0;
    if (w->why.code == 401)
        return cluster_renew(w->k, e);
    if (w->why.kind != ERR_GONE)
        cluster_sleep(w->k, POLL_MS);
    return 0;
}

int follow(struct cli *c, struct cluster *k, const struct followed *f, int64_t timeout_ms,
           bool forever, struct seen *ret, struct outcome *ret_outcome, struct err *e)
{
    struct follower w = { .c = c, .k = k, .f = *f, .forever = forever };
    struct loop_timer end = { .fn = on_timeout, .ctx = &w };
    struct loop_timer unseen = { .fn = on_unseen, .ctx = &w };
    int failed = 0;

    show_init(&w.show, c, f);
    if (timeout_ms)
        loop_timer_set(c->loop, &end, loop_now_ms(c->loop) + timeout_ms);
    loop_timer_set(c->loop, &unseen, loop_now_ms(c->loop) + UNSEEN_MS);
    while (!failed && !is_enough(&w))
        failed = turn(&w, e);
    loop_timer_stop(c->loop, &end);
    loop_timer_stop(c->loop, &unseen);
    show_release(&w.show);
    if (failed) {
        seen_release(&w.seen);
        return -1;
    }
    *ret = w.seen;
    *ret_outcome = w.outcome;
    return 0;
}

/* In CI a newer mainline run is no failure of this one. */
static bool is_fine_in_ci(const struct cli *c, const struct seen *seen, enum outcome_kind kind)
{
    const char *mainline =
        json_str(json_at(seen->tree, "metadata", "annotations"), APPRELEASE_MARK "mainline");

    return kind == OUTCOME_SUPERSEDED && cli_env(c, "CI") && !c->options->fail_if_superseded &&
           mainline && seen->commit && commit_matches(mainline, seen->commit);
}

int follow_to_end(struct cli *c, struct cluster *k, const struct followed *f, struct err *e)
{
    int64_t timeout_ms = c->options->timeout_ms ? c->options->timeout_ms : FOLLOW_TIMEOUT_MS;
    struct outcome o;
    struct seen seen;
    int code;

    if (follow(c, k, f, timeout_ms, false, &seen, &o, e))
        return -1;
    show_summary(c, k, &seen, f, &o, timeout_ms);
    code = is_fine_in_ci(c, &seen, o.kind) ? EXIT_DONE : (int)outcome_exit(o.kind);
    seen_release(&seen);
    return code;
}
