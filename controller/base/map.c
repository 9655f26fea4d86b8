#include "base/map.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Open addressing, linear probing, at most 3/4 full. A deleted slot keeps a mark until the next
 * growth, so that walking and deleting go together. */
struct slot {
    char *key; /* NULL = empty, DELETED = was used */
    void *value;
    uint64_t hash;
};

struct map {
    struct slot *slots;
    size_t cap;   /* a power of two, or 0 */
    size_t count; /* live entries */
    size_t used;  /* live and deleted ones */
};

static char deleted_mark;
#define DELETED (&deleted_mark)

static bool is_live(const struct slot *s)
{
    return s->key && s->key != DELETED;
}

/* FNV-1a, 64 bits. */
static uint64_t hash_of(const char *key)
{
    uint64_t h = 14695981039346656037ULL;

    for (; *key; key++)
        h = (h ^ (unsigned char)*key) * 1099511628211ULL;
    return h;
}

struct map *map_new(void)
{
    return xcalloc(1, sizeof(struct map));
}

void map_free(struct map *m, void (*destroy)(void *value))
{
    if (!m)
        return;
    for (size_t i = 0; i < m->cap; i++)
        if (is_live(&m->slots[i])) {
            if (destroy)
                destroy(m->slots[i].value);
            free(m->slots[i].key);
        }
    free(m->slots);
    free(m);
}

size_t map_count(const struct map *m)
{
    return m->count;
}

static struct slot *find(const struct map *m, const char *key, uint64_t hash)
{
    if (!m->cap)
        return NULL;
    for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
        struct slot *s = &m->slots[i];

        if (!s->key)
            return NULL;
        if (s->key != DELETED && s->hash == hash && !strcmp(s->key, key))
            return s;
    }
}

/* Put a key that is not there into the first free slot. */
static void insert(struct map *m, char *key, void *value, uint64_t hash)
{
    size_t i = hash & (m->cap - 1);

    while (is_live(&m->slots[i]))
        i = (i + 1) & (m->cap - 1);
    m->used += m->slots[i].key == NULL;
    m->slots[i] = (struct slot){ key, value, hash };
    m->count++;
}

static void grow(struct map *m)
{
    struct slot *old = m->slots;
    size_t old_cap = m->cap;

    m->cap = m->count * 2 < 8 ? 8 : old_cap;
    while (m->count * 2 >= m->cap)
        m->cap *= 2;
    m->slots = xcalloc(m->cap, sizeof *m->slots);
    m->count = m->used = 0;
    for (size_t i = 0; i < old_cap; i++)
        if (is_live(&old[i]))
            insert(m, old[i].key, old[i].value, old[i].hash);
    free(old);
}

void *map_get(const struct map *m, const char *key)
{
    struct slot *s = find(m, key, hash_of(key));

    return s ? s->value : NULL;
}

void *map_put(struct map *m, const char *key, void *value)
{
    uint64_t hash = hash_of(key);
    struct slot *s = find(m, key, hash);
    void *old;

    if (s) {
        old = s->value;
        s->value = value;
        return old;
    }
    if ((m->used + 1) * 4 > m->cap * 3)
        grow(m);
    insert(m, xstrdup(key), value, hash);
    return NULL;
}

void *map_del(struct map *m, const char *key)
{
    struct slot *s = find(m, key, hash_of(key));

    if (!s)
        return NULL;
    free(s->key);
    s->key = DELETED;
    m->count--;
    return s->value;
}

bool map_next(const struct map *m, struct map_iter *it)
{
    while (it->slot < m->cap) {
        const struct slot *s = &m->slots[it->slot++];

        if (is_live(s)) {
            it->key = s->key;
            it->value = s->value;
            return true;
        }
    }
    return false;
}
