/* Apps that are replaced by others in mid-rollout: status stays within its bytes (R12). */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "deploy/plan.h"
#include "unit.h"

#define APPS 64
#define NOW_MS 1767225600000LL
#define NAME "a-name-of-an-app-"
#define IMAGE "registry.example.com/a-team/%s%02zu:%s@sha256:%s"
#define OLD "1111111111111111111111111111111111111111111111111111111111111111"
#define NEW "2222222222222222222222222222222222222222222222222222222222222222"

/* Sixty-four apps that roll, all of them named otherwise in the spec. */
struct world {
    struct arena *a;
    struct container_facts containers[APPS];
    struct deployment_facts deps[APPS];
    struct app_facts facts[APPS];
    struct image_of images[2 * APPS];
    struct attempt attempts[APPS];
    struct app_status apps[APPS];
    struct release_spec spec;
    struct release_status status;
    struct observed o;
};

static const char *spec_text(struct arena *a, const char *prefix)
{
    const char *text = "{\"commit\":\"2222222\",\"registry\":\"registry.example.com/a-team\","
                       "\"maxConcurrent\":64,\"apps\":[";

    for (size_t i = 0; i < APPS; i++)
        text = arena_printf(a, "%s%s{\"name\":\"%s%02zu\"}", text, i ? "," : "", prefix, i);
    return arena_printf(a, "%s]}", text);
}

static const char *read_spec(struct arena *a, const char *prefix, struct release_spec *ret)
{
    const char *text = spec_text(a, prefix);
    struct err e = { 0 };
    AUTO(json) cJSON *tree = json_parse(text, strlen(text), &e);

    return spec_decode(tree, a, ret);
}

/* It was accepted, and nothing is known of its pods yet. */
static void roll(struct world *w, size_t i)
{
    const char *name = arena_printf(w->a, "%s%02zu", NAME, i);
    const char *deployment = arena_printf(w->a, "btc-%s", name);
    struct image_of *image = &w->images[2 * i], *previous = image + 1;

    *image = (struct image_of){ name, arena_printf(w->a, IMAGE, NAME, i, "2222222", NEW) };
    *previous = (struct image_of){ name, arena_printf(w->a, IMAGE, NAME, i, "1111111", OLD) };
    w->attempts[i] = (struct attempt){ .id = arena_printf(w->a, "3f2a91c0-%zu", i + 1),
                                       .commit = "2222222",
                                       .generation = 1,
                                       .deployment_uid = "u",
                                       .accepted = 1,
                                       .images = { image, 1 },
                                       .previous = { previous, 1 },
                                       .previous_available = 1,
                                       .previous_good_image = previous->image,
                                       .start_ms = NOW_MS - 1000,
                                       .available_max = -1 };
    w->apps[i] = (struct app_status){ .name = name,
                                      .deployment = deployment,
                                      .state = APP_UPDATING,
                                      .reason = "RollingUpdate",
                                      .state_ms = NOW_MS - 1000,
                                      .good_image = previous->image,
                                      .target_commit = "2222222",
                                      .target_image = image->image,
                                      .attempt = &w->attempts[i],
                                      .desired = 1 };
    w->containers[i] = (struct container_facts){ .name = name, .image = image->image };
    w->deps[i] = (struct deployment_facts){ .uid = "u",
                                            .rv = "1",
                                            .generation = 1,
                                            .observed_generation = 1,
                                            .replicas = 1,
                                            .tmpl = { &w->containers[i], 1 },
                                            .attempt = &w->attempts[i] };
    w->facts[i] = (struct app_facts){ .deployment = deployment, .dep = &w->deps[i] };
}

static void world_init(struct world *w, struct arena *a)
{
    *w = (struct world){ .a = a };
    if (read_spec(a, "other-" NAME, &w->spec))
        printf("the spec is wrong\n");
    for (size_t i = 0; i < APPS; i++)
        roll(w, i);
    w->status = (struct release_status){ .observed_generation = 1,
                                         .start_ms = NOW_MS - 2000,
                                         .commit = "2222222",
                                         .apps = w->apps,
                                         .n_apps = APPS };
    w->o = (struct observed){ .now_ms = NOW_MS,
                              .ns = "shop",
                              .name = "shopflow",
                              .uid = "3f2a91c0-aaaa",
                              .generation = 2,
                              .spec = &w->spec,
                              .status = &w->status,
                              .apps = w->facts,
                              .n_apps = APPS };
}

static size_t bytes_of(const struct app_status *app)
{
    struct app_status one = *app;
    struct release_status s = { .apps = &one, .n_apps = 1 };
    AUTO(json) cJSON *tree = status_encode(&s);
    char *text = json_print(json_get(tree, "apps"));
    size_t n = strlen(text);

    free(text);
    return n;
}

static bool keeps_ways_back(const struct world *w, const struct release_status *s)
{
    for (size_t i = 0; i < APPS; i++) {
        const struct app_status *app = status_app(s, w->apps[i].name);

        if (!app || !app->attempt || strcmp(app->attempt->id, w->attempts[i].id) != 0 ||
            strcmp(app->good_image, w->apps[i].good_image) != 0 || app->attempt->previous.n != 1)
            return false;
    }
    return true;
}

static void others_wait_for_room(void)
{
    AUTO(arena) struct arena *a = arena_new(65536);
    struct world w;
    struct plan p;

    world_init(&w, a);
    p = plan_make(&w.o, a);
    CASE("what rolls is followed", p.status.n_apps == APPS && keeps_ways_back(&w, &p.status));
    CASE("it is told",
         strstr(status_condition(&p.status, "Ready")->message, "no room") && !p.settled);
    CASE("of this generation", p.status.observed_generation == 2 &&
                                   status_condition(&p.status, "Ready")->observed_generation == 2);
    CASE("nothing has begun", !p.status.start_ms);
    w.status = p.status;
    p = plan_make(&w.o, a);
    CASE("still", p.status.n_apps == APPS && !p.status.start_ms);
    for (size_t i = 2; i < APPS; i++)
        w.status.apps[i].state = APP_UPDATED;
    p = plan_make(&w.o, a);
    CASE("the work begins when there is room", p.status.start_ms == NOW_MS);
    CASE("with those that still roll", p.status.n_apps == APPS + 2);
    w.status = p.status;
    for (size_t i = 0; i < 2; i++)
        CASE("they are no longer listed", w.status.apps[APPS + i].unlisted);
    p = plan_make(&w.o, a);
    CASE("what has begun goes on", p.status.start_ms == NOW_MS && p.status.n_apps == APPS + 2);
}

/* The Deployments are gone, so nothing rolls any more: the next look begins the work. */
static void there_is_room_with_the_next_look(void)
{
    AUTO(arena) struct arena *a = arena_new(65536);
    struct world w;
    struct plan p;

    world_init(&w, a);
    w.o.n_apps = 0;
    p = plan_make(&w.o, a);
    CASE("waits for one look more", !p.status.start_ms && !p.settled);
    CASE("and says so", status_condition(&p.status, "Reconciling"));
    w.status = p.status;
    p = plan_make(&w.o, a);
    CASE("begins", p.status.start_ms == NOW_MS && p.status.n_apps == APPS);
}

static void a_few_others_begin_at_once(void)
{
    AUTO(arena) struct arena *a = arena_new(65536);
    struct world w;
    struct plan p;

    world_init(&w, a);
    w.spec.n_apps = 3;
    p = plan_make(&w.o, a);
    CASE("there is room for these", p.status.start_ms == NOW_MS && p.status.n_apps == APPS + 3);
}

/* Whatever becomes of an app that rolls, as long as it does. */
static void a_mover_is_measured_from_above(void)
{
    AUTO(arena) struct arena *a = arena_new(65536);
    const char *word = arena_printf(a, "%063d", 1), *commit = arena_printf(a, "%064d", 1);
    struct failure f = {
        .pod = word, .container = word, .reason = word, .exit_code = 255, .restarts = 1000000
    };
    struct world w;
    struct app_status *app = &w.apps[0];
    struct attempt *at = &w.attempts[0];
    size_t most;

    world_init(&w, a);
    app->commit = app->target_commit = at->commit = at->previous_good_commit = commit;
    most = status_mover_bytes(app);
    app->unlisted = true;
    app->state = APP_ROLLING_BACK;
    app->reason = app->message = word;
    app->failed_image = app->target_image;
    app->failed_commit = commit;
    app->failure = &f;
    app->updated = app->available = 1000000;
    at->id = word;
    at->deployment_uid = "3f2a91c0-aaaa-bbbb-cccc-0123456789ab";
    at->generation = at->accepted = 1000000000;
    at->progress_ms = at->complete_ms = at->soak_ms = at->clock_stopped_ms = NOW_MS;
    at->available_max = at->put_backs = at->previous_available = 1000000;
    at->trouble = (struct trouble){ word, word, NOW_MS };
    app->finish_ms = NOW_MS;
    CASE("as long as it can be", bytes_of(app) <= most);
}

UNIT_MAIN(UNIT_TEST(others_wait_for_room), UNIT_TEST(a_few_others_begin_at_once),
          UNIT_TEST(there_is_room_with_the_next_look), UNIT_TEST(a_mover_is_measured_from_above))
