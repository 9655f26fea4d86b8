#include "survey.h"

#include <string.h>

#include "against.h"
#include "cli.h"
#include "compare.h"
#include "inputs.h"
#include "merged.h"
#include "options.h"
#include "snapshot.h"

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

static void find_gone(const struct survey *s, const struct apps *old, struct changed_facts *f)
{
    struct gone_app *gone = arena_array(s->git.c->arena, old->n + 1, sizeof *gone);

    for (size_t i = 0; i < old->n; i++)
        if (!apps_get(&s->apps, old->list[i].name))
            gone[f->n_gone++] = (struct gone_app){ .name = old->list[i].name };
    f->gone = gone;
}

/* Which apps the mainline has moved since the base. */
static int look_behind(struct survey *s, struct app_facts *facts, struct err *e)
{
    const struct app_changes *theirs;
    struct apps old;

    if (!s->base.tip || !strcmp(s->base.tip, s->base.commit))
        return 0;
    theirs = compare(s, s->base.commit, s->base.tip, &old, e);
    for (size_t i = 0; theirs && i < s->apps.n; i++)
        facts[i].is_behind = theirs[i].n > 0;
    return theirs ? 0 : -1;
}

static int look_at_base(struct survey *s, struct app_facts *facts, struct changed_facts *f,
                        struct err *e)
{
    struct apps old;
    struct app_changes *since = compare(s, s->base.commit, s->commit, &old, e);
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
    find_gone(s, &old, f);
    return differs ? look_behind(s, facts, e) : 0;
}

/* --- all of it --- */

int survey_decide(struct survey *s, const struct marks *asked, struct err *e)
{
    struct cli *c = s->git.c;
    struct app_facts *facts = arena_array(c->arena, s->apps.n + 1, sizeof *facts);
    struct changed_facts f = {
        .all = c->options->all, .names = c->options->apps, .apps = facts, .n_apps = s->apps.n
    };

    for (size_t i = 0; i < s->apps.n; i++)
        facts[i].app = &s->apps.list[i];
    if ((s->base.commit && look_at_base(s, facts, &f, e)) ||
        (asked && against(s, asked, facts, &f, e)))
        return -1;
    f.kind = s->base.kind;
    f.base = s->base.commit;
    f.why_no_base = s->base.why_nothing;
    return changed_decide(c->arena, &f, &s->changed, e);
}

/* --all needs no base. Whether it is a mainline run matters only to a cluster, and where that
 * cannot be told it is work. */
static int find_base(struct survey *s, const struct base_question *q, bool for_cluster,
                     struct err *e)
{
    const struct options *o = s->git.c->options;
    struct err ignored = { 0 };

    s->base.kind = RUN_WORK;
    if (o->base || !(o->all || o->apps))
        return base_find(&s->git, q, &s->base, e);
    if (o->all && !o->apps && for_cluster)
        base_find(&s->git, q, &s->base, &ignored);
    return 0;
}

int survey_make(struct cli *c, bool for_cluster, struct survey *ret, struct err *e)
{
    struct survey s = { .ci = ci_read(c) };
    struct base_question q = { .project = &s.project, .ci = s.ci, .ref = c->options->base };

    if (settings_load(c, &s.settings, e) || git_open(c, &s.git, e) || find_commit(c, &s, e) ||
        compare_project(&s.git, s.commit, &s.project, e) ||
        compare_apps(&s.git, s.commit, &s.project, true, &s.apps, e))
        return -1;
    if (s.apps.n == 0)
        return err_set(e, ERR_INVALID, 0,
                       "%.12s of %s has no app: an app is a folder under apps/ with a package.json "
                       "or a Dockerfile, or one that %s names (dir)",
                       s.commit, s.git.top, PROJECT_FILE);
    q.head = s.head;
    q.is_dirty = s.is_dirty;
    s.branch = s.ci.knows_branch ? s.ci.branch : git_branch(&s.git);
    s.actor = cli_actor(c);
    if (find_base(&s, &q, for_cluster, e))
        return -1;
    *ret = s;
    return 0;
}
