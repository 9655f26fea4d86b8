/* The properties of an attempt that is in a status for the first time: may it begin, by the spec
 * and by what the same status says of the other apps? */
#include <string.h>

#include "deploy/image.h"
#include "deploy/reason.h"
#include "property/check.h"

/* As others may depend on it (R14): a Superseded app that keeps its target was good. */
static bool is_good_state(const struct app_status *app)
{
    return app->state == APP_UPDATED || app->state == APP_UNCHANGED ||
           (app->state == APP_SKIPPED && check_same(app->reason, REASON_ImageAbsent)) ||
           (app->state == APP_SUPERSEDED && app->target_image);
}

static const struct app_spec *spec_of(const struct release_spec *spec, const char *name)
{
    for (size_t i = 0; i < spec->n_apps; i++)
        if (!strcmp(spec->apps[i].name, name))
            return &spec->apps[i];
    return NULL;
}

/* Has a listed app failed by itself, and is it over? */
bool check_has_failed(const struct release_spec *spec, const struct app_status *app)
{
    return spec_of(spec, app->name) &&
           (app->state == APP_FAILED ||
            (app->state == APP_ROLLED_BACK && !check_same(app->reason, REASON_ReleaseFailed)));
}

/* R13, R14: what the app depends on is good, and under Halt and RollbackAll no other has failed. */
static void check_order(struct model *m, const struct release_spec *spec,
                        const struct release_status *now, const struct app_status *app)
{
    const struct app_spec *own = spec_of(spec, app->name);

    for (size_t k = 0; own && k < own->n_depends_on; k++) {
        const struct app_status *on = status_app(now, own->depends_on[k]);

        if (!on || !is_good_state(on))
            check_fail(m, "order", "attempt %s of %s begins, and %s is not good", app->attempt->id,
                       app->name, own->depends_on[k]);
    }
    for (size_t i = 0; spec->on_failure != ON_FAILURE_ROLLBACK_FAILED && i < now->n_apps; i++)
        if (&now->apps[i] != app && check_has_failed(spec, &now->apps[i]))
            check_fail(m, "policy", "attempt %s of %s begins, and %s has failed (%s)",
                       app->attempt->id, app->name, now->apps[i].name, now->apps[i].reason);
}

/* R2: nothing is touched before all targets are known, and none where an image is missing, unless
 * the policy is Skip. */
static void check_preflight(struct model *m, const struct release_spec *spec,
                            const struct release_status *now, const struct app_status *app)
{
    const struct condition *resolved = status_condition(now, "ImagesResolved");

    if (!resolved || !check_same(resolved->status, "True"))
        check_fail(m, "preflight", "attempt %s begins, and not all images are known",
                   app->attempt->id);
    for (size_t i = 0; i < now->n_apps && spec->missing_image != MISSING_SKIP; i++)
        if (!now->apps[i].target_image && spec_of(spec, now->apps[i].name) &&
            now->apps[i].state != APP_SUPERSEDED)
            check_fail(m, "preflight", "attempt %s begins, and %s has no image", app->attempt->id,
                       now->apps[i].name);
}

/* R3: pinned if pinDigest says so, else not; the tag is the commit's, as `tag` cuts it. Of an app
 * that is held at what is good already the image is as it was found. */
static void check_image(struct model *m, const struct release *r, const struct app_status *app)
{
    const struct release_spec *spec = r->spec;
    const struct app_spec *own = spec_of(spec, app->name);
    bool full = r->wish.fields[field_index("tag")];
    const char *tagged =
        own ? model_text(m, "reg.io/%s:%.*s", own->name, full ? 64 : 7, own->commit) : "";

    for (size_t i = 0; own && i < app->attempt->images.n; i++) {
        const char *image = app->attempt->images.items[i].image;
        size_t n = strlen(tagged);

        if (!image_digest(image) == spec->pin_digest)
            check_fail(m, "pinned", "attempt %s writes %s, and pinDigest is %s", app->attempt->id,
                       image, spec->pin_digest ? "true" : "false");
        if (!own->held && (strncmp(image, tagged, n) != 0 || (image[n] && image[n] != '@')))
            check_fail(m, "tagged", "attempt %s writes %s, and the spec says %s", app->attempt->id,
                       image, tagged);
    }
}

void check_begin(struct model *m, const struct release *r, const struct release_status *now,
                 const struct app_status *app)
{
    const struct attempt *at = app->attempt;
    const struct release_spec *spec = r->spec;

    if (r->problem || now->observed_generation != r->generation)
        return; /* it was decided by an older spec */
    if (at->kind == ATTEMPT_ROLL)
        check_image(m, r, app);
    if (at->kind == ATTEMPT_ROLLBACK &&
        (spec->rollback_never || spec->on_failure == ON_FAILURE_HALT))
        check_fail(m, "stays", "attempt %s goes back, and the spec says that nothing does", at->id);
    if (at->kind != ATTEMPT_ROLL && at->kind != ATTEMPT_ADOPT)
        return;
    if (check_is_held(r, at->start_ms))
        check_fail(m, "held", "attempt %s begins while the release is held", at->id);
    check_preflight(m, spec, now, app);
    check_order(m, spec, now, app);
}
