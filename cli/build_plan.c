#include "build_plan.h"

#include "base/arena.h"
#include "cli.h"
#include "inputs_tree.h"
#include "options.h"
#include "survey.h"

int build_plan_make(struct cli *c, const struct survey *s, struct build_plan *ret, struct err *e)
{
    const struct options *o = c->options;
    bool *wanted = arena_array(c->arena, s->apps.n + 1, sizeof *wanted);
    struct build_plan p = { .git = &s->git,
                            .commit = s->commit,
                            .platforms = (const char *const *)s->project.platforms,
                            .engine = o->engine,
                            .parallel = o->parallel,
                            .is_mainline = s->base.kind == RUN_MAINLINE,
                            .no_push = o->no_push,
                            .dry_run = o->dry_run,
                            .n = s->changed.n };
    const char **trees;

    for (size_t i = 0; i < s->changed.n; i++)
        wanted[s->changed.apps[i].app - s->apps.list] = true;
    if (inputs_trees(&s->git, s->commit, &s->project, &s->apps, wanted, &trees, e))
        return -1;
    p.todo = arena_array(c->arena, p.n + 1, sizeof *p.todo);
    for (size_t i = 0; i < p.n; i++) {
        const struct app *app = s->changed.apps[i].app;

        p.todo[i] = (struct build_app){ .app = app, .tree = trees[app - s->apps.list] };
        p.todo[i].image.afresh = o->rebuild;
    }
    *ret = p;
    return 0;
}
