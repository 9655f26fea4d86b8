/* status.history stays within its bytes; that it keeps the last success is a golden case too. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "deploy/plan.h"
#include "unit.h"

#define ENTRIES 45
#define NOW_MS 1767225600000LL
#define KIB32 32768
/* Eight characters of four bytes. */
#define ROCKETS                                                                                    \
    "\xf0\x9f\x9a\x80\xf0\x9f\x9a\x80\xf0\x9f\x9a\x80\xf0\x9f\x9a\x80\xf0\x9f\x9a\x80\xf0\x9f\x9a" \
    "\x80\xf0\x9f\x9a\x80\xf0\x9f\x9a\x80"

/* A release that has just settled, with many long entries before; the oldest one succeeded. */
struct world {
    struct container_facts container;
    struct replicaset_facts set;
    struct deployment_facts dep;
    struct app_facts app;
    struct image_answer answer;
    struct app_spec app_spec;
    struct release_spec spec;
    struct history_entry history[ENTRIES];
    struct release_status status;
    struct observed o;
    char actor[1024];
};

static void world_init(struct world *w)
{
    static size_t first; /* the order of one app */

    *w = (struct world){
        .container = { .name = "web", .image = "r.io/web:2222222@sha256:2" },
        .dep = { .uid = "u", .rv = "1", .generation = 1, .observed_generation = 1 },
        .app_spec = { .name = "web",
                      .deployment = "btc-web",
                      .repository = "r.io/web",
                      .commit = "2222222",
                      .image = "r.io/web:2222222" },
        .answer = { .image = "r.io/web:2222222", .at_ms = NOW_MS, .digest = "sha256:2" },
        .spec = { .commit = "2222222",
                  .n_apps = 1,
                  .order = &first,
                  .pin_digest = true,
                  .max_concurrent = 1,
                  .history_limit = 50,
                  .ttl_ms = -1 },
        .status = { .observed_generation = 1, .commit = "1111111", .start_ms = NOW_MS - 1000 },
        .o = { .now_ms = NOW_MS,
               .ns = "shop",
               .name = "shopflow",
               .uid = "3f2a91c0-aaaa",
               .generation = 2 },
    };
    memset(w->actor, 'a', sizeof w->actor - 1);
    for (size_t i = 0; i < ENTRIES; i++)
        w->history[i] = (struct history_entry){ .commit = "1111111",
                                                .result = i == ENTRIES - 1 ? "Succeeded" : "Failed",
                                                .actor = w->actor,
                                                .start_ms = NOW_MS - 10000 * (int64_t)(i + 1),
                                                .finish_ms = NOW_MS - 9000 * (int64_t)(i + 1) };
    w->dep.tmpl = (struct template_facts){ &w->container, 1 };
    w->app = (struct app_facts){ .deployment = "btc-web", .dep = &w->dep };
    w->spec.apps = &w->app_spec;
    w->spec.actor = w->actor;
    w->status.history = w->history;
    w->status.n_history = ENTRIES;
    w->o.spec = &w->spec;
    w->o.status = &w->status;
    w->o.apps = &w->app;
    w->o.images = &w->answer;
    w->o.n_apps = w->o.n_images = 1;
}

static size_t bytes_of(const struct release_status *s)
{
    AUTO(json) cJSON *tree = status_encode(s);
    char *text = json_print(json_get(tree, "history"));
    size_t n = strlen(text);

    free(text);
    return n;
}

static void history_is_at_most_32_kib(void)
{
    AUTO(arena) struct arena *a = arena_new(65536);
    struct world w;
    struct plan p;

    world_init(&w);
    p = plan_make(&w.o, a);
    CASE("it has settled", p.settled);
    CASE("the newest is first", !strcmp(p.status.history[0].commit, "2222222"));
    CASE("as many as fit", p.status.n_history > 20 && p.status.n_history < ENTRIES);
    CASE("32 KiB", bytes_of(&p.status) <= KIB32);
    w.spec.actor = NULL;
    for (size_t i = 0; i < ENTRIES; i++)
        w.history[i].actor = NULL;
    p = plan_make(&w.o, a);
    CASE("short ones all fit", p.status.n_history == ENTRIES + 1);
}

/* The longest actor: 1024 characters of four bytes. */
static const char *rockets(struct arena *a)
{
    const char *actor = "";

    for (size_t i = 0; i < 1024 / 8; i++)
        actor = arena_printf(a, "%s%s", actor, ROCKETS);
    return actor;
}

static void the_last_success_stays(void)
{
    AUTO(arena) struct arena *a = arena_new(65536);
    struct world w;
    struct plan p;

    world_init(&w);
    w.spec.missing_image = MISSING_FAIL;
    w.answer.digest = NULL;
    w.answer.missing = true;
    w.history[ENTRIES - 1].actor = rockets(a);
    p = plan_make(&w.o, a);
    CASE("this one failed", !strcmp(p.status.history[0].result, "ImageNotFound"));
    CASE("older failures were dropped", p.status.n_history < ENTRIES);
    CASE("the last success was not",
         !strcmp(p.status.history[p.status.n_history - 1].result, "Succeeded"));
    CASE("32 KiB with it", p.status.n_history > 20 && bytes_of(&p.status) <= KIB32);
    memset(w.actor, '"', sizeof w.actor - 1);
    p = plan_make(&w.o, a);
    CASE("quotation marks are two bytes", bytes_of(&p.status) <= KIB32);
}

/* As long as the CRD lets two entries be: 64 apps at commits of their own, 16 names, an actor of
 * characters of four bytes. */
static void the_longest_two_entries_fit(void)
{
    AUTO(arena) struct arena *a = arena_new(65536);
    const char *name = arena_printf(a, "%063d", 1), *commit = arena_printf(a, "%064d", 1);
    const char *changed[16], *actor = rockets(a);
    struct held_app held[64];
    struct history_entry two[2];
    struct release_status s = { .history = two, .n_history = 2 };

    for (size_t i = 0; i < ARRAY_LEN(changed); i++)
        changed[i] = name;
    for (size_t i = 0; i < ARRAY_LEN(held); i++)
        held[i] = (struct held_app){ name, commit };
    two[0] = two[1] = (struct history_entry){ .commit = commit,
                                              .result = name,
                                              .actor = actor,
                                              .start_ms = NOW_MS,
                                              .finish_ms = NOW_MS,
                                              .changed = changed,
                                              .n_changed = ARRAY_LEN(changed),
                                              .changed_count = 64,
                                              .held = held,
                                              .n_held = ARRAY_LEN(held) };
    CASE("the actor has 1024 characters", strlen(actor) == (size_t)4 * 1024);
    CASE("measured from above", bytes_of(&s) <= status_history_bytes(two, 2) + 2);
    CASE("they fit", status_history_bytes(two, 2) <= KIB32);
}

UNIT_MAIN(UNIT_TEST(history_is_at_most_32_kib), UNIT_TEST(the_last_success_stays),
          UNIT_TEST(the_longest_two_entries_fit))
