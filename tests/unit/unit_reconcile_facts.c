/* What is remembered of one release: which of two objects is newer, and for how long. */
#include "reconcile/facts.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/backoff.h"
#include "base/err.h"
#include "deploy/observed.h"
#include "kube/meta.h"
#include "registry/client.h"
#include "unit.h"

#define NOW 100000 /* monotonic milliseconds */

static struct kube_object *object(const char *uid, const char *rv)
{
    struct arena *a = arena_new(256);
    struct kube_object *o = arena_alloc(a, sizeof *o);

    *o = (struct kube_object){ .arena = a, .ns = "shop", .name = "api", .uid = uid, .rv = rv };
    return o;
}

static const struct {
    const char *name;
    const char *seen_uid, *seen_rv; /* what the watch has; NULL = nothing. We hold "u" at 100. */
    bool ours;                      /* else the watch's, and ours is forgotten */
} NEWER[] = {
    { "the watch is behind", "u", "99", true },
    { "the watch has it", "u", "100", false },
    { "the watch is ahead", "u", "101", false },
    { "the watch is ahead by digits", "u", "1000", false },
    { "not comparable", "u", "x", false },
    { "the watch still has an object that was there before", "t", "99", true },
    { "made anew", "v", "101", false },
    { "deleted", NULL, NULL, false },
};

static struct kube_object *seen_in(size_t row)
{
    return NEWER[row].seen_uid ? object(NEWER[row].seen_uid, NEWER[row].seen_rv) : NULL;
}

static void the_newer_release_wins(void)
{
    for (size_t i = 0; i < ARRAY_LEN(NEWER); i++) {
        struct facts *f = facts_new();
        struct kube_object *ours = object("u", "100"), *seen = seen_in(i);

        facts_put_release(f, ours);
        CASE(NEWER[i].name, facts_newer_release(f, seen) == (NEWER[i].ours ? ours : seen));
        CASE(NEWER[i].name, (f->release != NULL) == NEWER[i].ours);
        kube_object_free(seen);
        facts_free(f);
    }
}

/* However long ago: to act on less than we know would undo our own writes. */
static void the_newer_deployment_wins(void)
{
    for (size_t i = 0; i < ARRAY_LEN(NEWER); i++) {
        struct facts *f = facts_new();
        struct kube_object *ours = object("u", "100"), *seen = seen_in(i);
        int64_t read_ms = -1;

        facts_put_deployment(f, ours, NOW, 777);
        CASE(NEWER[i].name, facts_newer_deployment(f, "api", seen, NOW + 3600000, &read_ms) ==
                                (NEWER[i].ours ? ours : seen));
        CASE(NEWER[i].name, read_ms == (NEWER[i].ours ? 777 : 0));
        kube_object_free(seen);
        facts_free(f);
    }
}

static void without_anything_held_the_watch_counts(void)
{
    struct facts *f = facts_new();
    struct kube_object *seen = object("u", "1");
    int64_t read_ms = -1;

    CASE("a release", facts_newer_release(f, seen) == seen);
    CASE("a Deployment", facts_newer_deployment(f, "api", seen, NOW, &read_ms) == seen);
    CASE("never read live", read_ms == 0);
    CASE("nothing at all",
         !facts_newer_release(f, NULL) && !facts_newer_deployment(f, "api", NULL, NOW, &read_ms));
    kube_object_free(seen);
    facts_free(f);
    facts_free(NULL);
}

/* A live read whose answer the watch has, or has passed: what the watch has is as fresh as it. */
static void a_live_read_counts_when_the_watch_has_caught_up(void)
{
    static const struct {
        const char *name, *uid, *rv;
        int64_t age_ms, want_ms;
    } ROWS[] = {
        { "the same", "u", "20", 0, 777 },
        { "a newer one", "u", "21", 4999, 777 },
        { "too long ago", "u", "20", 5000, 0 },
        { "another object", "v", "21", 0, 0 },
    };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct facts *f = facts_new();
        struct kube_object *seen = object(ROWS[i].uid, ROWS[i].rv);
        int64_t read_ms = -1;

        facts_put_deployment(f, object("u", "20"), NOW, 777);
        CASE(ROWS[i].name,
             facts_newer_deployment(f, "api", seen, NOW + ROWS[i].age_ms, &read_ms) == seen);
        CASE(ROWS[i].name, read_ms == ROWS[i].want_ms);
        CASE(ROWS[i].name, (map_count(f->deployments) == 0) == (ROWS[i].want_ms == 0));
        kube_object_free(seen);
        facts_free(f);
    }
}

/* A live read that was asked for before our write, and answered after it, is the older one. */
static void an_older_answer_does_not_replace_a_newer_one(void)
{
    struct facts *f = facts_new();
    struct kube_object *seen = object("u", "18"), *written = object("u", "20");
    int64_t read_ms = -1;

    facts_put_release(f, written);
    facts_put_release(f, object("u", "19"));
    CASE("the release we wrote", facts_newer_release(f, seen) == written);
    written = object("u", "20");
    facts_put_deployment(f, written, NOW, 0);
    facts_put_deployment(f, object("u", "19"), NOW + 10, 777);
    CASE("the Deployment we wrote",
         facts_newer_deployment(f, "api", seen, NOW + 10, &read_ms) == written && read_ms == 0);
    facts_put_deployment(f, written = object("u", "20"), NOW + 20, 778);
    CASE("the same version, read later",
         facts_newer_deployment(f, "api", seen, NOW + 20, &read_ms) == written && read_ms == 778);
    facts_put_deployment(f, written = object("v", "21"), NOW + 30, 779);
    CASE("one that was made anew",
         facts_newer_deployment(f, "api", seen, NOW + 30, &read_ms) == written && read_ms == 779);
    kube_object_free(seen);
    facts_free(f);
}

static void live_pods_are_fresh_for_two_seconds(void)
{
    struct facts *f = facts_new();
    void *one[] = { object("a", "1"), object("b", "2") }, *two[] = { object("c", "3") };
    size_t n = 99;

    CASE("none", !facts_pods(f, "api-1", NOW, &n) && n == 99);
    facts_put_pods(f, "api-1", one, 2, NOW);
    CASE("there", facts_pods(f, "api-1", NOW, &n)[1] == one[1] && n == 2);
    CASE("of another ReplicaSet", !facts_pods(f, "api-2", NOW, &n));
    CASE("still", facts_pods(f, "api-1", NOW + 2000, &n) != NULL);
    CASE("no more", !facts_pods(f, "api-1", NOW + 2001, &n));
    facts_put_pods(f, "api-1", two, 1, NOW + 3000);
    CASE("read anew", facts_pods(f, "api-1", NOW + 3000, &n)[0] == two[0] && n == 1);
    facts_put_pods(f, "api-1", NULL, 0, NOW + 4000);
    CASE("no pods is an answer too", facts_pods(f, "api-1", NOW + 4000, &n) && n == 0);
    facts_settle(f);
    CASE("a settled release needs none", !facts_pods(f, "api-1", NOW + 4000, &n));
    facts_free(f);
}

static const struct {
    const char *name;
    enum err_kind kind; /* ERR_NONE: an answer */
    bool missing;
    int64_t retry_after_ms;
    int64_t least_ms, most_ms; /* of the delay until the next try; 0, 0 = no next try */
} ANSWERS[] = {
    { "a digest", ERR_NONE, false, -1, 0, 0 },
    { "missing: soon again", ERR_NONE, true, -1, 750, 1250 },
    { "trouble", ERR_NET, false, -1, 750, 1250 },
    { "throttled", ERR_THROTTLED, false, 30000, 30000, 30000 },
    { "throttled for a moment", ERR_THROTTLED, false, 1, 750, 1250 },
    { "denied: a Secret may come", ERR_DENIED, false, -1, 15000, 15000 },
};

static struct image_answer the_image(const struct facts *f, struct arena *a)
{
    struct observed o = { 0 };

    facts_observe(f, a, &o);
    CASE("one image", o.n_images == 1);
    return o.images[0];
}

static void a_registrys_answer_is_kept(void)
{
    for (size_t i = 0; i < ARRAY_LEN(ANSWERS); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        const struct registry_answer answer = { .digest = "sha256:1",
                                                .missing = ANSWERS[i].missing,
                                                .retry_after_ms = ANSWERS[i].retry_after_ms };
        struct err e = { .kind = ANSWERS[i].kind, .text = "registry r.test: no" };
        bool failed = ANSWERS[i].kind != ERR_NONE;
        struct facts *f = facts_new();
        struct image_answer image;

        facts_image_asked(f, "r.test/a:1");
        image = the_image(f, a);
        CASE("asked, no answer yet", image.asking && !image.at_ms && !image.digest && !image.error);
        facts_image_answered(f, "r.test/a:1", &answer, failed ? &e : NULL, 5000);
        image = the_image(f, a);
        CASE(ANSWERS[i].name, !image.asking && image.at_ms == 5000);
        CASE(ANSWERS[i].name, !strcmp(image.image, "r.test/a:1"));
        CASE(ANSWERS[i].name, image.missing == ANSWERS[i].missing);
        CASE(ANSWERS[i].name, image.denied == (ANSWERS[i].kind == ERR_DENIED));
        CASE(ANSWERS[i].name, !image.digest == (failed || ANSWERS[i].missing));
        CASE(ANSWERS[i].name, !image.error == !failed);
        if (ANSWERS[i].most_ms)
            CASE(ANSWERS[i].name, image.retry_ms >= 5000 + ANSWERS[i].least_ms &&
                                      image.retry_ms <= 5000 + ANSWERS[i].most_ms);
        else
            CASE(ANSWERS[i].name, image.retry_ms == 0 && !strcmp(image.digest, "sha256:1"));
        facts_free(f);
    }
}

static void trouble_backs_off_and_an_answer_ends_it(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    const struct registry_answer good = { .digest = "sha256:1" };
    const struct err e = { .kind = ERR_NET, .text = "reset" };
    struct facts *f = facts_new();
    int64_t want = 1000;

    for (int i = 0; i < 10; i++) {
        facts_image_answered(f, "i", NULL, &e, 0);
        CASE("doubling to a minute",
             the_image(f, a).retry_ms >= want * 3 / 4 && the_image(f, a).retry_ms <= want * 5 / 4);
        want = want * 2 < 60000 ? want * 2 : 60000;
    }
    facts_image_answered(f, "i", &good, NULL, 9);
    CASE("good", !the_image(f, a).error && !strcmp(the_image(f, a).digest, "sha256:1"));
    CASE("nothing to try again", the_image(f, a).retry_ms == 0);
    facts_image_answered(f, "i", NULL, &e, 0);
    CASE("from the start", the_image(f, a).retry_ms <= 1250);
    CASE("the last answer is no answer any more", !the_image(f, a).digest);
    facts_free(f);
}

static void answers_of_earlier_work_are_forgotten(void)
{
    AUTO(arena) struct arena *a = arena_new(4096);
    struct registry_answer good = { .digest = "sha256:1" };
    struct facts *f = facts_new();
    struct observed o = { 0 };

    facts_image_answered(f, "r.io/api:1", &good, NULL, 1000);
    facts_image_answered(f, "r.io/api:2", &good, NULL, 2000);
    facts_image_asked(f, "r.io/api:3");
    facts_forget_images(f, 2000);
    facts_observe(f, a, &o);
    CASE("the newer answer, and the one on its way", o.n_images == 2);
    for (size_t i = 0; i < o.n_images; i++)
        CASE("not the older one", strcmp(o.images[i].image, "r.io/api:1") != 0);
    facts_forget_images(f, INT64_MAX);
    o = (struct observed){ 0 };
    facts_observe(f, a, &o);
    CASE("settled: only what is on its way", o.n_images == 1 && o.images[0].asking);
    facts_free(f);
}

static void logs_are_asked_and_answered(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    struct facts *f = facts_new();
    struct observed o = { 0 };

    facts_log_answered(f, "api-1", "api", "late"); /* nobody asked, or the release has settled */
    facts_log_asked(f, "api-1", "api", 5000);
    facts_log_asked(f, "api-1", "sidecar", 5001);
    facts_log_answered(f, "api-1", "api", "panic: x");
    facts_observe(f, a, &o);
    CASE("two", o.n_logs == 2);
    for (size_t i = 0; i < o.n_logs; i++) {
        bool is_api = !strcmp(o.logs[i].container, "api");

        CASE("of the pod", !strcmp(o.logs[i].pod, "api-1"));
        CASE("when", o.logs[i].asked_ms == (is_api ? 5000 : 5001));
        CASE("answered", o.logs[i].done == is_api);
        CASE("the tail", is_api ? !strcmp(o.logs[i].tail, "panic: x") : !o.logs[i].tail);
    }
    facts_log_answered(f, "api-1", "api", NULL);
    facts_settle(f);
    o = (struct observed){ 0 };
    facts_observe(f, a, &o);
    CASE("settled: none", o.n_logs == 0);
    facts_free(f);
}

static void refusals_stand_until_the_attempt_is_accepted(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    const struct err invalid = { .kind = ERR_REFUSED, .code = 422, .text = "HTTP 422: no" };
    const struct err forbidden = { .kind = ERR_DENIED, .code = 403, .text = "HTTP 403: no" };
    struct facts *f = facts_new();
    struct observed o = { 0 };

    f->last_write_ms = 4711;
    facts_accepted(f, "id-1"); /* fine when there is none */
    facts_refused(f, "id-1", NULL, LACK_OTHER, &forbidden, 5000);
    facts_refused(f, "id-1", NULL, LACK_OTHER, &invalid, 6000);
    facts_observe(f, a, &o);
    CASE("the last one", o.n_refusals == 1 && o.refusals[0].at_ms == 6000);
    CASE("for good", o.refusals[0].for_good && !o.refusals[0].forbidden);
    CASE("the server's text", !strcmp(o.refusals[0].text, "HTTP 422: no"));
    CASE("of the attempt", !strcmp(o.refusals[0].attempt_id, "id-1"));
    CASE("the last write is told", o.last_write_ms == 4711);
    facts_began(f, "17", 815);
    o = (struct observed){ .rv = "17" };
    facts_observe(f, a, &o);
    CASE("when work began, of the same object", o.begun_ms == 815);
    o = (struct observed){ .rv = "18" };
    facts_observe(f, a, &o);
    CASE("and of no newer one", o.begun_ms == 0);
    CASE("of nobody else", !o.refusals[0].account && o.refusals[0].lack == LACK_OTHER);
    facts_refused(f, "id-1", "deployer", LACK_PATCH, &forbidden, 7000);
    o = (struct observed){ 0 };
    facts_observe(f, a, &o);
    CASE("forbidden", !o.refusals[0].for_good && o.refusals[0].forbidden);
    CASE("to whom", !strcmp(o.refusals[0].account, "deployer"));
    CASE("what", o.refusals[0].lack == LACK_PATCH);
    facts_refused(f, "id-1", NULL, LACK_NOTHING, &invalid, 8000);
    o = (struct observed){ 0 };
    facts_observe(f, a, &o);
    CASE("denied with 422", !o.refusals[0].for_good && !o.refusals[0].forbidden);
    facts_refused(f, "id-1", NULL, LACK_NOTHING, &forbidden, 9000);
    o = (struct observed){ 0 };
    facts_observe(f, a, &o);
    CASE("denied with 403", !o.refusals[0].for_good && !o.refusals[0].forbidden);
    facts_accepted(f, "id-1");
    o = (struct observed){ 0 };
    facts_observe(f, a, &o);
    CASE("accepted", o.n_refusals == 0);
    facts_free(f);
}

/* After failures 0 and 9.9 s old: the text first heard, since each new one told is a write. */
static struct facts *failed_twice(void)
{
    const struct err reset = { .kind = ERR_NET,
                               .text = "reset, Authorization: Bearer abcdefghijk" };
    const struct err unavailable = { .kind = ERR_SERVER, .code = 503, .text = "HTTP 503" };
    struct facts *f = facts_new();

    facts_failed(f, "id-1", &reset, 5000);
    facts_failed(f, "id-1", &unavailable, 14999);
    return f;
}

static void failures_in_a_row_are_one(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    const struct err e = { .kind = ERR_TIMEOUT, .text = "timeout" };
    struct facts *f = failed_twice();
    struct observed o = { 0 };

    facts_failed(f, "id-2", &e, 15000);
    facts_observe(f, a, &o);
    CASE("each attempt's own", o.n_failures == 2 && o.n_refusals == 0);
    for (size_t i = 0; i < o.n_failures; i++) {
        bool is_first = !strcmp(o.failures[i].attempt_id, "id-1");

        CASE("since when", o.failures[i].first_ms == (is_first ? 5000 : 15000));
        CASE("until when", o.failures[i].last_ms == (is_first ? 14999 : 15000));
        CASE("a text that stands", !strncmp(o.failures[i].text, is_first ? "reset" : "timeout", 5));
        CASE("without credentials", !strstr(o.failures[i].text, "abcdefghijk"));
    }
    facts_accepted(f, "id-2");
    facts_failed(f, "id-1", &e, 15000);
    o = (struct observed){ 0 };
    facts_observe(f, a, &o);
    CASE("a newer text", o.n_failures == 1 && !strcmp(o.failures[0].text, "timeout"));
    CASE("of the same failures", o.failures[0].first_ms == 5000 && o.failures[0].last_ms == 15000);
    facts_free(f);
}

static void an_answer_ends_the_failures(void)
{
    static const char *const ROWS[] = { "a conflict", "accepted", "refused", "settled" };
    const struct err no = { .kind = ERR_REFUSED, .code = 422, .text = "HTTP 422" };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        struct facts *f = failed_twice();
        struct observed o = { 0 };

        if (i == 0)
            facts_answered(f, "id-1");
        else if (i == 1)
            facts_accepted(f, "id-1");
        else if (i == 2)
            facts_refused(f, "id-1", NULL, LACK_OTHER, &no, 16000);
        else
            facts_settle(f);
        facts_observe(f, a, &o);
        CASE(ROWS[i], o.n_failures == 0);
        facts_free(f);
    }
}

UNIT_MAIN(UNIT_TEST(the_newer_release_wins), UNIT_TEST(the_newer_deployment_wins),
          UNIT_TEST(without_anything_held_the_watch_counts),
          UNIT_TEST(a_live_read_counts_when_the_watch_has_caught_up),
          UNIT_TEST(an_older_answer_does_not_replace_a_newer_one),
          UNIT_TEST(live_pods_are_fresh_for_two_seconds), UNIT_TEST(a_registrys_answer_is_kept),
          UNIT_TEST(trouble_backs_off_and_an_answer_ends_it),
          UNIT_TEST(answers_of_earlier_work_are_forgotten), UNIT_TEST(logs_are_asked_and_answered),
          UNIT_TEST(refusals_stand_until_the_attempt_is_accepted),
          UNIT_TEST(failures_in_a_row_are_one), UNIT_TEST(an_answer_ends_the_failures))
