#include "kube/store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kube/meta.h"

/* An unchanged object of a new list is not stored twice: `coming` then holds the very pointer that
 * `now` holds, so a relist costs no second copy of the store. */
struct store {
    struct map *now;
    struct map *coming; /* NULL = no list is being put together */
    bool synced;
};

struct store *store_new(void)
{
    struct store *s = xcalloc(1, sizeof *s);

    s->now = map_new();
    return s;
}

void store_free(struct store *s)
{
    if (!s)
        return;
    store_abort(s);
    map_free(s->now, kube_object_free);
    free(s);
}

const void *store_get(const struct store *s, const char *key)
{
    return map_get(s->now, key);
}

size_t store_count(const struct store *s)
{
    return map_count(s->now);
}

bool store_synced(const struct store *s)
{
    return s->synced;
}

bool store_next(const struct store *s, struct map_iter *it)
{
    return map_next(s->now, it);
}

void *store_put(struct store *s, const char *key, void **obj)
{
    void *o = *obj;

    assert(!s->coming); /* the new list may share what this would free */
    *obj = NULL;
    return map_put(s->now, key, o);
}

void *store_drop(struct store *s, const char *key)
{
    assert(!s->coming);
    return map_del(s->now, key);
}

static bool is_same_version(const void *a, const void *b)
{
    const struct kube_object *x = a, *y = b;

    return !strcmp(x->rv, y->rv) && !strcmp(x->uid, y->uid);
}

/* Free what the map holds under the key, unless `other` holds the same pointer. */
static void release(const char *key, void *obj, const struct map *other)
{
    if (obj && map_get(other, key) != obj)
        kube_object_free(obj);
}

void store_begin(struct store *s)
{
    store_abort(s);
    s->coming = map_new();
}

void store_list(struct store *s, const char *key, void **obj)
{
    void *o = *obj;
    void *held = map_get(s->now, key);
    bool is_same = held && is_same_version(held, o);

    assert(s->coming);
    *obj = NULL;
    release(key, map_put(s->coming, key, is_same ? held : o), s->now);
    if (is_same)
        kube_object_free(o);
}

void store_commit(struct store *s, void (*on_change)(const char *key, const void *old, void *ctx),
                  void *ctx)
{
    struct map *old = s->now;

    assert(s->coming);
    s->now = s->coming;
    s->coming = NULL;
    s->synced = true;
    MAP_EACH(s->now, it) {
        const void *was = map_get(old, it.key);

        if (was != it.value && on_change)
            on_change(it.key, was, ctx);
    }
    MAP_EACH(old, it) {
        if (!map_get(s->now, it.key) && on_change)
            on_change(it.key, it.value, ctx);
        release(it.key, it.value, s->now);
    }
    map_free(old, NULL);
}

void store_abort(struct store *s)
{
    if (!s->coming)
        return;
    MAP_EACH(s->coming, it)
        release(it.key, it.value, s->now);
    map_free(s->coming, NULL);
    s->coming = NULL;
}
