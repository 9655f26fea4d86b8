/* shopflow logs APP: what the newest pods say; of an app that failed, the pods that did. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "base/arena.h"
#include "base/json.h"
#include "base/text.h"
#include "cli.h"
#include "cluster.h"
#include "commands.h"
#include "options.h"
#include "outcome.h"
#include "show.h"

#define LINE_BYTES 4096
#define TAIL "tailLines=100"

static const char *selector_of(struct cli *c, const cJSON *deployment, struct err *e)
{
    struct text t = TEXT_INIT(8 * KIB);
    const char *query;

    text_puts(&t, "labelSelector=", e);
    JSON_EACH_MEMBER(item, json_at(deployment, "spec", "selector", "matchLabels")) {
        if (item->prev && item->prev->next)
            text_puts(&t, "%2C", e);
        text_add_escaped(&t, item->string, e);
        text_puts(&t, "%3D", e);
        text_add_escaped(&t, cJSON_IsString(item) ? item->valuestring : "", e);
    }
    query = e->kind ? NULL : arena_strdup(c->arena, text_str(&t));
    text_release(&t);
    return query;
}

static int revision_of(const cJSON *rs)
{
    const char *text =
        json_str(json_at(rs, "metadata", "annotations"), "deployment.kubernetes.io/revision");

    return text ? (int)strtol(text, NULL, 10) : 0;
}

static bool is_owned_by(const cJSON *object, const char *uid)
{
    JSON_EACH(owner, json_at(object, "metadata", "ownerReferences"))
        if (uid && json_str(owner, "uid") && !strcmp(json_str(owner, "uid"), uid))
            return true;
    return false;
}

static bool runs_image(const cJSON *rs, const char *image)
{
    JSON_EACH(container, json_at(rs, "spec", "template", "spec", "containers")) {
        const char *has = json_str(container, "image");

        if (has && image && !strcmp(has, image))
            return true;
    }
    return false;
}

/* The ReplicaSet whose pods are meant: of the image that failed, if it is still there; else the
 * newest. */
static const cJSON *choose(const cJSON *sets, const char *uid, const char *failed_image)
{
    const cJSON *newest = NULL;

    JSON_EACH(rs, json_get(sets, "items")) {
        if (!is_owned_by(rs, uid))
            continue;
        if (failed_image && runs_image(rs, failed_image))
            return rs;
        if (!newest || revision_of(rs) > revision_of(newest))
            newest = rs;
    }
    return newest;
}

static void print_lines(struct cli *c, const char *pod, const char *container, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");

        printf("%s/%s: %s\n", pod, container,
               show_clean(c->arena, arena_strndup(c->arena, text, len), LINE_BYTES));
        text += len + (text[len] == '\n');
    }
}

/* One that has ended and waits to be started again says more in the run before. */
static bool has_crashed(const cJSON *pod, const char *container)
{
    JSON_EACH(status, json_at(pod, "status", "containerStatuses"))
        if (json_str(status, "name") && !strcmp(json_str(status, "name"), container))
            return json_int(status, "restartCount", 0) > 0 &&
                   !json_get(json_get(status, "state"), "running");
    return false;
}

static bool print_container(struct cli *c, struct cluster *k, const cJSON *pod,
                            const char *container)
{
    const char *name = json_str(json_get(pod, "metadata"), "name");
    const char *query = arena_printf(c->arena, TAIL "&container=%s%s", container,
                                     has_crashed(pod, container) ? "&previous=true" : "");
    struct err why = { 0 };
    const char *text = cluster_log(k, name, query, &why);

    if (!text) {
        fprintf(stderr, "%s/%s: no log: %s\n", name, container, why.text);
        return false;
    }
    print_lines(c, name, container, text);
    return true;
}

static size_t print_pods(struct cli *c, struct cluster *k, const cJSON *pods, const char *uid)
{
    size_t n = 0;

    JSON_EACH(pod, json_get(pods, "items")) {
        if (!is_owned_by(pod, uid))
            continue;
        JSON_EACH(container, json_at(pod, "spec", "containers"))
            if (json_str(container, "name") && !c->signo)
                n += print_container(c, k, pod, json_str(container, "name"));
    }
    return n;
}

/* The last lines that the controller kept, when the pods are gone. */
static size_t print_kept(struct cli *c, const struct app_status *app)
{
    const struct failure *f = app ? app->failure : NULL;

    if (!f || !f->log_tail)
        return 0;
    fprintf(stderr, "the pods that failed are gone; their last lines:\n");
    print_lines(c, f->pod ? f->pod : "?", f->container ? f->container : "?", f->log_tail);
    return 1;
}

static size_t print_app(struct cli *c, struct cluster *k, const struct app_status *app,
                        struct err *e)
{
    AUTO(json) cJSON *deployment = cluster_get(k, &DEPLOYMENTS, app->deployment, NULL, e);
    const char *query = deployment ? selector_of(c, deployment, e) : NULL;
    AUTO(json) cJSON *sets = query ? cluster_get(k, &REPLICASETS, NULL, query, e) : NULL;
    AUTO(json) cJSON *pods = sets ? cluster_get(k, &PODS, NULL, query, e) : NULL;
    bool failed =
        app->state == APP_FAILED || app->state == APP_ROLLED_BACK || app->state == APP_ROLLING_BACK;
    const cJSON *rs;
    size_t n;

    if (!pods)
        return 0;
    rs = choose(sets, json_str(json_get(deployment, "metadata"), "uid"),
                failed ? app->failed_image : NULL);
    if (failed && !(rs && runs_image(rs, app->failed_image)))
        n = print_kept(c, app);
    else
        n = print_pods(c, k, pods, json_str(json_get(rs, "metadata"), "uid"));
    if (!n && failed)
        n = print_kept(c, app);
    if (!n)
        err_set(e, ERR_NOT_FOUND, 0, "app '%s' has no pods that say anything", app->name);
    return n;
}

int cmd_logs(struct cli *c, struct err *e)
{
    const char *name = c->options->operands[0];
    AUTO(cluster) struct cluster *k = cluster_open(c, e);
    cJSON *object = k ? ask_object(c, k, e) : NULL;
    const struct app_status *app;
    struct seen seen;
    size_t n = 0;

    if (!object)
        return -1;
    seen_decode(object, &seen);
    app = status_app(&seen.status, name);
    if (app)
        n = print_app(c, k, app, e);
    else
        err_set(e, ERR_INVALID, 0, "app '%s' is not in the AppRelease; see shopflow status", name);
    seen_release(&seen);
    return n && !e->kind ? EXIT_DONE : -1;
}
