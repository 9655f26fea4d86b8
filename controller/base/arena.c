#include "base/arena.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#define EACH_ALONE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EACH_ALONE 1
#endif
#endif
#ifndef EACH_ALONE
#define EACH_ALONE 0 /* 1: each allocation is a chunk of its own, so that sanitizers see it */
#endif

#define CHUNK_MAX (64UL * 1024UL)

struct chunk {
    struct chunk *older;
    size_t used, size;
    alignas(max_align_t) unsigned char bytes[];
};

struct arena {
    struct chunk *newest;
    size_t next_size, first_size;
};

struct arena *arena_new(size_t chunk_bytes)
{
    struct arena *a = xcalloc(1, sizeof *a);

    a->first_size = a->next_size = chunk_bytes;
    return a;
}

/* Free all chunks, or all but the oldest. */
static void free_chunks(struct arena *a, bool keep_oldest)
{
    while (a->newest && !(keep_oldest && !a->newest->older)) {
        struct chunk *older = a->newest->older;

        free(a->newest);
        a->newest = older;
    }
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    free_chunks(a, false);
    free(a);
}

void arena_reset(struct arena *a)
{
    free_chunks(a, !EACH_ALONE);
    if (a->newest)
        a->newest->used = 0;
    a->next_size = a->first_size;
}

size_t arena_bytes(const struct arena *a)
{
    size_t n = sizeof *a;

    for (const struct chunk *c = a->newest; c; c = c->older)
        n += sizeof *c + c->size;
    return n;
}

static struct chunk *add_chunk(struct arena *a, size_t n)
{
    size_t size = EACH_ALONE || n > a->next_size ? n : a->next_size;
    struct chunk *c = xmalloc(sizeof *c + size);

    *c = (struct chunk){ .older = a->newest, .size = size };
    a->newest = c;
    if (a->next_size < CHUNK_MAX)
        a->next_size *= 2;
    return c;
}

void *arena_alloc(struct arena *a, size_t n)
{
    size_t aligned = (n + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct chunk *c = a->newest;
    void *p;

    if (n > SIZE_MAX / 2)
        abort(); /* a size that went below zero: a bug of ours */
    if (!c || c->size - c->used < aligned || EACH_ALONE)
        c = add_chunk(a, EACH_ALONE ? n : aligned);
    p = c->bytes + c->used;
    c->used += EACH_ALONE ? n : aligned;
    return memset(p, 0, n);
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    size_t n;

    if (__builtin_mul_overflow(count, size, &n))
        abort();
    return arena_alloc(a, n);
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
    size_t len;
    char *copy;

    if (!s)
        return NULL;
    len = strnlen(s, n);
    copy = arena_alloc(a, len + 1);
    memcpy(copy, s, len);
    return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
    va_list again;
    int n;
    char *s;

    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0)
        abort();
    s = arena_alloc(a, (size_t)n + 1);
    vsnprintf(s, (size_t)n + 1, fmt, ap);
    return s;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    char *s;

    va_start(ap, fmt);
    s = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return s;
}
