/* The loop: who is called, when, in which order, and who no more. */
#include "io/loop.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/err.h"
#include "unit.h"

static char trace[256]; /* the names of those who were called */

static void note(const char *name)
{
    snprintf(trace + strlen(trace), sizeof trace - strlen(trace), "%s", name);
}

/* Whether just these were called since the last time. */
static bool called(const char *names)
{
    bool ok = !strcmp(trace, names);

    if (!ok)
        printf("\n  called: '%s', not '%s'\n", trace, names);
    trace[0] = '\0';
    return ok;
}

static int64_t now_ms;

static int64_t fake_clock(void *ctx)
{
    (void)ctx;
    return now_ms;
}

static struct loop *new_loop(void)
{
    struct err e = { 0 };
    struct loop *l = loop_new(&e);

    CASE("a loop", l != NULL);
    now_ms = 1000;
    loop_set_clock(l, fake_clock, NULL);
    return l;
}

static void turn_at(struct loop *l, int64_t ms)
{
    now_ms = ms;
    loop_turn(l, 0);
}

/* --- timers --- */

/* A name of one letter, the same each time, that a void * may point to. */
static char *name(char letter)
{
    static char names[128][2];

    names[(int)letter][0] = letter;
    return names[(int)letter];
}

static void on_name(void *ctx)
{
    note(ctx);
}

static struct loop_timer named(char letter)
{
    return (struct loop_timer){ .fn = on_name, .ctx = name(letter) };
}

static void timers_fire_once_in_order(void)
{
    struct loop *l = new_loop();
    struct loop_timer a = named('a'), b = named('b'), c = named('c');

    CASE("the clock", loop_now_ms(l) == 1000);
    loop_timer_set(l, &a, 1030);
    loop_timer_set(l, &b, 1010);
    loop_timer_set(l, &c, 1020);
    turn_at(l, 1009);
    CASE("not before", called("") && loop_now_ms(l) == 1009);
    turn_at(l, 1010);
    CASE("at its time", called("b"));
    turn_at(l, 1100);
    CASE("late ones in order", called("ca"));
    turn_at(l, 2000);
    CASE("once", called(""));
    loop_timer_set(l, &a, 0);
    turn_at(l, 2000);
    CASE("a time that is past is now", called("a"));
    loop_free(l);
}

static void a_timer_can_be_moved_and_stopped(void)
{
    struct loop *l = new_loop();
    struct loop_timer a = named('a'), b = named('b');

    loop_timer_stop(l, &a); /* fine when it does not run */
    loop_timer_set(l, &a, 1010);
    loop_timer_set(l, &b, 1020);
    loop_timer_set(l, &a, 1030);
    turn_at(l, 1029);
    CASE("moved back", called("b"));
    loop_timer_stop(l, &a);
    turn_at(l, 1100);
    CASE("stopped", called(""));
    loop_free(l);
}

struct pair {
    struct loop *l;
    struct loop_timer *other;
    struct loop_timer self;
    int64_t again_ms; /* set itself anew; 0 = no */
};

static void stop_other(void *ctx)
{
    struct pair *p = ctx;

    note("s");
    loop_timer_stop(p->l, p->other);
}

static void set_again(void *ctx)
{
    struct pair *p = ctx;

    note("r");
    loop_timer_set(p->l, &p->self, p->again_ms);
}

static void a_callback_may_stop_another(void)
{
    struct loop *l = new_loop();
    struct loop_timer a = named('a'), b = named('b');
    struct pair p = { .l = l, .other = &a, .self = { .fn = stop_other, .ctx = &p } };

    loop_timer_set(l, &p.self, 1010);
    loop_timer_set(l, &a, 1010);
    loop_timer_set(l, &b, 1011);
    turn_at(l, 1020);
    CASE("a is due and does not come", called("sb"));
    loop_free(l);
}

/* Whatever time it names, it comes once a turn, and keeps nobody from coming. */
static void a_timer_set_in_its_callback_waits_for_the_next_turn(void)
{
    static const int64_t AGAIN[] = { 1, 1010, 1020 };

    for (size_t i = 0; i < ARRAY_LEN(AGAIN); i++) {
        struct loop *l = new_loop();
        struct loop_timer a = named('a'), b = named('b');
        struct pair p = { .l = l, .again_ms = AGAIN[i], .self = { .fn = set_again, .ctx = &p } };

        loop_timer_set(l, &p.self, 1005);
        loop_timer_set(l, &a, 1019);
        loop_timer_set(l, &b, 1020);
        turn_at(l, 1020);
        CASE("once, and the others", called("rab"));
        turn_at(l, 1020);
        CASE("again", called("r"));
        loop_free(l);
    }
}

/* --- deferred work --- */

static void deferred_work_comes_in_order(void)
{
    struct loop *l = new_loop();
    struct loop_timer t = named('t');

    loop_timer_set(l, &t, 1000);
    loop_defer(l, on_name, name('1'));
    loop_defer(l, on_name, name('2'));
    CASE("not at once", called(""));
    turn_at(l, 1000);
    CASE("after the timers", called("t12"));
    turn_at(l, 1000);
    CASE("once", called(""));
    loop_free(l);
}

static struct loop *the_loop;

static void defer_more(void *ctx)
{
    note("d");
    loop_defer(the_loop, on_name, ctx);
}

static void work_deferred_by_a_timer_comes_in_the_same_turn(void)
{
    struct loop *l = the_loop = new_loop();
    struct loop_timer t = { .fn = defer_more, .ctx = name('w') };

    loop_timer_set(l, &t, 1000);
    turn_at(l, 1000);
    CASE("both", called("dw"));
    loop_free(l);
}

static void work_deferred_by_work_waits_for_the_next_turn(void)
{
    struct loop *l = the_loop = new_loop();

    loop_defer(l, defer_more, name('w'));
    loop_defer(l, on_name, name('x'));
    turn_at(l, 1000);
    CASE("not yet", called("dx"));
    turn_at(l, 1000);
    CASE("now", called("w"));
    loop_free(l);
}

static void a_turn_does_eight_pieces_of_work(void)
{
    struct loop *l = new_loop();

    for (int i = 0; i < 20; i++)
        loop_defer(l, on_name, name('.'));
    turn_at(l, 1000);
    CASE("eight", called("........"));
    loop_turn(l, -1); /* must not sleep while there is work */
    CASE("eight more", called("........"));
    loop_turn(l, -1);
    CASE("the rest", called("...."));
    loop_free(l);
}

static void cancelled_work_does_not_come(void)
{
    struct loop *l = new_loop();
    char *a = name('a'), *b = name('b'), *c = name('c');

    loop_defer_cancel(l, a); /* fine when there is none */
    loop_defer(l, on_name, a);
    loop_defer(l, on_name, b);
    loop_defer(l, on_name, a);
    loop_defer_cancel(l, a);
    loop_defer(l, on_name, c);
    turn_at(l, 1000);
    CASE("b and what came after", called("bc"));
    loop_defer(l, on_name, a);
    loop_defer_cancel(l, a);
    loop_defer(l, on_name, b);
    turn_at(l, 1000);
    CASE("after the last was cancelled", called("b"));
    loop_defer(l, on_name, a);
    loop_free(l); /* what is left is dropped */
    loop_free(NULL);
    CASE("silently", called(""));
}

static void cancel_other(void *ctx)
{
    note("x");
    loop_defer_cancel(the_loop, ctx);
}

static void work_may_cancel_work(void)
{
    struct loop *l = the_loop = new_loop();
    char other[] = "o";

    loop_defer(l, cancel_other, other);
    loop_defer(l, on_name, other);
    loop_defer(l, on_name, name('z'));
    turn_at(l, 1000);
    CASE("not the other", called("xz"));
    loop_free(l);
}

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
    struct loop *l = new_loop();
    struct err e = { 0 };
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

static int pipes[2][2];

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
    struct loop *l = the_loop = new_loop();
    struct err e = { 0 };

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
    struct loop_timer t = named('t');
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
    struct loop *l = new_loop();
    struct err e = { 0 };

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

UNIT_MAIN(UNIT_TEST(timers_fire_once_in_order), UNIT_TEST(a_timer_can_be_moved_and_stopped),
          UNIT_TEST(a_callback_may_stop_another),
          UNIT_TEST(a_timer_set_in_its_callback_waits_for_the_next_turn),
          UNIT_TEST(deferred_work_comes_in_order),
          UNIT_TEST(work_deferred_by_a_timer_comes_in_the_same_turn),
          UNIT_TEST(work_deferred_by_work_waits_for_the_next_turn),
          UNIT_TEST(a_turn_does_eight_pieces_of_work), UNIT_TEST(cancelled_work_does_not_come),
          UNIT_TEST(work_may_cancel_work), UNIT_TEST(readable_descriptors_are_called),
          UNIT_TEST(an_event_of_a_closed_descriptor_is_not_its_successors),
          UNIT_TEST(is_readable_when_something_is_due),
          UNIT_TEST(stop_signals_come_through_the_loop))
