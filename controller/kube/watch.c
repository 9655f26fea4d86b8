#include "kube/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

#define PAGE_LIMIT 100
#define PAGE_BYTES (1 * MIB) /* its tree is 5–6.5 times as much */
#define ONE_OBJECT_BYTES (4 * MIB)
#define HEALTHY_MS (120 * 1000LL) /* a stream that lived this long forgives all failures */
#define SHORT_MS 1000LL
#define RELIST_MS (10 * 3600 * 1000LL)
#define TRUST_FAILURES 5  /* then our version or continue token itself is under suspicion */
#define OUTAGE_FAILURES 3 /* connections refused in a row: the server is away */

void watch_init(struct watch *w)
{
    *w = (struct watch){ .limit = PAGE_LIMIT };
}

void watch_release(struct watch *w)
{
    free(w->next_page);
    w->next_page = NULL;
}

static struct watch_turn sleep_turn(struct watch *w, const char *reason, int64_t retry_after_ms)
{
    return (struct watch_turn){
        .cmd = WATCH_SLEEP,
        .failures = ++w->failures,
        .at_least_ms = retry_after_ms > 0 ? retry_after_ms : 0,
        .reason = reason,
    };
}

static void start_anew(struct watch *w)
{
    watch_release(w);
    w->listing = false;
    w->rv[0] = '\0';
}

struct watch_turn watch_next(struct watch *w)
{
    bool begin = !w->listing;

    if (w->rv[0])
        return (struct watch_turn){ .cmd = WATCH_STREAM };
    if (begin)
        w->limit = PAGE_LIMIT; /* what was too large may be gone */
    w->listing = true;
    return (struct watch_turn){ .cmd = WATCH_PAGE, .begin = begin };
}

/* The first answer after an outage, even a refusal, starts the delays anew: a server that comes
 * back says 429 for a moment, and two of the longest delays in a row would be a minute and more. */
static void notice_outage(struct watch *w, const struct err *why)
{
    if (why && why->kind == ERR_NET) {
        w->refused++;
        return;
    }
    if (why && w->refused >= OUTAGE_FAILURES)
        w->failures = 0;
    w->refused = 0;
}

/* 410: what we hold is too old to go on from. The first time list at once; a server that says so
 * again and again, without an event between, is given time. */
static struct watch_turn on_gone(struct watch *w)
{
    struct watch_turn turn;

    start_anew(w);
    if (w->relists++)
        return sleep_turn(w, "gone", 0);
    turn = watch_next(w);
    turn.reason = "gone";
    return turn;
}

/* Failures that say nothing about our resourceVersion: the server is away, or busy. */
static bool is_outage(enum err_kind kind)
{
    return kind == ERR_NET || kind == ERR_THROTTLED;
}

/* After a failure (counted): is what we go on from, a version or a continue token, the cause? */
static bool is_suspect(const struct watch *w, const struct err *why)
{
    return why->kind == ERR_NOT_FOUND || why->kind == ERR_REFUSED ||
           (!is_outage(why->kind) && w->failures >= TRUST_FAILURES);
}

/* --- the list --- */

struct watch_turn watch_on_page(struct watch *w, const char *rv, const char *next_page,
                                int64_t now_ms)
{
    watch_release(w);
    if (next_page && *next_page) {
        w->next_page = xstrdup(next_page);
        return (struct watch_turn){ .cmd = WATCH_PAGE };
    }
    w->listing = false;
    w->refused = 0;
    w->list_due_ms = now_ms + RELIST_MS;
    snprintf(w->rv, sizeof w->rv, "%s", rv);
    return (struct watch_turn){ .cmd = WATCH_STREAM, .commit = true };
}

struct watch_turn watch_on_page_error(struct watch *w, const struct err *why,
                                      int64_t retry_after_ms)
{
    bool is_too_large = why->kind == ERR_INVALID && !why->code;
    struct watch_turn turn;

    notice_outage(w, why);
    if (why->kind == ERR_GONE)
        return on_gone(w);
    if (is_too_large && w->limit > 1) {
        w->limit /= 2;
        return (struct watch_turn){ .cmd = WATCH_PAGE, .reason = "large" };
    }
    turn = sleep_turn(w, err_name(why->kind), retry_after_ms);
    if (w->next_page && is_suspect(w, why))
        start_anew(w);
    return turn;
}

size_t watch_page_bytes(const struct watch *w)
{
    return w->limit > 1 ? PAGE_BYTES : ONE_OBJECT_BYTES;
}

/* --- the stream --- */

void watch_on_open(struct watch *w, int64_t now_ms)
{
    w->opened_ms = w->alive_ms = now_ms;
    w->got_event = false;
}

void watch_on_event(struct watch *w, const char *rv, int64_t now_ms)
{
    snprintf(w->rv, sizeof w->rv, "%s", rv);
    w->alive_ms = now_ms;
    w->got_event = true;
    w->relists = w->refused = 0;
}

struct watch_turn watch_on_end(struct watch *w, const struct err *why, int64_t retry_after_ms,
                               int64_t now_ms)
{
    struct watch_turn turn;

    notice_outage(w, why);
    if (!why)
        w->alive_ms = now_ms;
    if (w->alive_ms - w->opened_ms >= HEALTHY_MS)
        w->failures = w->relists = 0;
    if (why && why->kind == ERR_GONE)
        return on_gone(w);
    if (why) {
        turn = sleep_turn(w, err_name(why->kind), retry_after_ms);
        if (is_suspect(w, why))
            start_anew(w);
        return turn;
    }
    if (!w->got_event && now_ms - w->opened_ms < SHORT_MS)
        return sleep_turn(w, "short", 0);
    if (now_ms >= w->list_due_ms)
        start_anew(w);
    turn = watch_next(w);
    turn.reason = "end";
    return turn;
}

/* --- queries --- */

/* "query&key=value"; takes query. Without a value the query stays as it is. */
static char *add_param(char *query, const char *key, const char *value)
{
    AUTO(text) struct text escaped = TEXT_INIT(3 * strlen(value ?: "") + 1);
    struct err ignored = { 0 };
    char *longer;

    if (!value)
        return query;
    text_add_escaped(&escaped, value, &ignored);
    longer = xasprintf("%s&%s=%s", query, key, text_str(&escaped));
    free(query);
    return longer;
}

char *watch_page_query(const struct watch *w, const char *selector)
{
    char *query = xasprintf("limit=%d", w->limit);

    query = add_param(query, "continue", w->next_page);
    return add_param(query, "labelSelector", selector);
}

char *watch_stream_query(const struct watch *w, const char *selector, int64_t timeout_s)
{
    char *query = add_param(xstrdup("watch=1"), "resourceVersion", w->rv);
    char *longer =
        xasprintf("%s&allowWatchBookmarks=true&timeoutSeconds=%lld", query, (long long)timeout_s);

    free(query);
    return add_param(longer, "labelSelector", selector);
}

/* --- events --- */

static const struct {
    const char *word;
    enum watch_event_type type;
} EVENT_TYPES[] = {
    { "ADDED", WATCH_PUT },         { "MODIFIED", WATCH_PUT }, { "DELETED", WATCH_DROP },
    { "BOOKMARK", WATCH_BOOKMARK }, { "ERROR", WATCH_ERROR },
};

static int find_type(const char *word, enum watch_event_type *ret)
{
    for (size_t i = 0; word && i < ARRAY_LEN(EVENT_TYPES); i++)
        if (!strcmp(word, EVENT_TYPES[i].word)) {
            *ret = EVENT_TYPES[i].type;
            return 0;
        }
    return -1;
}

int watch_read(const char *line, size_t len, cJSON **ret_tree, struct watch_event *ret,
               struct err *e)
{
    AUTO(json) cJSON *tree = json_parse(line, len, e);
    const char *word = json_str(tree, "type");
    struct watch_event event = { .object = json_get(tree, "object") };

    if (!tree)
        return err_ctx(e, "watch event");
    event.rv = json_str(json_get(event.object, "metadata"), "resourceVersion");
    if (find_type(word, &event.type))
        return err_set(e, ERR_INVALID, 0, "watch event of type '%.32s'", word ?: "");
    if (event.type == WATCH_ERROR)
        event.rv = NULL;
    else if (!event.rv || !*event.rv)
        return err_set(e, ERR_INVALID, 0, "watch event without a resourceVersion");
    *ret = event;
    *ret_tree = take(tree);
    return 0;
}
