#include "build_plan.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "cli.h"
#include "inputs_tree.h"
#include "options.h"
#include "survey.h"

#define SHORT_SHA 7

static const char *dockerfile_of(struct arena *a, const struct app *app)
{
    if (app->said && app->said->dockerfile)
        return app->said->dockerfile;
    return app->has_dockerfile ? arena_printf(a, "%s/Dockerfile", app->dir) : "Dockerfile";
}

static const char *const *platforms_of(const struct project *p, const struct app *app)
{
    static const char *const DEFAULT[] = { "linux/amd64", NULL };

    if (app->said && app->said->platforms)
        return (const char *const *)app->said->platforms;
    return p->platforms ? (const char *const *)p->platforms : DEFAULT;
}

/* As the controller makes it, by the AppRelease's `tag` (docs/api.md). */
static const char *commit_tag_of(struct arena *a, const struct survey *s)
{
    AUTO(json) cJSON *release = NULL;
    const char *text = s->project.release, *form;
    struct err ignored = { 0 };

    if (text)
        release = json_parse(text, strlen(text), &ignored);
    form = json_str(release, "tag");
    return form && !strcmp(form, "FullSHA") ? s->commit : arena_strndup(a, s->commit, SHORT_SHA);
}

/* Not what goes back to another commit: that one's run has built it. */
static bool is_built(const struct survey *s, const struct changed_app *one)
{
    return !one->commit || !strcmp(one->commit, s->commit);
}

int build_plan_make(struct cli *c, const struct survey *s, struct build_plan *ret, struct err *e)
{
    const struct options *o = c->options;
    bool *wanted = arena_array(c->arena, s->apps.n + 1, sizeof *wanted);
    struct build_plan p = { .git = &s->git,
                            .commit = s->commit,
                            .commit_tag = commit_tag_of(c->arena, s),
                            .engine = o->engine,
                            .parallel = o->parallel,
                            .is_mainline = s->base.kind == RUN_MAINLINE,
                            .no_push = o->no_push,
                            .dry_run = o->dry_run };
    const char **trees;

    for (size_t i = 0; i < s->changed.n; i++)
        wanted[s->changed.apps[i].app - s->apps.list] = is_built(s, &s->changed.apps[i]);
    if (inputs_trees(&s->git, s->commit, &s->project, &s->apps, wanted, &trees, e))
        return -1;
    p.todo = arena_array(c->arena, s->changed.n + 1, sizeof *p.todo);
    for (size_t i = 0; i < s->changed.n; i++) {
        const struct app *app = s->changed.apps[i].app;

        if (!is_built(s, &s->changed.apps[i]))
            continue;
        p.todo[p.n] = (struct build_app){ .app = app,
                                          .tree = trees[app - s->apps.list],
                                          .dockerfile = dockerfile_of(c->arena, app),
                                          .platforms = platforms_of(&s->project, app) };
        p.todo[p.n++].image.afresh = o->rebuild;
    }
    *ret = p;
    return 0;
}
