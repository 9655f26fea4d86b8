#include "changed.h"

#include <string.h>

#include "apps.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "inputs.h"

static bool is_named(const char *const *names, const char *name)
{
    for (; *names; names++)
        if (!strcmp(*names, name))
            return true;
    return false;
}

static int check_names(const struct changed_facts *f, struct err *e)
{
    for (const char *const *name = f->names; name && *name; name++) {
        struct text known = TEXT_INIT(4 * KIB);
        struct err full;
        bool found = false;

        for (size_t i = 0; i < f->n_apps; i++) {
            found |= !strcmp(f->apps[i].app->name, *name);
            text_addf(&known, &full, " %s", f->apps[i].app->name);
        }
        if (!found)
            err_set(e, ERR_INVALID, 0, "--apps: '%s' is not an app of this commit; there are:%s",
                    *name, text_str(&known));
        text_release(&known);
        if (!found)
            return -1;
    }
    return 0;
}

enum turn { TURN_NOTHING, TURN_BUILD, TURN_AS_IS, TURN_KEPT, TURN_HELD };

struct verdict {
    enum turn turn;
    struct changed_app app; /* TURN_BUILD */
    const char *why;        /* TURN_KEPT, TURN_HELD */
};

static struct verdict because(struct arena *a, const struct app *app, const char *why)
{
    struct verdict v = { .turn = TURN_BUILD, .app.app = app };

    v.app.reasons = arena_array(a, 2, sizeof *v.app.reasons);
    v.app.reasons[0] = why;
    return v;
}

static struct verdict because_of(const struct app *app, const struct app_changes *since)
{
    struct verdict v = { .turn = TURN_BUILD, .app = { .app = app, .reasons = since->paths } };

    if (since->n > INPUTS_PATHS_MAX)
        v.app.n_more = since->n - INPUTS_PATHS_MAX;
    return v;
}

static const struct verdict NOTHING;

static bool is_as_good(const struct asked *asked)
{
    return asked->good && asked->since && asked->since->n == 0;
}

/* What it was taken back from is not asked for again; NULL = it was not. What runs well is no such
 * thing, unless somebody put something else in its place. */
static const char *why_held(const struct asked *asked)
{
    return is_as_good(asked) ? asked->by_hand : asked->left;
}

/* The environment becomes this commit: an app's last good commit is what it is compared with. */
static struct verdict decide_mainline(struct arena *a, const struct changed_facts *f,
                                      const struct app_facts *app)
{
    const struct asked *asked = app->asked;

    if (!asked)
        return because(a, app->app,
                       f->why_no_base ? f->why_no_base :
                                        "what runs is not known: no cluster was asked");
    if (asked->whose && !asked->is_ours && !asked->mainline_moved)
        return (struct verdict){ .turn = TURN_KEPT, .why = asked->whose };
    if (why_held(asked))
        return (struct verdict){ .turn = TURN_HELD, .why = why_held(asked) };
    if (!asked->good)
        return because(a, app->app, "it has never run well there");
    if (!asked->since)
        return because(a, app->app,
                       arena_printf(a, "its last good commit %.7s is not known here", asked->good));
    if (asked->since->n)
        return because_of(app->app, asked->since);
    return (struct verdict){ .turn = TURN_AS_IS };
}

/* This branch had it, and has it no longer other than the mainline. What was merged since the base
 * may be newer than what the mainline asked for last: it stays. */
static struct verdict go_back(struct arena *a, const struct app_facts *app)
{
    const struct asked *asked = app->asked;
    const char *commit = app->since && app->since->n ? NULL : asked->mainline;
    struct verdict v;

    if (is_as_good(asked) && !commit)
        return NOTHING;
    v = asked->since && asked->since->n ? because_of(app->app, asked->since) :
                                          because(a, app->app, "this branch released it before");
    v.app.is_back = true;
    v.app.commit = commit;
    return v;
}

/* What this work changed since it left the mainline, and what the object got from it before. */
static struct verdict decide_work(struct arena *a, const struct changed_facts *f,
                                  const struct app_facts *app)
{
    bool is_ours = app->asked && app->asked->is_ours;
    bool is_mainlines = app->is_mainlines || (!app->is_new && !(app->since && app->since->n));

    if (!f->base)
        return because(a, app->app, f->why_no_base);
    if (is_mainlines)
        return is_ours ? go_back(a, app) : NOTHING;
    if (app->asked && why_held(app->asked))
        return (struct verdict){ .turn = TURN_HELD, .why = why_held(app->asked) };
    if (is_ours && !app->asked->since)
        return because(a, app->app, "this branch released it before");
    if (is_ours && app->asked->since->n)
        return because_of(app->app, app->asked->since);
    return app->since && app->since->n ? because_of(app->app, app->since) :
                                         because(a, app->app, "it is a new app");
}

static struct verdict decide_one(struct arena *a, const struct changed_facts *f,
                                 const struct app_facts *app)
{
    if (f->names)
        return is_named(f->names, app->app->name) ? because(a, app->app, "--apps") : NOTHING;
    if (f->all)
        return because(a, app->app, "--all");
    switch (f->kind) {
    case RUN_MAINLINE:
        return decide_mainline(a, f, app);
    case RUN_WORK:
    default:
        return decide_work(a, f, app);
    }
}

static void put_build(const struct app_facts *app, struct verdict *v, size_t *n_behind,
                      struct changed *c)
{
    const struct asked *asked = app->asked;

    if (asked && asked->whose && !asked->is_ours)
        v->app.from = asked->whose;
    if (app->is_behind && !v->app.is_back)
        c->behind[(*n_behind)++] = app->app->name;
    c->asks_again |= asked && why_held(asked);
    c->apps[c->n++] = v->app;
}

static void decide_apps(struct arena *a, const struct changed_facts *f, struct changed *c)
{
    size_t n_behind = 0;

    for (size_t i = 0; i < f->n_apps; i++) {
        struct verdict v = decide_one(a, f, &f->apps[i]);
        struct stays stays = { f->apps[i].app->name, v.why };

        switch (v.turn) {
        case TURN_BUILD:
            put_build(&f->apps[i], &v, &n_behind, c);
            break;
        case TURN_AS_IS:
            c->as_is[c->n_as_is++] = f->apps[i].app;
            break;
        case TURN_KEPT:
            c->kept[c->n_kept++] = stays;
            break;
        case TURN_HELD:
            c->held[c->n_held++] = stays;
            break;
        case TURN_NOTHING:
        default:
            break;
        }
    }
}

/* Somebody's new app is in no mainline yet. */
static const char *const *decide_gone(struct arena *a, const struct changed_facts *f,
                                      struct changed *c)
{
    const char **removed = arena_array(a, f->n_gone + 1, sizeof *removed);
    size_t n = 0;

    for (size_t i = 0; i < f->n_gone; i++) {
        const struct gone_app *gone = &f->gone[i];

        if (gone->whose && !gone->mainline_had && !f->all)
            c->kept[c->n_kept++] = (struct stays){ gone->name, gone->whose };
        else
            removed[n++] = gone->name;
    }
    return removed;
}

int changed_decide(struct arena *a, const struct changed_facts *f, struct changed *ret,
                   struct err *e)
{
    size_t n_apps = f->n_apps + f->n_gone + 1;
    struct changed c = { .apps = arena_array(a, n_apps, sizeof *c.apps),
                         .as_is = arena_array(a, n_apps, sizeof *c.as_is),
                         .kept = arena_array(a, n_apps, sizeof *c.kept),
                         .held = arena_array(a, n_apps, sizeof *c.held),
                         .behind = arena_array(a, n_apps, sizeof *c.behind),
                         .removed = arena_array(a, 1, sizeof *c.removed),
                         .superseded_by = f->superseded_by };

    if (check_names(f, e))
        return -1;
    if (!f->superseded_by) {
        decide_apps(a, f, &c);
        c.removed = decide_gone(a, f, &c);
    }
    *ret = c;
    return 0;
}
