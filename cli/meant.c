#include "meant.h"

#include <string.h>

#include "ask.h"
#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"
#include "child.h"
#include "ci.h"
#include "cli.h"
#include "options.h"
#include "project.h"
#include "release.h"
#include "settings.h"

static int head(struct cli *c, const char **ret, struct err *e)
{
    const struct child_spec spec = { .argv = (const char *const[]){ "git", "rev-parse", "--verify",
                                                                    "HEAD^{commit}", NULL } };
    struct child_result r;

    if (child_run(c, &spec, &r, e))
        return -1;
    if (r.status)
        return err_set(e, ERR_INVALID, 0,
                       "which commit? here is no git repository with one: give "
                       "--commit SHA");
    *ret = arena_strndup(c->arena, r.out, strcspn(r.out, "\n"));
    return 0;
}

int meant_commit(struct cli *c, const struct settings *s, const char **ret, struct err *e)
{
    const char *commit = c->options->commit ? c->options->commit : s->of[SET_GIT_SHA].value;

    if (!commit && head(c, &commit, e))
        return -1;
    if (!commit_is_valid(commit))
        return err_set(e, ERR_INVALID, 0, "commit '%s': " COMMIT_RULE, commit);
    *ret = commit;
    return 0;
}

struct wanted_app meant_app(const struct project *p, const char *name, const char *commit)
{
    const struct project_app *app = project_app(p, name);
    struct wanted_app w = { .name = name, .commit = commit };

    if (app) {
        w.repository = app->repository;
        w.deployment = app->deployment;
        w.containers = app->containers;
        w.depends_on = app->depends_on;
    }
    return w;
}

static int put_registry(struct cli *c, const struct settings *s, bool is_there, struct wanted *w,
                        struct err *e)
{
    struct registry_setting r;
    struct err why = { 0 };

    if (settings_registry(c, s, &r, &why) == 0) {
        w->registry = r.base;
        return 0;
    }
    if (is_there && !s->of[SET_REGISTRY].value)
        return 0; /* as the object says */
    *e = why;
    return -1;
}

/* spec.source: shown, never acted on. */
static const char *source(struct cli *c)
{
    const char *server = cli_env(c, "GITHUB_SERVER_URL"), *run = cli_env(c, "GITHUB_RUN_ID");
    const char *repository = cli_env(c, "GITHUB_REPOSITORY");
    const char *ref = cli_env(c, "GITHUB_REF_NAME");
    AUTO(json) cJSON *tree = cJSON_CreateObject();
    char *text;
    const char *copy;

    json_put_str(tree, "actor", cli_actor(c));
    json_put_str(tree, "ref", ref ? ref : cli_env(c, "CI_COMMIT_REF_NAME"));
    if (server && repository && run)
        json_put_str(tree, "runURL",
                     arena_printf(c->arena, "%s/%s/actions/runs/%s", server, repository, run));
    else
        json_put_str(tree, "runURL", cli_env(c, "CI_JOB_URL"));
    text = json_print(tree);
    copy = arena_strdup(c->arena, text);
    cJSON_free(text);
    return copy;
}

int meant_complete(struct cli *c, const struct settings *s, const struct project *p, bool is_there,
                   struct wanted *w, struct err *e)
{
    w->spec = p->release;
    w->source = source(c);
    return put_registry(c, s, is_there, w, e);
}

/* Whose work it is: the branch that CI runs or that is checked out, where it is its commit. */
static const char *branch_of(struct cli *c, const char *commit)
{
    const struct child_spec spec = {
        .argv = (const char *const[]){ "git", "symbolic-ref", "--quiet", "--short", "HEAD", NULL }
    };
    struct ci ci = ci_read(c);
    struct err ignored = { 0 };
    struct child_result r;
    const char *at;

    if (ci.knows_branch)
        return ci.branch;
    if (head(c, &at, &ignored) || !commit_matches(at, commit) ||
        child_run(c, &spec, &r, &ignored) || r.status)
        return NULL;
    return arena_strndup(c->arena, r.out, strcspn(r.out, "\n"));
}

int meant_apps(struct cli *c, const struct settings *s, const cJSON *object, const char *commit,
               struct wanted *ret, struct err *e)
{
    const char **names = c->options->apps;
    struct wanted_app *apps;
    size_t n = 0;

    if (!names && c->options->all)
        names = release_listed(object, c->arena);
    if (!names || !*names)
        return err_set(e, ERR_INVALID, 0, "which apps? give --apps A,B%s",
                       c->options->all ? ": none is listed yet" : ", or --all");
    while (names[n])
        n++;
    apps = arena_array(c->arena, n, sizeof *apps);
    for (size_t i = 0; i < n; i++) {
        apps[i] = meant_app(s->project, names[i], commit);
        apps[i].is_work = true;
    }
    *ret = (struct wanted){ .commit = commit,
                            .apps = apps,
                            .n_apps = n,
                            .branch = branch_of(c, commit),
                            .actor = cli_actor(c) };
    return meant_complete(c, s, s->project, object != NULL, ret, e);
}
