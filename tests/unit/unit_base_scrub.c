/* What text_scrub() hides, and what it must leave readable. */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"
#include "unit.h"

static const struct {
    const char *name, *text, *want; /* want NULL = unchanged */
} ROWS[] = {
    /* --- userinfo --- */
    { "userinfo", "get https://bob:hunter2@r.test/v2/: x", "get https://***@r.test/v2/: x" },
    { "a user alone", "https://ghp_abc@github.com/x", "https://***@github.com/x" },
    { "an @ in the password", "https://a:p@ss@r.test/", "https://***@r.test/" },
    { "a slash in the password", "https://a:p/ss@r.test/x", "https://***@r.test/x" },
    { "two URLs", "http://a:b@c http://d:e@f", "http://***@c http://***@f" },
    { "a database URL", "postgres://app:s3cret@db:5432/x", "postgres://***@db:5432/x" },
    { "a digest is no userinfo", "http://r.test:5000/a/b@sha256:1111", NULL },
    { "a port and a digest", "pull https://r.test/a@sha256:11", NULL },
    { "no userinfo", "Get \"https://r.test:5000/v2/\": EOF", NULL },
    /* --- keys and values --- */
    { "password=", "password=hunter2 next", "password=*** next" },
    { "password: prose is a value too", "password: correct", "password: ***" },
    { "upper case", "PASSWORD=hunter2", "PASSWORD=***" },
    { "an environment variable", "DB_PASSWORD=x1y2z3", "DB_PASSWORD=***" },
    { "token=", "token=abc", "token=***" },
    { "in a query", "/x?access_token=abc&y=1", "/x?access_token=***&y=1" },
    { "a signature of an URL", "?X-Amz-Signature=deadbeef&x=1", "?X-Amz-Signature=***&x=1" },
    { "api key", "api-key: k3y-0001", "api-key: ***" },
    { "JSON", "{\"password\":\"a b c\",\"x\":1}", "{\"password\":\"***\",\"x\":1}" },
    { "JSON with spaces", "{\"token\" : \"abc def\"}", "{\"token\" : \"***\"}" },
    { "JSON inside JSON", "{\\\"secret\\\":\\\"a b\\\"}", "{\\\"secret\\\":\\\"***\\\"}" },
    { "a quote in the value", "{\"token\":\"a\\\"b\"}", "{\"token\":\"***\"}" },
    { "an open quote", "token=\"abc def", "token=\"***" },
    { "an option", "login --password hunter2 r.test", "login --password *** r.test" },
    { "an option with =", "login --token=abc", "login --token=***" },
    { "short values", "pwd=ab", "pwd=**" },
    { "an empty value", "token= next", NULL },
    { "an empty value in quotes", "token=\"\" x=\"y\"", NULL },
    /* --- headers --- */
    { "bearer", "Authorization: Bearer abc.def", "Authorization: ***" },
    { "to the end of the line", "authorization: Basic a b c\nX: y", "authorization: ***\nX: y" },
    { "bearer alone", "sent Bearer abc123.def", "sent Bearer ***" },
    { "basic alone", "sent Basic aGk6aG8=", "sent Basic ***" },
    { "a JSON Web Token", "got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "got ***" },
    /* --- what kubelets and registries write --- */
    { "oauth", "failed to fetch oauth token: unexpected status: 401 Unauthorized", NULL },
    { "anonymous", "failed to authorize: failed to fetch anonymous token: 403 Forbidden", NULL },
    { "a challenge", "WWW-Authenticate: Bearer realm=\"https://r.test/token\"", NULL },
    { "basic auth", "no basic auth credentials", NULL },
    { "a secret's name", "secret \"db-credentials\" not found", NULL },
    { "a key in a secret", "couldn't find key url in Secret shop/db", NULL },
    { "signature", "invalid signature: unknown authority", NULL },
    { "a design", "design=blue assigns=2", NULL },
    { "prose after a colon", "invalid token: expired.", NULL },
    { "prose with a capital and a comma", "token: Forbidden, try again", NULL },
    { "a status after a colon", "fetch token: 403.", NULL },
    { "a long number is a value", "token: 123456", "token: ***" },
    { "letters and digits are a value", "token: hunter2.", "token: ***" },
    { "an option's name alone", "unknown flag: --token", NULL },
    { "basic: prose", "Basic authentication failed", NULL },
    { "bearer of prose", "expected Bearer token", NULL },
    { "short and with a dot", "eyJ.abc is no token", NULL },
    { "empty", "", NULL },
};

static void hides_secrets_and_nothing_else(void)
{
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        const char *want = ROWS[i].want ? ROWS[i].want : ROWS[i].text;
        char buf[256];

        snprintf(buf, sizeof buf, "%s", ROWS[i].text);
        text_scrub(buf);
        if (strcmp(buf, want))
            printf("\n  %s: \"%s\"\n", ROWS[i].name, buf);
        CASE(ROWS[i].name, !strcmp(buf, want));
        text_scrub(buf);
        CASE("twice is like once", !strcmp(buf, want));
    }
}

/* The text is cut anywhere by others: a scrub must stay inside it. */
static void never_leaves_the_text(void)
{
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        size_t len = strlen(ROWS[i].text);

        for (size_t n = 0; n <= len; n++) {
            char *cut = strndup(ROWS[i].text, n); /* the sanitizers guard its end */

            text_scrub(cut);
            CASE(ROWS[i].name, strlen(cut) <= n);
            free(cut);
        }
    }
}

UNIT_MAIN(UNIT_TEST(hides_secrets_and_nothing_else), UNIT_TEST(never_leaves_the_text))
