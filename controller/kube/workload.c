#include "kube/workload.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "kube/client.h"

/* First chunks that hold a typical object whole. */
#define DEPLOYMENT_BYTES 512
#define REPLICASET_BYTES 512
#define POD_BYTES 768

/* Kubelet messages name an image up to three times; more than this is noise. */
#define MESSAGE_BYTES 2048

#define OURS "deploy.btc-shopflow.io/"

const struct kube_resource KUBE_DEPLOYMENTS = { "apis/apps/v1", "deployments" };
const struct kube_resource KUBE_REPLICASETS = { "apis/apps/v1", "replicasets" };
const struct kube_resource KUBE_PODS = { "api/v1", "pods" };
const struct kube_resource KUBE_SECRETS = { "api/v1", "secrets" };
const struct kube_resource KUBE_SERVICEACCOUNTS = { "api/v1", "serviceaccounts" };
const struct kube_resource KUBE_EVENTS = { "apis/events.k8s.io/v1", "events" };
const struct kube_resource KUBE_APPRELEASES = { "apis/deploy.btc-shopflow.io/v1alpha1",
                                                "appreleases" };

/* --- what all three share --- */

/* An object of `size` bytes in an arena of its own, its metadata filled in. List items carry no
 * kind, so only a kind that is there must be the right one. */
static void *decode_object(const cJSON *tree, const char *kind, size_t size, size_t chunk,
                           struct err *e)
{
    AUTO(arena) struct arena *a = arena_new(chunk);
    struct kube_object *o = arena_alloc(a, size);
    const char *has = json_str(tree, "kind");

    if (has && strcmp(has, kind) != 0) {
        err_set(e, ERR_INVALID, 0, "a %s was expected, not a %.64s", kind, has);
        return NULL;
    }
    if (!cJSON_IsObject(json_get(tree, "spec")) || kube_meta_decode(tree, a, o)) {
        err_set(e, ERR_INVALID, 0, "%s '%.64s' lacks its spec, name, uid or resourceVersion", kind,
                json_str(json_get(tree, "metadata"), "name") ?: "");
        return NULL;
    }
    take(a); /* o->arena owns it now */
    return o;
}

static const char *copy(struct arena *a, const cJSON *object, const char *key)
{
    return arena_strdup(a, json_str(object, key));
}

/* Text for people that a kubelet, a registry or an admission hook wrote. */
static const char *copy_message(struct arena *a, const cJSON *object, const char *key)
{
    char clipped[MESSAGE_BYTES];
    const char *s = json_str(object, key);
    char *whole;

    if (!s)
        return NULL;
    whole = xstrdup(s);
    text_scrub(whole); /* first: half a credential is not known as one */
    text_clip_middle(clipped, sizeof clipped, whole);
    free(whole);
    return arena_strdup(a, clipped);
}

static size_t array_size(const cJSON *array)
{
    return cJSON_IsArray(array) ? (size_t)cJSON_GetArraySize(array) : 0;
}

static const cJSON *find_condition(const cJSON *tree, const char *type)
{
    JSON_EACH(c, json_at(tree, "status", "conditions")) {
        const char *t = json_str(c, "type");

        if (t && !strcmp(t, type))
            return c;
    }
    return NULL;
}

static bool condition_is(const cJSON *condition, const char *status)
{
    const char *s = json_str(condition, "status");

    return s && !strcmp(s, status);
}

/* --- pod templates --- */

static void decode_containers(const cJSON *array, bool init, struct arena *a,
                              struct kube_template *t)
{
    JSON_EACH(item, array) {
        struct kube_container *c = &t->containers[t->n];
        const char *restart = json_str(item, "restartPolicy");

        c->name = copy(a, item, "name");
        c->image = copy(a, item, "image");
        c->init = init;
        c->sidecar = init && restart && !strcmp(restart, "Always");
        c->readiness = cJSON_IsObject(json_get(item, "readinessProbe"));
        if (c->name && c->image)
            t->n++;
    }
}

static void decode_template(const cJSON *spec, struct arena *a, struct kube_template *t)
{
    const cJSON *init = json_get(spec, "initContainers");
    const cJSON *main = json_get(spec, "containers");
    const cJSON *secrets = json_get(spec, "imagePullSecrets");

    /* One more than needed: an item that makes no sense is written there and not counted. */
    t->containers = arena_array(a, array_size(init) + array_size(main) + 1, sizeof *t->containers);
    decode_containers(init, true, a, t);
    decode_containers(main, false, a, t);
    t->service_account = copy(a, spec, "serviceAccountName");
    t->pull_secrets = arena_array(a, array_size(secrets) + 1, sizeof *t->pull_secrets);
    JSON_EACH(item, secrets) {
        const char *name = json_str(item, "name");

        if (name && *name)
            t->pull_secrets[t->n_pull_secrets++] = arena_strdup(a, name);
    }
}

/* --- Deployments --- */

static bool sets_an_image(const cJSON *containers)
{
    JSON_EACH_MEMBER(container, containers)
        if (json_get(container, "f:image"))
            return true;
    return false;
}

/* Who last set an image, by server-side field tracking. Subresources (status, scale) cannot. */
static const char *find_image_manager(const cJSON *tree)
{
    const char *manager = NULL;
    int64_t latest = -1;

    JSON_EACH(entry, json_at(tree, "metadata", "managedFields")) {
        const cJSON *spec = json_at(entry, "fieldsV1", "f:spec", "f:template", "f:spec");
        const char *subresource = json_str(entry, "subresource");
        int64_t at_ms = json_time(entry, "time");

        if ((subresource && *subresource) || at_ms <= latest)
            continue;
        if (!sets_an_image(json_get(spec, "f:containers")) &&
            !sets_an_image(json_get(spec, "f:initContainers")))
            continue;
        manager = json_str(entry, "manager");
        latest = at_ms;
    }
    return manager;
}

static bool is_zero(const cJSON *v)
{
    return (cJSON_IsNumber(v) && v->valueint == 0) ||
           (cJSON_IsString(v) && (!strcmp(v->valuestring, "0%") || !strcmp(v->valuestring, "0")));
}

static void decode_strategy(const cJSON *strategy, struct kube_deployment *d)
{
    const char *type = json_str(strategy, "type");
    const cJSON *rolling = json_get(strategy, "rollingUpdate");

    d->recreate = type && !strcmp(type, "Recreate");
    d->surge_is_1 = json_int(rolling, "maxSurge", 0) == 1;
    d->unavailable_is_0 = is_zero(json_get(rolling, "maxUnavailable"));
}

void *kube_deployment_decode(const cJSON *tree, struct err *e)
{
    struct kube_deployment *d = decode_object(tree, "Deployment", sizeof *d, DEPLOYMENT_BYTES, e);
    const cJSON *spec = json_get(tree, "spec");
    const cJSON *status = json_get(tree, "status");
    const cJSON *notes = json_at(tree, "metadata", "annotations");
    struct arena *a;

    if (!d)
        return NULL;
    a = d->meta.arena;
    d->replicas = (int)json_int(spec, "replicas", 1);
    d->min_ready_s = (int)json_int(spec, "minReadySeconds", 0);
    d->paused = json_bool(spec, "paused", false);
    decode_strategy(json_get(spec, "strategy"), d);
    d->observed_generation = json_int(status, "observedGeneration", 0);
    d->status_replicas = (int)json_int(status, "replicas", 0);
    d->updated_replicas = (int)json_int(status, "updatedReplicas", 0);
    d->available_replicas = (int)json_int(status, "availableReplicas", 0);
    decode_template(json_at(spec, "template", "spec"), a, &d->tmpl);
    d->attempt = copy(a, notes, OURS "attempt");
    d->latch = copy(a, notes, OURS "latch");
    d->owner = copy(a, notes, OURS "owner");
    d->image_manager = arena_strdup(a, find_image_manager(tree));
    return d;
}

/* --- ReplicaSets --- */

void *kube_replicaset_decode(const cJSON *tree, struct err *e)
{
    struct kube_replicaset *r = decode_object(tree, "ReplicaSet", sizeof *r, REPLICASET_BYTES, e);
    const cJSON *spec = json_get(tree, "spec");
    const cJSON *status = json_get(tree, "status");
    const cJSON *failure = find_condition(tree, "ReplicaFailure");
    const char *revision =
        json_str(json_at(tree, "metadata", "annotations"), "deployment.kubernetes.io/revision");
    struct arena *a;

    if (!r)
        return NULL;
    a = r->meta.arena;
    r->revision = revision ? strtoll(revision, NULL, 10) : 0;
    r->replicas = (int)json_int(spec, "replicas", 1);
    r->status_replicas = (int)json_int(status, "replicas", 0);
    r->available_replicas = (int)json_int(status, "availableReplicas", 0);
    decode_template(json_at(spec, "template", "spec"), a, &r->tmpl);
    if (condition_is(failure, "True")) {
        r->failure = copy_message(a, failure, "message") ?: "ReplicaFailure without a message";
        r->failure_ms = json_time(failure, "lastTransitionTime");
    }
    return r;
}

/* --- Pods --- */

static void decode_run(const cJSON *status, bool init, struct arena *a, struct kube_run *run)
{
    const cJSON *waiting = json_at(status, "state", "waiting");
    const cJSON *now = json_at(status, "state", "terminated");
    const cJSON *end = cJSON_IsObject(now) ? now : json_at(status, "lastState", "terminated");

    run->name = copy(a, status, "name");
    run->image_id = copy(a, status, "imageID");
    run->init = init;
    run->ready = json_bool(status, "ready", false);
    run->running = cJSON_IsObject(json_at(status, "state", "running"));
    run->restarts = (int)json_int(status, "restartCount", 0);
    if (cJSON_IsObject(waiting)) {
        run->waiting = arena_strdup(a, json_str(waiting, "reason") ?: "");
        run->waiting_message = copy_message(a, waiting, "message");
    }
    run->terminated = cJSON_IsObject(now);
    run->has_last = cJSON_IsObject(end);
    if (run->has_last) {
        run->end_reason = copy(a, end, "reason");
        run->end_message = copy_message(a, end, "message");
        run->exit_code = (int)json_int(end, "exitCode", 0);
        run->end_ms = json_time(end, "finishedAt");
    }
}

static void decode_runs(const cJSON *status, struct arena *a, struct kube_pod *p)
{
    const cJSON *init = json_get(status, "initContainerStatuses");
    const cJSON *main = json_get(status, "containerStatuses");

    p->runs = arena_array(a, array_size(init) + array_size(main) + 1, sizeof *p->runs);
    JSON_EACH(item, init)
        if (json_str(item, "name"))
            decode_run(item, true, a, &p->runs[p->n_runs++]);
    JSON_EACH(item, main)
        if (json_str(item, "name"))
            decode_run(item, false, a, &p->runs[p->n_runs++]);
}

static void decode_conditions(const cJSON *tree, struct arena *a, struct kube_pod *p)
{
    const cJSON *ready = find_condition(tree, "Ready");
    const cJSON *scheduled = find_condition(tree, "PodScheduled");

    p->ready = condition_is(ready, "True");
    p->ready_ms = json_time(ready, "lastTransitionTime");
    if (condition_is(scheduled, "False"))
        p->unschedulable = copy_message(a, scheduled, "message") ?: "PodScheduled is False";
    p->disrupted = condition_is(find_condition(tree, "DisruptionTarget"), "True");
}

void *kube_pod_decode(const cJSON *tree, struct err *e)
{
    struct kube_pod *p = decode_object(tree, "Pod", sizeof *p, POD_BYTES, e);
    const cJSON *status = json_get(tree, "status");
    struct arena *a;

    if (!p)
        return NULL;
    a = p->meta.arena;
    p->phase = copy(a, status, "phase");
    p->reason = copy(a, status, "reason");
    p->message = copy_message(a, status, "message");
    p->node = copy(a, json_get(tree, "spec"), "nodeName");
    p->start_ms = json_time(status, "startTime");
    p->template_hash = copy(a, json_at(tree, "metadata", "labels"), "pod-template-hash");
    decode_conditions(tree, a, p);
    decode_runs(status, a, p);
    return p;
}
