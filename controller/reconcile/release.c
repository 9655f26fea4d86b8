#include "reconcile/release.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

#define FIRST_CHUNK 1024

void *release_decode(const cJSON *tree, struct err *e)
{
    struct arena *a = arena_new(FIRST_CHUNK);
    struct release *r = arena_alloc(a, sizeof *r);
    const cJSON *annotations = json_at(tree, "metadata", "annotations");

    if (kube_meta_decode(tree, a, &r->meta)) {
        arena_free(a);
        err_set(e, ERR_INVALID, 0, "an AppRelease without name, uid or resourceVersion");
        return NULL;
    }
    r->meta.arena = a;
    r->retry_at = arena_strdup(a, json_str(annotations, "deploy.btc-shopflow.io/retry-at"));
    r->reconcile_at = arena_strdup(a, json_str(annotations, "deploy.btc-shopflow.io/reconcile-at"));
    r->spec_problem = spec_decode(json_get(tree, "spec"), a, &r->spec);
    status_decode(json_get(tree, "status"), a, &r->status);
    return r;
}
