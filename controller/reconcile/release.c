#include "reconcile/release.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"

#define FIRST_CHUNK 1024

/* A value that people write; NULL = none. So much of it as status has room for counts. */
static const char *token(const cJSON *annotations, const char *key, struct arena *a)
{
    char clipped[STATUS_TOKEN_BYTES + 1];
    const char *s = json_str(annotations, key);

    return s ? arena_strdup(a, text_clip(clipped, sizeof clipped, s)) : NULL;
}

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
    r->retry_at = token(annotations, "deploy.btc-shopflow.io/retry-at", a);
    r->reconcile_at = token(annotations, "deploy.btc-shopflow.io/reconcile-at", a);
    r->spec_problem = spec_decode(json_get(tree, "spec"), a, &r->spec);
    status_decode(json_get(tree, "status"), a, &r->status);
    return r;
}

bool release_claims(const struct release *r, const char *deployment)
{
    if (r->spec_problem || r->spec.suspend || r->spec.plan_only || r->meta.deleted_ms)
        return false;
    for (size_t i = 0; i < r->spec.n_apps; i++)
        if (!deployment || !strcmp(r->spec.apps[i].deployment, deployment))
            return true;
    return false;
}

static bool is_handled(const char *token, const char *last)
{
    return !token || (last && !strcmp(token, last));
}

bool release_is_finished(const struct release *r)
{
    const struct release_status *s = &r->status;

    return s->observed_generation == r->meta.generation && status_condition(s, "Ready") &&
           !status_condition(s, "Reconciling") && is_handled(r->retry_at, s->last_retry_at) &&
           is_handled(r->reconcile_at, s->last_reconcile_at);
}
