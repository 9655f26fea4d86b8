/* Image references: what Docker and the kubelet understand, and nothing else. */
#include "registry/ref.h"

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "unit.h"

#define A16 "0123456789abcdef"
#define A64 A16 A16 A16 A16
#define A128 A64 A64

static const struct {
    const char *name, *text, *host, *repository, *tag, *digest;
} GOOD[] = {
    { "a short name", "nginx", "docker.io", "library/nginx", "", "" },
    { "and a tag", "nginx:1.25", "docker.io", "library/nginx", "1.25", "" },
    { "and a digest", "nginx@sha256:" A64, "docker.io", "library/nginx", "", "sha256:" A64 },
    { "a user's name", "acme/app:v1", "docker.io", "acme/app", "v1", "" },
    { "docker.io said", "docker.io/nginx", "docker.io", "library/nginx", "", "" },
    { "docker.io and a user", "docker.io/acme/app", "docker.io", "acme/app", "", "" },
    { "its old name", "index.docker.io/acme/app", "docker.io", "acme/app", "", "" },
    { "its old name, short", "index.docker.io/nginx", "docker.io", "library/nginx", "", "" },
    { "another host", "ghcr.io/acme/system-app:1a2b3c4", "ghcr.io", "acme/system-app", "1a2b3c4",
      "" },
    { "a name at the root of another host", "ghcr.io/app", "ghcr.io", "app", "", "" },
    { "a port", "10.0.0.1:5000/app:v1", "10.0.0.1:5000", "app", "v1", "" },
    { "a port and no tag", "10.0.0.1:5000/app", "10.0.0.1:5000", "app", "", "" },
    { "localhost", "localhost/app", "localhost", "app", "", "" },
    { "localhost and a port", "localhost:5000/app", "localhost:5000", "app", "", "" },
    { "a host without a dot is a user", "registry/app", "docker.io", "registry/app", "", "" },
    { "but not with a port", "registry:5000/app", "registry:5000", "app", "", "" },
    { "IPv6", "[::1]:5000/app:v1", "[::1]:5000", "app", "v1", "" },
    { "IPv6 without a port", "[2001:db8::1]/app", "[2001:db8::1]", "app", "", "" },
    { "tag and digest", "ghcr.io/a/b:v1@sha256:" A64, "ghcr.io", "a/b", "v1", "sha256:" A64 },
    { "sha512", "ghcr.io/a@sha512:" A128, "ghcr.io", "a", "", "sha512:" A128 },
    { "deep", "ghcr.io/a/b/c/d/e", "ghcr.io", "a/b/c/d/e", "", "" },
    { "joints", "ghcr.io/a.b_c__d-e---f", "ghcr.io", "a.b_c__d-e---f", "", "" },
    { "a tag with all it may have", "ghcr.io/a:_A.z-9", "ghcr.io", "a", "_A.z-9", "" },
    { "the longest tag", "ghcr.io/a:" A128, "ghcr.io", "a", A128, "" },
};

static void understands_references(void)
{
    for (size_t i = 0; i < ARRAY_LEN(GOOD); i++) {
        struct image_ref ref = { 0 };
        struct err e = { 0 };

        CASE(GOOD[i].name, !image_ref_parse(GOOD[i].text, &ref, &e) && e.kind == ERR_NONE);
        CASE(GOOD[i].name, !strcmp(ref.host, GOOD[i].host));
        CASE(GOOD[i].name, !strcmp(ref.repository, GOOD[i].repository));
        CASE(GOOD[i].name, !strcmp(ref.tag, GOOD[i].tag));
        CASE(GOOD[i].name, !strcmp(ref.digest, GOOD[i].digest));
    }
}

#define NAME "the name is not lower-case"
#define HOST "the host is not a lower-case name"
#define TAG "the tag is not 1 to 128"
#define AT "the part after '@' is no sha256 or sha512 digest"

static const struct {
    const char *name, *text, *err;
} BAD[] = {
    { "empty", "", NAME },
    { "a scheme", "https://ghcr.io/a", "has a scheme: write host/name:tag" },
    { "a scheme in the middle", "ghcr.io/a://b", "has a scheme" },
    { "userinfo", "user:pass@ghcr.io/a", AT },
    { "an empty digest", "ghcr.io/a@", AT },
    { "a short digest", "ghcr.io/a@sha256:abc", AT },
    { "a long digest", "ghcr.io/a@sha256:" A64 "0", AT },
    { "a digest in upper case", "ghcr.io/a@sha256:A" A16 A16 A16 "0123456789abcde", AT },
    { "another algorithm", "ghcr.io/a@md5:0123456789abcdef0123456789abcdef", AT },
    { "sha512 as short as sha256", "ghcr.io/a@sha512:" A64, AT },
    { "two digests", "ghcr.io/a@sha256:" A64 "@sha256:" A64, AT },
    { "an empty tag", "ghcr.io/a:", TAG },
    { "a tag that is too long", "ghcr.io/a:" A128 "0", TAG },
    { "a tag with a dot in front", "ghcr.io/a:.v1", TAG },
    { "a tag with a dash in front", "ghcr.io/a:-v1", TAG },
    { "a tag with a plus", "ghcr.io/a:v1+2", TAG },
    { "two tags", "ghcr.io/a:v1:v2", NAME },
    { "upper case", "ghcr.io/Acme/app", NAME },
    { "upper case in the host", "GHCR.io/acme/app", HOST },
    { "no name", "ghcr.io/", NAME },
    { "a slash at the end", "ghcr.io/a/", NAME },
    { "a slash in front", "/a", NAME },
    { "two slashes", "ghcr.io/a//b", NAME },
    { "a way up", "ghcr.io/../v2/secret", NAME },
    { "a way up inside", "ghcr.io/a/../b", NAME },
    { "a space", "ghcr.io/a b", NAME },
    { "a space at the end", "ghcr.io/a:v1 ", TAG },
    { "a newline", "ghcr.io/a\n", NAME },
    { "a query", "ghcr.io/a?x=1", NAME },
    { "a fragment", "ghcr.io/a#x", NAME },
    { "an escape", "ghcr.io/a%2fb", NAME },
    { "three underscores", "ghcr.io/a___b", NAME },
    { "two dots", "ghcr.io/a..b", NAME },
    { "a joint at the end", "ghcr.io/a-", NAME },
    { "a joint in front", "ghcr.io/-a", NAME },
    { "a dot and a dash", "ghcr.io/a.-b", NAME },
    { "an empty port", "ghcr.io:/a", HOST },
    { "a port of letters", "ghcr.io:http/a", HOST },
    { "a port that is too long", "ghcr.io:123456/a", HOST },
    { "no host before the port", ":5000/a", HOST },
    { "two ports", "ghcr.io:1:2/a", HOST },
    { "an IPv6 address that is not closed", "[::1/a", HOST },
    { "text behind the bracket", "[::1]x/a", HOST },
    { "an underscore in a host", "my_host.io/a", HOST },
    { "a non-ASCII host",
      "ghcr.\xc3\xad"
      "o/a",
      HOST },
};

static void refuses_what_is_none(void)
{
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        struct image_ref ref = { .host = "untouched" };
        struct err e = { 0 };

        CASE(BAD[i].name, image_ref_parse(BAD[i].text, &ref, &e) == -1 && e.kind == ERR_INVALID);
        CASE(BAD[i].name, strstr(e.text, BAD[i].err));
        CASE("no output without success", !strcmp(ref.host, "untouched"));
    }
}

/* All parts at their limits, and a byte over each. */
static void everything_has_a_limit(void)
{
    static const struct {
        const char *name;
        int host, repository;
        bool ok;
    } ROWS[] = {
        { "a host of 255", 255, 100, true },       { "a host of 256", 256, 100, false },
        { "a repository of 263", 100, 263, true }, { "a repository of 264", 100, 264, false },
        { "512 in all", 255, 256, true },          { "513 in all", 255, 257, false },
    };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        char text[1024], run[600];
        struct image_ref ref;
        struct err e = { 0 };

        memset(run, 'a', sizeof run - 1);
        run[sizeof run - 1] = '\0';
        snprintf(text, sizeof text, "%.*s.io/%.*s", ROWS[i].host - 3, run, ROWS[i].repository, run);
        CASE(ROWS[i].name, (image_ref_parse(text, &ref, &e) == 0) == ROWS[i].ok);
    }
    {
        char text[600];
        struct image_ref ref;
        struct err e = { 0 };

        memset(text, 'a', sizeof text);
        text[513] = '\0';
        CASE("513 bytes", image_ref_parse(text, &ref, &e) && strstr(e.text, "longer than 512"));
        CASE("a long text is not echoed whole", strlen(e.text) < 200);
    }
}

static void a_short_name_fits_with_its_library(void)
{
    char text[300];
    struct image_ref ref;
    struct err e = { 0 };

    memset(text, 'a', sizeof text);
    text[255] = '\0'; /* the longest that a release may name; "library/" makes it 263 */
    CASE("255", !image_ref_parse(text, &ref, &e) && strlen(ref.repository) == 263);
    text[255] = 'a';
    text[256] = '\0';
    CASE("256", image_ref_parse(text, &ref, &e) == -1);
}

UNIT_MAIN(UNIT_TEST(understands_references), UNIT_TEST(refuses_what_is_none),
          UNIT_TEST(everything_has_a_limit), UNIT_TEST(a_short_name_fits_with_its_library))
