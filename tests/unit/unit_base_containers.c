/* Arena, map and heap: what is put in comes out, in order, and what is deleted is gone. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/backoff.h"
#include "base/heap.h"
#include "base/map.h"
#include "base/mem.h"
#include "unit.h"

static void an_arena_gives_zeroed_aligned_memory(void)
{
    AUTO(arena) struct arena *a = arena_new(64);

    for (size_t n = 0; n < 300; n++) {
        unsigned char *p = arena_alloc(a, n);
        unsigned sum = 0;

        for (size_t i = 0; i < n; i++)
            sum += p[i];
        CASE("zeroed", sum == 0);
        CASE("aligned for any type", (uintptr_t)p % _Alignof(max_align_t) == 0);
        memset(p, 0xff, n);
    }
    arena_reset(a);
    CASE("zeroed again after a reset", *(char *)arena_alloc(a, 64) == 0);
    CASE("an array", arena_array(a, 3, sizeof(int64_t)) != NULL);
}

static void an_arena_keeps_its_first_chunk_only(void)
{
    AUTO(arena) struct arena *a = arena_new(256);
    size_t empty = arena_bytes(a), first;

    arena_alloc(a, 100);
    first = arena_bytes(a);
    CASE("it holds what was allocated", first >= empty + 100);
    for (int i = 0; i < 1000; i++)
        arena_alloc(a, 1000);
    CASE("and grows", arena_bytes(a) >= 1000000);
    CASE("by little more than what is asked for", arena_bytes(a) < 1200000);
    arena_reset(a);
    CASE("a reset gives all but one chunk back", arena_bytes(a) <= first);
    arena_free(NULL);
}

static void an_arena_copies_strings(void)
{
    AUTO(arena) struct arena *a = arena_new(16);
    char text[] = "shop/api";
    char *copy = arena_strdup(a, text);

    text[0] = 'X';
    CASE("a copy", !strcmp(copy, "shop/api"));
    CASE("NULL gives NULL", !arena_strdup(a, NULL) && !arena_strndup(a, NULL, 3));
    CASE("cut", !strcmp(arena_strndup(a, "shop/api", 4), "shop"));
    CASE("not past the end", !strcmp(arena_strndup(a, "ab", 4), "ab"));
    CASE("formatted", !strcmp(arena_printf(a, "%s/%d", "a", 7), "a/7"));
    CASE("longer than a chunk", strlen(arena_printf(a, "%0500d", 1)) == 500);
}

static void a_map_finds_what_was_put(void)
{
    static int one, two, three;
    struct map *m = map_new();
    char key[] = "a";

    CASE("empty", !map_get(m, "a") && !map_del(m, "a") && map_count(m) == 0);
    CASE("new", !map_put(m, key, &one));
    key[0] = 'z';
    CASE("the key is copied", map_get(m, "a") == &one && !map_get(m, "z"));
    CASE("replaced", map_put(m, "a", &two) == &one && map_get(m, "a") == &two);
    CASE("still one", map_count(m) == 1);
    CASE("an empty key", !map_put(m, "", &three) && map_get(m, "") == &three);
    CASE("deleted", map_del(m, "a") == &two && !map_get(m, "a") && map_count(m) == 1);
    CASE("once", !map_del(m, "a"));
    map_free(m, NULL);
    map_free(NULL, free);
}

static void a_map_holds_many(void)
{
    enum { N = 3000 };
    struct map *m = map_new();
    char key[16];
    bool all = true;

    for (int i = 0; i < N; i++) {
        snprintf(key, sizeof key, "k%d", i);
        map_put(m, key, xstrdup(key));
    }
    for (int i = 0; i < N; i += 3) {
        snprintf(key, sizeof key, "k%d", i);
        free(map_del(m, key));
    }
    for (int i = 0; i < N; i++) {
        const char *value;

        snprintf(key, sizeof key, "k%d", i);
        value = map_get(m, key);
        all &= i % 3 ? value && !strcmp(value, key) : !value;
    }
    CASE("the right ones are there", all && map_count(m) == N - N / 3);
    map_free(m, free);
}

/* Deleted slots keep a mark: they must be used again, and never fill the table up. */
static void a_map_does_not_choke_on_what_was_deleted(void)
{
    static int value;
    struct map *m = map_new();
    char key[16];

    map_put(m, "stays", &value);
    for (int i = 0; i < 100000; i++) {
        snprintf(key, sizeof key, "k%d", i);
        map_put(m, key, &value);
        CASE("deleted", map_del(m, key) == &value);
    }
    CASE("absent ones are still found absent", !map_get(m, "k0") && !map_get(m, "never"));
    CASE("the first one is there", map_get(m, "stays") == &value && map_count(m) == 1);
    map_free(m, NULL);
}

/* As cluster.c sweeps namespaces: each once, whatever is deleted on the way. */
static void walking_and_deleting_go_together(void)
{
    enum { N = 200 };
    struct map *m = map_new();
    int seen[N] = { 0 }, once = 0;
    char key[16];

    for (int i = 0; i < N; i++) {
        int *value = xcalloc(1, sizeof *value);

        *value = i;
        snprintf(key, sizeof key, "k%d", i);
        map_put(m, key, value);
    }
    MAP_EACH(m, it) {
        int *value = it.value;

        snprintf(key, sizeof key, "k%d", *value);
        CASE("key and value belong together", !strcmp(it.key, key));
        seen[*value]++;
        if (*value % 2)
            free(map_del(m, it.key)); /* the key dies with it */
    }
    for (int i = 0; i < N; i++)
        once += seen[i] == 1;
    CASE("each once", once == N);
    CASE("half are left", map_count(m) == N / 2);
    MAP_EACH(m, it)
        CASE("the even ones", *(int *)it.value % 2 == 0);
    MAP_EACH(m, it)
        free(map_del(m, it.key));
    CASE("all can go", map_count(m) == 0);
    MAP_EACH(m, it)
        CASE("nothing to walk", false);
    map_free(m, free);
}

static void a_heap_gives_the_earliest(void)
{
    struct heap_item a = { 0 }, b = { 0 }, c = { 0 };
    struct heap h = { 0 };

    CASE("empty", !heap_first(&h));
    heap_remove(&h, &a); /* fine when not in it */
    heap_set(&h, &a, 30);
    heap_set(&h, &b, 10);
    heap_set(&h, &c, 20);
    CASE("b", heap_first(&h) == &b);
    heap_set(&h, &b, 40);
    CASE("b moved back: c", heap_first(&h) == &c);
    heap_set(&h, &a, 5);
    CASE("a moved ahead", heap_first(&h) == &a);
    heap_remove(&h, &a);
    CASE("a is out", heap_first(&h) == &c && !heap_has(&a) && h.count == 2);
    heap_remove(&h, &a);
    CASE("twice is fine", h.count == 2);
    heap_remove(&h, &b);
    heap_remove(&h, &c);
    CASE("empty again", !heap_first(&h));
    heap_release(&h);
}

static void a_heap_keeps_order_whatever_is_removed(void)
{
    enum { N = 500 };
    static struct heap_item items[N];
    struct heap h = { 0 };
    int64_t last = INT64_MIN;
    int left = 0;

    random_seed(11);
    for (int i = 0; i < N; i++)
        heap_set(&h, &items[i], random_between(-1000, 1000));
    for (int i = 0; i < N; i += 2)
        heap_set(&h, &items[i], random_between(-1000, 1000));
    for (int i = 0; i < N; i += 5)
        heap_remove(&h, &items[i]); /* from anywhere in it */
    for (struct heap_item *item = heap_first(&h); item; item = heap_first(&h), left++) {
        CASE("in order", item->due_ms >= last);
        last = item->due_ms;
        heap_remove(&h, item);
    }
    CASE("each once", left == N - N / 5);
    heap_release(&h);
}

UNIT_MAIN(UNIT_TEST(an_arena_gives_zeroed_aligned_memory),
          UNIT_TEST(an_arena_keeps_its_first_chunk_only), UNIT_TEST(an_arena_copies_strings),
          UNIT_TEST(a_map_finds_what_was_put), UNIT_TEST(a_map_holds_many),
          UNIT_TEST(a_map_does_not_choke_on_what_was_deleted),
          UNIT_TEST(walking_and_deleting_go_together), UNIT_TEST(a_heap_gives_the_earliest),
          UNIT_TEST(a_heap_keeps_order_whatever_is_removed))
