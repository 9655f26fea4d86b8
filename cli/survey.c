#include "survey.h"

#include <string.h>

#include "cli.h"
#include "graph.h"
#include "inputs.h"
#include "merged.h"
#include "options.h"
#include "snapshot.h"
#include "tree.h"

/* The commit: GIT_SHA's, or HEAD with the uncommitted work. */
static int find_commit(struct cli *c, struct survey *s, struct err *e)
{
    const struct setting *named = &s->settings.of[SET_GIT_SHA];
    struct snapshot snapshot;

    if (named->value) {
        s->head = s->commit = git_commit(&s->git, named->value, e);
        if (!s->head && e->kind == ERR_NOT_FOUND)
            return err_set(e, ERR_INVALID, 0, "GIT_SHA '%s' (%s) is no commit that is known here",
                           named->value, named->from);
        return s->head ? 0 : -1;
    }
    if (snapshot_take(&s->git, c->options->require_clean, &snapshot, e))
        return -1;
    s->head = snapshot.head;
    s->commit = snapshot.commit;
    s->is_dirty = snapshot.is_dirty;
    return 0;
}

/* shopflow.yaml of a commit; a file that is not there says nothing. */
static int read_project(const struct git *g, const char *commit, struct project *ret, struct err *e)
{
    struct arena *a = g->c->arena;
    struct child_result r;
    struct tree t;

    if (git_ask(g, &r, e, "ls-tree", "-z", "--full-tree", commit, PROJECT_FILE) ||
        tree_parse(r.out, r.out_len, a, &t, e))
        return -1;
    if (t.n == 0)
        return project_parse("", a, ret, e);
    if (git_ask(g, &r, e, "cat-file", "blob", t.entries[0].id))
        return -1;
    if (strlen(r.out) != r.out_len)
        return err_set(e, ERR_INVALID, 0, "%s: holds a NUL byte", PROJECT_FILE);
    return project_parse(r.out, a, ret, e);
}

/* The apps of a commit, and with --graph its packages. */
static int find_apps(const struct git *g, const char *commit, const struct project *p,
                     bool is_strict, struct apps *ret, struct err *e)
{
    if (apps_find(g, commit, p, is_strict, ret, e))
        return -1;
    return g->c->options->graph ? graph_add_packages(g, commit, ret, e) : 0;
}

/* Those of an older commit, as its own shopflow.yaml has them. One that cannot be read any more is
 * no matter: that it changed marks every app. */
static int find_old_apps(const struct survey *s, const char *commit, const struct changes *changes,
                         struct apps *ret, struct err *e)
{
    struct project old = s->project;
    struct err ignored;

    for (size_t i = 0; i < changes->n; i++)
        if (!strcmp(changes->paths[i], PROJECT_FILE))
            read_project(&s->git, commit, &old, &ignored);
    return find_apps(&s->git, commit, &old, false, ret, e);
}

static struct app_changes *join(struct arena *a, const struct survey *s,
                                const struct changes *changes, const struct apps *old)
{
    struct app_changes *now = inputs_changed(a, &s->project, &s->apps, changes);
    struct app_changes *before = inputs_changed(a, &s->project, old, changes);

    for (size_t i = 0; i < s->apps.n; i++) {
        const struct app *was = apps_get(old, s->apps.list[i].name);

        /* what was an input and is none any more changed it too */
        if (was && now[i].n == 0)
            now[i] = before[was - old->list];
    }
    return now;
}

static const char *const *find_gone(struct arena *a, const struct apps *old,
                                    const struct apps *apps)
{
    const char **gone = arena_array(a, old->n + 1, sizeof *gone);
    size_t n = 0;

    for (size_t i = 0; i < old->n; i++)
        if (!apps_get(apps, old->list[i].name))
            gone[n++] = old->list[i].name;
    return gone;
}

/* For each app the inputs that differ from those at another commit. */
static struct app_changes *compare(const struct survey *s, const char *commit, struct apps *ret_old,
                                   struct err *e)
{
    struct arena *a = s->git.c->arena;
    struct child_result r;
    struct changes changes;
    struct app_changes *since;

    if (git_ask(&s->git, &r, e, "diff-tree", "-r", "-z", "--no-renames", commit, s->commit) ||
        changes_parse(r.out, r.out_len, a, &changes, e) ||
        find_old_apps(s, commit, &changes, ret_old, e))
        return NULL;
    since = join(a, s, &changes, ret_old);
    if (s->git.c->options->graph &&
        graph_compare_lockfiles(&s->git, commit, s->commit, &s->apps, since, e))
        return NULL;
    return since;
}

static int look_at_base(struct survey *s, struct app_facts *facts, struct changed_facts *f,
                        struct err *e)
{
    struct apps old;
    struct app_changes *since = compare(s, s->base.commit, &old, e);
    const bool *merged = NULL;
    bool differs = false;

    if (!since)
        return -1;
    for (size_t i = 0; i < s->apps.n; i++)
        differs |= since[i].n > 0;
    if (differs)
        merged = merged_find(s);
    for (size_t i = 0; i < s->apps.n; i++) {
        facts[i].since = &since[i];
        facts[i].is_mainlines = merged && merged[i];
        facts[i].is_new = !apps_get(&old, s->apps.list[i].name);
    }
    f->gone = find_gone(s->git.c->arena, &old, &s->apps);
    return 0;
}

/* --- what the AppRelease says --- */

static const struct survey_asked *find_asked(const struct survey_asked *asked, size_t n,
                                             const char *app)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(asked[i].app, app))
            return &asked[i];
    return NULL;
}

/* Changes since a good commit; each commit is compared with once. */
struct known {
    const char *commit;
    const struct app_changes *since; /* NULL = the commit is not known here */
};

static int look_at_commit(const struct survey *s, struct known *known, size_t *n,
                          const char *commit, const struct app_changes **ret, struct err *e)
{
    struct err why = { 0 };
    struct apps old;
    const char *id;
    size_t i = 0;

    while (i < *n && strcmp(known[i].commit, commit) != 0)
        i++;
    if (i == *n) {
        known[i] = (struct known){ .commit = commit };
        id = git_commit(&s->git, commit, &why);
        if (id)
            known[i].since = compare(s, id, &old, &why);
        if (!known[i].since && why.kind != ERR_NOT_FOUND) {
            *e = why;
            return -1;
        }
        ++*n;
    }
    *ret = known[i].since;
    return 0;
}

/* Apps that the object lists and that the commit does not have. */
static const char *const *find_dropped(const struct survey *s, const struct survey_asked *asked,
                                       size_t n)
{
    const char **dropped = arena_array(s->git.c->arena, n + 1, sizeof *dropped);
    size_t n_dropped = 0;

    for (size_t i = 0; i < n; i++)
        if (!apps_get(&s->apps, asked[i].app))
            dropped[n_dropped++] = asked[i].app;
    return dropped;
}

static int look_at_asked(struct survey *s, const struct survey_asked *asked, size_t n_asked,
                         struct app_facts *facts, struct err *e)
{
    struct arena *a = s->git.c->arena;
    struct asked *list = arena_array(a, s->apps.n + 1, sizeof *list);
    struct known *known = arena_array(a, s->apps.n + 1, sizeof *known);
    size_t n_known = 0;

    for (size_t i = 0; i < s->apps.n; i++) {
        const struct survey_asked *of = find_asked(asked, n_asked, s->apps.list[i].name);
        const struct app_changes *since = NULL;

        facts[i].asked = &list[i];
        if (!of || !of->good)
            continue;
        if (look_at_commit(s, known, &n_known, of->good, &since, e))
            return -1;
        list[i] = (struct asked){ of->good, since ? &since[i] : NULL, of->is_ours };
    }
    return 0;
}

/* --- all of it --- */

int survey_decide(struct survey *s, const struct survey_asked *asked, size_t n_asked, struct err *e)
{
    struct cli *c = s->git.c;
    struct app_facts *facts = arena_array(c->arena, s->apps.n + 1, sizeof *facts);
    struct changed_facts f = { .kind = s->base.kind,
                               .base = s->base.commit,
                               .why_no_base = s->base.why_nothing,
                               .all = c->options->all,
                               .names = c->options->apps,
                               .apps = facts,
                               .n_apps = s->apps.n,
                               .gone = arena_array(c->arena, 1, sizeof(char *)) };

    for (size_t i = 0; i < s->apps.n; i++)
        facts[i].app = &s->apps.list[i];
    if ((s->base.commit && look_at_base(s, facts, &f, e)) ||
        (asked && look_at_asked(s, asked, n_asked, facts, e)))
        return -1;
    if (asked && s->base.kind == RUN_MAINLINE)
        f.gone = find_dropped(s, asked, n_asked);
    return changed_decide(c->arena, &f, &s->changed, e);
}

int survey_make(struct cli *c, struct survey *ret, struct err *e)
{
    struct survey s = { .ci = ci_read(c) };
    struct base_question q = { .project = &s.project, .ci = s.ci, .ref = c->options->base };
    bool needs_base = c->options->base || !(c->options->all || c->options->apps);

    if (settings_load(c, &s.settings, e) || git_open(c, &s.git, e) || find_commit(c, &s, e) ||
        read_project(&s.git, s.commit, &s.project, e) ||
        find_apps(&s.git, s.commit, &s.project, true, &s.apps, e))
        return -1;
    if (s.apps.n == 0)
        return err_set(e, ERR_INVALID, 0,
                       "%.12s of %s has no app: an app is a folder under apps/ with a package.json "
                       "or a Dockerfile, or one that %s names (dir)",
                       s.commit, s.git.top, PROJECT_FILE);
    q.head = s.head;
    q.is_dirty = s.is_dirty;
    s.base.kind = RUN_WORK;
    if (needs_base && base_find(&s.git, &q, &s.base, e))
        return -1;
    *ret = s;
    return 0;
}
