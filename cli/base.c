#include "base.h"

#include <string.h>

#include "base/err.h"
#include "cli.h"
#include "project.h"
#include "remote.h"

/* --- names --- */

static int find_mainline(struct git *g, const struct base_question *q, const char *remote,
                         struct base *b, struct err *e)
{
    struct err ignored;

    if (q->project->mainline)
        b->mainline = q->project->mainline;
    else if (!remote)
        b->mainline = q->ci.branch ? q->ci.branch : git_branch(g);
    else if (remote_tip(g, remote, "develop", &ignored))
        b->mainline = "develop";
    else
        b->mainline = remote_mainline(g, remote);
    if (b->mainline)
        return 0;
    return err_set(e, ERR_INVALID, 0,
                   "which branch is the mainline? Write it into %s, as `mainline: main`",
                   PROJECT_FILE);
}

/* --- ancestry --- */

/* The merge base, or why there is none. */
static int find_merge_base(struct git *g, const struct base_question *q, const char *remote,
                           const char *other, struct base *b, struct err *e)
{
    struct child_result r;

    if (g->is_shallow && remote_deepen(g, remote, &q->ci, b->mainline)) {
        b->why_nothing = "the history is not complete (a shallow clone)";
        cli_say(g->c, "this clone is shallow and could not be completed, so that it is not known "
                      "what changed: every app counts as changed; clone with full history "
                      "(fetch-depth: 0)");
        return 0;
    }
    if (git_run(g, &r, e, "merge-base", q->head, other))
        return -1;
    if (r.status > 1)
        return git_failed(g, &r, e);
    if (r.status == 1) {
        b->why_nothing = "it has no history in common with the mainline";
        cli_say(g->c, "%.12s and %.12s have no history in common: every app counts as changed",
                q->head, other);
        return 0;
    }
    b->commit = arena_strndup(g->c->arena, r.out, strcspn(r.out, "\n"));
    return 0;
}

/* --- --base --- */

static bool is_id(const char *s)
{
    size_t n = strspn(s, "0123456789abcdefABCDEF");

    return !s[n] && (n == 40 || n == 64);
}

/* A commit is compared with as it is; a branch where it was left: what others did to it since is
 * not ours. */
static bool is_branch(const struct git *g, const char *ref)
{
    struct err ignored;
    const char *full = git_word(g, &ignored, "rev-parse", "--symbolic-full-name", "--verify",
                                "--quiet", "--end-of-options", ref);

    return full && (!strncmp(full, "refs/heads/", 11) || !strncmp(full, "refs/remotes/", 13));
}

static int base_of_ref(struct git *g, const struct base_question *q, const char *remote,
                       struct base *b, struct err *e)
{
    const char *commit;

    if (strspn(q->ref, "0") == strlen(q->ref) && is_id(q->ref)) {
        b->why_nothing = "--base is no commit: the branch is new";
        return 0;
    }
    commit = git_commit(g, q->ref, e);
    if (!commit && e->kind == ERR_NOT_FOUND && is_id(q->ref) && remote &&
        remote_fetch_commit(g, remote, q->ref) == 0)
        commit = git_commit(g, q->ref, e);
    if (!commit && e->kind == ERR_NOT_FOUND && is_id(q->ref)) {
        b->why_nothing = "the commit of --base is not to be had";
        cli_say(g->c,
                "--base %s is not here and not to be fetched (a force-push?): every app "
                "counts as changed",
                q->ref);
        return 0;
    }
    if (!commit && e->kind == ERR_NOT_FOUND)
        return err_set(e, ERR_INVALID, 0, "--base '%s' is no commit that is known here: fetch it",
                       q->ref);
    if (!commit)
        return -1;
    if (!is_branch(g, q->ref)) {
        b->commit = commit;
        return 0;
    }
    b->tip = commit;
    return find_merge_base(g, q, remote, commit, b, e);
}

/* --- which run --- */

/* 1 = it is a mainline run, 0 = work, -1. Outside CI it depends on what was pushed: b->tip. */
static int is_mainline_run(struct git *g, const struct base_question *q, const char *remote,
                           const struct base *b, struct err *e)
{
    const char *branch = q->ci.knows_branch ? q->ci.branch : git_branch(g);

    if (!branch || strcmp(branch, b->mainline) || q->ci.target)
        return 0;
    if (q->is_dirty) {
        if (q->ci.is_ci)
            cli_say(g->c, "the checkout has uncommitted work: this is no mainline run");
        return 0;
    }
    if (q->ci.knows_branch || !remote)
        return 1;
    if (!b->tip)
        return 0;
    if (!strcmp(b->tip, q->head))
        return 1;
    return g->is_shallow ? 0 : git_is_ancestor(g, q->head, b->tip, e);
}

/* The mainline as the remote has it. In CI a shallow clone is completed at once: a fetch by itself
 * would bring the files of the whole history. */
static int update_tip(struct git *g, const struct base_question *q, const char *remote,
                      struct base *b, struct err *e)
{
    struct err why = { 0 };
    int failed = 0;

    if (!remote) {
        b->tip = git_commit(g, arena_printf(g->c->arena, "refs/heads/%s", b->mainline), &why);
        return 0;
    }
    if (g->is_shallow && q->ci.is_ci)
        remote_deepen(g, remote, &q->ci, b->mainline);
    else
        failed = remote_fetch_branch(g, remote, b->mainline, &why);
    if (g->c->signo)
        return err_set(e, ERR_TIMEOUT, 0, "interrupted");
    if (failed)
        cli_say(g->c, "%s/%s could not be fetched (%s): what this clone has of it is used", remote,
                b->mainline, why.text);
    b->tip = remote_tip(g, remote, b->mainline, &why);
    return 0;
}

static int base_of_run(struct git *g, const struct base_question *q, const char *remote,
                       struct base *b, struct err *e)
{
    int is_mainline;

    if (q->ci.target)
        b->mainline = q->ci.target;
    else if (find_mainline(g, q, remote, b, e))
        return -1;
    if (!q->ci.knows_branch && update_tip(g, q, remote, b, e))
        return -1;
    is_mainline = is_mainline_run(g, q, remote, b, e);
    if (is_mainline < 0)
        return -1;
    if (is_mainline) {
        b->kind = RUN_MAINLINE;
        return 0;
    }
    if (q->ci.knows_branch && update_tip(g, q, remote, b, e))
        return -1;
    if (b->tip)
        return find_merge_base(g, q, remote, b->tip, b, e);
    b->why_nothing = arena_printf(g->c->arena, "the mainline %s is not known here", b->mainline);
    cli_say(g->c, "%s: every app counts as changed", b->why_nothing);
    return 0;
}

int base_find(struct git *g, const struct base_question *q, struct base *ret, struct err *e)
{
    struct base b = { .kind = RUN_WORK };
    const char *remote = remote_name(g);

    if (q->ref ? base_of_ref(g, q, remote, &b, e) : base_of_run(g, q, remote, &b, e))
        return -1;
    *ret = b;
    return 0;
}
