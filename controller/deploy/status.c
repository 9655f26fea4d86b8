#include "deploy/status.h"

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/json.h"

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
    json_put_str(object, "deploymentUID", at->deployment_uid);
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

bool attempt_is_of(const struct attempt *at, const char *uid)
{
    return !strncmp(at->id, uid, ATTEMPT_UID_DIGITS);
}
