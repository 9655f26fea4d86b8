/* controller/base/arena.h — Memory that dies together.
 *
 * Two uses: the arena of a reconcile, reset after it, and the arena of one stored object, whose
 * strings live as long as the object. In sanitizer builds each allocation is a malloc of its own,
 * so that an overflow or a use after reset is seen. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H
#include <stdarg.h>
#include <stddef.h>

#include "base/auto.h"

struct arena;

/* chunk_bytes: the size of the first chunk; later ones double up to 64 KiB. */
struct arena *arena_new(size_t chunk_bytes);
void arena_free(struct arena *a);  /* NULL is fine */
void arena_reset(struct arena *a); /* everything allocated is gone; the first chunk is kept */
size_t arena_bytes(const struct arena *a); /* what it holds, for metrics and benches */

void *arena_alloc(struct arena *a, size_t n);                  /* zeroed, aligned for any type */
void *arena_array(struct arena *a, size_t count, size_t size); /* zeroed, overflow checked */
char *arena_strdup(struct arena *a, const char *s);            /* NULL gives NULL */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap);

AUTO_DEFINE(arena, struct arena *, arena_free)

#endif
