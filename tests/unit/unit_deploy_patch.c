#include "deploy/patch.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "unit.h"

#define OURS "deploy.btc-shopflow.io/"

/* A release whose app rolls from w:1 to w:2; a case changes what it is about. */
struct world {
    struct container_facts containers[3];
    struct image_of images[2], previous[1];
    struct attempt attempt;
    struct app_status app;
    struct deployment_facts dep;
    struct release_spec spec;
    struct observed o;
};

static void world_init(struct world *w)
{
    *w = (struct world){
        .containers = { { .name = "migrate", .image = "w:1", .init = true },
                        { .name = "web", .image = "w:1" },
                        { .name = "proxy", .image = "envoy:9" } },
        .images = { { "migrate", "w:2" }, { "web", "w:2" } },
        .previous = { { "web", "w:1" } },
        .attempt = { .id = "3f2a91c0-7",
                     .kind = ATTEMPT_ROLL,
                     .commit = "2222222",
                     .previous_available = 2,
                     .start_ms = 1000 },
        .app = { .name = "web",
                 .deployment = "btc-web",
                 .state = APP_UPDATING,
                 .reason = "RollingUpdate" },
        .dep = { .uid = "u", .rv = "42", .replicas = 3 },
        .spec = { .enforce_rolling_update = true },
        .o = { .name = "shopflow", .uid = "3f2a91c0-aaaa", .generation = 12 },
    };
    w->attempt.images = (struct image_list){ w->images, 2 };
    w->attempt.previous = (struct image_list){ w->previous, 1 };
    w->app.attempt = &w->attempt;
    w->dep.tmpl = (struct template_facts){ w->containers, 3 };
    w->o.spec = &w->spec;
}

static cJSON *patch(struct world *w, struct arena *a)
{
    struct err e = { 0 };
    const char *body = patch_deployment(&w->o, &w->app, &w->dep, a);

    return json_parse(body, strlen(body), &e);
}

static bool says(const cJSON *object, const char *key, const char *want)
{
    const char *text = json_str(object, key);

    return text && !strcmp(text, want);
}

static void writes_the_named_containers_and_nothing_else(void)
{
    AUTO(arena) struct arena *a = arena_new(4096);
    AUTO(json) cJSON *tree = NULL;
    const cJSON *pod, *mains, *inits;
    struct world w;

    world_init(&w);
    tree = patch(&w, a);
    pod = json_at(tree, "spec", "template", "spec");
    mains = json_get(pod, "containers");
    inits = json_get(pod, "initContainers");
    CASE("one main container", cJSON_GetArraySize(mains) == 1);
    CASE("its image", says(mains->child, "name", "web") && says(mains->child, "image", "w:2"));
    CASE("the init container apart", says(inits->child, "name", "migrate"));
    CASE("image and name only", cJSON_GetArraySize(mains->child) == 2);
    CASE("no replicas", !json_at(tree, "spec", "replicas"));
    CASE("template and strategy only", cJSON_GetArraySize(json_get(tree, "spec")) == 2);
    CASE("metadata and spec only", cJSON_GetArraySize(tree) == 2);
}

static void is_for_this_object_as_it_was_seen(void)
{
    AUTO(arena) struct arena *a = arena_new(4096);
    AUTO(json) cJSON *tree = NULL;
    struct world w;

    world_init(&w);
    tree = patch(&w, a);
    CASE("uid", says(json_get(tree, "metadata"), "uid", "u"));
    CASE("resourceVersion", says(json_get(tree, "metadata"), "resourceVersion", "42"));
}

static void enforces_the_strategy(void)
{
    AUTO(arena) struct arena *a = arena_new(8192);
    AUTO(json) cJSON *enforced = NULL;
    AUTO(json) cJSON *there = NULL;
    AUTO(json) cJSON *off = NULL;
    const cJSON *rolling;
    struct world w;

    world_init(&w);
    enforced = patch(&w, a);
    rolling = json_at(enforced, "spec", "strategy", "rollingUpdate");
    CASE("maxSurge 1", json_int(rolling, "maxSurge", -1) == 1);
    CASE("maxUnavailable 0", json_int(rolling, "maxUnavailable", -1) == 0);
    CASE("type", says(json_at(enforced, "spec", "strategy"), "type", "RollingUpdate"));
    w.dep.rolls_softly = true;
    there = patch(&w, a);
    CASE("not when it is so already", !json_at(there, "spec", "strategy"));
    w.dep.rolls_softly = w.spec.enforce_rolling_update = false;
    off = patch(&w, a);
    CASE("not when it is not wanted", !json_at(off, "spec", "strategy"));
}

static void carries_the_annotations(void)
{
    AUTO(arena) struct arena *a = arena_new(4096);
    AUTO(json) cJSON *tree = NULL;
    const struct attempt *at;
    const cJSON *notes;
    struct world w;

    world_init(&w);
    tree = patch(&w, a);
    notes = json_at(tree, "metadata", "annotations");
    at = attempt_from_annotation(json_str(notes, OURS "attempt"), a);
    CASE("the attempt", at && !strcmp(at->id, "3f2a91c0-7") && at->previous_available == 2);
    CASE("the owner", says(notes, OURS "owner", "3f2a91c0-aaaa/12"));
    CASE("the change-cause",
         says(notes, "kubernetes.io/change-cause", "AppRelease shopflow: web to 2222222"));
    CASE("no latch any more", cJSON_IsNull(json_get(notes, OURS "latch")));
    CASE("no others", cJSON_GetArraySize(notes) == 4);
}

static void a_rollback_carries_the_latch(void)
{
    AUTO(arena) struct arena *a = arena_new(4096);
    struct err e = { 0 };
    AUTO(json) cJSON *tree = NULL;
    AUTO(json) cJSON *latch = NULL;
    struct failure failure = { .reason = "Error" };
    const cJSON *notes;
    struct world w;

    world_init(&w);
    w.attempt.kind = ATTEMPT_ROLLBACK;
    w.app.state = APP_ROLLING_BACK;
    w.app.reason = "CrashLoop";
    w.app.failure = &failure;
    w.app.failed_image = "w:2@sha256:2";
    w.app.failed_commit = "2222222";
    w.o.retry_at = "once";
    tree = patch(&w, a);
    notes = json_at(tree, "metadata", "annotations");
    latch = json_parse(json_str(notes, OURS "latch"), strlen(json_str(notes, OURS "latch")), &e);
    CASE("image and commit",
         says(latch, "image", "w:2@sha256:2") && says(latch, "commit", "2222222"));
    CASE("the class", says(latch, "reason", "CrashLoop"));
    CASE("the retry it failed under", says(latch, "retryAt", "once"));
    CASE("the change-cause", says(notes, "kubernetes.io/change-cause",
                                  "AppRelease shopflow: web rolled back from 2222222"));
}

static void a_put_back_of_a_rollback_says_so(void)
{
    AUTO(arena) struct arena *a = arena_new(4096);
    AUTO(json) cJSON *tree = NULL;
    struct world w;

    world_init(&w);
    w.attempt.kind = ATTEMPT_PUT_BACK;
    w.app.state = APP_ROLLING_BACK;
    tree = patch(&w, a);
    CASE("the change-cause",
         says(json_at(tree, "metadata", "annotations"), "kubernetes.io/change-cause",
              "AppRelease shopflow: web rolled back from 2222222"));
}

static void an_adopt_writes_annotations_only(void)
{
    AUTO(arena) struct arena *a = arena_new(4096);
    AUTO(json) cJSON *tree = NULL;
    struct world w;

    world_init(&w);
    w.attempt.kind = ATTEMPT_ADOPT;
    tree = patch(&w, a);
    CASE("no spec", !json_get(tree, "spec"));
    CASE("no change-cause",
         !json_get(json_at(tree, "metadata", "annotations"), "kubernetes.io/change-cause"));
    CASE("the attempt", json_get(json_at(tree, "metadata", "annotations"), OURS "attempt"));
}

UNIT_MAIN(UNIT_TEST(writes_the_named_containers_and_nothing_else),
          UNIT_TEST(is_for_this_object_as_it_was_seen), UNIT_TEST(enforces_the_strategy),
          UNIT_TEST(carries_the_annotations), UNIT_TEST(a_rollback_carries_the_latch),
          UNIT_TEST(a_put_back_of_a_rollback_says_so), UNIT_TEST(an_adopt_writes_annotations_only))
