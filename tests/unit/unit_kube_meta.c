#include "kube/meta.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "base/json.h"
#include "unit.h"

static const struct {
    const char *name, *a, *b;
    bool older;
} VERSIONS[] = {
    { "smaller", "41", "42", true },
    { "greater", "42", "41", false },
    { "equal", "42", "42", false },
    { "fewer digits", "99", "100", true },
    { "more digits", "100", "99", false },
    { "beyond 64 bits", "99999999999999999999998", "99999999999999999999999", true },
    { "a leading zero cannot be compared", "041", "42", false },
    { "not a number", "abc", "abd", false },
    { "empty", "", "1", false },
    { "absent", NULL, "1", false },
    { "the other absent", "1", NULL, false },
};

static void compares_versions(void)
{
    for (size_t i = 0; i < ARRAY_LEN(VERSIONS); i++)
        CASE(VERSIONS[i].name, kube_rv_older(VERSIONS[i].a, VERSIONS[i].b) == VERSIONS[i].older);
}

static const struct {
    const char *name, *json;
    int want;
} TREES[] = {
    { "all there", "{\"metadata\":{\"name\":\"a\",\"uid\":\"u\",\"resourceVersion\":\"1\"}}", 0 },
    { "no metadata", "{}", -1 },
    { "no name", "{\"metadata\":{\"uid\":\"u\",\"resourceVersion\":\"1\"}}", -1 },
    { "empty uid", "{\"metadata\":{\"name\":\"a\",\"uid\":\"\",\"resourceVersion\":\"1\"}}", -1 },
    { "a number as version", "{\"metadata\":{\"name\":\"a\",\"uid\":\"u\",\"resourceVersion\":1}}",
      -1 },
};

static void asks_for_name_uid_and_version(void)
{
    for (size_t i = 0; i < ARRAY_LEN(TREES); i++) {
        AUTO(arena) struct arena *a = arena_new(256);
        struct err e = { 0 };
        AUTO(json) cJSON *tree = json_parse(TREES[i].json, strlen(TREES[i].json), &e);
        struct kube_object o = { 0 };

        CASE(TREES[i].name, kube_meta_decode(tree, a, &o) == TREES[i].want);
    }
}

static void makes_keys(void)
{
    AUTO(arena) struct arena *a = arena_new(256);

    CASE("with a namespace", !strcmp(kube_key(a, "shop", "api"), "shop/api"));
    CASE("without", !strcmp(kube_key(a, NULL, "node-1"), "node-1"));
}

UNIT_MAIN(UNIT_TEST(compares_versions), UNIT_TEST(asks_for_name_uid_and_version),
          UNIT_TEST(makes_keys))
