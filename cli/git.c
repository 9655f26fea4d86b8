#include "git.h"

#include <string.h>

#include "base/text.h"
#include "cli.h"
#include "io/loop.h"

/* `git rev-parse --local-env-vars` and what else changes what git reads and prints. */
static const char *const UNSET[] = {
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
    "GIT_OBJECT_DIRECTORY",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_REPLACE_REF_BASE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_COMMON_DIR",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_REF_PARANOIA",
    "GIT_QUARANTINE_PATH",
    "GIT_NAMESPACE",
    "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_DIFF_OPTS",
    "GIT_EXTERNAL_DIFF",
    "GIT_OPTIONAL_LOCKS",
    "GIT_TERMINAL_PROMPT",
    "GIT_AUTHOR_NAME",
    "GIT_AUTHOR_EMAIL",
    "GIT_AUTHOR_DATE",
    "GIT_COMMITTER_NAME",
    "GIT_COMMITTER_EMAIL",
    "GIT_COMMITTER_DATE",
    "LC_ALL",
    "LANGUAGE",
};

/* Replacements would give a commit another tree than its id says. A prompt would stop us: we are
 * not the terminal's foreground. */
static const char *const SET[] = { "GIT_OPTIONAL_LOCKS=0", "GIT_NO_REPLACE_OBJECTS=1",
                                   "GIT_TERMINAL_PROMPT=0", "LC_ALL=C", NULL };

static const char *const FLAGS_OF_ALL[] = { "git",
                                            "--no-pager",
                                            "--literal-pathspecs",
                                            "-c",
                                            "core.hooksPath=/dev/null",
                                            "-c",
                                            "core.quotePath=false",
                                            "-c",
                                            "gc.auto=0",
                                            "-c",
                                            "maintenance.auto=false" };

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

static size_t count(const char *const *list)
{
    size_t n = 0;

    while (list[n])
        n++;
    return n;
}

static bool is_unset(const char *variable)
{
    for (size_t i = 0; i < N_OF(UNSET); i++) {
        size_t len = strlen(UNSET[i]);

        if (strncmp(variable, UNSET[i], len) == 0 && variable[len] == '=')
            return true;
    }
    return false;
}

static const char *const *clean_env(const struct cli *c)
{
    const char **env = arena_array(c->arena, count(c->env) + N_OF(SET), sizeof *env);
    size_t n = 0;

    for (const char *const *at = c->env; *at; at++)
        if (!is_unset(*at))
            env[n++] = *at;
    memcpy(env + n, SET, sizeof SET);
    return env;
}

struct git git_with(const struct git *g, const char *const *variables)
{
    size_t n = count(g->env), more = count(variables);
    const char **env = arena_array(g->c->arena, n + more + 1, sizeof *env);
    struct git with = *g;

    memcpy(env, g->env, n * sizeof *env);
    memcpy(env + n, variables, more * sizeof *env);
    with.env = env;
    return with;
}

/* --- errors --- */

/* The first line of stderr that begins with "fatal: " or "error: ", without that; else the last. */
static const char *say_why(struct arena *a, const char *text)
{
    const char *last = "";

    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\n");

        if (!strncmp(line, "fatal: ", 7) || !strncmp(line, "error: ", 7))
            return arena_strndup(a, line + 7, len - 7);
        if (len)
            last = arena_strndup(a, line, len);
        line += len + (line[len] == '\n');
    }
    return last;
}

static bool has_any(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strstr(text, *words))
            return true;
    return false;
}

int git_failed(const struct git *g, const struct child_result *r, struct err *e)
{
    static const char *const ABSENT[] = { "bad object",
                                          "Not a valid object name",
                                          "not a valid object name",
                                          "not a tree object",
                                          "unknown revision",
                                          "Needed a single revision",
                                          "bad revision",
                                          "invalid object name",
                                          "is not a commit",
                                          "ambiguous argument",
                                          "couldn't find remote ref",
                                          "not our ref",
                                          NULL };
    static const char *const REMOTE[] = { "Could not read from remote",
                                          "unable to access",
                                          "Authentication failed",
                                          "could not read Username",
                                          "could not read Password",
                                          "early EOF",
                                          "does not appear to be a git repository",
                                          "promisor remote",
                                          NULL };
    char why[200];
    const char *fix = strstr(r->err, "git config --global --add safe.directory");

    text_clip(why, sizeof why, say_why(g->c->arena, r->err));
    text_scrub(why);
    if (fix)
        return err_set(e, ERR_INVALID, r->status,
                       "this clone belongs to another user; if you trust it: %.*s",
                       (int)strcspn(fix, "\n"), fix);
    if (has_any(r->err, REMOTE))
        return err_set(e, ERR_NET, r->status, "git: %s", why);
    if (strstr(r->err, "not a git repository"))
        return err_set(e, ERR_INVALID, r->status, "%s is in no git repository", g->top);
    if (strstr(r->err, "must be run in a work tree"))
        return err_set(e, ERR_INVALID, r->status, "%s has no working tree (a bare repository)",
                       g->top);
    if (has_any(r->err, ABSENT))
        return err_set(e, ERR_NOT_FOUND, r->status, "git: %s", why);
    return err_set(e, ERR_REFUSED, r->status, "git: %s (exit %d)", why, r->status);
}

/* --- calls --- */

/* A child with a time limit. */
struct limited {
    struct child *child;
    struct loop_timer timer;
    bool over, too_late;
};

static void on_exit_of(struct child *child, void *ctx)
{
    (void)child;
    ((struct limited *)ctx)->over = true;
}

static void on_limit(void *ctx)
{
    struct limited *l = ctx;

    l->too_late = true;
    child_stop(l->child);
}

static const char *keep(struct arena *a, const char *bytes, size_t n)
{
    char *copy = arena_alloc(a, n + 1);

    memcpy(copy, bytes, n);
    return copy;
}

static int run_limited(struct cli *c, struct child_spec spec, int64_t limit_ms,
                       struct child_result *ret, struct err *e)
{
    struct limited l = { .timer = { .fn = on_limit, .ctx = &l } };

    spec.on_exit = on_exit_of;
    spec.ctx = &l;
    l.child = child_start(c, &spec, e);
    if (!l.child)
        return -1;
    loop_timer_set(c->loop, &l.timer, loop_now_ms(c->loop) + limit_ms);
    while (!l.over) {
        if (c->signo)
            child_stop(l.child);
        loop_turn(c->loop, -1);
    }
    loop_timer_stop(c->loop, &l.timer);
    child_result(l.child, ret);
    ret->out = keep(c->arena, ret->out, ret->out_len);
    ret->err = arena_strdup(c->arena, ret->err);
    child_free(l.child);
    if (c->signo)
        return err_set(e, ERR_TIMEOUT, 0, "interrupted");
    if (l.too_late)
        return err_set(e, ERR_TIMEOUT, 0, "git: no end after %lld s", (long long)limit_ms / 1000);
    return 0;
}

int git_call(const struct git *g, const struct git_call *call, struct child_result *ret,
             struct err *e)
{
    size_t n = count(call->args);
    const char **argv = arena_array(g->c->arena, N_OF(FLAGS_OF_ALL) + n + 1, sizeof *argv);
    struct child_spec spec = { .argv = argv,
                               .dir = g->top,
                               .env = g->env,
                               .input = call->input,
                               .input_len = call->input_len,
                               .max_bytes = call->max_bytes };

    memcpy(argv, FLAGS_OF_ALL, sizeof FLAGS_OF_ALL);
    memcpy(argv + N_OF(FLAGS_OF_ALL), call->args, n * sizeof *argv);
    if (!call->limit_ms)
        return child_run(g->c, &spec, ret, e);
    return run_limited(g->c, spec, call->limit_ms, ret, e);
}

int git_ask_(const struct git *g, const char *const *args, struct child_result *ret, struct err *e)
{
    if (git_call(g, &(struct git_call){ .args = args }, ret, e))
        return -1;
    return ret->status ? git_failed(g, ret, e) : 0;
}

const char *git_word_(const struct git *g, const char *const *args, struct err *e)
{
    struct child_result r;
    size_t len;

    if (git_ask_(g, args, &r, e))
        return NULL;
    len = strlen(r.out);
    return arena_strndup(g->c->arena, r.out, len - (len && r.out[len - 1] == '\n'));
}

const char *git_path(const struct git *g, const char *name, struct err *e)
{
    const char *path = git_word(g, e, "rev-parse", "--git-path", name);

    return path && *path != '/' ? arena_printf(g->c->arena, "%s/%s", g->top, path) : path;
}

const char *git_commit(const struct git *g, const char *name, struct err *e)
{
    const char *id = git_word(g, e, "rev-parse", "--verify", "--quiet", "--end-of-options",
                              arena_printf(g->c->arena, "%s^{commit}", name));

    if (id && *id)
        return id;
    if (e->kind == ERR_REFUSED || id) /* --quiet says nothing of what is not there */
        err_set(e, ERR_NOT_FOUND, 0, "'%s' is no commit that is known here", name);
    return NULL;
}

const char *git_branch(const struct git *g)
{
    struct err ignored;

    return git_word(g, &ignored, "symbolic-ref", "--quiet", "--short", "HEAD");
}

int git_is_ancestor(const struct git *g, const char *old, const char *new, struct err *e)
{
    struct child_result r;

    if (git_run(g, &r, e, "merge-base", "--is-ancestor", old, new))
        return -1;
    return r.status == 0 ? 1 : r.status == 1 ? 0 : git_failed(g, &r, e);
}

/* --- the repository --- */

/* Cut the first line off *at. */
static const char *cut_line(struct arena *a, const char **at)
{
    size_t len = strcspn(*at, "\n");
    const char *line = arena_strndup(a, *at, len);

    *at += len + ((*at)[len] == '\n');
    return line;
}

int git_open(struct cli *c, struct git *ret, struct err *e)
{
    struct git g = { .c = c, .top = c->dir, .env = clean_env(c) };
    const char *out, *top;

    out = git_word(&g, e, "rev-parse", "--is-shallow-repository", "--show-toplevel");
    if (!out && e->kind == ERR_NOT_FOUND)
        return err_set(e, ERR_REFUSED, 0, "git is not installed");
    if (!out)
        return -1;
    g.is_shallow = !strcmp(cut_line(c->arena, &out), "true");
    top = out; /* may hold newlines */
    g.dir = git_word(&g, e, "rev-parse", "--absolute-git-dir");
    if (!g.dir)
        return -1;
    g.top = top;
    *ret = g;
    return 0;
}
