#include "reconcile/claims.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "reconcile/release.h"

/* A list of strings, as short as lists of claims are: nearly always one. */
struct names {
    char **items;
    size_t n;
};

struct claims {
    struct map *by_deployment; /* "ns/deployment" → struct names of release keys */
    struct map *by_release;    /* "ns/release" → struct names of Deployment keys */
};

static void names_free(void *value)
{
    struct names *list = value;

    for (size_t i = 0; i < list->n; i++)
        free(list->items[i]);
    free(list->items);
    free(list);
}

static size_t names_find(const struct names *list, const char *name)
{
    size_t i = 0;

    while (i < list->n && strcmp(list->items[i], name))
        i++;
    return i;
}

static void names_add(struct map *m, const char *key, const char *name)
{
    struct names *list = map_get(m, key);

    if (!list) {
        list = xcalloc(1, sizeof *list);
        map_put(m, key, list);
    }
    if (names_find(list, name) < list->n)
        return;
    list->items = xrealloc(list->items, (list->n + 1) * sizeof *list->items);
    list->items[list->n++] = xstrdup(name);
}

static void names_remove(struct map *m, const char *key, const char *name)
{
    struct names *list = map_get(m, key);
    size_t i = list ? names_find(list, name) : 0;

    if (!list || i == list->n)
        return;
    free(list->items[i]);
    list->items[i] = list->items[--list->n];
    if (!list->n)
        names_free(map_del(m, key));
}

struct claims *claims_new(void)
{
    struct claims *c = xcalloc(1, sizeof *c);

    c->by_deployment = map_new();
    c->by_release = map_new();
    return c;
}

void claims_free(struct claims *c)
{
    if (!c)
        return;
    map_free(c->by_deployment, names_free);
    map_free(c->by_release, names_free);
    free(c);
}

static void claim(struct claims *c, const char *release_key, const char *ns, const char *deployment)
{
    char *key;

    if (!deployment)
        return;
    key = xasprintf("%s/%s", ns, deployment);
    names_add(c->by_release, release_key, key);
    names_add(c->by_deployment, key, release_key);
    free(key);
}

void claims_set(struct claims *c, const char *release_key, const struct release *r,
                void (*fn)(const char *deployment_key, void *ctx), void *ctx)
{
    struct names *old = map_del(c->by_release, release_key), *now;

    for (size_t i = 0; old && i < old->n; i++)
        names_remove(c->by_deployment, old->items[i], release_key);
    for (size_t i = 0; r && !r->spec_problem && i < r->spec.n_apps; i++)
        claim(c, release_key, r->meta.ns, r->spec.apps[i].deployment);
    for (size_t i = 0; r && i < r->status.n_apps; i++)
        claim(c, release_key, r->meta.ns, r->status.apps[i].deployment);
    now = map_get(c->by_release, release_key);
    for (size_t i = 0; old && i < old->n; i++)
        if (!now || names_find(now, old->items[i]) == now->n)
            fn(old->items[i], ctx);
    for (size_t i = 0; now && i < now->n; i++)
        if (!old || names_find(old, now->items[i]) == old->n)
            fn(now->items[i], ctx);
    if (old)
        names_free(old);
}

void claims_each(const struct claims *c, const char *deployment_key,
                 void (*fn)(const char *release_key, void *ctx), void *ctx)
{
    const struct names *list = map_get(c->by_deployment, deployment_key);

    for (size_t i = 0; list && i < list->n; i++)
        fn(list->items[i], ctx);
}

void claims_of(const struct claims *c, const char *release_key,
               void (*fn)(const char *deployment_key, void *ctx), void *ctx)
{
    const struct names *list = map_get(c->by_release, release_key);

    for (size_t i = 0; list && i < list->n; i++)
        fn(list->items[i], ctx);
}
