/* Descriptors and signals on the loop, and the loop as a descriptor of another one. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/err.h"
#include "io/loop.h"
#include "trace.h"
#include "unit.h"

/* --- descriptors --- */

static void on_readable(int fd, uint32_t events, void *ctx)
{
    char byte;

    CASE("readable", events & EPOLLIN);
    CASE("there is a byte", read(fd, &byte, 1) == 1);
    note(ctx);
}

static void readable_descriptors_are_called(void)
{
    struct err e = { 0 };
    struct loop *l = loop_new(&e);
    int p[2];

    CASE("a pipe", pipe(p) == 0);
    CASE("added", !loop_fd_add(l, p[0], EPOLLIN, on_readable, name('p'), &e));
    loop_turn(l, 0);
    CASE("nothing to read", called(""));
    CASE("a byte", write(p[1], "xy", 2) == 2);
    loop_turn(l, -1);
    CASE("read", called("p"));
    CASE("changed", !loop_fd_change(l, p[0], 0, &e));
    loop_turn(l, 0);
    CASE("not asked for", called(""));
    CASE("changed back", !loop_fd_change(l, p[0], EPOLLIN, &e));
    CASE("twice is an error", loop_fd_add(l, p[0], EPOLLIN, on_readable, name('q'), &e));
    CASE("in words", strstr(e.text, "epoll_ctl of descriptor"));
    loop_turn(l, 0);
    CASE("and changes nothing", called("p"));
    loop_fd_remove(l, p[0]);
    loop_fd_remove(l, p[0]);
    loop_fd_remove(l, 9999);
    loop_fd_remove(l, -1);
    CASE("a byte", write(p[1], "z", 1) == 1);
    loop_turn(l, 0);
    CASE("removed", called(""));
    close(p[0]);
    close(p[1]);
    loop_free(l);
}

static struct loop *the_loop;
static int pipes[2][2];

static void remove_other(int fd, uint32_t events, void *ctx)
{
    (void)events;
    note(ctx);
    loop_fd_remove(the_loop, fd == pipes[0][0] ? pipes[1][0] : pipes[0][0]);
}

static void a_callback_may_remove_another(void)
{
    struct err e = { 0 };
    struct loop *l = the_loop = loop_new(&e);

    for (int i = 0; i < 2; i++) {
        CASE("a pipe", pipe(pipes[i]) == 0 && write(pipes[i][1], "x", 1) == 1);
        CASE("added", !loop_fd_add(l, pipes[i][0], EPOLLIN, remove_other, name('1'), &e));
    }
    loop_turn(l, 0);
    CASE("one of them only", called("1"));
    for (int i = 0; i < 4; i++)
        close(pipes[i / 2][i % 2]);
    loop_free(l);
}

/* Whoever comes first closes the other's descriptor; a new pipe gets its number. */
static void replace_other(int fd, uint32_t events, void *ctx)
{
    int *other = fd == pipes[0][0] ? pipes[1] : pipes[0], fresh[2];
    int number = other[0];
    struct err e = { 0 };

    (void)events;
    (void)ctx;
    note("1");
    loop_fd_remove(the_loop, other[0]);
    close(other[0]);
    close(other[1]);
    CASE("a pipe", pipe(fresh) == 0);
    other[0] = fresh[0];
    other[1] = fresh[1];
    CASE("the number is used again", fresh[0] == number);
    CASE("added", !loop_fd_add(the_loop, fresh[0], EPOLLIN, on_readable, name('n'), &e));
    loop_fd_remove(the_loop, fd);
}

static void an_event_of_a_closed_descriptor_is_not_its_successors(void)
{
    struct err e = { 0 };
    struct loop *l = the_loop = loop_new(&e);

    for (int i = 0; i < 2; i++) {
        CASE("a pipe", pipe(pipes[i]) == 0 && write(pipes[i][1], "x", 1) == 1);
        CASE("added", !loop_fd_add(l, pipes[i][0], EPOLLIN, replace_other, NULL, &e));
    }
    loop_turn(l, 0);
    CASE("one of them only", called("1"));
    loop_turn(l, 0);
    CASE("nothing new", called(""));
    for (int i = 0; i < 4; i++)
        close(pipes[i / 2][i % 2]);
    loop_free(l);
}

/* --- for a loop around ours --- */

static bool is_readable(struct loop *l, int wait_ms)
{
    struct pollfd p = { .fd = loop_fd(l), .events = POLLIN };

    return poll(&p, 1, wait_ms) == 1;
}

static void is_readable_when_something_is_due(void)
{
    struct err e = { 0 };
    struct loop *l = loop_new(&e); /* the real clock */
    struct loop_timer t = { .fn = on_name, .ctx = name('t') };
    int64_t start = clock_mono_ms();

    loop_turn(l, 0);
    CASE("idle", !is_readable(l, 0));
    loop_defer(l, on_name, name('d'));
    CASE("work", is_readable(l, 1000));
    loop_turn(l, 0);
    CASE("done", called("d") && !is_readable(l, 0));
    loop_timer_set(l, &t, loop_now_ms(l) + 30);
    CASE("a timer", is_readable(l, 5000));
    while (!trace[0] && clock_mono_ms() < start + 5000)
        loop_turn(l, 10);
    CASE("fired, not too early", called("t") && clock_mono_ms() >= start + 30);
    for (int i = 0; i < 9; i++)
        loop_defer(l, on_name, name('.'));
    loop_turn(l, 0);
    CASE("work is left", called("........") && is_readable(l, 1000));
    loop_free(l);
}

/* --- signals --- */

static void on_stop(int signo, void *ctx)
{
    note(signo == SIGTERM ? "T" : signo == SIGINT ? "I" : "?");
    note(ctx);
}

static void stop_signals_come_through_the_loop(void)
{
    struct err e = { 0 };
    struct loop *l = loop_new(&e);

    CASE("taken", !loop_on_stop_signal(l, on_stop, name('!'), &e));
    raise(SIGTERM);
    CASE("not by themselves", called(""));
    loop_turn(l, 1000);
    CASE("the signal", called("T!"));
    raise(SIGINT);
    loop_turn(l, 1000);
    CASE("the other", called("I!"));
    raise(SIGTERM);
    raise(SIGINT);
    loop_turn(l, 1000);
    CASE("both", strlen(trace) == 4 && strchr(trace, 'T') && strchr(trace, 'I'));
    trace[0] = '\0';
    loop_turn(l, 0);
    CASE("once", called(""));
    loop_free(l);
}

UNIT_MAIN(UNIT_TEST(readable_descriptors_are_called), UNIT_TEST(a_callback_may_remove_another),
          UNIT_TEST(an_event_of_a_closed_descriptor_is_not_its_successors),
          UNIT_TEST(is_readable_when_something_is_due),
          UNIT_TEST(stop_signals_come_through_the_loop))
