/* controller/base/heap.h — A binary min-heap of items embedded in their owners.
 *
 * Each item knows its place, so it can be moved or removed in O(log n): timers and queues. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_item {
    int64_t due_ms;
    size_t place; /* 1-based; 0 = not in a heap */
};

struct heap {
    struct heap_item **items;
    size_t count, cap;
};

static inline bool heap_has(const struct heap_item *item)
{
    return item->place != 0;
}

void heap_set(struct heap *h, struct heap_item *item, int64_t due_ms); /* insert or move */
void heap_remove(struct heap *h, struct heap_item *item);              /* fine when not in it */
struct heap_item *heap_first(const struct heap *h);                    /* NULL when empty */
void heap_release(struct heap *h);

#endif
