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

static struct changed_app because(struct arena *a, const struct app *app, const char *why)
{
    struct changed_app c = { .app = app, .reasons = arena_array(a, 2, sizeof *c.reasons) };

    c.reasons[0] = why;
    return c;
}

static struct changed_app because_of(const struct app *app, const struct app_changes *since)
{
    struct changed_app c = { .app = app, .reasons = since->paths };

    if (since->n > INPUTS_PATHS_MAX)
        c.n_more = since->n - INPUTS_PATHS_MAX;
    return c;
}

static const struct changed_app UNCHANGED;

/* The environment becomes this commit: an app's last good commit is what it is compared with. */
static struct changed_app decide_mainline(struct arena *a, const struct changed_facts *f,
                                          const struct app_facts *app)
{
    const struct asked *asked = app->asked;

    if (!asked)
        return because(a, app->app,
                       f->why_no_base ? f->why_no_base :
                                        "what runs is not known: no cluster was asked");
    if (!asked->good)
        return because(a, app->app, "it has never run well there");
    if (!asked->since)
        return because(a, app->app,
                       arena_printf(a, "its last good commit %.7s is not known here", asked->good));
    return asked->since->n ? because_of(app->app, asked->since) : UNCHANGED;
}

/* What this work changed since it left the mainline, and what the object got from it before. */
static struct changed_app decide_work(struct arena *a, const struct changed_facts *f,
                                      const struct app_facts *app)
{
    if (!f->base)
        return because(a, app->app, f->why_no_base);
    if (app->asked && app->asked->is_ours && !app->asked->since)
        return because(a, app->app, "this branch released it before");
    if (app->asked && app->asked->is_ours && app->asked->since->n)
        return because_of(app->app, app->asked->since);
    if (app->is_mainlines)
        return UNCHANGED;
    if (app->since && app->since->n)
        return because_of(app->app, app->since);
    return app->is_new ? because(a, app->app, "it is a new app") : UNCHANGED;
}

static struct changed_app decide_one(struct arena *a, const struct changed_facts *f,
                                     const struct app_facts *app)
{
    if (f->names)
        return is_named(f->names, app->app->name) ? because(a, app->app, "--apps") : UNCHANGED;
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

int changed_decide(struct arena *a, const struct changed_facts *f, struct changed *ret,
                   struct err *e)
{
    struct changed c = { .apps = arena_array(a, f->n_apps + 1, sizeof *c.apps),
                         .removed = f->gone };

    if (check_names(f, e))
        return -1;
    for (size_t i = 0; i < f->n_apps; i++) {
        struct changed_app one = decide_one(a, f, &f->apps[i]);

        if (one.app)
            c.apps[c.n++] = one;
    }
    *ret = c;
    return 0;
}
