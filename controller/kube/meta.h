/* controller/kube/meta.h — ObjectMeta, as far as we need it (Kubernetes API, meta/v1). */
#ifndef KUBE_META_H
#define KUBE_META_H
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

struct arena;

/* One stored object starts with this; strings live in the object's arena. */
struct kube_object {
    struct arena *arena; /* owns this object and all it points to */
    const char *ns, *name, *uid;
    const char *rv; /* resourceVersion */
    int64_t generation;
    int64_t created_ms;
    int64_t deleted_ms;    /* metadata.deletionTimestamp; 0 = not being deleted */
    const char *owner_uid; /* the ownerReference with controller: true; NULL = none */
    const char *owner_name;
};

/* Fill the common part from an object's tree. -1 when name, uid or resourceVersion is missing. */
int kube_meta_decode(const cJSON *tree, struct arena *a, struct kube_object *o);
void kube_object_free(void *object); /* frees its arena, itself included; NULL is fine */

/* Is resourceVersion a older than b? (Numbers, KEP-5504; equal or not comparable: false.) */
bool kube_rv_older(const char *a, const char *b);

/* "namespace/name" in the arena; the name alone when ns is NULL. */
const char *kube_key(struct arena *a, const char *ns, const char *name);

#endif
