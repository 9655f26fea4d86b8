#include "compare.h"

#include <string.h>

#include "cli.h"
#include "graph.h"
#include "inputs.h"
#include "options.h"
#include "survey.h"
#include "tree.h"

/* shopflow.yaml of a commit; a file that is not there says nothing. */
int compare_project(const struct git *g, const char *commit, struct project *ret, struct err *e)
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
int compare_apps(const struct git *g, const char *commit, const struct project *p, bool is_strict,
                 struct apps *ret, struct err *e)
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
            compare_project(&s->git, commit, &old, &ignored);
    return compare_apps(&s->git, commit, &old, false, ret, e);
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

struct app_changes *compare(const struct survey *s, const char *from, const char *to,
                            struct apps *ret_old, struct err *e)
{
    struct arena *a = s->git.c->arena;
    struct child_result r;
    struct changes changes;
    struct app_changes *since;

    if (git_ask(&s->git, &r, e, "diff-tree", "-r", "-z", "--no-renames", from, to) ||
        changes_parse(r.out, r.out_len, a, &changes, e) ||
        find_old_apps(s, from, &changes, ret_old, e))
        return NULL;
    since = join(a, s, &changes, ret_old);
    if (s->git.c->options->graph && graph_compare_lockfiles(&s->git, from, to, &s->apps, since, e))
        return NULL;
    return since;
}
