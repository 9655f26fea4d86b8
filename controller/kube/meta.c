#include "kube/meta.h"

#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"

int kube_meta_decode(const cJSON *tree, struct arena *a, struct kube_object *o)
{
    const cJSON *meta = json_get(tree, "metadata");
    const char *name = json_str(meta, "name");
    const char *uid = json_str(meta, "uid");
    const char *rv = json_str(meta, "resourceVersion");

    if (!name || !*name || !uid || !*uid || !rv || !*rv)
        return -1;
    o->arena = a;
    o->ns = arena_strdup(a, json_str(meta, "namespace"));
    o->name = arena_strdup(a, name);
    o->uid = arena_strdup(a, uid);
    o->rv = arena_strdup(a, rv);
    o->generation = json_int(meta, "generation", 0);
    o->created_ms = json_time(meta, "creationTimestamp");
    o->deleted_ms = json_time(meta, "deletionTimestamp");
    JSON_EACH(owner, json_get(meta, "ownerReferences")) {
        if (!json_bool(owner, "controller", false))
            continue;
        o->owner_uid = arena_strdup(a, json_str(owner, "uid"));
        o->owner_name = arena_strdup(a, json_str(owner, "name"));
        break;
    }
    return 0;
}

void kube_object_free(void *object)
{
    if (object)
        arena_free(((struct kube_object *)object)->arena);
}

/* KEP-5504: decimal digits without a leading zero. Any length, so no integer type is asked. */
static bool is_rv_number(const char *s)
{
    return s && s[0] >= '1' && s[0] <= '9' && !s[strspn(s, "0123456789")];
}

bool kube_rv_older(const char *a, const char *b)
{
    if (!is_rv_number(a) || !is_rv_number(b))
        return false;
    if (strlen(a) != strlen(b))
        return strlen(a) < strlen(b);
    return strcmp(a, b) < 0;
}

const char *kube_key(struct arena *a, const char *ns, const char *name)
{
    return ns ? arena_printf(a, "%s/%s", ns, name) : arena_strdup(a, name);
}
