#include "outcome.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"
#include "deploy/reason.h"

static bool is_same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

void seen_decode(cJSON *tree, struct seen *ret)
{
    const cJSON *spec = json_get(tree, "spec");

    *ret = (struct seen){ .tree = tree, .arena = arena_new(8 * 1024) };
    ret->generation = json_int(json_get(tree, "metadata"), "generation", 0);
    ret->commit = json_str(spec, "commit");
    ret->plan = is_same(json_str(spec, "mode"), "Plan");
    status_decode(json_get(tree, "status"), ret->arena, &ret->status);
}

void seen_release(struct seen *seen)
{
    cJSON_Delete(seen->tree);
    arena_free(seen->arena);
    *seen = (struct seen){ 0 };
}

const struct condition *seen_condition(const struct seen *seen, const char *type)
{
    const struct condition *c = status_condition(&seen->status, type);

    return c && c->observed_generation == seen->generation ? c : NULL;
}

bool app_is_there(const struct app_status *app)
{
    return app->state == APP_UPDATED || app->state == APP_UNCHANGED ||
           (app->state == APP_SKIPPED && is_same(app->reason, REASON_ImageAbsent)) ||
           (app->state == APP_SUPERSEDED && app->target_image);
}

/* Failed before anything was touched, and the last good version runs. */
static bool is_safe(const struct app_status *app)
{
    return is_same(app->reason, REASON_StillBad) && app->good_image;
}

enum outcome_kind outcome_of_app(const struct app_status *app)
{
    if (app_is_there(app))
        return OUTCOME_DONE;
    switch (app->state) {
    case APP_ROLLED_BACK:
    case APP_SKIPPED: /* not started, for another app's sake */
        return OUTCOME_ROLLED_BACK;
    case APP_SUPERSEDED:
        return OUTCOME_SUPERSEDED;
    case APP_FAILED:
        return is_safe(app) ? OUTCOME_ROLLED_BACK : OUTCOME_LEFT;
    case APP_PENDING:
    case APP_WAITING:
    case APP_UNCHANGED:
    case APP_UPDATING:
    case APP_SOAKING:
    case APP_UPDATED:
    case APP_ROLLING_BACK:
        break;
    }
    return OUTCOME_GOES_ON;
}

enum exit_code outcome_exit(enum outcome_kind kind)
{
    switch (kind) {
    case OUTCOME_DONE:
        return EXIT_DONE;
    case OUTCOME_ROLLED_BACK:
        return EXIT_ROLLED_BACK;
    case OUTCOME_SUPERSEDED:
        return EXIT_SUPERSEDED;
    case OUTCOME_HELD:
    case OUTCOME_LEFT:
        return EXIT_LEFT;
    case OUTCOME_INVALID:
        return EXIT_USAGE;
    case OUTCOME_GOES_ON:
        break;
    }
    return EXIT_TIMED_OUT;
}

/* --- is it ours that is told of? --- */

static bool is_handled(const struct seen *seen, const struct followed *f)
{
    return seen->status.observed_generation >= f->generation &&
           seen->status.observed_generation == seen->generation &&
           (!f->retry_at || is_same(seen->status.last_retry_at, f->retry_at));
}

/* No app moves any more, by the controller's own word for this generation. */
static bool is_settled(const struct seen *seen)
{
    const struct condition *ready = seen_condition(seen, "Ready");

    return ready && strcmp(ready->status, "Unknown") != 0 &&
           !status_condition(&seen->status, "Reconciling");
}

/* Settled although others still move: what it says is of the commit that is asked for. */
static bool is_app_settled(const struct seen *seen, const struct app_status *app)
{
    const struct condition *images = seen_condition(seen, "ImagesResolved");
    const char *asked = release_asked(seen->tree, app->name);

    if (is_settled(seen))
        return true;
    if (!images || strcmp(images->status, "True") != 0 || !is_same(app->target_commit, asked))
        return false;
    return (app->state == APP_UPDATED || app->state == APP_UNCHANGED) ||
           (app->state == APP_ROLLED_BACK && is_same(app->failed_commit, asked));
}

/* --- the worst of them --- */

static int badness(enum outcome_kind kind)
{
    static const int OF[] = {
        [OUTCOME_DONE] = 0, [OUTCOME_SUPERSEDED] = 1, [OUTCOME_ROLLED_BACK] = 2, [OUTCOME_LEFT] = 3,
        [OUTCOME_HELD] = 4, [OUTCOME_INVALID] = 5,    [OUTCOME_GOES_ON] = 6
    };

    return OF[kind];
}

/* It is as it is for another app's sake, whose cause is the one to tell. */
static bool is_for_another(const char *reason)
{
    return is_same(reason, REASON_ReleaseFailed) || is_same(reason, REASON_DependencyFailed);
}

static void take_worse(struct outcome *o, enum outcome_kind kind, const struct app_status *app)
{
    int worse = badness(kind) - badness(o->kind);

    if (worse > 0 || (worse == 0 && is_for_another(o->reason) && !is_for_another(app->reason)))
        *o = (struct outcome){ kind, app->name, app->reason, app->message };
}

static bool is_followed(const struct seen *seen, const struct followed *f,
                        const struct app_status *app)
{
    const char *asked = release_asked(seen->tree, app->name);

    if (f->commit)
        return asked && commit_matches(asked, f->commit);
    for (size_t i = 0; i < f->n_apps; i++)
        if (is_same(f->apps[i].name, app->name))
            return true;
    return f->n_apps == 0 && !app->unlisted;
}

static struct outcome of_apps(const struct seen *seen, const struct followed *f)
{
    struct outcome o = { .kind = OUTCOME_DONE };

    for (size_t i = 0; i < seen->status.n_apps; i++) {
        const struct app_status *app = &seen->status.apps[i];

        if (is_followed(seen, f, app))
            take_worse(&o, is_app_settled(seen, app) ? outcome_of_app(app) : OUTCOME_GOES_ON, app);
    }
    for (size_t i = 0; i < f->n_apps; i++)
        if (!status_app(&seen->status, f->apps[i].name))
            return (struct outcome){ .kind = OUTCOME_GOES_ON, .app = f->apps[i].name };
    return o;
}

/* Somebody asks for another commit of an app that is followed, or takes it off the list. */
static struct outcome of_spec(const struct seen *seen, const struct followed *f)
{
    for (size_t i = 0; i < f->n_apps; i++) {
        const char *asked = release_asked(seen->tree, f->apps[i].name);

        if (!asked || !commit_matches(asked, f->apps[i].commit))
            return (struct outcome){ OUTCOME_SUPERSEDED, f->apps[i].name, NULL, asked };
    }
    return (struct outcome){ .kind = OUTCOME_GOES_ON };
}

bool outcome_is_asked(const struct seen *seen, const struct followed *f)
{
    JSON_EACH(item, json_at(seen->tree, "spec", "apps")) {
        const char *asked = release_asked(seen->tree, json_str(item, "name"));

        if (f->commit && asked && commit_matches(asked, f->commit))
            return true;
    }
    return false;
}

/* Nobody asks for the commit (any more): what the history says of it. */
static struct outcome of_history(const struct seen *seen, const struct followed *f)
{
    for (size_t i = 0; i < seen->status.n_history; i++) {
        const struct history_entry *h = &seen->status.history[i];
        struct outcome o = { OUTCOME_LEFT, NULL, h->result, "as the history says" };

        if (!commit_matches(h->commit, f->commit))
            continue;
        if (is_same(h->result, "Succeeded"))
            o.kind = OUTCOME_DONE;
        else if (is_same(h->result, REASON_RolledBack) || is_same(h->result, REASON_StillBad))
            o.kind = OUTCOME_ROLLED_BACK;
        else if (is_same(h->result, REASON_Superseded))
            o.kind = OUTCOME_SUPERSEDED;
        return o;
    }
    return (struct outcome){ .kind = f->was_asked ? OUTCOME_SUPERSEDED : OUTCOME_GOES_ON,
                             .message = seen->commit };
}

static bool waits_for_person(const char *reason)
{
    return is_same(reason, REASON_Paused) || is_same(reason, REASON_WaitingForApproval) ||
           is_same(reason, REASON_Suspended);
}

static struct outcome of_release(const struct seen *seen)
{
    const struct condition *ready = seen_condition(seen, "Ready");
    struct outcome o = { .kind = OUTCOME_GOES_ON };

    if (!ready)
        return o;
    o.reason = ready->reason;
    o.message = ready->message;
    if (waits_for_person(ready->reason) || (seen->plan && is_same(ready->reason, REASON_Planned)))
        o.kind = OUTCOME_HELD;
    else if (is_same(ready->reason, REASON_InvalidSpec) && is_settled(seen))
        o.kind = OUTCOME_INVALID;
    return o;
}

struct outcome outcome_of(const struct seen *seen, const struct followed *f)
{
    struct outcome o, apps;

    if (!seen->commit) /* deleted, or not there yet */
        return (struct outcome){ .kind = f->generation ? OUTCOME_SUPERSEDED : OUTCOME_GOES_ON };
    if (f->commit && !outcome_is_asked(seen, f))
        return of_history(seen, f);
    if (seen->generation < f->generation)
        return (struct outcome){ .kind = OUTCOME_GOES_ON };
    o = of_spec(seen, f);
    if (o.kind == OUTCOME_SUPERSEDED || !is_handled(seen, f))
        return o;
    o = of_release(seen);
    if (o.kind == OUTCOME_INVALID)
        return o;
    apps = of_apps(seen, f);
    if (f->n_apps == 0 && apps.kind == OUTCOME_DONE && !is_settled(seen))
        apps.kind = OUTCOME_GOES_ON; /* the controller knows more of the whole than its apps say */
    return apps.kind == OUTCOME_GOES_ON && o.kind == OUTCOME_HELD ? o : apps;
}
