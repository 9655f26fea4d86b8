#include "graph.h"

#include <string.h>

#include "apps.h"
#include "base/err.h"
#include "cli.h"
#include "git.h"
#include "inputs.h"
#include "lockfile.h"
#include "tree.h"

#define PACKAGES_DIR "packages/"
#define MANIFEST "/package.json"

/* --- packages --- */

/* "packages/ui/package.json" → the length of "packages/ui"; 0 for any other path. */
static size_t folder_len(const char *path)
{
    size_t len = strlen(path), tail = strlen(MANIFEST);

    if (len <= strlen(PACKAGES_DIR) + tail || strcmp(path + len - tail, MANIFEST) != 0)
        return 0;
    return len - tail;
}

static struct app *find_outer(const struct apps *apps, const char *path)
{
    for (size_t i = apps->n; i < apps->n_all; i++) {
        size_t len = strlen(apps->list[i].dir);

        if (!strncmp(apps->list[i].dir, path, len) && path[len] == '/')
            return &apps->list[i];
    }
    return NULL;
}

/* The entries that are a package.json, shortest paths first: a package before what is nested. */
static size_t pick_manifests(const struct tree *t, const struct tree_entry **ret)
{
    size_t n = 0;

    for (size_t i = 0; i < t->n; i++) {
        size_t at = n;

        if (!folder_len(t->entries[i].path))
            continue;
        for (; at > 0 && folder_len(ret[at - 1]->path) > folder_len(t->entries[i].path); at--)
            ret[at] = ret[at - 1];
        ret[at] = &t->entries[i];
        n++;
    }
    return n;
}

int graph_add_packages(const struct git *g, const char *commit, struct apps *apps, struct err *e)
{
    struct arena *a = g->c->arena;
    struct child_result r;
    struct tree t;
    const struct tree_entry **manifests;
    struct app **owners, *list;
    size_t n;

    if (git_ask(g, &r, e, "ls-tree", "-r", "-z", "--full-tree", commit, PACKAGES_DIR) ||
        tree_parse(r.out, r.out_len, a, &t, e))
        return -1;
    manifests = arena_array(a, t.n + 1, sizeof *manifests);
    n = pick_manifests(&t, manifests);
    list = arena_array(a, apps->n + n + 1, sizeof *list);
    owners = arena_array(a, n + 1, sizeof *owners);
    memcpy(list, apps->list, apps->n * sizeof *list);
    *apps = (struct apps){ list, apps->n, apps->n };
    for (size_t i = 0; i < n; i++) {
        owners[i] = find_outer(apps, manifests[i]->path);
        if (owners[i])
            continue;
        owners[i] = &list[apps->n_all++];
        owners[i]->dir = arena_strndup(a, manifests[i]->path, folder_len(manifests[i]->path));
        owners[i]->name = owners[i]->dir;
    }
    if (apps_read_packages(g, manifests, owners, n, e))
        return -1;
    apps_link(a, apps);
    return 0;
}

/* --- the lockfile --- */

/* NULL: it is not there, or not understood, which is said. */
static struct lockfile *read_lockfile(const struct git *g, const char *commit)
{
    struct err why = { 0 };
    const char *text =
        git_word(g, &why, "cat-file", "blob", arena_printf(g->c->arena, "%s:" LOCKFILE, commit));
    struct lockfile *l = text ? lockfile_parse(text, &why) : NULL;

    if (!l)
        cli_say(g->c, "--graph: %s of %.12s: a change of it counts for every app", why.text,
                commit);
    return l;
}

/* The folders whose dependencies an app gets: its own, those it needs, and the root. */
static const char **importers_of(struct arena *a, const struct apps *apps, const struct app *app)
{
    const char **dirs = arena_array(a, apps->n_all + 2, sizeof *dirs);
    size_t n = 0;

    dirs[n++] = ".";
    for (size_t i = 0; i < apps->n_all; i++)
        if (app->needs[i] && (apps->list[i].packages || apps->list[i].wants))
            dirs[n++] = apps->list[i].dir;
    return dirs;
}

/* The path's place among the reasons, or their number. */
static size_t find_reason(const struct app_changes *since, const char *path)
{
    size_t i = 0;

    while (since->paths && since->paths[i] && strcmp(since->paths[i], path) != 0)
        i++;
    return since->paths && since->paths[i] ? i : since->n;
}

static void drop_reason(struct app_changes *since, size_t at)
{
    for (; since->paths[at]; at++)
        since->paths[at] = since->paths[at + 1];
    since->n--;
}

int graph_compare_lockfiles(const struct git *g, const char *base, const char *commit,
                            const struct apps *apps, struct app_changes *since, struct err *e)
{
    AUTO(lockfile) struct lockfile *old = NULL;
    AUTO(lockfile) struct lockfile *new = NULL;
    bool is_read = false;

    for (size_t i = 0; i < apps->n; i++) {
        size_t at = find_reason(&since[i], LOCKFILE);

        if (at == since[i].n)
            continue;
        if (!is_read) {
            old = read_lockfile(g, base);
            new = read_lockfile(g, commit);
            is_read = true;
        }
        if (g->c->signo)
            return err_set(e, ERR_TIMEOUT, 0, "interrupted");
        if (old &&
            new &&lockfile_is_same(old, new, importers_of(g->c->arena, apps, &apps->list[i])))
            drop_reason(&since[i], at);
    }
    return 0;
}
