#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli.h"
#include "io/loop.h"

#define OUT_BYTES (64 * MIB)
#define ERR_BYTES (64 * KIB) /* kept of stderr */
#define PIECE_BYTES (64 * KIB)
#define KILL_MS 5000 /* from SIGTERM to SIGKILL */

/* One of the child's outputs. */
struct outlet {
    struct child *child;
    int fd; /* -1 = at its end */
    struct text bytes;
    size_t told; /* bytes that on_line has seen */
};

struct child {
    struct loop *loop;
    pid_t pid;
    int pid_fd; /* -1 = it has ended */
    int in_fd;  /* -1 = all was written */
    const char *input;
    size_t input_len, input_at;
    struct outlet out, err;
    int status;
    bool too_much, told_exit;
    struct loop_timer kill;
    struct child_spec spec;
};

/* --- its end --- */

static void close_fd(struct loop *l, int *fd)
{
    if (*fd < 0)
        return;
    loop_fd_remove(l, *fd);
    close(*fd);
    *fd = -1;
}

/* It is over when it has ended and both outputs are read to their ends. */
static void maybe_over(struct child *child)
{
    if (child->pid_fd >= 0 || child->out.fd >= 0 || child->err.fd >= 0 || child->told_exit)
        return;
    child->told_exit = true;
    close_fd(child->loop, &child->in_fd);
    loop_timer_stop(child->loop, &child->kill);
    if (child->spec.on_exit)
        child->spec.on_exit(child, child->spec.ctx);
}

static void on_ended(int fd, uint32_t events, void *ctx)
{
    struct child *child = ctx;
    int status = 0;

    (void)fd;
    (void)events;
    if (waitpid(child->pid, &status, WNOHANG) != child->pid)
        return;
    child->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    close_fd(child->loop, &child->pid_fd);
    maybe_over(child);
}

static void on_kill_due(void *ctx)
{
    struct child *child = ctx;

    kill(-child->pid, SIGKILL);
    /* a grandchild that left the group may hold the pipes for ever */
    close_fd(child->loop, &child->out.fd);
    close_fd(child->loop, &child->err.fd);
    maybe_over(child);
}

void child_stop(struct child *child)
{
    if (child->told_exit || child->kill.fn)
        return;
    kill(-child->pid, SIGTERM);
    child->kill = (struct loop_timer){ .fn = on_kill_due, .ctx = child };
    loop_timer_set(child->loop, &child->kill, loop_now_ms(child->loop) + KILL_MS);
}

/* --- its outputs --- */

static void tell_lines(struct outlet *o, bool at_end)
{
    const struct child_spec *spec = &o->child->spec;
    const char *bytes = text_str(&o->bytes);

    while (spec->on_line && o->told < o->bytes.len) {
        const char *line = bytes + o->told;
        const char *end = memchr(line, '\n', o->bytes.len - o->told);

        if (!end && !at_end)
            return;
        if (!end)
            end = bytes + o->bytes.len;
        spec->on_line(line, (size_t)(end - line), spec->ctx);
        o->told = (size_t)(end - bytes) + 1;
    }
}

/* Of what has no ceiling the newest half of the room is kept when it is full. */
static void make_room(struct outlet *o, size_t n)
{
    size_t keep = o->bytes.max / 2;
    size_t gone;

    if (o->bytes.len + n <= o->bytes.max)
        return;
    if (o->bytes.len - o->told > keep)
        tell_lines(o, true); /* a line of that length is cut */
    gone = o->bytes.len - keep;
    memmove(o->bytes.bytes, o->bytes.bytes + gone, keep + 1);
    o->bytes.len = keep;
    o->told = o->told > gone ? o->told - gone : 0;
}

static void on_output(int fd, uint32_t events, void *ctx)
{
    struct outlet *o = ctx;
    struct child *child = o->child;
    struct err e = { 0 };
    char piece[PIECE_BYTES / 4];
    ssize_t n = read(fd, piece, sizeof piece);

    (void)events;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        tell_lines(o, true);
        close_fd(child->loop, &o->fd);
        maybe_over(child);
        return;
    }
    if (o == &child->err || child->spec.lines_only)
        make_room(o, (size_t)n);
    if (text_add(&o->bytes, piece, (size_t)n, &e)) {
        child->too_much = true;
        child_stop(child);
        close_fd(child->loop, &o->fd); /* nothing more of it is of use */
        maybe_over(child);
        return;
    }
    tell_lines(o, false);
}

static void on_input(int fd, uint32_t events, void *ctx)
{
    struct child *child = ctx;
    ssize_t n = write(fd, child->input + child->input_at, child->input_len - child->input_at);

    (void)events;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        child->input_at += (size_t)n;
    if (n < 0 || child->input_at == child->input_len)
        close_fd(child->loop, &child->in_fd); /* EPIPE: it did not want all of it */
}

/* --- its start --- */

/* Our ends of the three pipes, and the child's. */
struct pipes {
    int in[2], out[2], err[2];
};

static void close_pipes(struct pipes *p)
{
    int *fds = p->in;

    for (size_t i = 0; i < sizeof *p / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static int open_pipes(struct pipes *p, const struct child_spec *spec, struct err *e)
{
    *p = (struct pipes){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
    if (pipe2(p->out, O_CLOEXEC) || pipe2(p->err, O_CLOEXEC))
        return err_set(e, ERR_INVALID, errno, "pipe: %s", strerror(errno));
    if (!spec->input) {
        p->in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        return p->in[0] < 0 ? err_set(e, ERR_INVALID, errno, "/dev/null: %s", strerror(errno)) : 0;
    }
    if (pipe2(p->in, O_CLOEXEC))
        return err_set(e, ERR_INVALID, errno, "pipe: %s", strerror(errno));
    return 0;
}

/* The loop takes signals through a descriptor, so they are blocked here: not in the child. */
static void set_attributes(posix_spawnattr_t *attr)
{
    sigset_t none, defaults;

    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_init(attr);
    posix_spawnattr_setsigmask(attr, &none);
    posix_spawnattr_setsigdefault(attr, &defaults);
    posix_spawnattr_setpgroup(attr, 0);
    posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                       POSIX_SPAWN_SETPGROUP);
}

static int spawn(const struct cli *c, const struct child_spec *spec, const struct pipes *p,
                 pid_t *ret, struct err *e)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    const char *const *env = spec->env ? spec->env : c->env;
    int failed;

    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, p->in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, p->out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, p->err[1], STDERR_FILENO);
    if (spec->held_fd > 0)
        posix_spawn_file_actions_adddup2(&files, spec->held_fd, spec->held_fd); /* no CLOEXEC */
    posix_spawn_file_actions_addchdir_np(&files, spec->dir ? spec->dir : c->dir);
    set_attributes(&attr);
    failed = posix_spawnp(ret, spec->argv[0], &files, &attr, (char *const *)spec->argv,
                          (char *const *)env);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    if (failed)
        return err_set(e, failed == ENOENT ? ERR_NOT_FOUND : ERR_DENIED, failed, "%s: %s",
                       spec->argv[0], strerror(failed));
    return 0;
}

static int take_fd(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

static int take_over(struct child *child, struct pipes *p, struct err *e)
{
    struct loop *l = child->loop;

    child->pid_fd = pidfd_open(child->pid, 0);
    if (child->pid_fd < 0)
        return err_set(e, ERR_INVALID, errno, "pidfd_open: %s", strerror(errno));
    if (loop_fd_add(l, child->pid_fd, EPOLLIN, on_ended, child, e))
        return -1;
    if (loop_fd_add(l, p->out[0], EPOLLIN, on_output, &child->out, e))
        return -1;
    child->out.fd = take_fd(&p->out[0]);
    if (loop_fd_add(l, p->err[0], EPOLLIN, on_output, &child->err, e))
        return -1;
    child->err.fd = take_fd(&p->err[0]);
    if (p->in[1] < 0)
        return 0;
    fcntl(p->in[1], F_SETFL, O_NONBLOCK);
    if (loop_fd_add(l, p->in[1], EPOLLOUT, on_input, child, e))
        return -1;
    child->in_fd = take_fd(&p->in[1]);
    return 0;
}

struct child *child_start(struct cli *c, const struct child_spec *spec, struct err *e)
{
    struct child *child = xcalloc(1, sizeof *child);
    size_t max = spec->lines_only ? ERR_BYTES : spec->max_bytes ? spec->max_bytes : OUT_BYTES;
    struct pipes p;

    *child = (struct child){ .loop = c->loop, .pid_fd = -1, .in_fd = -1, .spec = *spec };
    child->input = spec->input;
    child->input_len = spec->input_len;
    child->out = (struct outlet){ child, -1, TEXT_INIT(max), 0 };
    child->err = (struct outlet){ child, -1, TEXT_INIT(ERR_BYTES), 0 };
    if (open_pipes(&p, spec, e) || spawn(c, spec, &p, &child->pid, e) || take_over(child, &p, e)) {
        close_pipes(&p);
        child_free(child);
        return NULL;
    }
    close_pipes(&p);
    return child;
}

void child_result(const struct child *child, struct child_result *ret)
{
    *ret = (struct child_result){ .status = child->status,
                                  .out = text_str(&child->out.bytes),
                                  .out_len = child->out.bytes.len,
                                  .err = text_str(&child->err.bytes),
                                  .too_much = child->too_much };
}

void child_free(struct child *child)
{
    if (!child)
        return;
    loop_timer_stop(child->loop, &child->kill);
    if (child->pid > 0 && (child->pid_fd >= 0 || !child->told_exit)) {
        kill(-child->pid, SIGKILL);
        waitpid(child->pid, NULL, 0);
    }
    close_fd(child->loop, &child->pid_fd);
    close_fd(child->loop, &child->in_fd);
    close_fd(child->loop, &child->out.fd);
    close_fd(child->loop, &child->err.fd);
    text_release(&child->out.bytes);
    text_release(&child->err.bytes);
    free(child);
}

/* A copy, NULs and all. */
static const char *keep(struct arena *a, const char *bytes, size_t n)
{
    char *copy = arena_alloc(a, n + 1);

    memcpy(copy, bytes, n);
    return copy;
}

int child_run(struct cli *c, const struct child_spec *spec, struct child_result *ret, struct err *e)
{
    struct child *child = child_start(c, spec, e);

    if (!child)
        return -1;
    while (!child->told_exit) {
        if (c->signo)
            child_stop(child);
        loop_turn(c->loop, -1);
    }
    child_result(child, ret);
    ret->out = keep(c->arena, ret->out, ret->out_len);
    ret->err = arena_strdup(c->arena, ret->err);
    child_free(child);
    if (c->signo)
        return err_set(e, ERR_TIMEOUT, 0, "interrupted");
    if (ret->too_much)
        return err_set(e, ERR_INVALID, 0, "%s: its output is too long", spec->argv[0]);
    return 0;
}
