#include "checkout.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "cli.h"
#include "git.h"
#include "tree.h"

#define FIXED_TIME 946684800 /* 2000-01-01T00:00:00Z */
#define LISTING_MAX (512 * MIB)
#define NESTED_MAX 8 /* submodules in submodules */

/* --- folders --- */

static int make_folder(const char *path, struct err *e)
{
    if (mkdir(path, 0777) && errno != EEXIST)
        return err_set(e, ERR_REFUSED, errno, "%s: %s", path, strerror(errno));
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path) ? -1 : 0;
}

static int remove_all(const char *path, struct err *e)
{
    if (nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS) && errno != ENOENT)
        return err_set(e, ERR_REFUSED, errno, "%s cannot be removed: %s", path, strerror(errno));
    return 0;
}

static int lock(const char *path, int *ret, struct err *e)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

    if (fd < 0)
        return err_set(e, ERR_REFUSED, errno, "%s: %s", path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        int why = errno;

        close(fd);
        if (why == EWOULDBLOCK)
            return err_set(e, ERR_CONFLICT, 0, "another shopflow builds it in this clone");
        return err_set(e, ERR_REFUSED, why, "%s: %s", path, strerror(why));
    }
    *ret = fd;
    return 0;
}

/* --- times --- */

/* From the blob's id: 30 bits of it. */
static long nanoseconds_of(const char *id)
{
    char digits[9] = { 0 };

    memcpy(digits, id, 8);
    return (long)(strtoul(digits, NULL, 16) % 1000000000UL);
}

static int set_time(const char *path, long nanoseconds)
{
    struct timespec t = { .tv_sec = FIXED_TIME, .tv_nsec = nanoseconds };

    return utimensat(AT_FDCWD, path, (struct timespec[]){ t, t }, AT_SYMLINK_NOFOLLOW);
}

/* Folders too, deepest first. */
static int set_times(struct arena *a, const char *dir, const struct tree *t, struct err *e)
{
    for (size_t i = t->n; i-- > 0;) {
        const struct tree_entry *entry = &t->entries[i];
        bool is_file = entry->mode != MODE_TREE && entry->mode != MODE_COMMIT;
        const char *path = arena_printf(a, "%s/%s", dir, entry->path);

        if (set_time(path, is_file ? nanoseconds_of(entry->id) : 0))
            return err_set(e, ERR_REFUSED, errno, "%s: %s", path_show(a, path), strerror(errno));
    }
    return set_time(dir, 0) ? err_set(e, ERR_REFUSED, errno, "%s: %s", dir, strerror(errno)) : 0;
}

/* --- files --- */

static int list(const struct git *g, const char *tree, struct tree *ret, struct err *e)
{
    struct git_call call = {
        .args = (const char *const[]){ "ls-tree", "-r", "-t", "-z", "--full-tree", tree, NULL },
        .max_bytes = LISTING_MAX,
    };
    struct child_result r;

    if (git_call(g, &call, &r, e))
        return -1;
    if (r.status)
        return git_failed(g, &r, e);
    return tree_parse(r.out, r.out_len, g->c->arena, ret, e);
}

/* By git's own checkout, with an index that is thrown away. */
static int write_files(const struct git *g, const char *tree, const char *dir, const char *index,
                       struct err *e)
{
    struct arena *a = g->c->arena;
    struct git with =
        git_with(g, (const char *const[]){ arena_printf(a, "GIT_DIR=%s", g->dir),
                                           arena_printf(a, "GIT_WORK_TREE=%s", dir),
                                           arena_printf(a, "GIT_INDEX_FILE=%s", index), NULL });
    struct child_result r;
    mode_t old = umask(022);
    int failed;

    unlink(index);
    unlink(arena_printf(a, "%s.lock", index)); /* of a git that was killed */
    failed = make_folder(dir, e) ||
             git_ask(&with, &r, e, "-c", "core.autocrlf=false", "-c", "core.eol=lf", "-c",
                     "core.symlinks=true", "-c", "core.fileMode=true", "-c",
                     "core.attributesFile=/dev/null", "-c", "core.sparseCheckout=false", "-c",
                     "core.fsmonitor=false", "-c", "core.splitIndex=false", "-c",
                     "submodule.recurse=false", "read-tree", "--reset", "-u", tree);
    umask(old);
    unlink(index);
    return failed ? -1 : 0;
}

/* The submodule's own clone; it must be here, and hold the commit. */
static int open_submodule(const struct git *g, const struct tree_entry *entry, struct git *ret,
                          struct err *e)
{
    struct arena *a = g->c->arena;
    const char *shown = path_show(a, entry->path);
    struct git sub = *g;
    struct err why = { 0 };
    const char *top;

    sub.top = arena_printf(a, "%s/%s", g->top, entry->path);
    top = access(sub.top, X_OK) ? NULL : git_word(&sub, &why, "rev-parse", "--show-toplevel");
    if (!top || strcmp(top, sub.top) != 0)
        return err_set(e, ERR_INVALID, 0,
                       "the submodule %s is not here: git submodule update --init --recursive",
                       shown);
    sub.dir = git_word(&sub, e, "rev-parse", "--absolute-git-dir");
    if (!sub.dir)
        return -1;
    if (!git_commit(&sub, entry->id, &why))
        return err_set(e, ERR_INVALID, 0,
                       "the submodule %s does not have %.12s: git submodule update --init "
                       "--recursive",
                       shown, entry->id);
    *ret = sub;
    return 0;
}

static int fill(const struct git *g, const char *tree, const char *dir, const char *index,
                int depth, struct err *e)
{
    struct arena *a = g->c->arena;
    struct tree t;

    if (list(g, tree, &t, e) || write_files(g, tree, dir, index, e))
        return -1;
    for (size_t i = 0; i < t.n; i++) {
        struct git sub;

        if (t.entries[i].mode != MODE_COMMIT)
            continue;
        if (depth == NESTED_MAX)
            return err_set(e, ERR_INVALID, 0, "submodules are nested more than %d deep",
                           NESTED_MAX);
        if (open_submodule(g, &t.entries[i], &sub, e) ||
            fill(&sub, t.entries[i].id, arena_printf(a, "%s/%s", dir, t.entries[i].path), index,
                 depth + 1, e))
            return -1;
    }
    return set_times(a, dir, &t, e);
}

const char *checkout_dir(const struct git *g, const char *app)
{
    return arena_printf(g->c->arena, "%s/shopflow/%s/inputs", g->dir, app);
}

int checkout_open(const struct git *g, const char *app, const char *tree, struct checkout *ret,
                  struct err *e)
{
    struct arena *a = g->c->arena;
    const char *base = arena_printf(a, "%s/shopflow", g->dir);
    struct checkout k = { .dir = checkout_dir(g, app), .lock = -1 };

    if (make_folder(base, e) || make_folder(arena_printf(a, "%s/%s", base, app), e) ||
        lock(arena_printf(a, "%s/%s/lock", base, app), &k.lock, e))
        return -1;
    if (remove_all(k.dir, e) ||
        fill(g, tree, k.dir, arena_printf(a, "%s/%s/index", base, app), 0, e)) {
        checkout_close(&k);
        return -1;
    }
    *ret = k;
    return 0;
}

void checkout_close(struct checkout *k)
{
    if (k->lock >= 0)
        close(k->lock); /* and with it the lock */
    k->lock = -1;
}
