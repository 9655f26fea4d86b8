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

UNIT_MAIN(UNIT_TEST(a_token_fits_in_status))
