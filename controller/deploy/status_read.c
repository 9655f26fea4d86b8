/* The status as it was stored, and the annotation of an attempt: what makes no sense is left out.
 */
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "base/json.h"
#include "deploy/status.h"

#define ID_BYTES 64
#define CONTAINER_BYTES 63
#define REASON_BYTES 64

static enum app_state state_of(const char *word)
{
    for (int i = APP_PENDING; word && i <= APP_SUPERSEDED; i++)
        if (!strcmp(word, app_state_name((enum app_state)i)))
            return (enum app_state)i;
    return APP_PENDING;
}

static enum attempt_kind kind_of(const char *word)
{
    for (int i = ATTEMPT_ROLL; word && i <= ATTEMPT_PUT_BACK; i++)
        if (!strcmp(word, attempt_kind_name((enum attempt_kind)i)))
            return (enum attempt_kind)i;
    return ATTEMPT_ROLL;
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
    at->kind = kind_of(json_str(tree, "kind"));
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
    app->state = state_of(json_str(tree, "state"));
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

struct attempt *attempt_from_annotation(const char *json, struct arena *a)
{
    struct err ignored = { 0 };
    AUTO(json) cJSON *tree = json ? json_parse(json, strlen(json), &ignored) : NULL;

    return tree ? decode_attempt(tree, a) : NULL;
}
