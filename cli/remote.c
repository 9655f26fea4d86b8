#include "remote.h"

#include <string.h>

#include "base/err.h"
#include "ci.h"
#include "cli.h"
#include "git.h"

#define ASK_MS 15000
#define FETCH_MS 60000
#define DEEPEN_MS 600000

/* Nothing beside the objects and the ref: no tags, no submodules, no FETCH_HEAD of the user's. */
#define FETCH                                                                                      \
    "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head",           \
        "--no-prune"

static int ask(const struct git *g, int64_t limit_ms, const char *const *args,
               struct child_result *ret, struct err *e)
{
    if (git_call(g, &(struct git_call){ .args = args, .limit_ms = limit_ms }, ret, e))
        return -1;
    return ret->status ? git_failed(g, ret, e) : 0;
}

const char *remote_name(const struct git *g)
{
    struct err ignored;
    const char *names = git_word(g, &ignored, "remote");
    size_t first = names ? strcspn(names, "\n") : 0;

    for (const char *at = names; at && *at; at += strcspn(at, "\n"), at += *at == '\n')
        if (!strncmp(at, "origin", 6) && (at[6] == '\n' || !at[6]))
            return "origin";
    return first && !names[first] ? names : NULL;
}

static const char *tracking(const struct git *g, const char *remote, const char *branch)
{
    return arena_printf(g->c->arena, "refs/remotes/%s/%s", remote, branch);
}

const char *remote_tip(const struct git *g, const char *remote, const char *branch, struct err *e)
{
    return git_commit(g, tracking(g, remote, branch), e);
}

/* "ref: refs/heads/main\tHEAD" → "main" */
static const char *head_of(struct arena *a, const char *text)
{
    static const char BEGIN[] = "ref: refs/heads/";
    const char *at = strstr(text, BEGIN);

    return at ? arena_strndup(a, at + strlen(BEGIN), strcspn(at + strlen(BEGIN), "\t\n")) : NULL;
}

const char *remote_mainline(const struct git *g, const char *remote)
{
    const char *prefix = arena_printf(g->c->arena, "refs/remotes/%s/", remote);
    const char *args[] = { "ls-remote", "--symref", remote, "HEAD", "refs/heads/develop", NULL };
    struct child_result r;
    struct err why = { 0 };
    const char *head;

    if (ask(g, ASK_MS, args, &r, &why) == 0)
        return strstr(r.out, "\trefs/heads/develop\n") ? "develop" : head_of(g->c->arena, r.out);
    cli_say(g->c, "%s does not answer: %s", remote, why.text);
    head =
        git_word(g, &why, "symbolic-ref", "--quiet", arena_printf(g->c->arena, "%sHEAD", prefix));
    return head && !strncmp(head, prefix, strlen(prefix)) ? head + strlen(prefix) : NULL;
}

int remote_fetch_branch(const struct git *g, const char *remote, const char *branch, struct err *e)
{
    const char *spec =
        arena_printf(g->c->arena, "+refs/heads/%s:%s", branch, tracking(g, remote, branch));
    const char *args[] = { FETCH, remote, spec, NULL };
    struct child_result r;

    return ask(g, FETCH_MS, args, &r, e);
}

int remote_fetch_commit(const struct git *g, const char *remote, const char *id)
{
    const char *whole[] = { FETCH, remote, id, NULL };
    const char *alone[] = { FETCH, "--depth=1", remote, id, NULL };
    struct child_result r;
    struct err why;

    return ask(g, FETCH_MS, g->is_shallow ? alone : whole, &r, &why);
}

/* In CI the history without files is enough and small; elsewhere a filter would make a partial
 * clone of the user's. Whatever is fetched, the remote completes all that this clone has of it. */
static int unshallow(const struct git *g, const char *remote, const struct ci *ci,
                     const char *branch, struct err *e)
{
    const char *what = branch ? arena_printf(g->c->arena, "+refs/heads/%s:%s", branch,
                                             tracking(g, remote, branch)) :
                                "HEAD";
    const char *filter = ci->is_ci ? "--filter=tree:0" : NULL; /* the last: it ends the list */
    const char *args[] = { FETCH, "--unshallow", remote, what, filter, NULL };
    struct child_result r;

    return ask(g, DEEPEN_MS, args, &r, e);
}

int remote_deepen(struct git *g, const char *remote, const struct ci *ci, const char *branch)
{
    struct err why = { 0 };
    const char *still;

    if (!remote) {
        cli_say(g->c, "a shallow clone without a remote");
        return -1;
    }
    if (unshallow(g, remote, ci, branch, &why)) {
        cli_say(g->c, "fetching the history: %s", why.text);
        return -1;
    }
    still = git_word(g, &why, "rev-parse", "--is-shallow-repository");
    g->is_shallow = !still || strcmp(still, "false") != 0;
    return g->is_shallow ? -1 : 0;
}
