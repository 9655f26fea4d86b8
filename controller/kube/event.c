#include "kube/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/text.h"
#include "io/loop.h"
#include "kube/client.h"
#include "kube/workload.h"

#define CONTROLLER "deploy.btc-shopflow.io/btc-shopflow-deployer"
#define SERIES_MS (10 * 60 * 1000LL)
#define PATCH_EVERY_MS (30 * 1000LL)
#define COMPLAIN_EVERY_MS (60 * 1000LL)
#define MAX_UNDER_WAY 64
#define MAX_REMEMBERED 4096
#define NOTE_BYTES 1024    /* the API's limit */
#define INSTANCE_BYTES 128 /* likewise */
#define NAME_BYTES 254

static struct metric dropped = {
    .name = "shopflow_deployer_events_dropped_total",
    .help = "Kubernetes Events that were not written: too many under way, or refused.",
    .type = METRIC_COUNTER,
};

/* One Event object on the server, remembered so that its repetitions only raise its count. */
struct record {
    struct event_sink *sink;
    struct kube_call *call; /* its POST or PATCH under way; NULL = none */
    char ns[64];
    char name[NAME_BYTES];
    int count;            /* seen */
    int sent_count;       /* told to the server; 0 = the POST has not succeeded (yet) */
    int sending;          /* told by `call` */
    int64_t seen_ms;      /* monotonic, the last time */
    int64_t seen_wall_ms; /* likewise, the server's clock */
};

struct event_sink {
    struct loop *loop;
    struct kube_client *client;
    char instance[INSTANCE_BYTES];
    struct map *records; /* fingerprint → struct record */
    struct loop_timer timer;
    size_t n_under_way;
    uint32_t counter; /* makes names differ within a millisecond */
    int64_t complained_ms;
};

/* --- the JSON of an Event --- */

/* metav1.MicroTime insists on six digits. */
static void put_micro_time(cJSON *object, const char *key, int64_t ms)
{
    char text[TIME_TEXT_BYTES], micro[TIME_TEXT_BYTES + 4];

    time_format_ms(text, ms);
    snprintf(micro, sizeof micro, "%.*s000Z", (int)strcspn(text, "Z"), text);
    json_put_str(object, key, micro);
}

static void put_reference(cJSON *event, const char *member, const char *api_version,
                          const char *kind, const char *ns, const char *name, const char *uid)
{
    cJSON *ref = json_put_object(event, member);

    json_put_str(ref, "apiVersion", api_version);
    json_put_str(ref, "kind", kind);
    json_put_str(ref, "namespace", ns);
    json_put_str(ref, "name", name);
    json_put_str(ref, "uid", uid);
}

static char *new_event_json(const struct record *rec, const struct event *ev)
{
    AUTO(json) cJSON *tree = cJSON_CreateObject();
    cJSON *meta = json_put_object(tree, "metadata");
    char note[NOTE_BYTES];

    json_put_str(tree, "apiVersion", "events.k8s.io/v1");
    json_put_str(tree, "kind", "Event");
    json_put_str(meta, "namespace", rec->ns);
    json_put_str(meta, "name", rec->name);
    put_micro_time(tree, "eventTime", rec->seen_wall_ms);
    json_put_str(tree, "reportingController", CONTROLLER);
    json_put_str(tree, "reportingInstance", rec->sink->instance);
    json_put_str(tree, "type", ev->warning ? "Warning" : "Normal");
    json_put_str(tree, "reason", ev->reason);
    json_put_str(tree, "action", ev->action);
    json_put_str(tree, "note", text_clip(note, sizeof note, ev->note));
    put_reference(tree, "regarding", ev->api_version, ev->kind, ev->ns, ev->name, ev->uid);
    if (ev->related_deployment)
        put_reference(tree, "related", "apps/v1", "Deployment", ev->ns, ev->related_deployment,
                      NULL);
    return json_print(tree);
}

static char *series_json(const struct record *rec)
{
    AUTO(json) cJSON *tree = cJSON_CreateObject();
    cJSON *series = json_put_object(tree, "series");

    json_put_int(series, "count", rec->count);
    put_micro_time(series, "lastObservedTime", rec->seen_wall_ms);
    return json_print(tree);
}

/* --- sending --- */

static void complain(struct event_sink *s, const char *why)
{
    int64_t now_ms = loop_now_ms(s->loop);

    metric_add(&dropped, 1);
    if (s->complained_ms && now_ms - s->complained_ms < COMPLAIN_EVERY_MS)
        return;
    s->complained_ms = now_ms;
    log_warn("events are lost", F("err", why));
}

static void on_sent(const struct cJSON *tree, const char *text, const struct err *err,
                    int64_t retry_after_ms, void *ctx)
{
    struct record *rec = ctx;
    bool is_patch = rec->sent_count > 0;

    (void)tree;
    (void)text;
    (void)retry_after_ms;

    rec->call = NULL;
    rec->sink->n_under_way--;
    if (err && err->kind == ERR_NOT_FOUND && is_patch) {
        rec->sent_count = 0; /* it expired on the server: the next one is a new Event */
        return;
    }
    if (err && err->kind == ERR_CONFLICT && !is_patch)
        err = NULL; /* the name is ours: an answer was lost, and the POST sent once more */
    if (err)
        complain(rec->sink, err->text);
    if (!err || is_patch)
        rec->sent_count = rec->sending; /* a PATCH that failed is not sent again by itself */
}

static void write_event(struct record *rec, const char *method, const char *name,
                        const char *content_type, char *body)
{
    struct event_sink *s = rec->sink;
    struct err e = { 0 };
    char path[512];
    struct kube_request req = {
        .method = method,
        .path = path,
        .content_type = content_type,
        .body = body,
        .on_done = on_sent,
        .ctx = rec,
    };

    if (s->n_under_way >= MAX_UNDER_WAY) {
        complain(s, "too many under way");
    } else if (kube_path(path, sizeof path, &KUBE_EVENTS, rec->ns, name, NULL, NULL, &e)) {
        complain(s, e.text);
    } else {
        s->n_under_way++;
        rec->sending = rec->count;
        rec->call = kube_send(s->client, &req);
    }
    free(body);
}

/* --- remembering --- */

static void record_free(void *record)
{
    struct record *rec = record;

    if (!rec)
        return;
    kube_cancel(rec->call);
    free(rec);
}

/* FNV-1a over all that makes two events the same. */
static uint64_t hash(uint64_t h, const char *s)
{
    do
        h = (h ^ (unsigned char)*s) * 1099511628211ULL;
    while (*s++);
    return h;
}

static void fingerprint(char key[24], const struct event *ev)
{
    uint64_t h = 14695981039346656037ULL;

    h = hash(h, ev->uid);
    h = hash(h, ev->warning ? "W" : "N");
    h = hash(h, ev->reason);
    h = hash(h, ev->note);
    h = hash(h, ev->related_deployment ?: "");
    snprintf(key, 24, "%016llx", (unsigned long long)h);
}

/* "shop.18f3c2a97e10001": a DNS subdomain whatever the length of the object's name. */
static void make_name(struct record *rec, const char *object)
{
    int n = (int)strnlen(object, 220);

    while (n && (object[n - 1] == '-' || object[n - 1] == '.'))
        n--;
    snprintf(rec->name, sizeof rec->name, "%.*s.%llx%04x", n, object,
             (unsigned long long)rec->seen_wall_ms, rec->sink->counter++ & 0xffff);
}

static bool is_forgettable(const struct record *rec, int64_t now_ms)
{
    return !rec->call && now_ms - rec->seen_ms >= SERIES_MS;
}

/* Every half minute: tell the new counts, forget what is old. */
static void on_timer(void *ctx)
{
    struct event_sink *s = ctx;
    int64_t now_ms = loop_now_ms(s->loop);

    MAP_EACH(s->records, it) {
        struct record *rec = it.value;

        if (!rec->call && rec->sent_count && rec->count > rec->sent_count)
            write_event(rec, "PATCH", rec->name, PATCH_MERGE, series_json(rec));
        else if (is_forgettable(rec, now_ms))
            record_free(map_del(s->records, it.key));
    }
    if (map_count(s->records))
        loop_timer_set(s->loop, &s->timer, now_ms + PATCH_EVERY_MS);
}

static struct record *record_new(struct event_sink *s, const char *key, const struct event *ev)
{
    struct record *rec = xcalloc(1, sizeof *rec);

    rec->sink = s;
    snprintf(rec->ns, sizeof rec->ns, "%s", ev->ns);
    if (!map_count(s->records))
        loop_timer_set(s->loop, &s->timer, loop_now_ms(s->loop) + PATCH_EVERY_MS);
    map_put(s->records, key, rec);
    return rec;
}

void event_send(struct event_sink *s, const struct event *ev)
{
    char key[24];
    struct record *rec;

    fingerprint(key, ev);
    rec = map_get(s->records, key);
    if (!rec && map_count(s->records) >= MAX_REMEMBERED) {
        complain(s, "too many different ones within 10 minutes");
        return;
    }
    if (!rec)
        rec = record_new(s, key, ev);
    rec->seen_ms = loop_now_ms(s->loop);
    rec->seen_wall_ms = kube_now_ms(s->client);
    rec->count++;
    if (rec->sent_count || rec->call)
        return; /* the timer tells the count */
    rec->count = 1;
    make_name(rec, ev->name);
    write_event(rec, "POST", NULL, NULL, new_event_json(rec, ev));
}

/* --- the sink --- */

struct event_sink *event_sink_new(struct loop *l, struct kube_client *k, const char *instance)
{
    struct event_sink *s = xcalloc(1, sizeof *s);

    metric_register(&dropped);
    s->loop = l;
    s->client = k;
    snprintf(s->instance, sizeof s->instance, "%s", instance);
    s->records = map_new();
    s->timer = (struct loop_timer){ .fn = on_timer, .ctx = s };
    return s;
}

void event_sink_free(struct event_sink *s)
{
    if (!s)
        return;
    loop_timer_stop(s->loop, &s->timer);
    map_free(s->records, record_free);
    free(s);
}
