/* AppReleases as stored: a spec is good or has one problem with a path; status survives being
 * written and read. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "fuzz.h"
#include "kube/meta.h"
#include "reconcile/release.h"
#include "registry/ref.h"

static void check_spec(const struct release_spec *spec)
{
    struct err e = { 0 };

    HOLDS(spec->commit && spec->n_apps >= 1 && spec->n_apps <= 64 && spec->n_pull_secrets <= 8);
    HOLDS(spec->max_concurrent >= 1 && spec->history_limit >= 1 && spec->health.deadline_ms > 0);
    for (size_t i = 0; i < spec->n_apps; i++) {
        const struct app_spec *app = &spec->apps[i];
        struct image_ref ref;

        HOLDS(app->name && app->deployment && app->commit && app->n_containers <= 4);
        HOLDS(!strpbrk(app->deployment, "/?#%") && strlen(app->deployment) <= 253);
        HOLDS(app->image && !image_ref_parse(app->image, &ref, &e));
    }
}

static void check_status(const struct release_status *s)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    AUTO(json) cJSON *tree = status_encode(s);
    struct release_status again;

    status_decode(tree, a, &again);
    HOLDS(fuzz_same_json(status_encode(s), status_encode(&again)));
    HOLDS(status_equal(s, &again) && !status_is_urgent(s, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = { 0 };
    AUTO(json) cJSON *tree = json_parse((const char *)data, size, &e);
    struct release *r = tree ? release_decode(tree, &e) : NULL;

    if (!r)
        return 0;
    if (r->spec_problem)
        HOLDS(!strncmp(r->spec_problem, "spec", 4));
    else
        check_spec(&r->spec);
    check_status(&r->status);
    kube_object_free(r);
    return 0;
}
