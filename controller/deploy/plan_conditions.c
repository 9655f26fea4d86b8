/* Where the release stands, in words: conditions and progress, from the states of its apps (R20).
 */
#include <string.h>

#include "deploy/image.h"
#include "deploy/planner.h"
#include "deploy/reason.h"

#define NOTE_NAMES 8 /* a condition's message names so many apps of a kind */

void condition_remove(struct planner *pl, const char *type)
{
    struct release_status *s = pl->s;

    for (size_t i = 0; i < s->n_conditions; i++)
        if (!strcmp(s->conditions[i].type, type)) {
            memmove(&s->conditions[i], &s->conditions[i + 1],
                    (s->n_conditions - i - 1) * sizeof s->conditions[0]);
            s->n_conditions--;
            return;
        }
}

void condition_set(struct planner *pl, const char *type, const char *status, const char *reason,
                   const char *message)
{
    struct release_status *s = pl->s;
    struct condition *c = (struct condition *)status_condition(s, type);

    if (!c) {
        if (s->n_conditions == STATUS_CONDITIONS)
            return;
        c = &s->conditions[s->n_conditions++];
        *c = (struct condition){ .type = type };
    }
    if (!c->status || strcmp(c->status, status))
        c->transition_ms = pl->o->now_ms;
    c->status = status;
    c->reason = reason;
    c->message = message ? message : "";
    c->observed_generation = pl->o->generation;
}

static void set_ready(struct planner *pl, const char *status, const char *reason,
                      const char *message)
{
    condition_set(pl, "Ready", status, reason, message);
}

/* Reconciling and Stalled are never both there. */
static void set_reconciling(struct planner *pl, const char *reason, const char *message)
{
    condition_remove(pl, "Stalled");
    condition_set(pl, "Reconciling", "True", reason, message);
}

void condition_set_stalled(struct planner *pl, const char *reason, const char *message)
{
    condition_remove(pl, "Reconciling");
    condition_set(pl, "Stalled", "True", reason, message);
    set_ready(pl, "False", reason, message);
}

struct tally {
    size_t total, settled, good;
    const struct app_status *moving;               /* the first of each */
    const struct app_status *superseded;           /* before it was good */
    const struct app_status *waiting;              /* one that waits for no other app, if any */
    const struct app_status *failed, *rolled_back; /* one that failed by itself, if any */
    const char *trouble, *trouble_reason;          /* of the first whose patch is not taken */
};

/* Settled under its old Deployment only: the new one's turn comes with the next plan (R12). */
static bool is_renamed(const struct planner *pl, const struct app_status *app)
{
    const struct app_spec *spec = plan_app_spec(pl, app->name);

    return spec && !same_text(spec->deployment, app->deployment);
}

/* Is it still to be decided? In mode Plan what has just ended is, and what is planned is not. */
static bool is_pending(const struct planner *pl, const struct app_status *app)
{
    if (pl->o->spec->plan_only && app_was_moving(pl, app))
        return true;
    return app->state == APP_PENDING && !plan_is_planned(app);
}

static const char *trouble_note(const struct planner *pl, const struct app_status *app,
                                const char **ret_reason)
{
    const char *trouble = plan_patch_trouble(pl, app, ret_reason);

    return trouble ? arena_printf(pl->a, "%s: %s", app->name, trouble) : NULL;
}

static bool waits_for_app(const struct app_status *app)
{
    return same_text(app->reason, REASON_WaitingForDependency);
}

static struct tally tally_apps(const struct planner *pl)
{
    const struct release_status *s = pl->s;
    struct tally t = { 0 };

    for (size_t i = 0; i < s->n_apps; i++) {
        const struct app_status *app = &s->apps[i];

        if (app->unlisted)
            continue;
        t.total++;
        t.good += app_is_good(app);
        t.trouble = t.trouble ? t.trouble : trouble_note(pl, app, &t.trouble_reason);
        if ((app_is_moving(app) && !plan_is_hold(app->reason)) || is_pending(pl, app) ||
            is_renamed(pl, app))
            t.moving = t.moving ? t.moving : app;
        else if (app->state == APP_WAITING || app_is_moving(app))
            t.waiting = t.waiting && !waits_for_app(t.waiting) ? t.waiting : app;
        else
            t.settled++;
        if (app->state == APP_FAILED && (!t.failed || plan_failed_for_another(t.failed)))
            t.failed = app;
        if (app->state == APP_ROLLED_BACK &&
            (!t.rolled_back || plan_went_back_for_another(t.rolled_back)))
            t.rolled_back = app;
        if (app->state == APP_SUPERSEDED && !app_is_good(app) && !t.superseded)
            t.superseded = app;
    }
    return t;
}

static const char *app_note(struct planner *pl, const struct app_status *app)
{
    return arena_printf(pl->a, "%s: %s", app->name, app->message ? app->message : app->reason);
}

/* "; not started for it: a, b and 2 more", all but one; "" when there are none. */
static const char *name_apps(struct planner *pl, const char *what, const struct app_status *but,
                             bool (*is_meant)(const struct app_status *app))
{
    const char *text = "";
    size_t n = 0;

    for (size_t i = 0; i < pl->s->n_apps; i++) {
        const struct app_status *app = &pl->s->apps[i];

        if (app != but && !app->unlisted && is_meant(app) && n++ < NOTE_NAMES)
            text = arena_printf(pl->a, "%s%s %s", text, n == 1 ? what : ",", app->name);
    }
    return n > NOTE_NAMES ? arena_printf(pl->a, "%s and %zu more", text, n - NOTE_NAMES) : text;
}

static bool is_skipped_for_another(const struct app_status *app)
{
    return app->state == APP_SKIPPED && plan_is_held(app);
}

static bool is_failed(const struct app_status *app)
{
    return app->state == APP_FAILED ||
           (app->state == APP_ROLLED_BACK && !plan_went_back_for_another(app));
}

static bool goes_back_for_another(const struct app_status *app)
{
    return app->state == APP_ROLLING_BACK && plan_went_back_for_another(app);
}

/* For whose sake do others go back? NULL = none does. */
static const struct app_status *culprit(const struct planner *pl)
{
    const struct app_status *found = NULL;
    bool any = false;

    for (size_t i = 0; i < pl->s->n_apps; i++) {
        const struct app_status *app = &pl->s->apps[i];

        if (app->unlisted)
            continue;
        any |= goes_back_for_another(app);
        if (!found && (is_failed(app) || app->state == APP_ROLLING_BACK) &&
            !goes_back_for_another(app) && !plan_failed_for_another(app))
            found = app;
    }
    return any ? found : NULL;
}

static const char *moving_note(struct planner *pl, const struct tally *t)
{
    const struct app_status *app = t->moving ? t->moving : t->waiting, *why = culprit(pl);

    if (why)
        return arena_printf(pl->a, "%s%s; %zu of %zu apps settled", app_note(pl, why),
                            name_apps(pl, "; going back for it:", why, goes_back_for_another),
                            t->settled, t->total);
    return arena_printf(pl->a, "%zu of %zu apps settled; %s: %s", t->settled, t->total, app->name,
                        app_state_name(app->state));
}

/* Who failed, and what that meant for the others (R13). */
static const char *failed_note(struct planner *pl, const struct app_status *app)
{
    return arena_printf(pl->a, "%s%s%s%s", app_note(pl, app),
                        name_apps(pl, "; failed too:", app, is_failed),
                        name_apps(pl, "; went back for it:", app, plan_went_back_for_another),
                        name_apps(pl, "; not started for it:", app, is_skipped_for_another));
}

static void set_failed(struct planner *pl, const struct tally *t)
{
    if (t->failed)
        condition_set_stalled(pl, t->failed->reason, failed_note(pl, t->failed));
    else if (t->rolled_back)
        condition_set_stalled(pl, REASON_RolledBack, failed_note(pl, t->rolled_back));
    else if (t->superseded)
        condition_set_stalled(pl, REASON_Superseded, app_note(pl, t->superseded));
    else
        condition_set_stalled(pl, REASON_ReleaseFailed, "not every app could be released");
}

/* Is the release's commit there, be it verified or not (R19)? */
static bool is_at_commit(const struct planner *pl, const struct app_status *app)
{
    bool there = app->state == APP_UPDATED || app->state == APP_UNCHANGED;

    return same_text(there ? app->target_commit : app->commit, pl->s->commit);
}

/* "2 apps at 2222222; not at it: web": good is also what is held at its own commit, or Skipped. */
static const char *succeeded_note(struct planner *pl, const struct tally *t)
{
    const char *others = "";
    size_t n = 0;

    for (size_t i = 0; i < pl->s->n_apps; i++) {
        const struct app_status *app = &pl->s->apps[i];

        if (!app->unlisted && !is_at_commit(pl, app) && n++ < NOTE_NAMES)
            others =
                arena_printf(pl->a, "%s%s %s", others, n == 1 ? "; not at it:" : ",", app->name);
    }
    if (n > NOTE_NAMES)
        others = arena_printf(pl->a, "%s and %zu more", others, n - NOTE_NAMES);
    return arena_printf(pl->a, "%zu app%s at %.7s%s", t->total - n, t->total - n == 1 ? "" : "s",
                        pl->s->commit, others);
}

static void set_succeeded(struct planner *pl, const struct tally *t)
{
    condition_remove(pl, "Reconciling");
    condition_remove(pl, "Stalled");
    set_ready(pl, "True", REASON_ReleaseSucceeded, succeeded_note(pl, t));
    pl->s->last_succeeded_commit = pl->s->commit;
}

/* R18: also when some apps would not go; each says why. */
static void set_planned(struct planner *pl)
{
    condition_remove(pl, "Reconciling");
    condition_remove(pl, "Stalled");
    set_ready(pl, "True", REASON_Planned, plan_summary(pl));
}

static void set_resolving(struct planner *pl)
{
    if (pl->waiting_retry) {
        set_ready(pl, "False", REASON_RegistryUnavailable, pl->trouble);
        set_reconciling(pl, REASON_ProgressingWithRetry, pl->trouble);
    } else if (pl->waiting_image) {
        set_ready(pl, "Unknown", REASON_WaitingForImage, pl->trouble);
        set_reconciling(pl, REASON_WaitingForImage, pl->trouble);
    } else {
        set_ready(pl, "Unknown", REASON_Progressing, "asking the registry for the digests");
        set_reconciling(pl, REASON_Progressing, "asking the registry for the digests");
    }
}

/* The first that waits for something else than an app, and those that wait for it. */
static void set_waiting(struct planner *pl, const struct tally *t)
{
    const char *others = name_apps(pl, "; waiting for other apps:", NULL, waits_for_app);
    const char *reason = t->waiting->reason, *note = t->waiting->message;

    if (!plan_is_hold(reason)) {
        reason = *others ? REASON_WaitingForDependency : REASON_WaitingForDeployment;
        note = arena_printf(pl->a, "%s%s", app_note(pl, t->waiting), others);
    }
    set_ready(pl, "Unknown", reason, note);
    set_reconciling(pl, reason, note);
}

static void set_conditions(struct planner *pl, const struct tally *t)
{
    enum resolution images = plan_images_state(pl);

    if (images == RESOLVE_BUSY) {
        set_resolving(pl);
    } else if (t->trouble) {
        set_ready(pl, "False", t->trouble_reason, t->trouble);
        set_reconciling(pl, REASON_ProgressingWithRetry, t->trouble);
    } else if (t->moving) {
        set_ready(pl, "Unknown", REASON_Progressing, moving_note(pl, t));
        set_reconciling(pl, REASON_Progressing, moving_note(pl, t));
    } else if (images == RESOLVE_FAILED) {
        const struct condition *c = status_condition(pl->s, "ImagesResolved");

        condition_set_stalled(pl, c->reason, c->message);
    } else if (pl->o->spec->plan_only) {
        set_planned(pl);
    } else if (t->waiting && !t->failed && !t->rolled_back) {
        set_waiting(pl, t);
    } else if (t->good == t->total) {
        set_succeeded(pl, t);
    } else {
        set_failed(pl, t);
    }
    if (t->rolled_back)
        condition_set(pl, "RolledBack", "True", REASON_RolledBack, failed_note(pl, t->rolled_back));
    else
        condition_remove(pl, "RolledBack");
}

/* R16: an image that somebody changed after an app was settled is told, not put back. */
static bool has_drifted(struct planner *pl, const struct app_status *app,
                        const struct deployment_facts *dep)
{
    const struct attempt *at = app->attempt;
    const struct app_spec *spec = plan_app_spec(pl, app->name);

    if (at && plan_is_patched_over(pl, dep, at))
        return false;                /* another AppRelease's work, and its drift */
    if (app->state == APP_UNCHANGED) /* its target may be there without being the good one (R19) */
        return spec && plan_runs_another(pl, spec, dep, app->good_image) &&
               (same_text(app->commit, app->target_commit) ||
                plan_runs_another(pl, spec, dep, app->target_image));
    return (app->state == APP_UPDATED || app->state == APP_ROLLED_BACK) && at &&
           same_text(at->deployment_uid, dep->uid) && !images_match(&dep->tmpl, &at->images);
}

/* A settled release says it where people look first. */
static void tell_ready_of_conflict(struct planner *pl, const char *note)
{
    const struct condition *ready = status_condition(pl->s, "Ready");

    if (!status_condition(pl->s, "Reconciling"))
        set_ready(pl, ready->status, ready->reason,
                  arena_printf(pl->a, "%s; %s", ready->message, note));
}

static void set_conflicted(struct planner *pl)
{
    const char *note = NULL;
    int more = 0;

    for (size_t i = 0; i < pl->s->n_apps; i++) {
        const struct app_status *app = &pl->s->apps[i];
        const struct deployment_facts *dep = plan_facts(pl, app->deployment)->dep;

        if (pl->o->spec->plan_only || !dep || !has_drifted(pl, app, dep) || (note && ++more))
            continue;
        note = arena_printf(pl->a,
                            "%s: the image of Deployment %s was changed by '%s'; it stands until "
                            "the next edit of the spec, retry-at or reconcile-at",
                            app->name, app->deployment,
                            dep->image_manager ? dep->image_manager : "somebody");
    }
    if (!note) {
        condition_remove(pl, "Conflicted");
        return;
    }
    if (more)
        note = arena_printf(pl->a, "%s (and %d more)", note, more);
    condition_set(pl, "Conflicted", "True", REASON_FieldManagerConflict, note);
    tell_ready_of_conflict(pl, note);
}

void plan_conditions_invalid(struct planner *pl)
{
    if (pl->moving) {
        set_ready(pl, "False", REASON_InvalidSpec, pl->o->spec_problem);
        set_reconciling(pl, REASON_Progressing, "what rolls is followed to its end");
    } else {
        condition_set_stalled(pl, REASON_InvalidSpec, pl->o->spec_problem);
    }
}

void plan_conditions_postponed(struct planner *pl)
{
    static const char note[] =
        "status has no room for the apps of this spec beside those that are "
        "no longer listed and roll still: it waits until enough have settled";

    set_ready(pl, "Unknown", REASON_Progressing, note);
    set_reconciling(pl, REASON_Progressing, note);
}

bool plan_conditions(struct planner *pl)
{
    struct tally t = tally_apps(pl);

    pl->s->progress = arena_printf(pl->a, "%zu/%zu", t.settled, t.total);
    set_conditions(pl, &t);
    set_conflicted(pl);
    return t.waiting != NULL;
}
