/* WWW-Authenticate, and which credential of a docker config belongs to an image. */
#include "registry/auth.h"

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "registry/client.h"
#include "registry/ref.h"
#include "unit.h"

static const struct {
    const char *name, *header;
    bool basic, bearer;
    const char *realm, *service, *scope; /* NULL = empty */
} CHALLENGES[] = {
    { "Docker Hub",
      "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
      "scope=\"repository:library/nginx:pull\"",
      false, true, "https://auth.docker.io/token", "registry.docker.io",
      "repository:library/nginx:pull" },
    { "basic", "Basic realm=\"Registry\"", true, false, NULL, NULL, NULL },
    { "basic without a realm", "Basic", true, false, NULL, NULL, NULL },
    { "names in any case", "bEARER REALM=\"https://a/t\",Service=\"s\"", false, true, "https://a/t",
      "s", NULL },
    { "words that only begin so",
      "Bear realm=\"https://b/t\", Bearer re=\"x\",realm=\"https://a/t\",r=\"y\"", false, true,
      "https://a/t", NULL, NULL },
    { "a backslash in a bare value", "Bearer realm=https://a/\\t", false, true, "https://a/\\t",
      NULL, NULL },
    { "spaces after commas", "Bearer realm=\"https://a/t\" , service=\"s\"", false, true,
      "https://a/t", "s", NULL },
    { "empty elements", ", ,Bearer ,realm=\"https://a/t\",,", false, true, "https://a/t", NULL,
      NULL },
    { "values without quotes", "Bearer realm=https://a/t,service=s", false, true, "https://a/t",
      "s", NULL },
    { "a comma in a value", "Bearer scope=\"repository:a:pull,push\",realm=\"https://a/t\"", false,
      true, "https://a/t", NULL, "repository:a:pull,push" },
    { "an escape in a value", "Bearer realm=\"https://a/\\\"t\\\\\"", false, true,
      "https://a/\"t\\", NULL, NULL },
    { "unknown parameters, however long",
      "Bearer error=\"invalid_token_and_more\",realm=\"https://a/t\"", false, true, "https://a/t",
      NULL, NULL },
    { "both", "Basic realm=\"x\", Bearer realm=\"https://a/t\"", true, true, "https://a/t", NULL,
      NULL },
    { "both, the other way round", "Bearer realm=\"https://a/t\",Basic realm=\"x\"", true, true,
      "https://a/t", NULL, NULL },
    { "another scheme's token first", "Negotiate YII=, Bearer realm=\"https://a/t\"", false, true,
      "https://a/t", NULL, NULL },
    { "another scheme's realm does not count", "Digest realm=\"https://evil/\"", false, false, NULL,
      NULL, NULL },
    { "bearer without a realm", "Bearer service=\"s\"", false, false, NULL, "s", NULL },
    { "an empty realm", "Bearer realm=\"\"", false, false, NULL, NULL, NULL },
    { "a quote that does not end", "Bearer realm=\"https://a/t", false, false, "https://a/t", NULL,
      NULL },
    { "an escape at the very end", "Bearer realm=\"https://a/t\\", false, false, "https://a/t\\",
      NULL, NULL },
    { "a longer word", "Bearers realm=\"https://a/t\"", false, false, NULL, NULL, NULL },
    { "empty", "", false, false, NULL, NULL, NULL },
    { "junk", "=\"\"=,", false, false, NULL, NULL, NULL },
};

static bool same(const char *have, const char *want)
{
    return !strcmp(have, want ? want : "");
}

static void understands_challenges(void)
{
    for (size_t i = 0; i < ARRAY_LEN(CHALLENGES); i++) {
        char *header = strdup(CHALLENGES[i].header); /* the sanitizers guard its end */
        struct challenge c = { 0 };

        challenge_parse(header, &c);
        CASE(CHALLENGES[i].name, c.basic == CHALLENGES[i].basic);
        CASE(CHALLENGES[i].name, c.bearer == CHALLENGES[i].bearer);
        CASE(CHALLENGES[i].name, same(c.realm, CHALLENGES[i].realm));
        CASE(CHALLENGES[i].name, same(c.service, CHALLENGES[i].service));
        CASE(CHALLENGES[i].name, same(c.scope, CHALLENGES[i].scope));
        free(header);
    }
}

static void a_value_that_is_too_long_is_not_used(void)
{
    static const int FITS = sizeof((struct challenge *)NULL)->realm - 1;

    for (int more = 0; more < 2; more++) {
        char header[700];
        struct challenge c = { 0 };

        snprintf(header, sizeof header, "Bearer realm=\"%0*d\"", FITS + more, 1);
        challenge_parse(header, &c);
        CASE("only when it fits", c.bearer == !more);
        challenge_parse("Basic", &c);
        CASE("another header adds to it", c.basic);
    }
}

static const struct {
    const char *name, *json, *text; /* NULL = none */
    int64_t life_s;
} TOKENS[] = {
    { "a token", "{\"token\":\"abc.DEF-1\",\"expires_in\":300}", "abc.DEF-1", 300 },
    { "a token with DEL", "{\"token\":\"a\\u007f\"}", NULL, 0 },
    { "by its OAuth2 name", "{\"access_token\":\"abc\"}", "abc", 60 },
    { "both: the first", "{\"access_token\":\"b\",\"token\":\"a\"}", "a", 60 },
    { "a short life is a minute", "{\"token\":\"a\",\"expires_in\":1}", "a", 60 },
    { "no life is a minute", "{\"token\":\"a\",\"expires_in\":-5}", "a", 60 },
    { "a long life is an hour", "{\"token\":\"a\",\"expires_in\":1e12}", "a", 3600 },
    { "a life that is text", "{\"token\":\"a\",\"expires_in\":\"300\"}", "a", 60 },
    { "empty", "{\"token\":\"\"}", NULL, 0 },
    { "a line break", "{\"token\":\"a\\r\\nX: y\"}", NULL, 0 },
    { "a space", "{\"token\":\"a b\"}", NULL, 0 },
    { "beyond ASCII", "{\"token\":\"\\u00e9\"}", NULL, 0 },
    { "no text", "{\"token\":7}", NULL, 0 },
    { "an object without one", "{}", NULL, 0 },
    { "no JSON", "<html>", NULL, 0 },
    { "nothing", "", NULL, 0 },
};

static void reads_a_token_services_answer(void)
{
    for (size_t i = 0; i < ARRAY_LEN(TOKENS); i++) {
        int64_t life_s = 0;
        char *text = token_parse(TOKENS[i].json, strlen(TOKENS[i].json), &life_s);

        CASE(TOKENS[i].name, !text == !TOKENS[i].text && life_s == TOKENS[i].life_s);
        CASE(TOKENS[i].name, !text || !strcmp(text, TOKENS[i].text));
        free(text);
    }
}

static const struct {
    const char *key, *host, *repository;
    bool fits;
} KEYS[] = {
    { "ghcr.io", "ghcr.io", "acme/app", true },
    { "https://ghcr.io", "ghcr.io", "acme/app", true },
    { "http://ghcr.io/", "ghcr.io", "acme/app", true },
    { "GHCR.io", "ghcr.io", "acme/app", true },
    { "ghcr.io", "evil-ghcr.io", "acme/app", false },
    { "ghcr.io", "ghcr.io.evil.test", "acme/app", false },
    { "ghcr.io.evil.test", "ghcr.io", "acme/app", false },
    { "", "ghcr.io", "acme/app", false },
    { "https://", "ghcr.io", "acme/app", false },
    { "/acme", "ghcr.io", "acme/app", false },
    /* the port must match */
    { "r.test:5000", "r.test:5000", "app", true },
    { "r.test", "r.test:5000", "app", false },
    { "r.test:5000", "r.test", "app", false },
    { "r.test:5000", "r.test:5001", "app", false },
    { "r.test:500", "r.test:5000", "app", false },
    { "r.test:*", "r.test:5000", "app", false },
    { "r.*", "r.test:5000", "app", false },
    { "r.*:5000", "r.test:5000", "app", true },
    { "*:5000", "localhost:5000", "app", true },
    { "[::1]:5000", "[::1]:5000", "app", true },
    { "[::1]", "[::1]:5000", "app", false },
    { "[::1]", "[::1]", "app", true },
    /* a glob stays within its label */
    { "*.r.test", "a.r.test", "app", true },
    { "*.r.test", "r.test", "app", false },
    { "*.r.test", "a.b.r.test", "app", false },
    { "*.*.r.test", "a.b.r.test", "app", true },
    { "*", "r.test", "app", false },
    { "*.test", "r.test", "app", true },
    { "*-good.r.test", "very-good.r.test", "app", true },
    { "*-good.r.test", "very-bad.r.test", "app", false },
    { "a*z.test", "az.test", "app", true },
    { "a*b*c.test", "axbybzc.test", "app", true },
    { "a*b*c.test", "axbybz.test", "app", false },
    { "**.test", "r.test", "app", true },
    { "r.test*", "r.test", "app", true },
    { "*.dkr.ecr.*.amazonaws.com", "1.dkr.ecr.eu-west-1.amazonaws.com", "app", true },
    /* the path is a prefix, as a string */
    { "ghcr.io/acme", "ghcr.io", "acme/app", true },
    { "ghcr.io/acme/", "ghcr.io", "acme/app", true },
    { "ghcr.io/acme/app", "ghcr.io", "acme/app", true },
    { "ghcr.io/acme/app/", "ghcr.io", "acme/app", false },
    { "ghcr.io/acme/app/x", "ghcr.io", "acme/app", false },
    { "ghcr.io/ac", "ghcr.io", "acme/app", true },
    { "ghcr.io/acme/", "ghcr.io", "acme2/app", false },
    { "ghcr.io/other", "ghcr.io", "acme/app", false },
    { "ghcr.io/*", "ghcr.io", "acme/app", false },
    { "https://ghcr.io/v2/", "ghcr.io", "acme/app", true },
    { "https://ghcr.io/v1/", "ghcr.io", "acme/app", true },
    { "https://ghcr.io/v2/acme", "ghcr.io", "acme/app", true },
    { "ghcr.io/v2x", "ghcr.io", "acme/app", false },
    /* Docker Hub has several names */
    { "https://index.docker.io/v1/", "docker.io", "library/nginx", true },
    { "index.docker.io", "docker.io", "library/nginx", true },
    { "docker.io", "docker.io", "library/nginx", true },
    { "registry-1.docker.io", "docker.io", "library/nginx", true },
    { "auth.docker.io", "docker.io", "library/nginx", false },
    { "docker.io/acme", "docker.io", "acme/app", true },
    { "docker.io/acme", "docker.io", "other/app", false },
    { "https://index.docker.io/v1/acme", "docker.io", "other/app", false },
    { "docker.io:5000", "docker.io", "library/nginx", false },
    { "*.io", "docker.io", "library/nginx", true },
    { "docker.io", "r.test", "library/nginx", false }, /* its password is nobody else's */
    { "https://index.docker.io/v1/", "index.docker.io.evil.test", "library/nginx", false },
    { "r.test", "docker.io", "library/nginx", false },
    { "https://r.test/v1/acme", "r.test", "acme/app", true },
    { "https://r.test/v2/acme", "r.test", "acme/app", true },
    { "https://r.test/v2/acme", "r.test", "other/app", false },
    { "r.test/v1x", "r.test", "v1x/app", true },
    { "r.test/v2x", "r.test", "v2x/app", true },
    { "r.test/v1x", "r.test", "x/app", false },
    { "*ab*ba.test", "aba.test", "app", false }, /* no character counts twice */
    { "*ab*ba.test", "abba.test", "app", true },
    { "*ab.test", "axb.test", "app", false },
    { "*ab.test", "aab.test", "app", true },
};

static void keys_fit_as_for_the_kubelet(void)
{
    for (size_t i = 0; i < ARRAY_LEN(KEYS); i++) {
        char name[200];

        snprintf(name, sizeof name, "%s for %s/%s", KEYS[i].key, KEYS[i].host, KEYS[i].repository);
        CASE(name,
             credential_key_fits(KEYS[i].key, KEYS[i].host, KEYS[i].repository) == KEYS[i].fits);
    }
}

/* Whoever may write a Secret chooses the glob: matching must not take long. */
static void many_stars_take_no_time(void)
{
    char key[256] = "", host[256] = "";

    for (int i = 0; i < 60; i++)
        snprintf(key + strlen(key), sizeof key - strlen(key), "*a");
    memset(host, 'a', 250);
    snprintf(key + strlen(key), sizeof key - strlen(key), "*b");
    CASE("no", !credential_key_fits(key, host, "app"));
    key[strlen(key) - 1] = 'a';
    CASE("yes", credential_key_fits(key, host, "app"));
}

UNIT_MAIN(UNIT_TEST(understands_challenges), UNIT_TEST(a_value_that_is_too_long_is_not_used),
          UNIT_TEST(reads_a_token_services_answer), UNIT_TEST(keys_fit_as_for_the_kubelet),
          UNIT_TEST(many_stars_take_no_time))
