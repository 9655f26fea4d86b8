#include "inputs_tree.h"

#include <string.h>

#include "apps.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "cli.h"
#include "git.h"
#include "inputs.h"
#include "tree.h"

#define LISTING_MAX (512 * MIB)

/* The whole commit, folders before what is in them (`git ls-tree -r -t`), and one more entry in
 * front: its root. */
struct listing {
    struct tree_entry *entries;
    size_t n;
    size_t *end;   /* [i]: the first entry behind folder i */
    size_t *depth; /* 0 = the root */
    size_t deepest;
};

enum part { PART_NONE, PART_SOME, PART_ALL };

/* One app's view of it. */
struct view {
    enum part *part; /* of each entry */
    const char **id; /* of folders of which some is in it, once written */
};

/* --- pure --- */

static size_t depth_of(const char *path)
{
    size_t n = 1;

    for (; *path; path++)
        n += *path == '/';
    return n;
}

/* Fill in depths, ends and the root, whose children are all other entries. */
static void measure(struct arena *a, const struct tree *t, struct listing *ret)
{
    struct listing l = { .entries = arena_array(a, t->n + 1, sizeof *l.entries), .n = t->n + 1 };
    size_t *open; /* [d]: the folder of depth d that we are in */

    l.end = arena_array(a, l.n, sizeof *l.end);
    l.depth = arena_array(a, l.n, sizeof *l.depth);
    l.entries[0] = (struct tree_entry){ .mode = MODE_TREE, .path = "" };
    if (t->n)
        memcpy(l.entries + 1, t->entries, t->n * sizeof *t->entries);
    for (size_t i = 1; i < l.n; i++) {
        l.depth[i] = depth_of(l.entries[i].path);
        if (l.depth[i] > l.deepest)
            l.deepest = l.depth[i];
    }
    open = arena_array(a, l.deepest + 2, sizeof *open);
    for (size_t i = 0; i < l.n; i++) {
        for (size_t d = l.depth[i]; d <= l.deepest + 1; d++) {
            if (open[d])
                l.end[open[d]] = i;
            open[d] = 0;
        }
        open[l.depth[i]] = i;
    }
    for (size_t i = 0; i < l.n; i++)
        if (!l.end[i])
            l.end[i] = l.n;
    *ret = l;
}

/* The entry behind this one and all that is in it. */
static size_t after(const struct listing *l, size_t i)
{
    return l->entries[i].mode == MODE_TREE ? l->end[i] : i + 1;
}

/* What a folder is when its children are known. */
static enum part sum_up(const struct listing *l, const enum part *part, size_t folder)
{
    bool all = true, some = false;

    for (size_t i = folder + 1; i < l->end[folder]; i = after(l, i)) {
        all &= part[i] == PART_ALL;
        some |= part[i] != PART_NONE;
    }
    return !some ? PART_NONE : all ? PART_ALL : PART_SOME;
}

/* From the last to the first: children before their folder. */
static struct view look(struct arena *a, const struct listing *l, const struct apps *apps,
                        const struct app *app, const struct place *places)
{
    struct view v = { .part = arena_array(a, l->n, sizeof *v.part),
                      .id = arena_array(a, l->n, sizeof *v.id) };

    for (size_t i = l->n; i-- > 0;) {
        if (l->entries[i].mode == MODE_TREE)
            v.part[i] = sum_up(l, v.part, i);
        else
            v.part[i] = inputs_has(apps, app, &places[i]) ? PART_ALL : PART_NONE;
    }
    return v;
}

/* What is the same for all apps. */
static struct place *place_all(struct arena *a, const struct listing *l, const struct project *p,
                               const struct apps *apps)
{
    struct place *places = arena_array(a, l->n, sizeof *places);

    for (size_t i = 0; i < l->n; i++)
        if (l->entries[i].mode != MODE_TREE)
            places[i] = inputs_place(p, apps, l->entries[i].path);
    return places;
}

static const char *kind_of(unsigned mode)
{
    return mode == MODE_TREE ? "tree" : mode == MODE_COMMIT ? "commit" : "blob";
}

/* The folder as `git mktree -z` reads it. */
static int describe(const struct listing *l, const struct view *v, size_t folder, struct text *t,
                    struct err *e)
{
    for (size_t i = folder + 1; i < l->end[folder]; i = after(l, i)) {
        const struct tree_entry *entry = &l->entries[i];
        const char *name = strrchr(entry->path, '/');

        if (v->part[i] == PART_NONE)
            continue;
        if (text_addf(t, e, "%06o %s %s\t%s", entry->mode, kind_of(entry->mode),
                      v->part[i] == PART_SOME ? v->id[i] : entry->id,
                      name ? name + 1 : entry->path) ||
            text_add(t, "", 1, e))
            return -1;
    }
    return 0;
}

/* --- git --- */

static int list(const struct git *g, const char *commit, struct listing *ret, struct err *e)
{
    struct git_call call = {
        .args = (const char *const[]){ "ls-tree", "-r", "-t", "-z", "--full-tree", commit, NULL },
        .max_bytes = LISTING_MAX,
    };
    struct child_result r;
    struct tree t;

    if (git_call(g, &call, &r, e))
        return -1;
    if (r.status)
        return git_failed(g, &r, e);
    if (tree_parse(r.out, r.out_len, g->c->arena, &t, e))
        return -1;
    measure(g->c->arena, &t, ret);
    return 0;
}

/* The folders of this depth that must be written, of all apps; *ret_ids are where their ids go. */
static int gather(const struct listing *l, const struct view *views, size_t n_views, size_t depth,
                  struct text *t, const char ***ret_ids, size_t *ret_n, struct err *e)
{
    size_t n = 0;

    for (size_t i = 0; i < n_views; i++) {
        for (size_t j = 0; views[i].part && j < l->n; j++) {
            if (l->depth[j] != depth || l->entries[j].mode != MODE_TREE ||
                (views[i].part[j] != PART_SOME && j != 0))
                continue;
            if (describe(l, &views[i], j, t, e) || text_add(t, "", 1, e))
                return -1;
            ret_ids[n++] = &views[i].id[j];
        }
    }
    *ret_n = n;
    return 0;
}

static int write_level(const struct git *g, const struct text *t, const char ***ids, size_t n,
                       struct err *e)
{
    struct git_call call = {
        .args = (const char *const[]){ "mktree", "-z", "--missing", "--batch", NULL },
        .input = t->bytes,
        .input_len = t->len,
    };
    struct child_result r;
    const char *at;

    if (git_call(g, &call, &r, e))
        return -1;
    if (r.status)
        return git_failed(g, &r, e);
    at = r.out;
    for (size_t i = 0; i < n; i++) {
        size_t len = strcspn(at, "\n");

        if (len < 40 || at[len] != '\n')
            return err_set(e, ERR_INVALID, 0, "git mktree: its output is not understood");
        *ids[i] = arena_strndup(g->c->arena, at, len);
        at += len + 1;
    }
    return 0;
}

static int write_views(const struct git *g, const struct listing *l, struct view *views,
                       size_t n_views, struct err *e)
{
    const char ***ids = arena_array(g->c->arena, n_views * l->n + 1, sizeof *ids);

    for (size_t depth = l->deepest + 1; depth-- > 0;) {
        AUTO(text) struct text t = TEXT_INIT(LISTING_MAX);
        size_t n = 0;

        if (gather(l, views, n_views, depth, &t, ids, &n, e) ||
            (n && write_level(g, &t, ids, n, e)))
            return -1;
    }
    return 0;
}

int inputs_trees(const struct git *g, const char *commit, const struct project *p,
                 const struct apps *apps, const bool *wanted, const char ***ret, struct err *e)
{
    struct arena *a = g->c->arena;
    struct view *views = arena_array(a, apps->n + 1, sizeof *views);
    const char **ids = arena_array(a, apps->n + 1, sizeof *ids);
    const struct place *places;
    struct listing l;

    if (list(g, commit, &l, e))
        return -1;
    places = place_all(a, &l, p, apps);
    for (size_t i = 0; i < apps->n; i++)
        if (!wanted || wanted[i])
            views[i] = look(a, &l, apps, &apps->list[i], places);
    if (write_views(g, &l, views, apps->n, e))
        return -1;
    for (size_t i = 0; i < apps->n; i++)
        ids[i] = views[i].id ? views[i].id[0] : NULL;
    *ret = ids;
    return 0;
}
