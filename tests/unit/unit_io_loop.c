/* The loop: who is called, when, in which order, and who no more. */
#include "io/loop.h"

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "trace.h"
#include "unit.h"

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

UNIT_MAIN(UNIT_TEST(timers_fire_once_in_order), UNIT_TEST(a_timer_can_be_moved_and_stopped),
          UNIT_TEST(a_callback_may_stop_another),
          UNIT_TEST(a_timer_set_in_its_callback_waits_for_the_next_turn),
          UNIT_TEST(deferred_work_comes_in_order),
          UNIT_TEST(work_deferred_by_a_timer_comes_in_the_same_turn),
          UNIT_TEST(work_deferred_by_work_waits_for_the_next_turn),
          UNIT_TEST(a_turn_does_eight_pieces_of_work), UNIT_TEST(cancelled_work_does_not_come),
          UNIT_TEST(work_may_cancel_work))
