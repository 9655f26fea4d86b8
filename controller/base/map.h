/* controller/base/map.h — A hash map from string to pointer.
 *
 * Keys are copied. Values are the caller's: map_free() takes a destructor for what is left.
 *
 *     struct map *m = map_new();
 *     void *old = map_put(m, "shop/api", release);   // the value it replaced, or NULL
 *     MAP_EACH(m, it) use(it.key, it.value);         // no put while walking; map_del(it.key) is
 * fine
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H
#include <stdbool.h>
#include <stddef.h>

struct map;

struct map *map_new(void);
void map_free(struct map *m, void (*destroy)(void *value)); /* NULL is fine, twice */
size_t map_count(const struct map *m);
void *map_get(const struct map *m, const char *key); /* NULL when absent */
void *map_put(struct map *m, const char *key, void *value);
void *map_del(struct map *m, const char *key); /* the value, or NULL when absent */

struct map_iter {
    size_t slot;
    const char *key;
    void *value;
};
bool map_next(const struct map *m, struct map_iter *it);

#define MAP_EACH(m, it) for (struct map_iter it = { 0 }; map_next((m), &it);)

#endif
