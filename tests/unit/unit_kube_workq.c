#include "kube/workq.h"

#include <stdio.h>
#include <string.h>

#include "base/backoff.h"
#include "unit.h"

static bool takes(struct workq *q, int64_t now_ms, const char *want)
{
    const char *key = workq_take(q, now_ms);

    return want ? key && !strcmp(key, want) : !key;
}

static void the_earliest_due_time_wins(void)
{
    struct workq *q = workq_new();

    CASE("empty", workq_next_due(q) == INT64_MAX && takes(q, 100, NULL));
    workq_add(q, "b", 30);
    workq_add(q, "a", 20);
    workq_add(q, "a", 50); /* later: no change */
    CASE("two keys", workq_depth(q) == 2);
    CASE("a is next", workq_next_due(q) == 20);
    workq_add(q, "b", 10);
    CASE("b moved ahead", workq_next_due(q) == 10);
    CASE("not before its time", takes(q, 9, NULL));
    CASE("b", takes(q, 25, "b"));
    CASE("then a", takes(q, 25, "a"));
    CASE("then nothing", takes(q, 1000, NULL));
    workq_free(q);
    workq_free(NULL);
}

static void a_taken_key_is_not_given_out_twice(void)
{
    struct workq *q = workq_new();

    workq_add(q, "a", 1);
    CASE("taken", takes(q, 1, "a"));
    workq_add(q, "a", 5);
    workq_add(q, "a", 3);
    workq_add(q, "a", 9);
    CASE("not while it is worked on", takes(q, 10, NULL) && workq_next_due(q) == INT64_MAX);
    workq_done(q, "a", false, 10, 0);
    CASE("after that, by its earliest time", workq_next_due(q) == 3 && takes(q, 10, "a"));
    workq_done(q, "a", false, 10, 0);
    CASE("and then no more", workq_depth(q) == 0 && takes(q, 1000, NULL));
    workq_free(q);
}

static void done_may_name_the_next_time(void)
{
    struct workq *q = workq_new();

    workq_add(q, "a", 1);
    workq_take(q, 1);
    workq_done(q, "a", false, 10, 500);
    CASE("due when asked", workq_next_due(q) == 500);
    workq_add(q, "a", 100);
    CASE("an event comes first", workq_next_due(q) == 100);
    workq_done(q, "a", false, 10, 900);
    CASE("done without take does nothing", workq_next_due(q) == 100);
    workq_done(q, "nobody", true, 10, 0);
    CASE("nor for a key that is not there", workq_depth(q) == 1);
    workq_free(q);
}

static void failures_back_off_to_a_minute(void)
{
    static const int64_t FIRST_MS = 5, MAX_MS = 60000;
    struct workq *q = workq_new();
    int64_t now_ms = 1000, want_ms = FIRST_MS;

    workq_add(q, "a", now_ms);
    for (int i = 0; i < 20; i++) {
        int64_t delay_ms;

        workq_take(q, now_ms);
        workq_done(q, "a", true, now_ms, 1); /* again_ms is not for failures */
        delay_ms = workq_next_due(q) - now_ms;
        CASE("within a quarter of the doubling",
             delay_ms >= want_ms * 3 / 4 && delay_ms <= want_ms * 5 / 4 + 1);
        now_ms += delay_ms;
        want_ms = want_ms * 2 < MAX_MS ? want_ms * 2 : MAX_MS;
    }
    workq_take(q, now_ms);
    workq_done(q, "a", false, now_ms, now_ms + 1);
    workq_take(q, now_ms + 1);
    workq_done(q, "a", true, now_ms, 0);
    CASE("a success forgets", workq_next_due(q) - now_ms <= FIRST_MS * 5 / 4 + 1);
    workq_free(q);
}

static void a_forgotten_key_is_gone(void)
{
    struct workq *q = workq_new();

    workq_add(q, "a", 1);
    workq_forget(q, "a");
    CASE("not queued any more", workq_depth(q) == 0);
    workq_forget(q, "a");
    workq_add(q, "a", 1);
    CASE("taken", takes(q, 1, "a"));
    workq_add(q, "a", 2);
    workq_forget(q, "a");
    workq_done(q, "a", false, 3, 0);
    CASE("what came before is forgotten", workq_depth(q) == 0);
    workq_add(q, "a", 1);
    workq_take(q, 1);
    workq_forget(q, "a");
    workq_add(q, "a", 7); /* the object is there again */
    workq_done(q, "a", false, 3, 0);
    CASE("what comes after is not", workq_next_due(q) == 7);
    workq_free(q);
}

static void holds_many(void)
{
    struct workq *q = workq_new();
    int64_t last = -1;
    char key[16];
    int n = 0;

    random_seed(7);
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "k%d", i);
        workq_add(q, key, random_between(0, 10000));
    }
    for (int64_t due = workq_next_due(q); due != INT64_MAX; due = workq_next_due(q)) {
        const char *k = workq_take(q, due);

        CASE("in order", k && due >= last);
        workq_done(q, k, false, due, 0);
        last = due;
        n++;
    }
    CASE("each once", n == 5000);
    workq_free(q);
}

UNIT_MAIN(UNIT_TEST(the_earliest_due_time_wins), UNIT_TEST(a_taken_key_is_not_given_out_twice),
          UNIT_TEST(done_may_name_the_next_time), UNIT_TEST(failures_back_off_to_a_minute),
          UNIT_TEST(a_forgotten_key_is_gone), UNIT_TEST(holds_many))
