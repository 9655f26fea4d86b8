/* An AppRelease as stored, and what people may have written on it. */
#include "reconcile/release.h"

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/json.h"
#include "unit.h"

#define X16 "aaaaaaaaaaaaaaaa"
#define X256 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16

/* The longest value that the CRD takes in status is 256 characters: a longer one would have every
 * status patch refused, for ever. */
static const struct {
    const char *name, *value, *kept;
} TOKENS[] = {
    { "as it is", "2026-11-24T12:00:00Z", "2026-11-24T12:00:00Z" },
    { "the longest", X256, X256 },
    { "a longer one is cut", X256 "b", X16 X16 },
    { "cut at a character", X16 "\xc3\xa9" X256, X16 "\xc3\xa9" X16 },
    { "empty is a value too", "", "" },
};

static void a_token_fits_in_status(void)
{
    for (size_t i = 0; i < ARRAY_LEN(TOKENS); i++) {
        char json[1024];
        struct err e = { 0 };
        AUTO(json) cJSON *tree = NULL;
        struct release *r;

        snprintf(json, sizeof json,
                 "{\"metadata\":{\"name\":\"shop\",\"namespace\":\"shop\",\"uid\":\"u\","
                 "\"resourceVersion\":\"1\",\"annotations\":{"
                 "\"deploy.btc-shopflow.io/retry-at\":\"%s\","
                 "\"deploy.btc-shopflow.io/reconcile-at\":\"%s\"}},\"spec\":{}}",
                 TOKENS[i].value, TOKENS[i].value);
        tree = json_parse(json, strlen(json), &e);
        r = release_decode(tree, &e);
        CASE(TOKENS[i].name, r && !strncmp(r->retry_at, TOKENS[i].kept, strlen(TOKENS[i].kept)));
        CASE(TOKENS[i].name, strlen(r->retry_at) <= STATUS_TOKEN_BYTES);
        CASE(TOKENS[i].name, !strcmp(r->retry_at, r->reconcile_at));
        CASE(TOKENS[i].name,
             strlen(TOKENS[i].value) > STATUS_TOKEN_BYTES || !strcmp(r->retry_at, TOKENS[i].value));
        kube_object_free(&r->meta);
    }
}

#define FIELD(manager, time, fields)                                                               \
    "{\"manager\":\"" manager "\",\"time\":\"2026-11-24T" time "Z\",\"fieldsV1\":" fields "}"
#define SUSPEND "{\"f:spec\":{\"f:suspend\":{}}}"
#define PAUSED "{\"f:spec\":{\"f:paused\":{}}}"
#define OVERRIDE                                                                                   \
    "{\"f:metadata\":{\"f:annotations\":{\"f:deploy.btc-shopflow.io/freeze-override\":{}}}}"

static const struct {
    const char *name, *fields, *spec, *annotations;
    const char *suspended_by, *paused_by, *overridden_by;
} MANAGERS[] = {
    { "nobody is known", "", "\"suspend\":true", "", NULL, NULL, NULL },
    { "who suspended it", FIELD("alice", "10:00:00", SUSPEND), "\"suspend\":true", "", "alice",
      NULL, NULL },
    { "not where it is not suspended", FIELD("alice", "10:00:00", SUSPEND), "\"suspend\":false", "",
      NULL, NULL, NULL },
    { "the last of several",
      FIELD("alice", "10:00:00", PAUSED) "," FIELD("bob", "12:00:00", PAUSED) "," FIELD(
          "carol", "11:00:00", PAUSED) "," FIELD("dave", "13:00:00", SUSPEND),
      "\"paused\":true", "", NULL, "bob", NULL },
    { "who overrides a freeze", FIELD("alice", "10:00:00", OVERRIDE), "\"paused\":false",
      "\"deploy.btc-shopflow.io/freeze-override\":\"1234567\"", NULL, NULL, "alice" },
    { "an entry without fields", "{\"manager\":\"alice\"},7", "\"suspend\":true", "", NULL, NULL,
      NULL },
};

static bool is_same(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static void who_holds_it_is_known_from_its_fields(void)
{
    for (size_t i = 0; i < ARRAY_LEN(MANAGERS); i++) {
        char json[2048];
        struct err e = { 0 };
        AUTO(json) cJSON *tree = NULL;
        struct release *r;

        snprintf(json, sizeof json,
                 "{\"metadata\":{\"name\":\"shop\",\"uid\":\"u\",\"resourceVersion\":\"1\","
                 "\"annotations\":{%s},\"managedFields\":[%s]},\"spec\":{%s}}",
                 MANAGERS[i].annotations, MANAGERS[i].fields, MANAGERS[i].spec);
        tree = json_parse(json, strlen(json), &e);
        r = release_decode(tree, &e);
        CASE(MANAGERS[i].name, r);
        CASE(MANAGERS[i].name, is_same(r->suspended_by, MANAGERS[i].suspended_by));
        CASE(MANAGERS[i].name, is_same(r->paused_by, MANAGERS[i].paused_by));
        CASE(MANAGERS[i].name, is_same(r->overridden_by, MANAGERS[i].overridden_by));
        kube_object_free(&r->meta);
    }
}

/* --- R15: who lays claim to a Deployment, and who is the newest --- */

static const struct {
    const char *name, *metadata, *spec;
    bool claims;
} CLAIMS[] = {
    { "one that is good", "", "", true },
    { "a suspended one", "", ",\"suspend\":true", false },
    { "a plan", "", ",\"mode\":\"Plan\"", false },
    { "a wrong one", "", ",\"maxConcurrent\":0", false },
    { "one that is being deleted", ",\"deletionTimestamp\":\"2026-11-24T12:00:00Z\"", "", false },
    { "a paused one", "", ",\"paused\":true", true },
};

static struct release *decode(const char *name, const char *metadata, const char *spec)
{
    char json[1024];
    struct err e = { 0 };
    AUTO(json) cJSON *tree = NULL;

    snprintf(json, sizeof json,
             "{\"metadata\":{\"name\":\"%s\",\"uid\":\"u\",\"resourceVersion\":\"1\"%s},\"spec\":"
             "{\"commit\":\"1234567\",\"registry\":\"reg.io\",\"apps\":[{\"name\":\"web\"}]%s}}",
             name, metadata, spec);
    tree = json_parse(json, strlen(json), &e);
    return release_decode(tree, &e);
}

static void what_does_nothing_claims_nothing(void)
{
    for (size_t i = 0; i < ARRAY_LEN(CLAIMS); i++) {
        struct release *r = decode("shop", CLAIMS[i].metadata, CLAIMS[i].spec);

        CASE(CLAIMS[i].name, r && release_claims(r, "btc-web") == CLAIMS[i].claims);
        CASE(CLAIMS[i].name, release_claims(r, NULL) == CLAIMS[i].claims);
        CASE(CLAIMS[i].name, !release_claims(r, "btc-api"));
        kube_object_free(&r->meta);
    }
}

#define CREATED(at) ",\"creationTimestamp\":\"2026-11-24T12:00:" at "Z\""

static void the_newest_is_known_by_time_then_by_name(void)
{
    struct release *a = decode("push-a", CREATED("00"), ""),
                   *b = decode("push-b", CREATED("00"), ""),
                   *late = decode("push-0", CREATED("01"), "");

    CASE("the later one", release_is_newer(late, a) && !release_is_newer(a, late));
    CASE("of one second the later name", release_is_newer(b, a) && !release_is_newer(a, b));
    CASE("not itself", !release_is_newer(a, a));
    kube_object_free(&a->meta);
    kube_object_free(&b->meta);
    kube_object_free(&late->meta);
}

UNIT_MAIN(UNIT_TEST(a_token_fits_in_status), UNIT_TEST(who_holds_it_is_known_from_its_fields),
          UNIT_TEST(what_does_nothing_claims_nothing),
          UNIT_TEST(the_newest_is_known_by_time_then_by_name))
