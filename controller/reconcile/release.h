/* controller/reconcile/release.h — One AppRelease as stored: metadata, checked spec, status. */
#ifndef RECONCILE_RELEASE_H
#define RECONCILE_RELEASE_H
#include <stdbool.h>

#include "deploy/spec.h"
#include "deploy/status.h"
#include "kube/meta.h"

struct err;

struct release {
    struct kube_object meta;
    struct release_spec spec;
    const char *spec_problem; /* NULL = spec is good */
    struct release_status status;
    const char *retry_at, *reconcile_at, *freeze_override; /* annotations; NULL = absent */
    /* The field managers of spec.suspend and spec.paused where those are true, and of
     * freeze_override; NULL = not known. */
    const char *suspended_by, *paused_by, *overridden_by;
};

/* For kube/reflector: an object in an arena of its own (kube_object_free). */
void *release_decode(const cJSON *tree, struct err *e);

/* Does it lay claim to the Deployment (R15)? A wrong spec, suspend, mode Plan and being deleted do
 * not. deployment NULL: to any. */
bool release_claims(const struct release *r, const char *deployment);

/* Of two of one namespace: was a created later? In one second the name decides (R15). */
bool release_is_newer(const struct release *a, const struct release *b);

/* Is it done with its generation and tokens? */
bool release_is_finished(const struct release *r);

#endif
