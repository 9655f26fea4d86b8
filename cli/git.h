/* cli/git.h — Careful calls to git.
 *
 * Each runs in the top folder of the working tree, without the variables by which a hook or a
 * caller points git elsewhere, without hooks, prompts, optional locks and translated messages.
 *
 *     if (git_open(c, &g, e))                              // not a repository: ERR_INVALID
 *         return -1;
 *     if (git_run(&g, &r, e, "merge-base", "HEAD", ref))   // any exit code is fine
 *     head = git_word(&g, e, "rev-parse", "HEAD");         // must be 0; one line of output
 *
 * What git refuses comes back by its cause: ERR_NOT_FOUND an object or a name that is not here,
 * ERR_INVALID no repository, or one that is somebody else's (with git's own fix), ERR_TIMEOUT it
 * took too long or shopflow was interrupted, ERR_NET the remote, ERR_REFUSED all else. */
#ifndef CLI_GIT_H
#define CLI_GIT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "child.h"

struct cli;
struct err;

struct git {
    struct cli *c;
    const char *top; /* of the working tree */
    const char *dir; /* its .git */
    const char *const *env;
    bool is_shallow; /* parts of its history are missing */
};

int git_open(struct cli *c, struct git *ret, struct err *e);

/* The same repository with more variables, as "GIT_INDEX_FILE=…"; NULL-terminated. */
struct git git_with(const struct git *g, const char *const *variables);

struct git_call {
    const char *const *args; /* after "git" */
    const char *input;       /* stdin; NULL = none */
    size_t input_len;
    size_t max_bytes;
    int64_t limit_ms; /* 0 = none: it is stopped then */
};

/* Run it. 0 whatever its exit code. */
int git_call(const struct git *g, const struct git_call *call, struct child_result *ret,
             struct err *e);

/* The error that the result tells. Always -1. */
int git_failed(const struct git *g, const struct child_result *r, struct err *e);

#define git_run(g, ret, e, ...)                                                                    \
    git_call((g), &(struct git_call){ .args = (const char *const[]){ __VA_ARGS__, NULL } }, (ret), \
             (e))

/* Run it; another exit code than 0 is an error. */
#define git_ask(g, ret, e, ...)                                                                    \
    git_ask_((g), (const char *const[]){ __VA_ARGS__, NULL }, (ret), (e))
int git_ask_(const struct git *g, const char *const *args, struct child_result *ret, struct err *e);

/* What it prints, without the last newline; NULL with *e set. */
#define git_word(g, e, ...) git_word_((g), (const char *const[]){ __VA_ARGS__, NULL }, (e))
const char *git_word_(const struct git *g, const char *const *args, struct err *e);

/* A file of git's folder, as an absolute path: "index", "shallow". */
const char *git_path(const struct git *g, const char *name, struct err *e);

/* The commit's full id; NULL with *e set. A name is taken as git reads it, never as a flag. */
const char *git_commit(const struct git *g, const char *name, struct err *e);

/* The branch that is checked out; NULL = none. */
const char *git_branch(const struct git *g);

/* Is it the same or an ancestor? 1 yes, 0 no, -1. Of complete history only. */
int git_is_ancestor(const struct git *g, const char *old, const char *new, struct err *e);

#endif
