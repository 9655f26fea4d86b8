#include "deploy/patch.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "deploy/image.h"

/* Add a value as JSON text: annotations are strings. Takes the tree. */
static void put_json(cJSON *annotations, const char *key, cJSON *tree)
{
    char *text = json_print(tree);

    json_put_str(annotations, key, text);
    free(text);
    cJSON_Delete(tree);
}

static void put_latch(cJSON *annotations, const struct observed *o, const struct app_status *app)
{
    cJSON *latch;

    if (!app->failed_image) {
        cJSON_AddNullToObject(annotations, ANNOTATIONS "latch");
        return;
    }
    latch = cJSON_CreateObject();
    json_put_str(latch, "image", app->failed_image);
    json_put_str(latch, "commit", app->failed_commit);
    json_put_str(latch, "reason", app->reason);
    json_put_str(latch, "retryAt", o->retry_at);
    put_json(annotations, ANNOTATIONS "latch", latch);
}

static void put_change_cause(cJSON *annotations, const struct observed *o,
                             const struct app_status *app, struct arena *a)
{
    bool back = app->state == APP_ROLLING_BACK; /* its PutBack goes back too */

    json_put_str(annotations, "kubernetes.io/change-cause",
                 arena_printf(a, "AppRelease %s: %s %s %.12s", o->name, app->name,
                              back ? "rolled back from" : "to", app->attempt->commit));
}

static void put_images(cJSON *spec, const struct attempt *at, const struct deployment_facts *dep)
{
    cJSON *pod = json_put_object(json_put_object(spec, "template"), "spec");
    cJSON *mains = NULL, *inits = NULL;

    for (size_t i = 0; i < dep->tmpl.n; i++) {
        const struct container_facts *container = &dep->tmpl.containers[i];
        const char *image = image_in(&at->images, container->name);
        cJSON **list = container->init ? &inits : &mains;
        cJSON *item;

        if (!image)
            continue;
        if (!*list)
            *list = json_put_array(pod, container->init ? "initContainers" : "containers");
        item = cJSON_CreateObject();
        json_put_str(item, "name", container->name);
        json_put_str(item, "image", image);
        cJSON_AddItemToArray(*list, item);
    }
}

static void put_strategy(cJSON *spec)
{
    cJSON *strategy = json_put_object(spec, "strategy");
    cJSON *rolling = json_put_object(strategy, "rollingUpdate");

    json_put_str(strategy, "type", "RollingUpdate");
    json_put_int(rolling, "maxSurge", 1);
    json_put_int(rolling, "maxUnavailable", 0);
}

const char *patch_deployment(const struct observed *o, const struct app_status *app,
                             const struct deployment_facts *dep, struct arena *a)
{
    AUTO(json) cJSON *tree = cJSON_CreateObject();
    cJSON *meta = json_put_object(tree, "metadata");
    cJSON *annotations = json_put_object(meta, "annotations");
    const char *body;
    char *text;

    json_put_str(meta, "uid", dep->uid);
    json_put_str(meta, "resourceVersion", dep->rv);
    put_json(annotations, ANNOTATIONS "attempt", attempt_annotation(app->attempt));
    json_put_str(annotations, ANNOTATIONS "owner",
                 arena_printf(a, "%s/%lld", o->uid, (long long)o->generation));
    put_latch(annotations, o, app);
    if (app->attempt->kind != ATTEMPT_ADOPT) {
        cJSON *spec = json_put_object(tree, "spec");

        put_change_cause(annotations, o, app, a);
        put_images(spec, app->attempt, dep);
        if (o->spec->enforce_rolling_update && !dep->rolls_softly)
            put_strategy(spec);
    }
    text = json_print(tree);
    body = arena_strdup(a, text);
    free(text);
    return body;
}
