#include "reconcile/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/backoff.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "deploy/observed.h"
#include "kube/meta.h"
#include "registry/client.h"

#define READ_LIVES_MS 5000 /* so long a live read vouches for what the watch shows after it */
#define PODS_LIVE_MS 2000
#define KEY_BYTES 520
#define TEXT_STANDS_MS 10000 /* a failure's text is renewed no sooner: telling it is a write */

/* How soon to ask again: an image that is not there yet; a registry in trouble. */
static const struct backoff MISSING_AGAIN = { 1000, 10000 };
static const struct backoff TROUBLE_AGAIN = { 1000, 60000 };
#define DENIED_AGAIN_MS 15000

struct image_fact {
    int64_t at_ms, retry_ms;
    char digest[136], error[240];
    bool asking, missing, denied;
    unsigned failures;
};

struct log_fact {
    char *pod, *container, *tail;
    int64_t asked_ms;
    bool done;
};

struct refusal_fact {
    bool for_good, forbidden;
    enum lack lack;
    char account[256]; /* "" = none */
    char text[240];
    int64_t at_ms;
};

struct failure_fact {
    char text[240];
    int64_t first_ms, last_ms, text_ms;
};

struct newer {
    struct kube_object *object;
    int64_t mono_ms, read_ms;
};

struct live_pods {
    void **pods;
    size_t n;
    int64_t mono_ms;
};

static void log_fact_free(void *value)
{
    struct log_fact *log = value;

    free(log->pod);
    free(log->container);
    free(log->tail);
    free(log);
}

static void newer_free(void *value)
{
    struct newer *n = value;

    if (n)
        kube_object_free(n->object);
    free(n);
}

static void live_pods_free(void *value)
{
    struct live_pods *live = value;

    for (size_t i = 0; live && i < live->n; i++)
        kube_object_free(live->pods[i]);
    if (live)
        free(live->pods);
    free(live);
}

struct facts *facts_new(void)
{
    struct facts *f = xcalloc(1, sizeof *f);

    f->images = map_new();
    f->logs = map_new();
    f->refusals = map_new();
    f->failures = map_new();
    f->deployments = map_new();
    f->pods = map_new();
    return f;
}

void facts_free(void *value)
{
    struct facts *f = value;

    if (!f)
        return;
    map_free(f->images, free);
    map_free(f->logs, log_fact_free);
    map_free(f->refusals, free);
    map_free(f->failures, free);
    map_free(f->deployments, newer_free);
    map_free(f->pods, live_pods_free);
    kube_object_free(f->release);
    free(f);
}

static void empty(struct map **m, void (*destroy)(void *))
{
    if (!map_count(*m))
        return;
    map_free(*m, destroy);
    *m = map_new();
}

void facts_settle(struct facts *f)
{
    empty(&f->logs, log_fact_free);
    empty(&f->refusals, free);
    empty(&f->failures, free);
    empty(&f->pods, live_pods_free);
}

void facts_began(struct facts *f, const char *rv, int64_t begun_ms)
{
    snprintf(f->begun_rv, sizeof f->begun_rv, "%s", rv);
    f->begun_ms = begun_ms;
}

/* --- images --- */

static void *fact_in(struct map *m, const char *key, size_t size)
{
    void *fact = map_get(m, key);

    if (!fact) {
        fact = xcalloc(1, size);
        map_put(m, key, fact);
    }
    return fact;
}

void facts_forget_images(struct facts *f, int64_t before_ms)
{
    MAP_EACH(f->images, it) {
        const struct image_fact *fact = it.value;

        if (!fact->asking && fact->at_ms < before_ms)
            free(map_del(f->images, it.key));
    }
}

void facts_image_asked(struct facts *f, const char *image)
{
    struct image_fact *fact = fact_in(f->images, image, sizeof *fact);

    fact->asking = true;
}

void facts_image_answered(struct facts *f, const char *image, const struct registry_answer *answer,
                          const struct err *err, int64_t now_ms)
{
    struct image_fact *fact = fact_in(f->images, image, sizeof *fact);
    int64_t delay_ms;

    fact->asking = false;
    fact->at_ms = now_ms;
    fact->missing = !err && answer->missing;
    fact->denied = err && err->kind == ERR_DENIED;
    fact->error[0] = fact->digest[0] = '\0';
    if (!err && !answer->missing) {
        snprintf(fact->digest, sizeof fact->digest, "%s", answer->digest);
        fact->failures = 0;
        fact->retry_ms = 0;
        return;
    }
    if (err)
        snprintf(fact->error, sizeof fact->error, "%s", err->text);
    fact->failures++;
    delay_ms = backoff_ms(fact->missing ? &MISSING_AGAIN : &TROUBLE_AGAIN, fact->failures);
    if (fact->denied)
        delay_ms = DENIED_AGAIN_MS;
    if (err && answer && answer->retry_after_ms > delay_ms)
        delay_ms = answer->retry_after_ms;
    fact->retry_ms = now_ms + delay_ms;
}

/* --- logs, refusals, failures --- */

static void log_key(char *buf, const char *pod, const char *container)
{
    snprintf(buf, KEY_BYTES, "%s/%s", pod, container);
}

void facts_log_asked(struct facts *f, const char *pod, const char *container, int64_t now_ms)
{
    char key[KEY_BYTES];
    struct log_fact *log;

    log_key(key, pod, container);
    log = fact_in(f->logs, key, sizeof *log);
    if (!log->pod) {
        log->pod = xstrdup(pod);
        log->container = xstrdup(container);
    }
    log->asked_ms = now_ms;
    log->done = false;
}

void facts_log_answered(struct facts *f, const char *pod, const char *container, const char *tail)
{
    char key[KEY_BYTES];
    struct log_fact *log;

    log_key(key, pod, container);
    log = map_get(f->logs, key);
    if (!log)
        return;
    free(log->tail);
    log->tail = tail ? xstrdup(tail) : NULL;
    log->done = true;
}

void facts_refused(struct facts *f, const char *attempt_id, const char *account, enum lack lack,
                   const struct err *err, int64_t now_ms)
{
    struct refusal_fact *fact = fact_in(f->refusals, attempt_id, sizeof *fact);

    fact->for_good = err->code == 422 && lack != LACK_NOTHING;
    fact->forbidden = err->code == 403 && lack != LACK_NOTHING;
    fact->lack = lack;
    fact->at_ms = now_ms;
    snprintf(fact->account, sizeof fact->account, "%s", account ?: "");
    snprintf(fact->text, sizeof fact->text, "%s", err->text);
    facts_answered(f, attempt_id);
}

void facts_failed(struct facts *f, const char *attempt_id, const struct err *err, int64_t now_ms)
{
    struct failure_fact *fact = fact_in(f->failures, attempt_id, sizeof *fact);

    if (!fact->first_ms)
        fact->first_ms = now_ms;
    fact->last_ms = now_ms;
    if (fact->text_ms && now_ms - fact->text_ms < TEXT_STANDS_MS)
        return;
    fact->text_ms = now_ms;
    snprintf(fact->text, sizeof fact->text, "%s", err->text);
    text_scrub(fact->text);
}

void facts_answered(struct facts *f, const char *attempt_id)
{
    free(map_del(f->failures, attempt_id));
}

void facts_accepted(struct facts *f, const char *attempt_id)
{
    facts_answered(f, attempt_id);
    free(map_del(f->refusals, attempt_id));
}

/* --- objects newer than the watch's --- */

/* However late the watch is: to act on less than we know would undo our own writes. */
static bool is_newer(const struct kube_object *held, const void *seen)
{
    const struct kube_object *o = seen;

    return held && o && kube_rv_older(o->rv, held->rv);
}

void facts_put_release(struct facts *f, struct kube_object *o)
{
    if (is_newer(f->release, o)) { /* read before our write, answered after */
        kube_object_free(o);
        return;
    }
    kube_object_free(f->release);
    f->release = o;
}

const void *facts_newer_release(struct facts *f, const void *seen)
{
    if (is_newer(f->release, seen))
        return f->release;
    kube_object_free(f->release);
    f->release = NULL;
    return seen;
}

void facts_put_deployment(struct facts *f, struct kube_object *o, int64_t mono_ms, int64_t read_ms)
{
    struct newer *n = map_get(f->deployments, o->name);

    if (n && is_newer(n->object, o)) { /* read before our write, answered after */
        kube_object_free(o);
        return;
    }
    n = xcalloc(1, sizeof *n);
    *n = (struct newer){ o, mono_ms, read_ms };
    newer_free(map_put(f->deployments, o->name, n));
}

const void *facts_newer_deployment(struct facts *f, const char *name, const void *seen,
                                   int64_t mono_ms, int64_t *ret_read_ms)
{
    const struct kube_object *o = seen;
    struct newer *n = map_get(f->deployments, name);

    *ret_read_ms = 0;
    if (!n)
        return seen;
    if (is_newer(n->object, seen)) {
        *ret_read_ms = n->read_ms;
        return n->object;
    }
    if (o && !strcmp(o->uid, n->object->uid) && mono_ms - n->mono_ms < READ_LIVES_MS) {
        *ret_read_ms = n->read_ms; /* the watch has all that the live read saw, or more */
        return seen;
    }
    newer_free(map_del(f->deployments, name));
    return seen;
}

void facts_put_pods(struct facts *f, const char *set, void **pods, size_t n, int64_t mono_ms)
{
    struct live_pods *live = xcalloc(1, sizeof *live);

    live->pods = xcalloc(n + 1, sizeof *live->pods);
    if (n)
        memcpy(live->pods, pods, n * sizeof *pods);
    live->n = n;
    live->mono_ms = mono_ms;
    live_pods_free(map_put(f->pods, set, live));
}

void *const *facts_pods(const struct facts *f, const char *set, int64_t mono_ms, size_t *ret_n)
{
    const struct live_pods *live = map_get(f->pods, set);

    if (!live || mono_ms - live->mono_ms > PODS_LIVE_MS)
        return NULL;
    *ret_n = live->n;
    return live->pods;
}

/* --- for the plan --- */

static void observe_images(const struct facts *f, struct arena *a, struct observed *o)
{
    o->images = arena_array(a, map_count(f->images) + 1, sizeof *o->images);
    MAP_EACH(f->images, it) {
        const struct image_fact *fact = it.value;

        o->images[o->n_images++] = (struct image_answer){
            .image = arena_strdup(a, it.key),
            .asking = fact->asking,
            .at_ms = fact->at_ms,
            .digest = fact->digest[0] ? arena_strdup(a, fact->digest) : NULL,
            .missing = fact->missing,
            .denied = fact->denied,
            .error = fact->error[0] ? arena_strdup(a, fact->error) : NULL,
            .retry_ms = fact->retry_ms,
        };
    }
}

static void observe_failures(const struct facts *f, struct arena *a, struct observed *o)
{
    o->failures = arena_array(a, map_count(f->failures) + 1, sizeof *o->failures);
    MAP_EACH(f->failures, it) {
        const struct failure_fact *fact = it.value;

        o->failures[o->n_failures++] =
            (struct patch_failure){ .attempt_id = arena_strdup(a, it.key),
                                    .text = arena_strdup(a, fact->text),
                                    .first_ms = fact->first_ms,
                                    .last_ms = fact->last_ms };
    }
}

void facts_observe(const struct facts *f, struct arena *a, struct observed *o)
{
    observe_images(f, a, o);
    o->logs = arena_array(a, map_count(f->logs) + 1, sizeof *o->logs);
    MAP_EACH(f->logs, it) {
        const struct log_fact *log = it.value;

        o->logs[o->n_logs++] = (struct log_answer){ .pod = arena_strdup(a, log->pod),
                                                    .container = arena_strdup(a, log->container),
                                                    .asked_ms = log->asked_ms,
                                                    .done = log->done,
                                                    .tail = arena_strdup(a, log->tail) };
    }
    o->refusals = arena_array(a, map_count(f->refusals) + 1, sizeof *o->refusals);
    MAP_EACH(f->refusals, it) {
        const struct refusal_fact *fact = it.value;

        o->refusals[o->n_refusals++] =
            (struct refusal){ .attempt_id = arena_strdup(a, it.key),
                              .account = *fact->account ? arena_strdup(a, fact->account) : NULL,
                              .lack = fact->lack,
                              .for_good = fact->for_good,
                              .forbidden = fact->forbidden,
                              .text = arena_strdup(a, fact->text),
                              .at_ms = fact->at_ms };
    }
    observe_failures(f, a, o);
    o->last_write_ms = f->last_write_ms;
    if (o->rv && !strcmp(f->begun_rv, o->rv))
        o->begun_ms = f->begun_ms;
}
