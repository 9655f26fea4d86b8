#include "reconcile/release.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include "deploy/patch.h"
#include "reconcile/zones.h"

#define FIRST_CHUNK 1024
#define MANAGER_BYTES 128 /* as many as the API server takes */

/* A value that people write; NULL = none. So much of it as status has room for counts. */
static const char *token(const cJSON *annotations, const char *key, struct arena *a)
{
    char clipped[STATUS_TOKEN_BYTES + 1];
    const char *s = json_str(annotations, key);

    return s ? arena_strdup(a, text_clip(clipped, sizeof clipped, s)) : NULL;
}

/* Who last set a field, by server-side field tracking. NULL where that does not tell. */
static const char *manager_of(const cJSON *tree, const char *const *path, struct arena *a)
{
    char clipped[MANAGER_BYTES + 1];
    const char *manager = NULL;
    int64_t latest = -1;

    JSON_EACH(entry, json_at(tree, "metadata", "managedFields")) {
        int64_t at_ms = json_time(entry, "time");

        if (at_ms <= latest || !json_at_(json_get(entry, "fieldsV1"), path))
            continue;
        manager = json_str(entry, "manager");
        latest = at_ms;
    }
    return manager ? arena_strdup(a, text_clip(clipped, sizeof clipped, manager)) : NULL;
}

#define MANAGER_OF(tree, a, ...) manager_of((tree), (const char *const[]){ __VA_ARGS__, NULL }, (a))

/* Kept only where it will be told: most releases are not held. */
static void decode_managers(const cJSON *tree, struct arena *a, struct release *r)
{
    if (r->spec.suspend)
        r->suspended_by = MANAGER_OF(tree, a, "f:spec", "f:suspend");
    if (r->spec.paused)
        r->paused_by = MANAGER_OF(tree, a, "f:spec", "f:paused");
    if (r->freeze_override)
        r->overridden_by =
            MANAGER_OF(tree, a, "f:metadata", "f:annotations", "f:" ANNOTATIONS "freeze-override");
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
    r->retry_at = token(annotations, ANNOTATIONS "retry-at", a);
    r->reconcile_at = token(annotations, ANNOTATIONS "reconcile-at", a);
    r->freeze_override = token(annotations, ANNOTATIONS "freeze-override", a);
    r->spec_problem = spec_decode(json_get(tree, "spec"), a, &r->spec);
    if (!r->spec_problem)
        r->spec_problem = zones_find(&r->spec, a);
    decode_managers(tree, a, r);
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

bool release_is_newer(const struct release *a, const struct release *b)
{
    if (a->meta.created_ms != b->meta.created_ms)
        return a->meta.created_ms > b->meta.created_ms;
    return strcmp(a->meta.name, b->meta.name) > 0;
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
