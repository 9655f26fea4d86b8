#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "cli.h"
#include "dirt.h"
#include "git.h"
#include "tree.h"

#define FILE_MAX_BYTES (10 * MIB)
#define NAMED_MAX 20 /* paths on stderr */
#define WHO "shopflow"
#define EMAIL "shopflow@localhost"

/* --- what there is --- */

static int read_dirt(const struct git *g, struct dirt *ret, struct err *e)
{
    struct child_result r;

    if (git_ask(g, &r, e, "status", "--porcelain=v2", "-z", "--untracked-files=all",
                "--ignore-submodules=none", "--no-renames"))
        return -1;
    return dirt_parse(r.out, r.out_len, g->c->arena, ret, e);
}

static const char *refusal_of(const struct git *g, const struct dirt_entry *entry)
{
    const char *why = dirt_refusal(entry);
    struct stat st;

    if (why || !entry->is_new)
        return why;
    if (lstat(arena_printf(g->c->arena, "%s/%s", g->top, entry->path), &st) == 0 &&
        S_ISREG(st.st_mode) && (unsigned long)st.st_size > FILE_MAX_BYTES)
        return "is new and over 10 MiB: commit it, or put it into .gitignore";
    return NULL;
}

/* Name what may not go along. */
static int check_dirt(const struct git *g, const struct dirt *d, bool require_clean, struct err *e)
{
    size_t refused = 0;

    for (size_t i = 0; i < d->n; i++) {
        const char *why = refusal_of(g, &d->entries[i]);

        if (!why && require_clean)
            why = "is not committed";
        if (why && refused++ < NAMED_MAX)
            cli_say(g->c, "%s %s", path_show(g->c->arena, d->entries[i].path), why);
    }
    if (refused > NAMED_MAX)
        cli_say(g->c, "… and %zu more", refused - NAMED_MAX);
    if (refused && require_clean)
        return err_set(e, ERR_INVALID, 0,
                       "%zu paths are not committed, and --require-clean is given", refused);
    if (refused)
        return err_set(e, ERR_INVALID, 0, "%zu paths of the uncommitted work cannot be released",
                       refused);
    return 0;
}

/* --- the copy of the index --- */

static int copy_bytes(int from, int to)
{
    char piece[64 * KIB];
    ssize_t n;

    while ((n = read(from, piece, sizeof piece)) > 0)
        if (write(to, piece, (size_t)n) != n)
            return -1;
    return n < 0 ? -1 : 0;
}

/* With its time: git compares the files' times with the index's, to find those that were written
 * in the same tick. */
static int copy_index(const char *from, const char *to)
{
    int in = open(from, O_RDONLY | O_CLOEXEC), out;
    struct stat st;
    int failed;

    if (in < 0)
        return errno == ENOENT ? 0 : -1; /* no index yet: an empty one */
    out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    failed = out < 0 || fstat(in, &st) || copy_bytes(in, out) ||
             futimens(out, (struct timespec[]){ st.st_atim, st.st_mtim });
    close(in);
    if (out >= 0)
        failed |= close(out);
    return failed ? -1 : 0;
}

/* --- the commit --- */

static const char *write_tree(const struct git *g, const char *index, struct err *e)
{
    struct git with = git_with(
        g, (const char *const[]){ arena_printf(g->c->arena, "GIT_INDEX_FILE=%s", index), NULL });
    const char *from = git_path(g, "index", e);
    struct child_result r;

    if (!from)
        return NULL;
    if (copy_index(from, index)) {
        err_set(e, ERR_REFUSED, errno, "a copy of git's index: %s", strerror(errno));
        return NULL;
    }
    if (git_ask(&with, &r, e, "-c", "core.safecrlf=false", "add", "-A"))
        return NULL;
    return git_word(&with, e, "write-tree");
}

static const char *write_commit(const struct git *g, const char *tree, const char *head,
                                struct err *e)
{
    struct arena *a = g->c->arena;
    const char *date = git_word(g, e, "log", "-1", "--no-show-signature", "--format=%ct", head);
    struct git with;

    if (!date)
        return NULL;
    with = git_with(
        g, (const char *const[]){ "GIT_AUTHOR_NAME=" WHO, "GIT_COMMITTER_NAME=" WHO,
                                  "GIT_AUTHOR_EMAIL=" EMAIL, "GIT_COMMITTER_EMAIL=" EMAIL,
                                  arena_printf(a, "GIT_AUTHOR_DATE=@%s +0000", date),
                                  arena_printf(a, "GIT_COMMITTER_DATE=@%s +0000", date), NULL });
    return git_word(&with, e, "-c", "i18n.commitEncoding=UTF-8", "commit-tree", tree, "-p", head,
                    "-m", "Uncommitted work, as shopflow released it");
}

static const char *take_commit(const struct git *g, const char *head, struct err *e)
{
    const char *tmp = cli_env(g->c, "TMPDIR") ?: "/tmp";
    char *dir = arena_printf(g->c->arena, "%s/shopflow.XXXXXX", tmp);
    const char *index, *tree, *before;

    if (!mkdtemp(dir)) {
        err_set(e, ERR_REFUSED, errno, "a folder in %s: %s", tmp, strerror(errno));
        return NULL;
    }
    index = arena_printf(g->c->arena, "%s/index", dir);
    tree = write_tree(g, index, e);
    unlink(index);
    unlink(arena_printf(g->c->arena, "%s.lock", index)); /* of a git that was stopped */
    rmdir(dir);
    before =
        tree ? git_word(g, e, "rev-parse", arena_printf(g->c->arena, "%s^{tree}", head)) : NULL;
    if (!before)
        return NULL;
    return strcmp(tree, before) ? write_commit(g, tree, head, e) : head;
}

int snapshot_take(const struct git *g, bool require_clean, struct snapshot *ret, struct err *e)
{
    struct snapshot s = { .head = git_commit(g, "HEAD", e) };
    struct dirt d;

    if (!s.head && e->kind == ERR_NOT_FOUND)
        return err_set(e, ERR_INVALID, 0, "there is no commit yet: git add -A && git commit");
    if (!s.head || read_dirt(g, &d, e) || check_dirt(g, &d, require_clean, e))
        return -1;
    s.commit = d.n ? take_commit(g, s.head, e) : s.head;
    if (!s.commit)
        return -1;
    s.is_dirty = strcmp(s.commit, s.head) != 0;
    *ret = s;
    return 0;
}
