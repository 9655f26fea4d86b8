/* Plans from any AppRelease, Deployments, ReplicaSets, pods and answers:
 *
 *     {"now": time, "release": {…}, "deployments": [{…}], "sets": [{…}], "pods": [{…}],
 *      "images": [{…}], "logs": [{…}], "refusals": [{…}], "failures": [{…}],
 *      "rivals": [{"name", "uid", "newer", "finished", "rolling",
 *      "unchanged"}]}
 *
 * What the plan wants written comes back as the stored status of the next round, with nothing else
 * changed: after a few rounds there is nothing left to write (R20). */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "deploy/observed.h"
#include "deploy/plan.h"
#include "fuzz.h"
#include "kube/workload.h"
#include "reconcile/gather.h"
#include "reconcile/release.h"

#define OBJECTS 32
#define ROUNDS 12
#define EARLIEST_MS 946684800000  /* 2000: 0 means no time */
#define STATUS_BYTES (224 * 1024) /* the bound of the API's description */
#define LIST_BYTES(list) ((size_t)cJSON_GetArraySize(list) + 1)

struct objects {
    void *items[OBJECTS];
    size_t n;
};

static struct objects decode_all(const cJSON *list, void *(*decode)(const cJSON *, struct err *))
{
    struct objects ret = { .n = 0 };

    JSON_EACH(item, list) {
        struct err ignored = { 0 };
        void *o = ret.n < OBJECTS ? decode(item, &ignored) : NULL;

        if (o)
            ret.items[ret.n++] = o;
    }
    return ret;
}

static void free_all(struct objects *o)
{
    for (size_t i = 0; i < o->n; i++)
        kube_object_free(o->items[i]);
}

/* --- from JSON to what is observed --- */

static bool is_owned_by(const struct kube_object *o, const struct kube_object *owner)
{
    return o->owner_uid && !strcmp(o->owner_uid, owner->uid);
}

static void add_sets(struct deployment_facts *dep, const struct kube_deployment *d,
                     const struct objects *sets, const struct objects *pods, struct arena *a)
{
    dep->sets = arena_array(a, sets->n + 1, sizeof *dep->sets);
    dep->pods_known = true;
    for (size_t i = 0; i < sets->n; i++) {
        const struct kube_replicaset *set = sets->items[i];
        struct replicaset_facts *facts = &dep->sets[dep->n_sets];

        if (!is_owned_by(&set->meta, &d->meta))
            continue;
        *facts = gather_set(set, a);
        facts->pods = arena_array(a, pods->n + 1, sizeof *facts->pods);
        for (size_t k = 0; k < pods->n; k++) {
            const struct kube_pod *pod = pods->items[k];

            if (is_owned_by(&pod->meta, &set->meta))
                gather_pod(pod, &set->tmpl, a, &facts->pods[facts->n_pods++]);
        }
        dep->n_sets++;
    }
}

static void read_failures(const cJSON *failures, struct observed *o, struct arena *a)
{
    o->failures = arena_array(a, LIST_BYTES(failures), sizeof *o->failures);
    JSON_EACH(item, failures)
        if (json_str(item, "id") && json_str(item, "text"))
            o->failures[o->n_failures++] =
                (struct patch_failure){ .attempt_id = json_str(item, "id"),
                                        .text = json_str(item, "text"),
                                        .first_ms = json_time(item, "first"),
                                        .last_ms = json_time(item, "last") };
}

static void read_answers(const cJSON *tree, struct observed *o, struct arena *a)
{
    const cJSON *images = json_get(tree, "images"), *logs = json_get(tree, "logs");
    const cJSON *refusals = json_get(tree, "refusals");

    o->images = arena_array(a, LIST_BYTES(images), sizeof *o->images);
    JSON_EACH(item, images)
        if (json_str(item, "image"))
            o->images[o->n_images++] =
                (struct image_answer){ .image = json_str(item, "image"),
                                       .asking = json_bool(item, "asking", false),
                                       .at_ms = json_time(item, "at"),
                                       .digest = json_str(item, "digest"),
                                       .missing = json_bool(item, "missing", false),
                                       .denied = json_bool(item, "denied", false),
                                       .error = json_str(item, "error"),
                                       .retry_ms = json_time(item, "retry") };
    o->logs = arena_array(a, LIST_BYTES(logs), sizeof *o->logs);
    JSON_EACH(item, logs)
        if (json_str(item, "pod") && json_str(item, "container"))
            o->logs[o->n_logs++] = (struct log_answer){ .pod = json_str(item, "pod"),
                                                        .container = json_str(item, "container"),
                                                        .asked_ms = json_time(item, "asked"),
                                                        .done = json_bool(item, "done", false),
                                                        .tail = json_str(item, "tail") };
    o->refusals = arena_array(a, LIST_BYTES(refusals), sizeof *o->refusals);
    JSON_EACH(item, refusals)
        if (json_str(item, "id") && json_str(item, "text"))
            o->refusals[o->n_refusals++] =
                (struct refusal){ .attempt_id = json_str(item, "id"),
                                  .for_good = json_bool(item, "forGood", false),
                                  .forbidden = json_bool(item, "forbidden", false),
                                  .account = json_str(item, "account"),
                                  .lack = (enum lack)(json_int(item, "lack", 0) & 1),
                                  .text = json_str(item, "text"),
                                  .at_ms = json_time(item, "at") };
    read_failures(json_get(tree, "failures"), o, a);
}

static bool names_deployment(const struct observed *o, const char *name)
{
    for (size_t i = 0; i < o->n_apps; i++)
        if (!strcmp(o->apps[i].deployment, name))
            return true;
    return false;
}

/* All of them lay claim to each Deployment. */
static void add_rivals(const cJSON *tree, struct app_facts *app, struct arena *a)
{
    const cJSON *rivals = json_get(tree, "rivals");

    app->rivals = arena_array(a, LIST_BYTES(rivals), sizeof *app->rivals);
    JSON_EACH(rival, rivals) {
        app->rivals[app->n_rivals++] =
            (struct rival){ .name = json_str(rival, "name") ?: "other",
                            .uid = json_str(rival, "uid") ?: "other-uid",
                            .newer = json_bool(rival, "newer", false),
                            .finished = json_bool(rival, "finished", false),
                            .rolling = json_bool(rival, "rolling", false),
                            .unchanged_ms = json_time(rival, "unchanged") };
    }
}

static void add_deployments(const cJSON *tree, const struct objects *deployments,
                            const struct objects *sets, const struct objects *pods,
                            struct observed *o, struct arena *a)
{
    o->apps = arena_array(a, deployments->n + 1, sizeof *o->apps);
    for (size_t i = 0; i < deployments->n; i++) {
        const struct kube_deployment *d = deployments->items[i];
        struct deployment_facts *dep = gather_deployment(d, a);

        if (names_deployment(o, d->meta.name))
            continue;
        add_sets(dep, d, sets, pods, a);
        dep->read_ms = json_time(tree, "read");
        o->apps[o->n_apps] = (struct app_facts){ .deployment = d->meta.name, .dep = dep };
        add_rivals(tree, &o->apps[o->n_apps++], a);
    }
}

static struct observed observe(const cJSON *tree, const struct release *r, struct arena *a)
{
    int64_t now_ms = json_time(tree, "now");
    struct observed o = gather_release(r);

    o.now_ms = now_ms > EARLIEST_MS ? now_ms : EARLIEST_MS;
    o.ns = o.ns ?: "default";
    o.apps = arena_alloc(a, sizeof *o.apps);
    return o;
}

/* --- what must hold of a plan --- */

static void check_body(const char *body)
{
    struct err e = { 0 };
    AUTO(json) cJSON *tree = body ? json_parse(body, strlen(body), &e) : NULL;
    const cJSON *meta = json_get(tree, "metadata");

    HOLDS(tree && json_str(meta, "uid") && json_str(meta, "resourceVersion"));
    HOLDS(!json_get(json_get(tree, "spec"), "replicas"));
    JSON_EACH_MEMBER(note, json_get(meta, "annotations"))
        HOLDS(!strncmp(note->string, "deploy.btc-shopflow.io/", 23) ||
              !strcmp(note->string, "kubernetes.io/change-cause"));
}

/* An id that is there already would count as accepted. */
static bool is_new(const struct observed *o, const char *id)
{
    for (size_t i = 0; i < o->n_apps; i++)
        if (o->apps[i].dep->attempt && !strcmp(o->apps[i].dep->attempt->id, id))
            return false;
    for (size_t i = 0; i < o->status->n_apps; i++)
        if (o->status->apps[i].attempt && !strcmp(o->status->apps[i].attempt->id, id))
            return false;
    return true;
}

/* A spoiled status may have two apps that roll one Deployment; a plan must not make them. */
static int count_movers(const struct release_status *s, const char *deployment)
{
    int n = 0;

    for (size_t i = 0; i < s->n_apps; i++)
        n += s->apps[i].attempt && !strcmp(s->apps[i].deployment, deployment);
    return n;
}

/* R4: a patch goes out only for an attempt that status holds, stored or written just before. */
static void check_patch(const struct observed *o, const struct plan *p, size_t at)
{
    const struct action *act = &p->actions[at];
    const struct app_status *was = status_app(o->status, act->app);
    const struct app_status *now = status_app(&p->status, act->app);
    bool written = false;

    HOLDS(!o->spec_problem || (was && was->attempt)); /* nothing starts by a wrong spec */
    HOLDS(now && now->attempt && !strcmp(now->attempt->id, act->id));
    HOLDS(!strcmp(now->deployment, act->deployment));
    HOLDS(!o->account_wrong && act->account == o->account);
    for (size_t i = 0; i < p->n_actions; i++) {
        HOLDS(p->actions[i].kind != ACT_PATCH_STATUS || i < at);
        written |= p->actions[i].kind == ACT_PATCH_STATUS;
        if (i == at || p->actions[i].kind != ACT_PATCH_DEPLOYMENT)
            continue;
        HOLDS(strcmp(p->actions[i].app, act->app));
        HOLDS(strcmp(p->actions[i].deployment, act->deployment) ||
              count_movers(o->status, act->deployment) > 1);
    }
    if (was && was->attempt && !strcmp(was->attempt->id, act->id))
        HOLDS(fuzz_same_json(attempt_annotation(was->attempt), attempt_annotation(now->attempt)));
    else
        HOLDS(written && is_new(o, act->id));
    check_body(act->body);
}

static bool check_plan(const struct observed *o, const struct plan *p)
{
    const struct condition *busy = status_condition(&p->status, "Reconciling");
    const struct condition *stalled = status_condition(&p->status, "Stalled");
    bool writes = false;

    HOLDS(status_condition(&p->status, "Ready") && !(busy && stalled));
    for (size_t i = 0; i < p->n_actions; i++) {
        const struct action *act = &p->actions[i];

        writes |= act->kind == ACT_PATCH_STATUS;
        if (act->kind == ACT_PATCH_DEPLOYMENT)
            check_patch(o, p, i);
        HOLDS(act->kind != ACT_EVENT || (act->reason && act->note));
        HOLDS(act->kind != ACT_RESOLVE || act->image);
        HOLDS(act->kind != ACT_FETCH_LOGS || (act->pod && act->container));
        HOLDS(act->kind != ACT_READ_LIVE || act->deployment);
    }
    return writes;
}

/* What the API server would keep of it, as it is read back. */
static struct release_status store(const struct release_status *s, struct arena *a)
{
    AUTO(json) cJSON *tree = status_encode(s);
    struct release_status ret;
    char *text = json_print(tree);

    HOLDS(strlen(text) <= STATUS_BYTES);
    free(text);
    status_decode(tree, a, &ret);
    HOLDS(fuzz_same_json(status_encode(s), status_encode(&ret)));
    return ret;
}

static void run(struct observed *o, struct arena *a)
{
    for (int round = 0;; round++) {
        struct plan p = plan_make(o, a);
        struct release_status *stored = arena_alloc(a, sizeof *stored);

        if (!check_plan(o, &p))
            return;
        if (round >= ROUNDS - 1) /* what goes to and fro? */
            fuzz_same_json(status_encode(o->status), status_encode(&p.status));
        HOLDS(round < ROUNDS);
        *stored = store(&p.status, a);
        o->status = stored;
        o->last_write_ms = o->now_ms;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = { 0 };
    AUTO(json) cJSON *tree = json_parse((const char *)data, size, &e);
    AUTO(arena) struct arena *a = arena_new(4096);
    struct release *r = release_decode(json_get(tree, "release"), &e);
    struct objects deployments, sets, pods;
    struct observed o;

    if (!r)
        return 0;
    deployments = decode_all(json_get(tree, "deployments"), kube_deployment_decode);
    sets = decode_all(json_get(tree, "sets"), kube_replicaset_decode);
    pods = decode_all(json_get(tree, "pods"), kube_pod_decode);
    o = observe(tree, r, a);
    read_answers(tree, &o, a);
    add_deployments(tree, &deployments, &sets, &pods, &o, a);
    run(&o, a);
    free_all(&deployments);
    free_all(&sets);
    free_all(&pods);
    kube_object_free(r);
    return 0;
}
