#include "deploy/status.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"

#define ID_BYTES 64
#define CONTAINER_BYTES 63
#define REASON_BYTES 64
#define LOG_TAIL_BYTES 1024
#define LOG_TAILS_BYTES 16384 /* of all apps together */

static const char *const STATES[] = {
    [APP_PENDING] = "Pending",
    [APP_WAITING] = "Waiting",
    [APP_UNCHANGED] = "Unchanged",
    [APP_UPDATING] = "Updating",
    [APP_SOAKING] = "Soaking",
    [APP_UPDATED] = "Updated",
    [APP_ROLLING_BACK] = "RollingBack",
    [APP_ROLLED_BACK] = "RolledBack",
    [APP_FAILED] = "Failed",
    [APP_SKIPPED] = "Skipped",
    [APP_SUPERSEDED] = "Superseded",
};

static const char *const KINDS[] = {
    [ATTEMPT_ROLL] = "Roll",
    [ATTEMPT_ADOPT] = "Adopt",
    [ATTEMPT_ROLLBACK] = "Rollback",
    [ATTEMPT_PUT_BACK] = "PutBack",
};

const char *app_state_name(enum app_state state)
{
    return STATES[state];
}

const char *attempt_kind_name(enum attempt_kind kind)
{
    return KINDS[kind];
}

static int index_of(const char *word, const char *const *words, size_t n, int fallback)
{
    for (size_t i = 0; word && i < n; i++)
        if (!strcmp(word, words[i]))
            return (int)i;
    return fallback;
}

static const char *text(struct arena *a, const cJSON *object, const char *key)
{
    return arena_strdup(a, json_str(object, key));
}

/* Likewise; NULL when it is longer than status may say: annotations are anybody's. */
static const char *text_upto(struct arena *a, const cJSON *object, const char *key, size_t max)
{
    const char *s = json_str(object, key);

    return s && strlen(s) <= max ? arena_strdup(a, s) : NULL;
}

/* Room for the array's items; *n is set to 0: the caller counts what it keeps. */
static void *room(struct arena *a, const cJSON *array, size_t size, size_t *n)
{
    *n = 0;
    return arena_array(a, cJSON_IsArray(array) ? (size_t)cJSON_GetArraySize(array) + 1 : 1, size);
}

/* --- decode --- */

static void decode_images(const cJSON *array, struct arena *a, struct image_list *ret)
{
    ret->items = room(a, array, sizeof *ret->items, &ret->n);
    JSON_EACH(item, array) {
        struct image_of *image = &ret->items[ret->n];

        image->container = text_upto(a, item, "container", CONTAINER_BYTES);
        image->image = text_upto(a, item, "image", STATUS_IMAGE_BYTES);
        if (image->container && image->image)
            ret->n++;
    }
}

static struct trouble decode_trouble(const cJSON *tree, struct arena *a)
{
    struct trouble t = { .container = text_upto(a, tree, "container", CONTAINER_BYTES),
                         .reason = text_upto(a, tree, "reason", REASON_BYTES),
                         .since_ms = json_time(tree, "since") };

    return t.container && t.reason && t.since_ms ? t : (struct trouble){ 0 };
}

static struct attempt *decode_attempt(const cJSON *tree, struct arena *a)
{
    struct attempt *at;
    const char *id = text_upto(a, tree, "id", ID_BYTES);
    const char *commit = text_upto(a, tree, "commit", STATUS_COMMIT_BYTES);

    if (!id || !commit)
        return NULL;
    at = arena_alloc(a, sizeof *at);
    decode_images(json_get(tree, "images"), a, &at->images);
    if (!at->images.n)
        return NULL;
    at->id = id;
    at->kind = (enum attempt_kind)index_of(json_str(tree, "kind"), KINDS, ARRAY_LEN(KINDS), 0);
    at->commit = commit;
    at->generation = json_int(tree, "generation", 0);
    at->deployment_uid = text(a, tree, "deploymentUID");
    at->accepted = json_int(tree, "accepted", 0);
    decode_images(json_get(tree, "previousImages"), a, &at->previous);
    at->previous_available = (int)json_int(tree, "previousAvailable", -1);
    at->previous_good_commit = text(a, json_get(tree, "previousGood"), "commit");
    at->previous_good_image = text(a, json_get(tree, "previousGood"), "image");
    at->start_ms = json_time(tree, "startTime");
    at->progress_ms = json_time(tree, "progressTime");
    at->available_max = (int)json_int(tree, "availableMax", -1);
    at->complete_ms = json_time(tree, "completeTime");
    at->soak_ms = json_time(tree, "soakTime");
    at->clock_stopped_ms = json_time(tree, "clockStopped");
    at->put_backs = (int)json_int(tree, "putBacks", 0);
    at->trouble = decode_trouble(json_get(tree, "trouble"), a);
    return at;
}

static void decode_planned(const cJSON *array, struct arena *a, struct planned_list *ret)
{
    ret->items = room(a, array, sizeof *ret->items, &ret->n);
    JSON_EACH(item, array) {
        struct planned_image *image = &ret->items[ret->n];

        image->container = text_upto(a, item, "container", CONTAINER_BYTES);
        image->from = text_upto(a, item, "from", STATUS_IMAGE_BYTES);
        image->to = text_upto(a, item, "to", STATUS_IMAGE_BYTES);
        if (image->container && image->to)
            ret->n++;
    }
}

static struct failure *decode_failure(const cJSON *tree, struct arena *a)
{
    struct failure *f;

    if (!cJSON_IsObject(tree))
        return NULL;
    f = arena_alloc(a, sizeof *f);
    f->pod = text(a, tree, "pod");
    f->container = text(a, tree, "container");
    f->reason = text(a, tree, "reason");
    f->exit_code = (int)json_int(tree, "exitCode", -1);
    f->restarts = (int)json_int(tree, "restarts", 0);
    f->log_tail = text(a, tree, "logTail");
    return f;
}

static bool is_attempting(enum app_state state)
{
    return state == APP_UPDATING || state == APP_SOAKING || state == APP_ROLLING_BACK;
}

static void decode_app(const cJSON *tree, struct arena *a, struct app_status *app)
{
    const cJSON *replicas = json_get(tree, "replicas");

    app->name = text(a, tree, "name");
    app->deployment = text(a, tree, "deployment");
    app->unlisted = json_bool(tree, "unlisted", false);
    app->state = (enum app_state)index_of(json_str(tree, "state"), STATES, ARRAY_LEN(STATES), 0);
    app->reason = text(a, tree, "reason");
    app->message = text(a, tree, "message");
    app->state_ms = json_time(tree, "stateTime");
    app->commit = text(a, tree, "commit");
    app->good_image = text(a, tree, "goodImage");
    app->target_commit = text(a, tree, "targetCommit");
    app->target_image = text(a, tree, "targetImage");
    if (!app->target_commit) /* of which commit would an attempt be? */
        app->target_image = NULL;
    app->failed_commit = text(a, tree, "failedCommit");
    app->failed_image = text(a, tree, "failedImage");
    app->attempt = decode_attempt(json_get(tree, "attempt"), a);
    decode_planned(json_get(tree, "planned"), a, &app->planned);
    if (!app->attempt && is_attempting(app->state))
        app->state = APP_PENDING; /* nothing is known of what runs: it is decided anew */
    app->desired = (int)json_int(replicas, "desired", -1);
    app->updated = (int)json_int(replicas, "updated", 0);
    app->available = (int)json_int(replicas, "available", 0);
    app->finish_ms = json_time(tree, "finishTime");
    app->failure = decode_failure(json_get(tree, "failure"), a);
}

static void decode_history(const cJSON *tree, struct arena *a, struct history_entry *h)
{
    const cJSON *changed = json_get(tree, "changedApps"), *held = json_get(tree, "held");

    h->commit = text(a, tree, "commit");
    h->result = text(a, tree, "result");
    h->actor = text(a, tree, "actor");
    h->start_ms = json_time(tree, "startTime");
    h->finish_ms = json_time(tree, "finishTime");
    h->changed = room(a, changed, sizeof *h->changed, &h->n_changed);
    JSON_EACH(name, changed)
        if (cJSON_IsString(name))
            h->changed[h->n_changed++] = arena_strdup(a, name->valuestring);
    h->changed_count = (int)json_int(tree, "changedCount", (int64_t)h->n_changed);
    h->held = room(a, held, sizeof *h->held, &h->n_held);
    JSON_EACH(item, held)
        if (json_str(item, "name"))
            h->held[h->n_held++] =
                (struct held_app){ text(a, item, "name"), text(a, item, "commit") };
}

static void decode_conditions(const cJSON *array, struct arena *a, struct release_status *s)
{
    JSON_EACH(item, array) {
        struct condition *c = &s->conditions[s->n_conditions];

        if (s->n_conditions == STATUS_CONDITIONS || !json_str(item, "type") ||
            !json_str(item, "status") || !json_str(item, "reason") ||
            status_condition(s, json_str(item, "type")))
            continue;
        c->type = text(a, item, "type");
        c->status = text(a, item, "status");
        c->reason = text(a, item, "reason");
        c->message = text(a, item, "message");
        c->transition_ms = json_time(item, "lastTransitionTime");
        c->observed_generation = json_int(item, "observedGeneration", 0);
        s->n_conditions++;
    }
}

void status_decode(const cJSON *tree, struct arena *a, struct release_status *ret)
{
    const cJSON *apps = json_get(tree, "apps"), *history = json_get(tree, "history");

    *ret = (struct release_status){ .observed_generation = -1 };
    ret->observed_generation = json_int(tree, "observedGeneration", -1);
    ret->start_ms = json_time(tree, "startTime");
    ret->commit = text(a, tree, "commit");
    ret->last_succeeded_commit = text(a, tree, "lastSucceededCommit");
    ret->last_retry_at = text(a, tree, "lastHandledRetryAt");
    ret->last_reconcile_at = text(a, tree, "lastHandledReconcileAt");
    ret->progress = text(a, tree, "progress");
    ret->apps = room(a, apps, sizeof *ret->apps, &ret->n_apps);
    JSON_EACH(item, apps)
        if (json_str(item, "name") && json_str(item, "deployment") &&
            !status_app(ret, json_str(item, "name")))
            decode_app(item, a, &ret->apps[ret->n_apps++]);
    ret->history = room(a, history, sizeof *ret->history, &ret->n_history);
    JSON_EACH(item, history)
        if (json_str(item, "commit"))
            decode_history(item, a, &ret->history[ret->n_history++]);
    decode_conditions(json_get(tree, "conditions"), a, ret);
}

/* --- encode --- */

static void encode_images(cJSON *object, const char *key, const struct image_list *images)
{
    cJSON *array;

    if (!images->n)
        return;
    array = json_put_array(object, key);
    for (size_t i = 0; i < images->n; i++) {
        cJSON *item = cJSON_CreateObject();

        json_put_str(item, "container", images->items[i].container);
        json_put_str(item, "image", images->items[i].image);
        cJSON_AddItemToArray(array, item);
    }
}

/* What the annotation on the Deployment says too. */
static void encode_attempt_core(cJSON *object, const struct attempt *at)
{
    json_put_str(object, "id", at->id);
    json_put_str(object, "kind", KINDS[at->kind]);
    json_put_str(object, "commit", at->commit);
    encode_images(object, "images", &at->images);
    encode_images(object, "previousImages", &at->previous);
    if (at->previous_available >= 0)
        json_put_int(object, "previousAvailable", at->previous_available);
    json_put_time_ms(object, "startTime", at->start_ms);
}

static void encode_trouble(cJSON *object, const struct trouble *t)
{
    json_put_str(object, "container", t->container);
    json_put_str(object, "reason", t->reason);
    json_put_time_ms(object, "since", t->since_ms);
}

static void encode_attempt(cJSON *object, const struct attempt *at)
{
    encode_attempt_core(object, at);
    json_put_int(object, "generation", at->generation);
    json_put_str(object, "deploymentUID", at->deployment_uid);
    if (at->accepted)
        json_put_int(object, "accepted", at->accepted);
    if (at->previous_good_commit || at->previous_good_image) {
        cJSON *good = json_put_object(object, "previousGood");

        json_put_str(good, "commit", at->previous_good_commit);
        json_put_str(good, "image", at->previous_good_image);
    }
    json_put_time_ms(object, "progressTime", at->progress_ms);
    if (at->available_max >= 0)
        json_put_int(object, "availableMax", at->available_max);
    json_put_time_ms(object, "completeTime", at->complete_ms);
    json_put_time_ms(object, "soakTime", at->soak_ms);
    json_put_time_ms(object, "clockStopped", at->clock_stopped_ms);
    if (at->put_backs)
        json_put_int(object, "putBacks", at->put_backs);
    if (at->trouble.reason)
        encode_trouble(json_put_object(object, "trouble"), &at->trouble);
}

static void encode_planned(cJSON *object, const struct planned_list *planned)
{
    cJSON *array = planned->n ? json_put_array(object, "planned") : NULL;

    for (size_t i = 0; i < planned->n; i++) {
        cJSON *item = cJSON_CreateObject();

        json_put_str(item, "container", planned->items[i].container);
        json_put_str(item, "from", planned->items[i].from);
        json_put_str(item, "to", planned->items[i].to);
        cJSON_AddItemToArray(array, item);
    }
}

static void encode_failure(cJSON *object, const struct failure *f)
{
    json_put_str(object, "pod", f->pod);
    json_put_str(object, "container", f->container);
    json_put_str(object, "reason", f->reason);
    if (f->exit_code >= 0)
        json_put_int(object, "exitCode", f->exit_code);
    if (f->container) /* no pod was made, perhaps */
        json_put_int(object, "restarts", f->restarts);
    json_put_str(object, "logTail", f->log_tail);
}

static void encode_app(cJSON *object, const struct app_status *app)
{
    json_put_str(object, "name", app->name);
    json_put_str(object, "deployment", app->deployment);
    if (app->unlisted)
        json_put_bool(object, "unlisted", true);
    json_put_str(object, "state", STATES[app->state]);
    json_put_str(object, "reason", app->reason);
    json_put_str(object, "message", app->message);
    json_put_time_ms(object, "stateTime", app->state_ms);
    json_put_str(object, "commit", app->commit);
    json_put_str(object, "goodImage", app->good_image);
    json_put_str(object, "targetCommit", app->target_commit);
    json_put_str(object, "targetImage", app->target_image);
    json_put_str(object, "failedCommit", app->failed_commit);
    json_put_str(object, "failedImage", app->failed_image);
    if (app->attempt)
        encode_attempt(json_put_object(object, "attempt"), app->attempt);
    encode_planned(object, &app->planned);
    if (app->desired >= 0) {
        cJSON *replicas = json_put_object(object, "replicas");

        json_put_int(replicas, "desired", app->desired);
        json_put_int(replicas, "updated", app->updated);
        json_put_int(replicas, "available", app->available);
    }
    json_put_time_ms(object, "finishTime", app->finish_ms);
    if (app->failure)
        encode_failure(json_put_object(object, "failure"), app->failure);
}

static void encode_history(cJSON *object, const struct history_entry *h)
{
    json_put_str(object, "commit", h->commit);
    json_put_str(object, "result", h->result);
    json_put_time_ms(object, "startTime", h->start_ms);
    json_put_time_ms(object, "finishTime", h->finish_ms);
    if (h->n_changed) {
        cJSON *array = json_put_array(object, "changedApps");

        for (size_t i = 0; i < h->n_changed; i++)
            cJSON_AddItemToArray(array, cJSON_CreateString(h->changed[i]));
        json_put_int(object, "changedCount", h->changed_count);
    }
    if (h->n_held) {
        cJSON *array = json_put_array(object, "held");

        for (size_t i = 0; i < h->n_held; i++) {
            cJSON *item = cJSON_CreateObject();

            json_put_str(item, "name", h->held[i].name);
            json_put_str(item, "commit", h->held[i].commit);
            cJSON_AddItemToArray(array, item);
        }
    }
    json_put_str(object, "actor", h->actor);
}

static void encode_condition(cJSON *object, const struct condition *c)
{
    json_put_str(object, "type", c->type);
    json_put_str(object, "status", c->status);
    json_put_str(object, "reason", c->reason);
    json_put_str(object, "message", c->message ? c->message : "");
    json_put_time(object, "lastTransitionTime", c->transition_ms);
    json_put_int(object, "observedGeneration", c->observed_generation);
}

/* A new object at the end of an array. */
static cJSON *append(cJSON *array)
{
    cJSON *item = cJSON_CreateObject();

    cJSON_AddItemToArray(array, item);
    return item;
}

/* Derived, never read: a printer column cannot cut. */
static void put_short(cJSON *tree, const char *key, const char *commit)
{
    char brief[8];

    snprintf(brief, sizeof brief, "%.7s", commit ? commit : "");
    json_put_str(tree, key, commit ? brief : NULL);
}

cJSON *status_encode(const struct release_status *s)
{
    cJSON *tree = cJSON_CreateObject(), *array;

    json_put_int(tree, "observedGeneration", s->observed_generation);
    json_put_time_ms(tree, "startTime", s->start_ms);
    json_put_str(tree, "commit", s->commit);
    put_short(tree, "shortCommit", s->commit);
    json_put_str(tree, "lastSucceededCommit", s->last_succeeded_commit);
    put_short(tree, "shortLastSucceededCommit", s->last_succeeded_commit);
    json_put_str(tree, "lastHandledRetryAt", s->last_retry_at);
    json_put_str(tree, "lastHandledReconcileAt", s->last_reconcile_at);
    json_put_str(tree, "progress", s->progress);
    array = json_put_array(tree, "apps");
    for (size_t i = 0; i < s->n_apps; i++)
        encode_app(append(array), &s->apps[i]);
    array = json_put_array(tree, "history");
    for (size_t i = 0; i < s->n_history; i++)
        encode_history(append(array), &s->history[i]);
    array = json_put_array(tree, "conditions");
    for (size_t i = 0; i < s->n_conditions; i++)
        encode_condition(append(array), &s->conditions[i]);
    return tree;
}

/* --- compare --- */

bool status_equal(const struct release_status *a, const struct release_status *b)
{
    AUTO(json) cJSON *x = status_encode(a);
    AUTO(json) cJSON *y = status_encode(b);

    return cJSON_Compare(x, y, true);
}

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

static bool same_attempt(const struct attempt *a, const struct attempt *b)
{
    if (!a || !b)
        return a == b;
    return same(a->id, b->id) && a->accepted == b->accepted &&
           a->clock_stopped_ms == b->clock_stopped_ms;
}

bool status_is_urgent(const struct release_status *was, const struct release_status *now)
{
    if (was->observed_generation != now->observed_generation || was->n_apps != now->n_apps ||
        was->n_conditions != now->n_conditions || was->start_ms != now->start_ms ||
        was->n_history != now->n_history)
        return true;
    for (size_t i = 0; i < now->n_conditions; i++)
        if (!same(was->conditions[i].status, now->conditions[i].status) ||
            !same(was->conditions[i].reason, now->conditions[i].reason))
            return true;
    for (size_t i = 0; i < now->n_apps; i++)
        if (was->apps[i].state != now->apps[i].state ||
            !same(was->apps[i].reason, now->apps[i].reason) ||
            !same(was->apps[i].target_image, now->apps[i].target_image) ||
            !same_attempt(was->apps[i].attempt, now->apps[i].attempt))
            return true;
    return false;
}

/* --- size --- */

static size_t length(const char *s)
{
    return s ? strlen(s) : 0;
}

/* In JSON a quotation mark or a new line is two bytes. */
static size_t printed(const char *s)
{
    size_t n = length(s);

    for (; s && *s; s++)
        n += *s == '"' || *s == '\\' || *s == '\n' || *s == '\t';
    return n;
}

static size_t images_bytes(const struct image_list *list)
{
    size_t n = 0;

    for (size_t i = 0; i < list->n; i++)
        n += 28 + strlen(list->items[i].container) + strlen(list->items[i].image);
    return n;
}

/* From above. */
static size_t app_bytes(const struct app_status *app)
{
    const struct attempt *at = app->attempt;
    const struct failure *f = app->failure;
    size_t n = STATUS_APP_BYTES + length(app->name) + length(app->deployment) +
               printed(app->message) + length(app->commit) + length(app->good_image) +
               length(app->target_commit) + length(app->target_image) + length(app->failed_commit) +
               length(app->failed_image);

    for (size_t i = 0; i < app->planned.n; i++)
        n += 40 + length(app->planned.items[i].container) + length(app->planned.items[i].from) +
             length(app->planned.items[i].to);
    if (at)
        n += length(at->commit) + length(at->previous_good_commit) +
             length(at->previous_good_image) + images_bytes(&at->images) +
             images_bytes(&at->previous) + length(at->trouble.container) +
             length(at->trouble.reason);
    if (f)
        n += length(f->pod) + length(f->container) + printed(f->reason) + printed(f->log_tail);
    return n;
}

static size_t apps_bytes(const struct release_status *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n_apps; i++)
        n += app_bytes(&s->apps[i]);
    return n;
}

static const char *cut(const char *text, struct arena *a, size_t size)
{
    char buf[256];

    return text ? arena_strdup(a, text_clip(buf, size, text)) : NULL;
}

/* The last lines of a log are what tells most. */
static const char *end_of_log(const char *tail, size_t keep)
{
    size_t n = length(tail);

    if (n <= keep)
        return tail;
    for (tail += n - keep; (*tail & 0xC0) == 0x80;)
        tail++; /* the rest of a UTF-8 character */
    return *tail ? tail : NULL;
}

/* In a copy of each failure: the stored status has the same one. */
static void cut_logs(struct release_status *s, struct arena *a, size_t keep)
{
    for (size_t i = 0; i < s->n_apps; i++) {
        struct failure *f = s->apps[i].failure, *copy;

        if (!f || length(f->log_tail) <= keep)
            continue;
        copy = arena_alloc(a, sizeof *copy);
        *copy = *f;
        copy->log_tail = end_of_log(f->log_tail, keep);
        s->apps[i].failure = copy;
    }
}

static size_t logs_bytes(const struct release_status *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n_apps; i++)
        n += s->apps[i].failure ? length(s->apps[i].failure->log_tail) : 0;
    return n;
}

void status_shorten(struct release_status *s, struct arena *a)
{
    static const size_t sizes[] = { 256, 64 };

    cut_logs(s, a, LOG_TAIL_BYTES);
    if (logs_bytes(s) > LOG_TAILS_BYTES)
        cut_logs(s, a, LOG_TAILS_BYTES / s->n_apps);
    if (apps_bytes(s) <= STATUS_APPS_BYTES)
        return;
    cut_logs(s, a, 0);
    for (size_t k = 0; k < ARRAY_LEN(sizes) && apps_bytes(s) > STATUS_APPS_BYTES; k++)
        for (size_t i = 0; i < s->n_apps; i++)
            s->apps[i].message = cut(s->apps[i].message, a, sizes[k]);
}

struct app_status *status_app(const struct release_status *s, const char *name)
{
    for (size_t i = 0; i < s->n_apps; i++)
        if (!strcmp(s->apps[i].name, name))
            return &s->apps[i];
    return NULL;
}

const struct condition *status_condition(const struct release_status *s, const char *type)
{
    for (size_t i = 0; i < s->n_conditions; i++)
        if (!strcmp(s->conditions[i].type, type))
            return &s->conditions[i];
    return NULL;
}

/* --- the annotation --- */

cJSON *attempt_annotation(const struct attempt *at)
{
    cJSON *object = cJSON_CreateObject();

    encode_attempt_core(object, at);
    return object;
}

struct attempt *attempt_from_annotation(const char *json, struct arena *a)
{
    struct err ignored = { 0 };
    AUTO(json) cJSON *tree = json ? json_parse(json, strlen(json), &ignored) : NULL;

    return tree ? decode_attempt(tree, a) : NULL;
}

bool attempt_is_of(const struct attempt *at, const char *uid)
{
    return !strncmp(at->id, uid, ATTEMPT_UID_DIGITS);
}
