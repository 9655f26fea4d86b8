/* controller/kube/store.h — Objects of one kind, as last seen by the reflector.
 *
 * Pointers returned by store_get() live until the next put, drop or commit: use them within the
 * turn, never keep them. Readers treat them as const. Only the reflector writes. */
#ifndef KUBE_STORE_H
#define KUBE_STORE_H
#include <stdbool.h>
#include <stddef.h>

#include "base/map.h"

struct store;

struct store *store_new(void);
void store_free(struct store *s); /* NULL is fine */

/* Look up "namespace/name". NULL when absent. */
const void *store_get(const struct store *s, const char *key);
size_t store_count(const struct store *s);
bool store_synced(const struct store *s); /* a whole list was committed once */

/* Walk: struct map_iter it = { 0 }; while (store_next(s, &it)) use(it.value); */
bool store_next(const struct store *s, struct map_iter *it);

/* Take *obj (a struct kube_object at its head) and set it to NULL. Both return what the store held
 * under the key, now the caller's to free, or NULL. Not between begin and commit. */
void *store_put(struct store *s, const char *key, void **obj);
void *store_drop(struct store *s, const char *key);

/* A new list: between begin and commit the readers see the old one. A second begin starts anew. */
void store_begin(struct store *s);
void store_list(struct store *s, const char *key, void **obj);

/* on_change is called, when the readers see the new list, for each key that is new, gone, or has
 * another resourceVersion; old is what was there before (NULL = nothing) and dies after the call.
 */
void store_commit(struct store *s, void (*on_change)(const char *key, const void *old, void *ctx),
                  void *ctx);
void store_abort(struct store *s);

#endif
