#include "deploy/image.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "unit.h"

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

static const struct {
    const char *name, *image, *digest, *rest;
} PARTS[] = {
    { "tag and digest", "r.io/a:v1@sha256:12", "sha256:12", "r.io/a:v1" },
    { "digest only", "r.io/a@sha256:12", "sha256:12", "r.io/a" },
    { "tag only", "r.io/a:v1", NULL, "r.io/a:v1" },
    { "neither", "a", NULL, "a" },
};

static void takes_images_apart(void)
{
    AUTO(arena) struct arena *a = arena_new(256);

    for (size_t i = 0; i < ARRAY_LEN(PARTS); i++) {
        CASE(PARTS[i].name, same(image_digest(PARTS[i].image), PARTS[i].digest));
        CASE(PARTS[i].name, same(image_without_digest(PARTS[i].image, a), PARTS[i].rest));
    }
    CASE("nothing has no digest", image_digest(NULL) == NULL);
}

static const struct {
    const char *name, *image, *repository;
    bool is;
} REPOSITORIES[] = {
    { "with a tag", "r.io/a:v1", "r.io/a", true },
    { "with a digest", "r.io/a@sha256:1", "r.io/a", true },
    { "bare", "r.io/a", "r.io/a", true },
    { "a longer name", "r.io/ab:v1", "r.io/a", false },
    { "a path below", "r.io/a/b:v1", "r.io/a", false },
    { "another host", "q.io/a:v1", "r.io/a", false },
    { "a host with a port", "r.io:5000/a:v1", "r.io:5000/a", true },
};

static void knows_the_repository(void)
{
    for (size_t i = 0; i < ARRAY_LEN(REPOSITORIES); i++)
        CASE(REPOSITORIES[i].name, image_is_from(REPOSITORIES[i].image,
                                                 REPOSITORIES[i].repository) == REPOSITORIES[i].is);
}

static const struct {
    const char *name, *a, *b;
    bool same;
} PAIRS[] = {
    { "the same text", "r.io/a:v1", "r.io/a:v1", true },
    { "another tag", "r.io/a:v1", "r.io/a:v2", false },
    { "another tag, the same digest", "r.io/a:v1@sha256:1", "r.io/a:v2@sha256:1", true },
    { "the same tag, another digest", "r.io/a:v1@sha256:1", "r.io/a:v1@sha256:2", false },
    { "a digest on one side only", "r.io/a:v1@sha256:1", "r.io/a:v1", false },
    { "a mirror with the same digest", "q.io/a@sha256:1", "r.io/a@sha256:1", true },
    { "a digest that begins the other", "a@sha256:1", "a@sha256:12", false },
    { "nothing is like nothing", NULL, NULL, false },
    { "nothing and something", NULL, "a", false },
};

static void compares_by_digest(void)
{
    for (size_t i = 0; i < ARRAY_LEN(PAIRS); i++) {
        CASE(PAIRS[i].name, image_same(PAIRS[i].a, PAIRS[i].b) == PAIRS[i].same);
        CASE(PAIRS[i].name, image_same(PAIRS[i].b, PAIRS[i].a) == PAIRS[i].same);
    }
}

static struct image_list list(struct image_of *items, size_t n)
{
    return (struct image_list){ .items = items, .n = n };
}

static void matches_templates(void)
{
    struct container_facts containers[] = { { .name = "init", .image = "i:1", .init = true },
                                            { .name = "web", .image = "w:1" } };
    struct template_facts t = { containers, 2 };
    struct image_of both[] = { { "web", "w:1" }, { "init", "i:1" } };
    struct image_of other[] = { { "web", "w:2" } }, gone[] = { { "api", "w:1" } };
    struct image_list all = list(both, 2), web = list(both, 1), none = list(NULL, 0);
    struct image_list second = list(other, 1), third = list(gone, 1);

    CASE("all, in another order", images_match(&t, &all));
    CASE("a part", images_match(&t, &web));
    CASE("an empty list", images_match(&t, &none));
    CASE("another image", !images_match(&t, &second));
    CASE("a container that is not there", !images_match(&t, &third));
    CASE("an init container's image", same(image_in_template(&t, "init"), "i:1"));
    CASE("no such container", image_in_template(&t, "api") == NULL);
    CASE("in a list", same(image_in(&all, "init"), "i:1") && !image_in(&web, "init"));
}

static void compares_lists(void)
{
    struct image_of ab[] = { { "a", "1" }, { "b", "2" } }, ba[] = { { "b", "2" }, { "a", "1" } };
    struct image_of swapped[] = { { "a", "2" }, { "b", "1" } };
    struct image_of others[] = { { "a", "1" }, { "c", "2" } };
    struct image_list x = list(ab, 2), y = list(ba, 2), z = list(swapped, 2), part = list(ab, 1);
    struct image_list renamed = list(others, 2);

    CASE("order does not matter", images_equal(&x, &y));
    CASE("images do", !images_equal(&x, &z));
    CASE("containers do", !images_equal(&x, &renamed));
    CASE("a part is not all", !images_equal(&x, &part) && !images_equal(&part, &x));
}

UNIT_MAIN(UNIT_TEST(takes_images_apart), UNIT_TEST(knows_the_repository),
          UNIT_TEST(compares_by_digest), UNIT_TEST(matches_templates), UNIT_TEST(compares_lists))
