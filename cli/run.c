#include "run.h"

#include <string.h>

#include "ask.h"
#include "base/auto.h"
#include "base/json.h"
#include "base/text.h"
#include "cli.h"
#include "cluster.h"
#include "meant.h"
#include "options.h"
#include "release.h"
#include "tree.h"

int run_decide(struct cli *c, struct cluster *k, struct run *r, struct err *e)
{
    AUTO(json) cJSON *object = NULL;

    if (!k)
        return survey_decide(&r->survey, NULL, e);
    if (ask_marks(c, k, &r->marks, &object, e))
        return -1;
    r->generation = json_int(json_get(object, "metadata"), "generation", 0);
    r->knows_asked = true;
    return survey_decide(&r->survey, &r->marks, e);
}

/* --- what is said --- */

void run_say(const struct cli *c, const struct run *r)
{
    const struct changed *d = &r->survey.changed;
    struct arena *a = c->arena;

    if (d->superseded_by)
        cli_say(c, "superseded: the mainline at %.7s was asked for, which is newer than %.7s",
                d->superseded_by, r->survey.commit);
    for (size_t i = 0; i < d->n_kept; i++)
        cli_say(c, "kept: %s, %s (--all takes it)", d->kept[i].name, path_show(a, d->kept[i].why));
    for (size_t i = 0; i < d->n_held; i++)
        cli_say(c, "warning: held: %s %s; new inputs, shopflow retry or --all ask for it again",
                d->held[i].name, path_show(a, d->held[i].why));
    for (size_t i = 0; i < d->n; i++)
        if (d->apps[i].from)
            cli_say(c, "%s: takes the place of %s", d->apps[i].app->name,
                    path_show(a, d->apps[i].from));
    for (const char **name = d->behind; *name; name++)
        cli_say(c, "behind: %s: %s has changed it since %.7s", *name,
                r->survey.base.mainline ? r->survey.base.mainline : "the mainline",
                r->survey.base.commit);
    for (const char *const *name = d->removed; *name; name++)
        cli_say(c, "%s: is no app of this commit any more", *name);
}

int run_require_current(const struct cli *c, const struct run *r, struct err *e)
{
    const char *const *behind = r->survey.changed.behind;

    if (!c->options->require_current || !behind[0])
        return 0;
    return err_set(e, ERR_CONFLICT, 0,
                   "--require-current: %s has changed %s%s since this work began: merge it first",
                   r->survey.base.mainline ? r->survey.base.mainline : "the mainline", behind[0],
                   behind[1] ? " and others" : "");
}

/* --- what is written --- */

bool run_writes(const struct run *r)
{
    const struct changed *d = &r->survey.changed;

    return !d->superseded_by && (d->n || r->survey.base.kind == RUN_MAINLINE);
}

int run_wanted(struct cli *c, const struct run *r, const char *retry_at, struct wanted *ret,
               struct err *e)
{
    const struct survey *s = &r->survey;
    const struct changed *d = &s->changed;
    struct wanted_app *apps = arena_array(c->arena, d->n + d->n_as_is + 1, sizeof *apps);
    bool is_mainline = s->base.kind == RUN_MAINLINE;
    struct wanted w = { .commit = s->commit,
                        .apps = apps,
                        .mainline = is_mainline ? s->commit : NULL,
                        .dropped = is_mainline ? d->removed : NULL,
                        .branch = s->branch,
                        .actor = s->actor };

    for (size_t i = 0; i < d->n; i++) {
        const struct changed_app *one = &d->apps[i];
        const char *commit = one->commit ? one->commit : s->commit;

        apps[w.n_apps] = meant_app(&s->project, one->app->name, commit);
        apps[w.n_apps++].is_work = !is_mainline && !one->is_back;
    }
    for (size_t i = 0; i < d->n_as_is; i++)
        apps[w.n_apps++] = meant_app(&s->project, d->as_is[i]->name, s->commit);
    if (d->asks_again)
        w.annotations =
            arena_printf(c->arena, "{\"" APPRELEASE_MARK "retry-at\": \"%s\"}", retry_at);
    if (meant_complete(c, &s->settings, &s->project, r->generation > 0, &w, e))
        return -1;
    *ret = w;
    return 0;
}
