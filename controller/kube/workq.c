#include "kube/workq.h"

#include <stdlib.h>

#include "base/backoff.h"
#include "base/heap.h"
#include "base/map.h"
#include "base/mem.h"

static const struct backoff RETRY = { .first_ms = 5, .max_ms = 60000 };

/* An entry exists while its key is queued or taken. */
struct entry {
    struct heap_item item; /* first: a heap item is its entry */
    char *key;
    unsigned failures; /* in a row */
    bool taken;
    int64_t next_ms; /* while taken: the earliest time it was added for; INT64_MAX = not */
};

struct workq {
    struct heap due;
    struct map *entries; /* key → struct entry */
};

struct workq *workq_new(void)
{
    struct workq *q = xcalloc(1, sizeof *q);

    q->entries = map_new();
    return q;
}

static void entry_free(void *entry)
{
    struct entry *en = entry;

    if (!en)
        return;
    free(en->key);
    free(en);
}

void workq_free(struct workq *q)
{
    if (!q)
        return;
    heap_release(&q->due);
    map_free(q->entries, entry_free);
    free(q);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void workq_add(struct workq *q, const char *key, int64_t due_ms)
{
    struct entry *en = map_get(q->entries, key);

    if (!en) {
        en = xcalloc(1, sizeof *en);
        en->key = xstrdup(key);
        map_put(q->entries, key, en);
    }
    if (en->taken)
        en->next_ms = earlier(en->next_ms, due_ms);
    else if (!heap_has(&en->item) || due_ms < en->item.due_ms)
        heap_set(&q->due, &en->item, due_ms);
}

const char *workq_take(struct workq *q, int64_t now_ms)
{
    struct heap_item *item = heap_first(&q->due);
    struct entry *en = (struct entry *)item;

    if (!item || item->due_ms > now_ms)
        return NULL;
    heap_remove(&q->due, item);
    en->taken = true;
    en->next_ms = INT64_MAX;
    return en->key;
}

void workq_done(struct workq *q, const char *key, bool failed, int64_t now_ms, int64_t again_ms)
{
    struct entry *en = map_get(q->entries, key);

    if (!en || !en->taken)
        return;
    en->taken = false;
    en->failures = failed ? en->failures + 1 : 0;
    if (failed)
        en->next_ms = earlier(en->next_ms, now_ms + backoff_ms(&RETRY, en->failures));
    else if (again_ms > 0)
        en->next_ms = earlier(en->next_ms, again_ms);
    if (en->next_ms != INT64_MAX)
        heap_set(&q->due, &en->item, en->next_ms);
    else
        entry_free(map_del(q->entries, en->key));
}

void workq_forget(struct workq *q, const char *key)
{
    struct entry *en = map_get(q->entries, key);

    if (!en)
        return;
    en->failures = 0;
    if (en->taken) {
        en->next_ms = INT64_MAX; /* workq_done() ends it */
        return;
    }
    heap_remove(&q->due, &en->item);
    entry_free(map_del(q->entries, en->key));
}

int64_t workq_next_due(const struct workq *q)
{
    const struct heap_item *first = heap_first(&q->due);

    return first ? first->due_ms : INT64_MAX;
}

size_t workq_depth(const struct workq *q)
{
    return q->due.count;
}
