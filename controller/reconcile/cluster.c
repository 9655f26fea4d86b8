#include "reconcile/cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/mem.h"
#include "io/loop.h"
#include "kube/client.h"
#include "kube/reflector.h"
#include "kube/store.h"
#include "kube/workload.h"
#include "reconcile/crd.h"
#include "reconcile/release.h"

#define LINGER_MS (5 * 60 * 1000)
#define SWEEP_MS (60 * 1000)
#define KEY_BYTES 520

/* A reflector and who to tell: the callbacks need the namespace's other stores. */
struct scope {
    struct cluster *c;
    char *ns;                   /* NULL = all namespaces */
    struct reflector *releases; /* NULL until the CRD fits */
    struct reflector *deployments;
};

struct pods {
    struct cluster *c;
    char *ns;
    struct reflector *sets, *pods;
    int64_t until_ms;
};

struct cluster {
    struct loop *loop;
    struct kube_client *kube;
    struct cluster_opts o;
    struct crd *crd;
    struct scope *scopes;
    size_t n_scopes;
    struct map *pods; /* namespace → struct pods */
    struct loop_timer sweep;
};

/* --- what changed --- */

static void on_release(const char *key, const void *old, void *ctx)
{
    struct scope *s = ctx;

    s->c->o.on_release(key, old, s->c->o.ctx);
}

static void on_deployment(const char *key, const void *old, void *ctx)
{
    struct scope *s = ctx;

    (void)old;
    s->c->o.on_deployment(key, s->c->o.ctx);
}

static void on_synced(void *ctx)
{
    struct scope *s = ctx;

    s->c->o.on_synced(s->c->o.ctx);
}

static void tell_owner(struct cluster *c, const char *ns, const char *deployment)
{
    char key[KEY_BYTES];

    if (!deployment)
        return;
    snprintf(key, sizeof key, "%s/%s", ns, deployment);
    c->o.on_deployment(key, c->o.ctx);
}

static void on_set(const char *key, const void *old, void *ctx)
{
    struct pods *p = ctx;
    const struct kube_replicaset *set = store_get(reflector_store(p->sets), key);

    if (!set)
        set = old;
    if (set)
        tell_owner(p->c, p->ns, set->meta.owner_name);
}

static void on_pod(const char *key, const void *old, void *ctx)
{
    struct pods *p = ctx;
    const struct kube_pod *pod = store_get(reflector_store(p->pods), key);
    const struct kube_replicaset *set;
    char set_key[KEY_BYTES];

    if (!pod)
        pod = old;
    if (!pod || !pod->meta.owner_name)
        return;
    snprintf(set_key, sizeof set_key, "%s/%s", p->ns, pod->meta.owner_name);
    set = store_get(reflector_store(p->sets), set_key);
    if (set)
        tell_owner(p->c, p->ns, set->meta.owner_name);
}

/* Both lists are complete now: everything that waits for them in this namespace looks again. */
static void on_pods_synced(void *ctx)
{
    struct pods *p = ctx;
    struct map_iter it = { 0 };

    if (!cluster_pods_synced(p->c, p->ns))
        return;
    while (store_next(reflector_store(p->sets), &it))
        tell_owner(p->c, p->ns, ((const struct kube_replicaset *)it.value)->meta.owner_name);
}

/* --- life --- */

static void on_releases_missing(void *ctx)
{
    struct scope *s = ctx;

    crd_missing(s->c->crd);
}

static void on_crd_fits(void *ctx)
{
    struct cluster *c = ctx;

    for (size_t i = 0; i < c->n_scopes; i++) {
        struct scope *s = &c->scopes[i];
        const struct reflector_opts o = { .resource = &KUBE_APPRELEASES,
                                          .ns = s->ns,
                                          .decode = release_decode,
                                          .on_change = on_release,
                                          .on_synced = on_synced,
                                          .on_missing = on_releases_missing,
                                          .ctx = s };

        if (!s->releases)
            s->releases = reflector_new(c->loop, c->kube, &o);
    }
    c->o.on_synced(c->o.ctx); /* where they are listed already */
}

/* What an older CRD lets us see of them lacks fields: forget them, and list them anew. */
static void on_crd_older(void *ctx)
{
    struct cluster *c = ctx;

    for (size_t i = 0; i < c->n_scopes; i++) {
        struct reflector *r = c->scopes[i].releases;
        struct map_iter it = { 0 };

        c->scopes[i].releases = NULL;
        while (r && store_next(reflector_store(r), &it))
            c->o.on_release(it.key, it.value, c->o.ctx);
        reflector_free(r);
    }
}

static void start_scope(struct cluster *c, struct scope *s, const char *ns)
{
    struct reflector_opts o = { .resource = &KUBE_DEPLOYMENTS,
                                .decode = kube_deployment_decode,
                                .on_change = on_deployment,
                                .on_synced = on_synced,
                                .ctx = s };

    s->c = c;
    s->ns = ns ? xstrdup(ns) : NULL;
    o.ns = s->ns;
    s->deployments = reflector_new(c->loop, c->kube, &o);
}

static void pods_free(void *value)
{
    struct pods *p = value;

    reflector_free(p->sets);
    reflector_free(p->pods);
    free(p->ns);
    free(p);
}

/* Let go of namespaces where nothing has rolled for a while. */
static void sweep(void *ctx)
{
    struct cluster *c = ctx;
    int64_t now_ms = loop_now_ms(c->loop);

    MAP_EACH(c->pods, it) {
        struct pods *p = it.value;

        if (now_ms >= p->until_ms) {
            map_del(c->pods, it.key);
            pods_free(p);
        }
    }
    loop_timer_set(c->loop, &c->sweep, now_ms + SWEEP_MS);
}

struct cluster *cluster_new(struct loop *l, struct kube_client *k, const struct cluster_opts *o)
{
    struct cluster *c = xcalloc(1, sizeof *c);
    size_t n = 0;

    *c = (struct cluster){ .loop = l, .kube = k, .o = *o, .pods = map_new() };
    while (o->namespaces && o->namespaces[n])
        n++;
    c->n_scopes = n ? n : 1;
    c->scopes = xcalloc(c->n_scopes, sizeof *c->scopes);
    for (size_t i = 0; i < c->n_scopes; i++)
        start_scope(c, &c->scopes[i], n ? o->namespaces[i] : NULL);
    c->crd = crd_new(l, k, &(struct crd_opts){ on_crd_fits, on_crd_older, c });
    c->sweep = (struct loop_timer){ .fn = sweep, .ctx = c };
    loop_timer_set(l, &c->sweep, loop_now_ms(l) + SWEEP_MS);
    return c;
}

void cluster_free(struct cluster *c)
{
    if (!c)
        return;
    loop_timer_stop(c->loop, &c->sweep);
    crd_free(c->crd);
    for (size_t i = 0; i < c->n_scopes; i++) {
        reflector_free(c->scopes[i].releases);
        reflector_free(c->scopes[i].deployments);
        free(c->scopes[i].ns);
    }
    free(c->scopes);
    map_free(c->pods, pods_free);
    free(c);
}

bool cluster_synced(const struct cluster *c, const char **why)
{
    *why = crd_problem(c->crd);
    if (*why)
        return false;
    for (size_t i = 0; i < c->n_scopes; i++) {
        const struct reflector *both[] = { c->scopes[i].releases, c->scopes[i].deployments };

        for (size_t k = 0; k < ARRAY_LEN(both); k++) {
            if (store_synced(reflector_store(both[k])))
                continue;
            *why = reflector_problem(both[k]);
            if (!*why)
                *why = k ? "deployments are not listed yet" : "appreleases are not listed yet";
            return false;
        }
    }
    return true;
}

/* --- look-ups --- */

/* The scope that a key's namespace belongs to; NULL when we do not watch it. */
static const struct scope *scope_of(const struct cluster *c, const char *key)
{
    size_t n = strcspn(key, "/");

    for (size_t i = 0; i < c->n_scopes; i++) {
        const char *ns = c->scopes[i].ns;

        if (!ns || (strlen(ns) == n && !strncmp(ns, key, n)))
            return &c->scopes[i];
    }
    return NULL;
}

const struct release *cluster_release(const struct cluster *c, const char *key)
{
    const struct scope *s = scope_of(c, key);

    return s && s->releases ? store_get(reflector_store(s->releases), key) : NULL;
}

const struct kube_deployment *cluster_deployment(const struct cluster *c, const char *key)
{
    const struct scope *s = scope_of(c, key);

    return s ? store_get(reflector_store(s->deployments), key) : NULL;
}

void cluster_each_release(const struct cluster *c,
                          void (*fn)(const char *key, const struct release *r, void *ctx),
                          void *ctx)
{
    for (size_t i = 0; i < c->n_scopes; i++) {
        struct map_iter it = { 0 };

        while (c->scopes[i].releases && store_next(reflector_store(c->scopes[i].releases), &it))
            fn(it.key, it.value, ctx);
    }
}

void cluster_watch_pods(struct cluster *c, const char *ns)
{
    struct pods *p = map_get(c->pods, ns);
    struct reflector_opts o = { .ns = ns, .on_synced = on_pods_synced };

    if (!p) {
        p = xcalloc(1, sizeof *p);
        p->c = c;
        p->ns = xstrdup(ns);
        map_put(c->pods, ns, p);
        o.ns = p->ns;
        o.ctx = p;
        o.resource = &KUBE_REPLICASETS;
        o.decode = kube_replicaset_decode;
        o.on_change = on_set;
        p->sets = reflector_new(c->loop, c->kube, &o);
        o.resource = &KUBE_PODS;
        o.decode = kube_pod_decode;
        o.on_change = on_pod;
        p->pods = reflector_new(c->loop, c->kube, &o);
    }
    p->until_ms = loop_now_ms(c->loop) + LINGER_MS;
}

bool cluster_pods_synced(const struct cluster *c, const char *ns)
{
    const struct pods *p = map_get(c->pods, ns);

    return p && p->sets && p->pods && store_synced(reflector_store(p->sets)) &&
           store_synced(reflector_store(p->pods));
}

const char *cluster_pods_problem(const struct cluster *c, const char *ns)
{
    const struct pods *p = map_get(c->pods, ns);

    if (!p || !p->sets || !p->pods)
        return NULL;
    return reflector_problem(p->sets) ?: reflector_problem(p->pods);
}

static const void *next_owned(const struct store *s, const char *owner_uid, struct map_iter *it)
{
    while (store_next(s, it)) {
        const struct kube_object *o = it->value;

        if (o->owner_uid && !strcmp(o->owner_uid, owner_uid))
            return o;
    }
    return NULL;
}

const struct kube_replicaset *cluster_next_set(const struct cluster *c, const char *ns,
                                               const char *owner_uid, struct map_iter *it)
{
    const struct pods *p = map_get(c->pods, ns);

    return p ? next_owned(reflector_store(p->sets), owner_uid, it) : NULL;
}

const struct kube_pod *cluster_next_pod(const struct cluster *c, const char *ns,
                                        const char *owner_uid, struct map_iter *it)
{
    const struct pods *p = map_get(c->pods, ns);

    return p ? next_owned(reflector_store(p->pods), owner_uid, it) : NULL;
}
