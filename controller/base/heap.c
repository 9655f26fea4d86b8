#include "base/heap.h"

#include <stdlib.h>

#include "base/mem.h"

static void put(struct heap *h, size_t place, struct heap_item *item)
{
    h->items[place - 1] = item;
    item->place = place;
}

static void rise(struct heap *h, struct heap_item *item)
{
    size_t place = item->place;

    while (place > 1 && h->items[place / 2 - 1]->due_ms > item->due_ms) {
        put(h, place, h->items[place / 2 - 1]);
        place /= 2;
    }
    put(h, place, item);
}

static void sink(struct heap *h, struct heap_item *item)
{
    size_t place = item->place;

    for (;;) {
        size_t child = place * 2;

        if (child < h->count && h->items[child]->due_ms < h->items[child - 1]->due_ms)
            child++;
        if (child > h->count || h->items[child - 1]->due_ms >= item->due_ms)
            break;
        put(h, place, h->items[child - 1]);
        place = child;
    }
    put(h, place, item);
}

void heap_set(struct heap *h, struct heap_item *item, int64_t due_ms)
{
    if (!heap_has(item)) {
        if (h->count == h->cap) {
            h->cap = h->cap ? h->cap * 2 : 16;
            h->items = xrealloc(h->items, h->cap * sizeof(struct heap_item *));
        }
        put(h, ++h->count, item);
    }
    item->due_ms = due_ms;
    rise(h, item);
    sink(h, item);
}

void heap_remove(struct heap *h, struct heap_item *item)
{
    struct heap_item *last;
    size_t place = item->place;

    if (!place)
        return;
    item->place = 0;
    last = h->items[--h->count];
    if (last == item)
        return;
    put(h, place, last);
    rise(h, last);
    sink(h, last);
}

struct heap_item *heap_first(const struct heap *h)
{
    return h->count ? h->items[0] : NULL;
}

void heap_release(struct heap *h)
{
    free(h->items);
    *h = (struct heap){ 0 };
}
