#include "golden/world.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"

#define BEGIN_MS 1767225600000LL /* 2026-01-01T00:00:00Z */
#define LIVE_READ_MS 5000

void die(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fputs("golden: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(2);
}

int64_t world_time(const cJSON *value)
{
    char *end;
    double seconds;

    if (cJSON_IsNumber(value))
        return BEGIN_MS + llround(value->valuedouble * 1000);
    if (!cJSON_IsString(value))
        die("a time must be a number of seconds");
    seconds = strtod(value->valuestring, &end);
    if (*end)
        die("'%s' is not a number of seconds", value->valuestring);
    return BEGIN_MS + llround(seconds * 1000);
}

double world_seconds(const struct world *w)
{
    return (double)(w->now_ms - BEGIN_MS) / 1000;
}

static void put_time(cJSON *object, const char *key, int64_t ms)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    cJSON_AddNumberToObject(object, key, (double)(ms - BEGIN_MS) / 1000);
}

static void put(cJSON *object, const char *key, cJSON *value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    cJSON_AddItemToObject(object, key, value);
}

static cJSON *member(cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* The member, made when it is not there. */
static cJSON *object_in(cJSON *object, const char *key)
{
    cJSON *there = member(object, key);

    return there ? there : cJSON_AddObjectToObject(object, key);
}

void check_keys(const cJSON *object, const char *what, const char *const *words)
{
    EACH(item, object)
    {
        size_t i = 0;

        while (words[i] && strcmp(words[i], item->string) != 0)
            i++;
        if (!words[i])
            die("%s has no key '%s'", what, item->string);
    }
}

void merge_patch(cJSON *into, const cJSON *patch)
{
    EACH(item, patch)
    {
        if (cJSON_IsNull(item))
            cJSON_DeleteItemFromObjectCaseSensitive(into, item->string);
        else if (cJSON_IsObject(item) && cJSON_IsObject(member(into, item->string)))
            merge_patch(member(into, item->string), item);
        else {
            cJSON *copy = cJSON_IsObject(item) ? cJSON_CreateObject() : cJSON_Duplicate(item, true);

            if (cJSON_IsObject(item))
                merge_patch(copy, item); /* nulls inside a new object say nothing */
            put(into, item->string, copy);
        }
    }
}

/* --- Deployments and their ReplicaSets --- */

static cJSON *container_named(cJSON *containers, const char *name)
{
    for (cJSON *c = containers ? containers->child : NULL; c; c = c->next)
        if (!strcmp(json_str(c, "name"), name))
            return c;
    return NULL;
}

static bool has_same_images(const cJSON *a, const cJSON *b)
{
    for (const cJSON *x = a->child, *y = b->child; x || y; x = x->next, y = y->next)
        if (!x || !y || strcmp(json_str(x, "image"), json_str(y, "image")) != 0)
            return false;
    return true;
}

/* The ReplicaSet of the Deployment's template: as the Deployment controller does it, an older one
 * with the same template is used again. Returns whether the template had changed. */
static bool sync_sets(cJSON *dep, const char *name, cJSON **ret_set)
{
    cJSON *containers = member(dep, "containers"), *sets = object_in(dep, "sets");
    cJSON *same = NULL;
    int64_t top = 0;
    char set_name[80];

    for (cJSON *set = sets->child; set; set = set->next) {
        if (json_int(set, "revision", 0) > top)
            top = json_int(set, "revision", 0);
        if (has_same_images(member(set, "containers"), containers))
            same = set;
    }
    *ret_set = same;
    if (same && json_int(same, "revision", 0) == top)
        return false;
    if (!same) {
        snprintf(set_name, sizeof set_name, "%s-%lld", name, (long long)top + 1);
        same = cJSON_AddObjectToObject(sets, set_name);
        put(same, "containers", cJSON_Duplicate(containers, true));
    }
    put(same, "revision", cJSON_CreateNumber((double)top + 1));
    *ret_set = same;
    return true;
}

static void bump(cJSON *dep, const char *key)
{
    put(dep, key, cJSON_CreateNumber((double)json_int(dep, key, 1) + 1));
}

/* "ready" and "running" stand for whole pods; what a case does not date has just come to be. */
static void complete_pods(cJSON *set, int64_t now_ms)
{
    cJSON *pods = object_in(set, "pods");

    for (cJSON *pod = pods->child; pod; pod = pod->next) {
        if (cJSON_IsString(pod)) {
            cJSON *whole = cJSON_CreateObject();
            bool ready = !strcmp(pod->valuestring, "ready");

            if (!ready && strcmp(pod->valuestring, "running") != 0)
                die("a pod is 'ready', 'running' or an object, not '%s'", pod->valuestring);
            if (ready)
                json_put_bool(whole, "ready", true);
            cJSON_ReplaceItemInObjectCaseSensitive(pods, pod->string, whole);
            complete_pods(set, now_ms);
            return;
        }
        if (!member(pod, "created"))
            put_time(pod, "created", now_ms);
        if (json_bool(pod, "ready", false) && !member(pod, "readyAt"))
            put_time(pod, "readyAt", now_ms);
        if (!json_bool(pod, "ready", false))
            cJSON_DeleteItemFromObjectCaseSensitive(pod, "readyAt");
    }
}

static int count_ready(const cJSON *set)
{
    int n = 0;

    EACH(pod, json_get(set, "pods"))
    n += json_bool(pod, "ready", false) && !json_bool(pod, "deleting", false);
    return n;
}

/* Once all new pods are ready the old ones are gone. */
static void drop_old_pods(cJSON *dep, const cJSON *current)
{
    if (count_ready(current) < json_int(dep, "replicas", 2))
        return;
    for (cJSON *set = member(dep, "sets")->child; set; set = set->next)
        if (set != current)
            cJSON_DeleteItemFromObjectCaseSensitive(set, "pods");
}

static void add_first_pods(cJSON *dep, cJSON *set)
{
    char name[16];

    for (int i = 1; i <= json_int(dep, "replicas", 2); i++) {
        cJSON *pod;

        snprintf(name, sizeof name, "old-%d", i);
        pod = cJSON_AddObjectToObject(object_in(set, "pods"), name);
        json_put_bool(pod, "ready", true);
        json_put_int(pod, "created", -3600);
        json_put_int(pod, "readyAt", -3600);
    }
}

/* "image" stands for the image of the first container, which is named like the app. */
static void absorb_image(cJSON *dep, const char *name)
{
    const char *image = json_str(dep, "image");
    cJSON *containers = member(dep, "containers");

    if (!image)
        return;
    if (containers && !member(dep, "sets")) { /* a case's containers replace the default's image */
        cJSON_DeleteItemFromObjectCaseSensitive(dep, "image");
        return;
    }
    if (!containers) {
        cJSON *first = cJSON_CreateObject();

        containers = cJSON_AddArrayToObject(dep, "containers");
        cJSON_AddItemToArray(containers, first);
        json_put_str(first, "name", strncmp(name, "btc-", 4) ? name : name + 4);
    }
    put(containers->child, "image", cJSON_CreateString(image));
    cJSON_DeleteItemFromObjectCaseSensitive(dep, "image");
}

/* What the Deployment controller makes of a Deployment after it changed; pods are merged into those
 * of its newest ReplicaSet. */
static void absorb(cJSON *dep, const cJSON *pods, int64_t now_ms)
{
    AUTO(json) cJSON *first = cJSON_DetachItemFromObjectCaseSensitive(dep, "pods");
    bool is_new = !member(dep, "sets");
    cJSON *set;

    absorb_image(dep, dep->string);
    if (!member(dep, "containers"))
        die("Deployment %s has neither image nor containers", dep->string);
    if (json_bool(dep, "stuck", false))
        return;
    if (sync_sets(dep, dep->string, &set) && !is_new)
        bump(dep, "generation");
    if (is_new && !first && !pods)
        add_first_pods(dep, set);
    merge_patch(object_in(set, "pods"), first);
    merge_patch(object_in(set, "pods"), pods);
    if (member(dep, "refused")) {
        put(set, "refused", cJSON_Duplicate(member(dep, "refused"), true));
        cJSON_DeleteItemFromObjectCaseSensitive(dep, "refused");
        if (!member(set, "refusedAt"))
            put_time(set, "refusedAt", now_ms);
    }
    complete_pods(set, now_ms);
    drop_old_pods(dep, set);
}

/* --- deliveries --- */

static void deliver_images(cJSON *dep, const cJSON *list)
{
    EACH(item, list)
    {
        cJSON *container = container_named(member(dep, "containers"), json_str(item, "name"));

        if (!container)
            die("the patch names a container '%s' that is not there", json_str(item, "name"));
        put(container, "image", cJSON_CreateString(json_str(item, "image")));
    }
}

/* As the API server would: strategic merge of the parts that we write, and nothing else. */
static void deliver_patch(struct world *w, const cJSON *write)
{
    struct err e = { 0 };
    const char *name = json_str(write, "deployment"), *body = json_str(write, "body");
    cJSON *dep = member(member(w->tree, "deployments"), name);
    AUTO(json) cJSON *patch = json_parse(body, strlen(body), &e);
    const cJSON *meta = json_get(patch, "metadata");
    const cJSON *spec = json_get(patch, "spec"), *pod = json_at(spec, "template", "spec");
    static const char *const ours[] = { "template", "strategy", NULL };

    if (!patch || !dep)
        die("a patch of Deployment %s is no JSON, or there is none", name);
    check_keys(spec, "the spec of a patch", ours);
    deliver_images(dep, json_get(pod, "containers"));
    deliver_images(dep, json_get(pod, "initContainers"));
    if (json_get(spec, "strategy"))
        put(dep, "rollsSoftly", cJSON_CreateTrue());
    merge_patch(object_in(dep, "annotations"), json_get(meta, "annotations"));
    bump(dep, "resourceVersion");
    absorb(dep, NULL, w->now_ms);
}

/* 429, 5xx or no answer at all: neither taken nor refused. */
static void fail(struct world *w, const char *id, const cJSON *how)
{
    cJSON *failure = object_in(object_in(w->tree, "failures"), id);

    merge_patch(failure, how);
    put_time(failure, "last", w->now_ms);
    if (!member(failure, "first"))
        put_time(failure, "first", w->now_ms);
}

static void refuse(struct world *w, const cJSON *write, const cJSON *how)
{
    cJSON *refusal;
    static const char *const keys[] = { "code", "text", "lacks", NULL };
    int64_t code = json_int(how, "code", 0);

    check_keys(how, "refused", keys);
    if (!code || code == 429 || code >= 500) {
        fail(w, json_str(write, "id"), how);
        return;
    }
    refusal = cJSON_Duplicate(how, true);
    put_time(refusal, "at", w->now_ms);
    if (json_str(write, "account"))
        put(refusal, "account", cJSON_CreateString(json_str(write, "account")));
    put(object_in(w->tree, "refusals"), json_str(write, "id"), refusal);
}

static void deliver_writes(struct world *w, const char *arrived, const cJSON *refused)
{
    const cJSON *status = json_get(w->pending, "status");

    if (status && strcmp(arrived, "nothing") != 0) {
        put(w->tree, "status", cJSON_Duplicate(status, true));
        put(w->tree, "lastWrite", cJSON_Duplicate(json_get(w->pending, "at"), true));
    }
    if (strcmp(arrived, "all") != 0)
        return;
    EACH(write, json_get(w->pending, "patches"))
    {
        if (refused)
            refuse(w, write, refused);
        else
            deliver_patch(w, write);
    }
}

/* As reconcile/facts.c does it: by then the watch has seen more. */
static void forget_live_reads(struct world *w)
{
    cJSON *next, *reads = object_in(w->tree, "liveReads");

    for (cJSON *read = reads->child; read; read = next) {
        next = read->next;
        if (w->now_ms - world_time(read) >= LIVE_READ_MS)
            cJSON_Delete(cJSON_DetachItemViaPointer(reads, read));
    }
}

/* Answers come with the next step. */
static void deliver_answers(struct world *w)
{
    const cJSON *asked = json_get(w->pending, "asked");

    forget_live_reads(w);
    EACH(deployment, json_get(asked, "live"))
    put_time(object_in(w->tree, "liveReads"), deployment->valuestring, w->now_ms);
    EACH(image, json_get(asked, "images"))
    put_time(object_in(w->tree, "answers"), image->valuestring, w->now_ms);
    EACH(log, json_get(asked, "logs"))
    put(object_in(w->tree, "askedLogs"), log->valuestring,
        cJSON_Duplicate(json_get(w->pending, "at"), true));
}

/* --- a step --- */

/* Pods belong to the ReplicaSet that is the newest after all else was merged. */
static void merge_step(struct world *w, cJSON *changes)
{
    AUTO(json) cJSON *pods = cJSON_CreateObject();
    cJSON *changed = member(changes, "deployments");

    for (cJSON *dep = changed ? changed->child : NULL; dep; dep = dep->next)
        if (member(dep, "pods"))
            cJSON_AddItemToObject(pods, dep->string, cJSON_DetachItemFromObject(dep, "pods"));
    merge_patch(w->tree, changes);
    for (cJSON *dep = member(w->tree, "deployments")->child; dep; dep = dep->next)
        absorb(dep, json_get(pods, dep->string), w->now_ms);
}

void world_step(struct world *w, const cJSON *step)
{
    static const char *const own[] = { "arrived", "refused", "note", NULL };
    AUTO(json) cJSON *changes = cJSON_Duplicate(step, true);
    const char *arrived = json_str(step, "arrived");
    int64_t generation = json_int(w->tree, "generation", 0);

    if (json_get(step, "at"))
        w->now_ms = world_time(json_get(step, "at"));
    if (w->pending) {
        deliver_writes(w, arrived ? arrived : "all", json_get(step, "refused"));
        deliver_answers(w);
    }
    for (size_t i = 0; own[i]; i++)
        cJSON_DeleteItemFromObjectCaseSensitive(changes, own[i]);
    if (json_get(step, "spec") || json_get(step, "retryAt") || json_get(step, "reconcileAt"))
        cJSON_DeleteItemFromObjectCaseSensitive(w->tree, "begun");
    if (json_get(step, "spec") || !generation)
        put(w->tree, "generation", cJSON_CreateNumber((double)generation + 1));
    merge_step(w, changes);
}

void world_keep(struct world *w, const struct plan *p)
{
    cJSON *asked, *images, *live, *logs, *patches;
    char log[200];

    cJSON_Delete(w->pending);
    w->pending = cJSON_CreateObject();
    put_time(w->pending, "at", w->now_ms);
    asked = json_put_object(w->pending, "asked");
    images = json_put_array(asked, "images");
    live = json_put_array(asked, "live");
    logs = json_put_array(asked, "logs");
    patches = json_put_array(w->pending, "patches");
    cJSON_DeleteItemFromObjectCaseSensitive(w->tree, "begun");
    if (p->begun_unwritten)
        put_time(w->tree, "begun", p->status.start_ms);
    for (size_t i = 0; i < p->n_actions; i++) {
        const struct action *act = &p->actions[i];

        if (act->kind == ACT_RESOLVE) {
            cJSON_AddItemToArray(images, cJSON_CreateString(act->image));
        } else if (act->kind == ACT_READ_LIVE) {
            cJSON_AddItemToArray(live, cJSON_CreateString(act->deployment));
        } else if (act->kind == ACT_FETCH_LOGS) {
            snprintf(log, sizeof log, "%s/%s", act->pod, act->container);
            cJSON_AddItemToArray(logs, cJSON_CreateString(log));
        } else if (act->kind == ACT_PATCH_STATUS) {
            put(w->pending, "status", status_encode(&p->status));
        } else if (act->kind == ACT_PATCH_DEPLOYMENT) {
            cJSON *write = cJSON_CreateObject();

            json_put_str(write, "deployment", act->deployment);
            json_put_str(write, "id", act->id);
            json_put_str(write, "body", act->body);
            json_put_str(write, "account", act->account);
            cJSON_AddItemToArray(patches, write);
        }
    }
}

static cJSON *newest_set(cJSON *dep)
{
    cJSON *sets = member(dep, "sets"), *newest = sets ? sets->child : NULL;

    for (cJSON *set = newest; set; set = set->next)
        if (json_int(set, "revision", 0) > json_int(newest, "revision", 0))
            newest = set;
    return newest;
}

void world_heal(struct world *w, const char *deployment)
{
    cJSON *dep = member(member(w->tree, "deployments"), deployment), *set = newest_set(dep);
    char name[32];

    if (!set || count_ready(set) >= json_int(dep, "replicas", 2))
        return;
    cJSON_DeleteItemFromObjectCaseSensitive(set, "pods");
    for (int i = 1; i <= json_int(dep, "replicas", 2); i++) {
        snprintf(name, sizeof name, "healed-%d", i);
        json_put_bool(json_put_object(object_in(set, "pods"), name), "ready", true);
    }
    complete_pods(set, w->now_ms);
    drop_old_pods(dep, set);
}

struct world world_copy(const struct world *w)
{
    return (struct world){ .tree = cJSON_Duplicate(w->tree, true), .now_ms = w->now_ms };
}

void world_release(struct world *w)
{
    cJSON_Delete(w->tree);
    cJSON_Delete(w->pending);
}
