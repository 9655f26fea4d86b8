/* cli/child.h — Other programs: git, docker, podman, buildah, credential helpers.
 *
 * Started with posix_spawn and an argument vector, never by a shell; stdin is a given text or
 * /dev/null; each in a process group of its own, so that child_stop() reaches what it started.
 *
 *     struct child_spec spec = { .argv = (const char *[]){ "git", "rev-parse", "HEAD", NULL } };
 *     struct child_result r;
 *     if (child_run(c, &spec, &r, e))         // could not be started, was stopped, too much output
 *         return -1;
 *     if (r.status) …                         // r.out, r.err: what it said, in c->arena
 */
#ifndef CLI_CHILD_H
#define CLI_CHILD_H
#include <stdbool.h>
#include <stddef.h>

struct child;
struct cli;
struct err;

struct child_spec {
    const char *const *argv; /* argv[0] is looked up in PATH */
    const char *dir;         /* NULL = the working directory */
    const char *const *env;  /* the whole environment; NULL = ours */
    const char *input;       /* stdin; NULL = /dev/null */
    size_t input_len;
    size_t max_bytes; /* of stdout; 0 = 64 MiB. Of stderr the last 64 KiB are kept */
    bool lines_only;  /* stdout too is told by on_line, and only its end kept: it has no ceiling */
    int held_fd;      /* one of ours that it keeps open, a lock; 0 = none */
    /* Whole lines of both as they come, without the newline; may be NULL. */
    void (*on_line)(const char *line, size_t len, void *ctx);
    /* For child_start(): it ended. */
    void (*on_exit)(struct child *child, void *ctx);
    void *ctx;
};

struct child_result {
    int status;      /* exit code; 128 + signal when one ended it */
    const char *out; /* NUL-terminated; may hold NULs: out_len */
    size_t out_len;
    const char *err;
    int too_much; /* stdout passed max_bytes: it was stopped */
};

/* Run to the end. A signal to shopflow ends the child and gives ERR_TIMEOUT. */
int child_run(struct cli *c, const struct child_spec *spec, struct child_result *ret,
              struct err *e);

/* Start, and be told by on_exit on a later turn; then child_result() and child_free(). */
struct child *child_start(struct cli *c, const struct child_spec *spec, struct err *e);
void child_result(const struct child *child, struct child_result *ret);
void child_stop(struct child *child); /* SIGTERM to its group, SIGKILL 5 s later */
void child_free(struct child *child); /* killed when it still runs; NULL is fine */

#endif
