#include "against.h"

#include <string.h>

#include "cli.h"
#include "compare.h"
#include "inputs.h"
#include "marks.h"
#include "release.h"
#include "remote.h"
#include "survey.h"

/* Each commit is compared with once. */
struct known {
    const char *name; /* as the AppRelease has it */
    const char *id;   /* NULL = it is not known here */
    struct apps apps;
    const struct app_changes *since; /* NULL likewise */
};

struct looking {
    struct survey *s;
    const struct marks *m;
    struct known *known;
    size_t n_known;
};

/* A commit that is not here, nor to be had from the remote of a clone that fetches as it goes. */
static bool is_missing(const struct err *why)
{
    return why->kind == ERR_NOT_FOUND || why->kind == ERR_NET || why->kind == ERR_REFUSED;
}

static int look_at(struct looking *l, const char *name, const struct known **ret, struct err *e)
{
    struct known k = { .name = name };
    struct err why = { 0 };

    for (size_t i = 0; i < l->n_known; i++)
        if (!strcmp(l->known[i].name, name)) {
            *ret = &l->known[i];
            return 0;
        }
    k.id = git_commit(&l->s->git, name, &why);
    if (k.id)
        k.since = compare(l->s, k.id, l->s->commit, &k.apps, &why);
    if (!k.since && !(k.id ? why.kind == ERR_NOT_FOUND : is_missing(&why))) {
        *e = why;
        return -1;
    }
    l->known[l->n_known] = k;
    *ret = &l->known[l->n_known++];
    return 0;
}

/* --- where the run stands --- */

static void become_work(struct survey *s)
{
    s->base = (struct base){ .kind = RUN_WORK,
                             .mainline = s->base.mainline,
                             .why_nothing = "the history is not complete (a shallow clone)" };
    cli_say(s->git.c, "this clone is shallow and could not be completed, so that it is not known "
                      "whether a newer commit was asked for: this is no mainline run; clone with "
                      "full history (fetch-depth: 0)");
}

/* The commit that the mark names, fetched where it is newer than the clone. */
static int find_marked(const struct survey *s, const char *name, const char *remote,
                       const char **ret, struct err *e)
{
    struct err why = { 0 };

    *ret = git_commit(&s->git, name, &why);
    if (!*ret && is_missing(&why) && remote && !remote_fetch_commit(&s->git, remote, name))
        *ret = git_commit(&s->git, name, &why);
    if (*ret)
        return 0;
    if (!is_missing(&why)) {
        *e = why;
        return -1;
    }
    cli_say(s->git.c,
            "the mainline commit %.12s that was asked for last is not here and not to be fetched "
            "(a force-push?): this one counts as newer",
            name);
    return 0;
}

/* CI runs finish out of order: an older commit than the one that was asked for does nothing. */
static int find_superseder(struct survey *s, const struct marks *m, struct changed_facts *f,
                           struct err *e)
{
    const char *remote = remote_name(&s->git), *newest;
    int is_older;

    if (s->base.kind != RUN_MAINLINE || !m->mainline || commit_matches(m->mainline, s->commit))
        return 0;
    if (s->git.is_shallow && remote_deepen(&s->git, remote, &s->ci, s->base.mainline)) {
        become_work(s);
        return 0;
    }
    if (find_marked(s, m->mainline, remote, &newest, e))
        return -1;
    if (!newest)
        return 0;
    is_older = git_is_ancestor(&s->git, s->commit, newest, e);
    if (is_older > 0)
        f->superseded_by = newest;
    return is_older < 0 ? -1 : 0;
}

/* --- an app --- */

/* Whose work it is; NULL = nobody's, or it is in the mainline by now. */
static const char *whose(const struct survey *s, const struct mark *mark)
{
    const char *mainline = s->base.kind == RUN_MAINLINE ? s->commit : s->base.tip;
    struct err ignored = { 0 };
    const char *id;

    if (!mark || !mark->is_work)
        return NULL;
    id = git_commit(&s->git, mark->commit, &ignored);
    if (id && mainline && !s->git.is_shallow &&
        git_is_ancestor(&s->git, id, mainline, &ignored) > 0)
        return NULL;
    return mark_whose(mark, s->git.c->arena);
}

static bool is_text(const char *a, const char *b)
{
    return a && b && !strcmp(a, b);
}

/* A mainline run takes back only what the same person left on the mainline's own branch. */
static bool is_ours(const struct survey *s, const struct mark *mark)
{
    return is_text(mark->branch, s->branch) &&
           (s->base.kind == RUN_WORK || is_text(mark->actor, s->actor));
}

static const char *failed_text(struct arena *a, const char *commit, const char *why)
{
    return why ? arena_printf(a, "failed at %.7s (%s)", commit, why) :
                 arena_printf(a, "failed at %.7s", commit);
}

static const char *left_text(struct arena *a, const struct mark *mark)
{
    if (is_text(mark->left_by, MARK_BY_CONTROLLER))
        return failed_text(a, mark->left, mark->left_why);
    return arena_printf(a, "rolled back from %.7s by %s", mark->left,
                        mark->left_by ? mark->left_by : "somebody");
}

/* Was it taken back from the inputs that are here? */
static int look_at_left(struct looking *l, const struct mark *mark, size_t i, struct asked *ret,
                        struct err *e)
{
    struct arena *a = l->s->git.c->arena;
    const struct known *k;

    if (mark->left && look_at(l, mark->left, &k, e))
        return -1;
    if (mark->left && k->since && k->since[i].n == 0)
        ret->left = left_text(a, mark);
    if (mark->failed && look_at(l, mark->failed, &k, e))
        return -1;
    if (mark->failed && k->since && k->since[i].n == 0)
        ret->left = failed_text(a, mark->failed, mark->why);
    if (mark->by_hand)
        ret->by_hand = arena_printf(a, "rolled back from %.7s by hand, to %s",
                                    mark->good ? mark->good : "?", mark->by_hand);
    return 0;
}

/* What became of it in the mainline. */
static int look_at_mainline(struct looking *l, size_t i, struct asked *ret, struct err *e)
{
    const struct known *k;

    if (!ret->whose || !l->m->mainline)
        return 0;
    if (look_at(l, l->m->mainline, &k, e))
        return -1;
    ret->mainline = k->id;
    ret->mainline_moved = k->since && k->since[i].n > 0;
    return 0;
}

static int look_at_app(struct looking *l, size_t i, struct asked *ret, struct err *e)
{
    const struct mark *mark = marks_get(l->m, l->s->apps.list[i].name);
    const struct known *k;

    if (!mark)
        return 0;
    ret->whose = whose(l->s, mark);
    ret->is_ours = ret->whose && is_ours(l->s, mark);
    ret->good = mark->good;
    if (mark->good && look_at(l, mark->good, &k, e))
        return -1;
    if (mark->good && k->since)
        ret->since = &k->since[i];
    return look_at_left(l, mark, i, ret, e) || look_at_mainline(l, i, ret, e) ? -1 : 0;
}

/* --- all of them --- */

/* Apps that the object lists and that the commit does not have. */
static int find_dropped(struct looking *l, struct changed_facts *f, struct err *e)
{
    struct gone_app *gone = arena_array(l->s->git.c->arena, l->m->n + 1, sizeof *gone);
    const struct known *k = NULL;
    size_t n = 0;

    for (size_t i = 0; i < l->m->n; i++) {
        const struct mark *mark = &l->m->apps[i];

        if (apps_get(&l->s->apps, mark->app))
            continue;
        if (!k && l->m->mainline && look_at(l, l->m->mainline, &k, e))
            return -1;
        gone[n++] = (struct gone_app){ mark->app, whose(l->s, mark),
                                       k && k->since && apps_get(&k->apps, mark->app) };
    }
    f->gone = gone;
    f->n_gone = n;
    return 0;
}

int against(struct survey *s, const struct marks *m, struct app_facts *facts,
            struct changed_facts *f, struct err *e)
{
    struct arena *a = s->git.c->arena;
    struct asked *list = arena_array(a, s->apps.n + 1, sizeof *list);
    struct looking l = { .s = s, .m = m };

    l.known = arena_array(a, 3 * s->apps.n + 2, sizeof *l.known);
    if (find_superseder(s, m, f, e))
        return -1;
    for (size_t i = 0; i < s->apps.n; i++) {
        facts[i].asked = &list[i];
        if (look_at_app(&l, i, &list[i], e))
            return -1;
    }
    return s->base.kind == RUN_MAINLINE ? find_dropped(&l, f, e) : 0;
}
