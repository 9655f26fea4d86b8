/* The outcome in words: conditions, progress, history, events; and quiet where nothing changed. */
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "deploy/image.h"
#include "deploy/planner.h"
#include "deploy/reason.h"

#define GATHER_MS SECOND_MS /* R20: small changes are gathered for a second */
#define CHANGED_NAMES 16
#define NOTE_NAMES 8 /* a condition's message names so many apps of a kind */
#define NOTE_BYTES 900
#define HISTORY_BYTES 32768

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

static bool was_moving(const struct planner *pl, const struct app_status *app)
{
    const struct app_status *was = status_app(pl->o->status, app->name);

    return was && app_is_moving(was);
}

/* Is it still to be decided? In mode Plan what has just ended is, and what is planned is not. */
static bool is_pending(const struct planner *pl, const struct app_status *app)
{
    if (pl->o->spec->plan_only && was_moving(pl, app))
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

static const char *moving_note(struct planner *pl, const struct tally *t)
{
    const struct app_status *app = t->moving ? t->moving : t->waiting;

    return arena_printf(pl->a, "%zu of %zu apps settled; %s: %s", t->settled, t->total, app->name,
                        app_state_name(app->state));
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

/* "2 apps at 2222222; not at it: web": good is also what is held at its own commit, or Skipped. */
static const char *succeeded_note(struct planner *pl, const struct tally *t)
{
    const char *others = "";
    size_t n = 0;

    for (size_t i = 0; i < pl->s->n_apps; i++) {
        const struct app_status *app = &pl->s->apps[i];

        if (!app->unlisted && !same_text(app->commit, pl->s->commit) && n++ < NOTE_NAMES)
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
        return false; /* another AppRelease's work, and its drift */
    if (app->state == APP_UNCHANGED)
        return spec && plan_runs_another(pl, spec, dep, app->good_image);
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
                            "the next edit of the spec",
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

/* --- history --- */

static bool was_changed(const struct planner *pl, const struct app_status *app)
{
    return app->attempt && app->attempt->start_ms >= pl->s->start_ms;
}

static struct history_entry make_entry(struct planner *pl)
{
    const struct condition *ready = status_condition(pl->s, "Ready");
    struct history_entry h = { .commit = pl->s->commit,
                               .result =
                                   strcmp(ready->status, "True") ? ready->reason : "Succeeded",
                               .actor = pl->o->spec->actor,
                               .start_ms = pl->s->start_ms,
                               .finish_ms = pl->o->now_ms };

    h.changed = arena_array(pl->a, CHANGED_NAMES, sizeof *h.changed);
    h.held = arena_array(pl->a, pl->o->spec->n_apps, sizeof *h.held);
    for (size_t i = 0; i < pl->s->n_apps; i++)
        if (was_changed(pl, &pl->s->apps[i])) {
            h.changed_count++;
            if (h.n_changed < CHANGED_NAMES)
                h.changed[h.n_changed++] = pl->s->apps[i].name;
        }
    for (size_t i = 0; i < pl->o->spec->n_apps; i++)
        if (!same_text(pl->o->spec->apps[i].commit, pl->s->commit))
            h.held[h.n_held++] =
                (struct held_app){ pl->o->spec->apps[i].name, pl->o->spec->apps[i].commit };
    return h;
}

/* About how long an entry is as JSON. */
static size_t entry_bytes(const struct history_entry *h)
{
    size_t n = 160 + strlen(h->commit) + (h->result ? strlen(h->result) : 0) +
               (h->actor ? strlen(h->actor) : 0);

    for (size_t i = 0; i < h->n_changed; i++)
        n += strlen(h->changed[i]) + 3;
    for (size_t i = 0; i < h->n_held; i++)
        n += strlen(h->held[i].name) + (h->held[i].commit ? strlen(h->held[i].commit) : 0) + 24;
    return n;
}

/* Newest first, at most historyLimit and 32 KiB; the last Succeeded is never dropped. */
static void put_history(struct planner *pl)
{
    struct release_status *s = pl->s;
    struct history_entry now = make_entry(pl), *old = s->history;
    size_t limit = (size_t)pl->o->spec->history_limit, n_old = s->n_history;
    size_t bytes = entry_bytes(&now);
    bool again = n_old && old[0].start_ms == now.start_ms, has_good;

    if (again && same_text(old[0].result, now.result))
        return;
    s->history = arena_array(pl->a, n_old + 1, sizeof *s->history);
    s->n_history = 0;
    s->history[s->n_history++] = now;
    has_good = same_text(now.result, "Succeeded");
    for (size_t i = again; i < n_old; i++) {
        bool good = same_text(old[i].result, "Succeeded");
        size_t room = limit - (has_good || limit == 1 ? 0 : 1);

        bytes += entry_bytes(&old[i]);
        if ((s->n_history < room && bytes <= HISTORY_BYTES) || (good && !has_good))
            s->history[s->n_history++] = old[i];
        has_good |= good;
    }
}

/* --- events --- */

struct telling {
    bool warning;
    const char *reason; /* NULL = not told */
    const char *verb;
};

static struct telling telling_of(const struct app_status *app)
{
    switch (app->state) {
    case APP_UPDATING:
        return (struct telling){ false, "Updating", "rolling to" };
    case APP_UPDATED:
        return (struct telling){ false, "Updated",
                                 same_text(app->reason, REASON_NotVerified) ? "updated to" :
                                                                              "healthy at" };
    case APP_ROLLING_BACK:
        return (struct telling){ true, "RollingBack", "rolling back from" };
    case APP_ROLLED_BACK:
        return (struct telling){ true, "RolledBack", "gave up" };
    case APP_FAILED:
        return (struct telling){ true, NULL, "failed at" };
    case APP_WAITING:
        return (struct telling){ false, NULL, "waiting to roll to" };
    case APP_SKIPPED:
        return (struct telling){ false, "Skipped", "not rolled to" };
    case APP_SUPERSEDED:
        return (struct telling){ false, "Superseded", "superseded at" };
    case APP_PENDING:
    case APP_UNCHANGED:
    case APP_SOAKING:
        break;
    }
    return (struct telling){ 0 };
}

/* What the news is about: an attempt that runs or has just ended, else what the spec asks for. */
static const char *told_commit(const struct planner *pl, const struct app_status *app)
{
    const struct app_spec *spec = plan_app_spec(pl, app->name);

    if (app->attempt && app->state != APP_SKIPPED &&
        (app_is_moving(app) || app->finish_ms == pl->o->now_ms))
        return app->attempt->commit;
    return spec ? spec->commit : pl->s->commit;
}

/* An app that rolls and has not turned to another commit is no news, however it fares. */
static bool is_news(const struct app_status *app, const struct app_status *was)
{
    if (!was || was->state != app->state)
        return true;
    if (app->state == APP_UPDATING && was->attempt && app->attempt)
        return !same_text(was->attempt->commit, app->attempt->commit);
    return !same_text(was->reason, app->reason);
}

static void tell_app(struct planner *pl, const struct app_status *app, const struct app_status *was)
{
    struct telling t = telling_of(app);
    struct action *event;

    if (!t.verb || !is_news(app, was) || plan_is_hold(app->reason)) /* the release tells of it */
        return;
    if (pl->o->spec->plan_only && !was_moving(pl, app))
        return; /* it is planned, and has not happened (R18) */
    event = plan_act(pl, ACT_EVENT);
    event->warning = t.warning;
    event->app = app->name;
    event->deployment = app->deployment;
    event->reason = t.reason ? t.reason : app->reason;
    event->note =
        arena_printf(pl->a, "%s: %s %.7s%s%.*s", app->name, t.verb, told_commit(pl, app),
                     app->message ? ": " : "", NOTE_BYTES, app->message ? app->message : "");
}

/* Has an event of an app said so in this plan? */
static bool is_told(const struct planner *pl, const char *reason, bool warning)
{
    for (size_t i = 0; i < pl->p->n_actions; i++) {
        const struct action *act = &pl->p->actions[i];

        if (act->kind == ACT_EVENT && act->warning == warning && same_text(act->reason, reason))
            return true;
    }
    return false;
}

static void tell_release(struct planner *pl)
{
    const struct condition *now = status_condition(pl->s, "Ready");
    const struct condition *was = status_condition(pl->o->status, "Ready");
    bool warning = same_text(now->status, "False"), held = plan_is_hold(now->reason);
    struct action *event;

    if ((same_text(now->status, "Unknown") && !held) ||
        (was && same_text(was->reason, now->reason)) || same_text(now->reason, REASON_RolledBack) ||
        same_text(now->reason, REASON_Superseded) || is_told(pl, now->reason, warning))
        return; /* an app's own event has told of it */
    event = plan_act(pl, ACT_EVENT);
    event->warning = warning;
    event->reason = now->reason;
    event->note = now->message;
}

static void tell_conflict(struct planner *pl)
{
    const struct condition *now = status_condition(pl->s, "Conflicted");
    const struct condition *was = status_condition(pl->o->status, "Conflicted");
    struct action *event;

    if (!now || (was && same_text(was->message, now->message)))
        return;
    event = plan_act(pl, ACT_EVENT);
    event->warning = true;
    event->reason = "Conflicted";
    event->note = now->message;
}

static void tell(struct planner *pl)
{
    for (size_t i = 0; i < pl->s->n_apps; i++)
        tell_app(pl, &pl->s->apps[i], status_app(pl->o->status, pl->s->apps[i].name));
    tell_release(pl);
    tell_conflict(pl);
}

/* --- quiet --- */

static void write_status(struct planner *pl)
{
    const struct observed *o = pl->o;
    int64_t gathered_ms = o->last_write_ms + GATHER_MS;

    status_shorten(pl->s, pl->a);
    if (status_equal(o->status, pl->s))
        return;
    if (!status_is_urgent(o->status, pl->s) && o->now_ms < gathered_ms)
        plan_again_at(pl, gathered_ms);
    else
        plan_act(pl, ACT_PATCH_STATUS);
}

/* A plan has no entry in the history: it is finished when Ready tells of it, which may have been
 * True before this work began. */
static int64_t finished_ms(const struct planner *pl)
{
    int64_t ready_ms = status_condition(pl->s, "Ready")->transition_ms;

    if (pl->o->spec->plan_only)
        return ready_ms > pl->s->start_ms ? ready_ms : pl->s->start_ms;
    return pl->s->n_history ? pl->s->history[0].finish_ms : 0;
}

static void clean_up(struct planner *pl)
{
    int64_t due_ms = finished_ms(pl);

    if (!pl->p->settled || pl->o->spec->ttl_ms < 0 || !due_ms)
        return;
    due_ms += pl->o->spec->ttl_ms;
    if (pl->o->now_ms >= due_ms)
        plan_act(pl, ACT_DELETE_RELEASE);
    else
        plan_again_at(pl, due_ms);
}

/* What is no longer listed and has settled was told, and is forgotten (R12). */
static void drop_unlisted(struct release_status *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n_apps; i++)
        if (!s->apps[i].unlisted || app_is_moving(&s->apps[i]))
            s->apps[n++] = s->apps[i];
    s->n_apps = n;
}

static void set_invalid(struct planner *pl)
{
    if (pl->moving) {
        set_ready(pl, "False", REASON_InvalidSpec, pl->o->spec_problem);
        set_reconciling(pl, REASON_Progressing, "what rolls is followed to its end");
    } else {
        condition_set_stalled(pl, REASON_InvalidSpec, pl->o->spec_problem);
    }
}

void plan_conclude(struct planner *pl)
{
    struct tally t;

    if (pl->o->suspended) {
        pl->p->settled = true;
        write_status(pl);
        return;
    }
    if (pl->o->spec_problem) {
        set_invalid(pl);
        pl->p->settled = !pl->moving;
        tell(pl);
        write_status(pl);
        return;
    }
    t = tally_apps(pl);
    pl->s->progress = arena_printf(pl->a, "%zu/%zu", t.settled, t.total);
    set_conditions(pl, &t);
    set_conflicted(pl);
    pl->p->settled = !status_condition(pl->s, "Reconciling") && !pl->moving && !t.waiting;
    if (pl->p->settled && !pl->o->spec->plan_only)
        put_history(pl);
    tell(pl);
    drop_unlisted(pl->s);
    write_status(pl);
    clean_up(pl);
}
