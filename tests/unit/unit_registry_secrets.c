/* Credentials out of pull secrets: the kubelet's reading and its order. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "registry/auth.h"
#include "registry/client.h"
#include "registry/ref.h"
#include "unit.h"

#define TEXTS_MAX 4

/* "user:password user:password …", best first; identity and registry tokens as i=…, r=…. */
static const char *found(struct arena *a, const char *image, const char *const *texts, bool legacy)
{
    struct registry_secret secrets[TEXTS_MAX];
    struct credential list[CREDENTIALS_MAX];
    const char *all = "";
    struct image_ref ref;
    struct err e = { 0 };
    size_t n = 0, count;

    for (; n < TEXTS_MAX && texts[n]; n++) {
        char *copy = strdup(texts[n]); /* not terminated: len counts */

        secrets[n] = (struct registry_secret){ "pull", legacy, copy, strlen(copy) };
    }
    CASE("the image", !image_ref_parse(image, &ref, &e));
    count = credentials_find(secrets, n, &ref, list);
    for (size_t i = 0; i < count; i++) {
        const struct credential *c = &list[i];

        all =
            arena_printf(a, "%s%s%s:%s%s%s%s%s", all, *all ? " " : "", c->user ? c->user : "-",
                         c->password ? c->password : "-", c->identity_token ? " i=" : "",
                         c->identity_token ? c->identity_token : "", c->registry_token ? " r=" : "",
                         c->registry_token ? c->registry_token : "");
        credential_release(&list[i]);
        CASE("empty after release", !list[i].user && !list[i].password);
    }
    while (n > 0)
        free((char *)secrets[--n].json);
    return all;
}

#define UP "{\"username\":\"u\",\"password\":\"p\"}"
#define USER(u) "{\"username\":\"" u "\",\"password\":\"p\"}"
#define AT(path, u) ",\"ghcr.io/" path "\":" USER(u)
#define AUTHS(entries) "{\"auths\":{" entries "}}"

static const struct {
    const char *name, *image, *texts[TEXTS_MAX], *want;
    bool legacy;
} ROWS[] = {
    { "user and password", "ghcr.io/a", { AUTHS("\"ghcr.io\":" UP) }, "u:p", false },
    { "auth", "ghcr.io/a", { AUTHS("\"ghcr.io\":{\"auth\":\"dTpwOng=\"}") }, "u:p:x", false },
    { "auth without padding",
      "ghcr.io/a",
      { AUTHS("\"ghcr.io\":{\"auth\":\"dTpwOng\"}") },
      "u:p:x",
      false },
    { "auth wins",
      "ghcr.io/a",
      { AUTHS("\"ghcr.io\":{\"auth\":\"dTpw\",\"username\":\"x\",\"password\":\"y\"}") },
      "u:p",
      false },
    { "an empty auth does not",
      "ghcr.io/a",
      { AUTHS("\"ghcr.io\":{\"auth\":\"\",\"username\":\"x\",\"password\":\"y\"}") },
      "x:y",
      false },
    { "auth and a user's name",
      "ghcr.io/a",
      { AUTHS("\"ghcr.io\":{\"auth\":\"dTpw\",\"username\":\"x\"}") },
      "u:p",
      false },
    { "an empty password", "ghcr.io/a", { AUTHS("\"ghcr.io\":{\"auth\":\"dTo=\"}") }, "u:", false },
    { "a refresh token",
      "ghcr.io/a",
      { AUTHS("\"ghcr.io\":{\"auth\":\"dTo=\",\"identitytoken\":\"t\"}") },
      "u: i=t",
      false },
    { "a registry token",
      "ghcr.io/a",
      { AUTHS("\"ghcr.io\":{\"registrytoken\":\"t\"}") },
      "-:- r=t",
      false },
    { "an identity token alone",
      "ghcr.io/a",
      { AUTHS("\"ghcr.io\":{\"identitytoken\":\"t\"}") },
      "-:- i=t",
      false },
    { "an empty one", "ghcr.io/a", { AUTHS("\"ghcr.io\":{\"identitytoken\":\"\"}") }, "", false },
    { "a password without a user",
      "ghcr.io/a",
      { AUTHS("\"ghcr.io\":{\"password\":\"p\"}") },
      "",
      false },
    { "the old format", "ghcr.io/a", { "{\"ghcr.io\":" UP "}" }, "u:p", true },
    { "the old format has no auths", "ghcr.io/a", { AUTHS("\"ghcr.io\":" UP) }, "", true },
    { "another registry's secret", "ghcr.io/a", { AUTHS("\"r.test\":" UP) }, "", false },
    { "no secret", "ghcr.io/a", { NULL }, "", false },
    /* order */
    { "a longer path first",
      "ghcr.io/acme/app",
      { AUTHS("\"ghcr.io\":" USER("a") ",\"ghcr.io/acme/app\":" USER("b") ",\"ghcr.io/acme\":" USER(
          "c")) },
      "b:p c:p a:p",
      false },
    { "a scheme makes no key longer",
      "ghcr.io/acme/app",
      { AUTHS("\"https://ghcr.io/v2/\":" USER("a") ",\"ghcr.io/acme\":" USER("b")) },
      "b:p a:p",
      false },
    { "a plain host before a glob",
      "a.r.test/app",
      { AUTHS("\"*.r.test\":" USER("a") ",\"a.r.test\":" USER("b") ",\"a.*.test\":" USER("c")) },
      "b:p c:p a:p",
      false },
    { "Docker Hub's aliases are one host",
      "acme/app",
      { AUTHS("\"https://index.docker.io/v1/\":" USER("a") ",\"docker.io/acme\":" USER("b")) },
      "b:p a:p",
      false },
    { "a glob with a path is not before Docker Hub",
      "acme/app",
      { AUTHS("\"docker.io\":" USER("a") ",\"*.io/acme\":" USER("b")) },
      "a:p b:p",
      false },
    { "and not where it stands before it",
      "acme/app",
      { AUTHS("\"*.io/acme\":" USER("b") ",\"docker.io\":" USER("a")) },
      "a:p b:p",
      false },
    { "a longer glob is not before a later one",
      "localhost/a",
      { AUTHS("\"*ocalhost\":" USER("a") ",\"l*\":" USER("b")) },
      "b:p a:p",
      false },
    { "the more specific of two secrets first",
      "ghcr.io/acme/app",
      { AUTHS("\"ghcr.io\":" USER("a")), AUTHS("\"ghcr.io/acme\":" USER("b")) },
      "b:p a:p",
      false },
    { "of equal keys the earlier secret",
      "ghcr.io/acme/app",
      { AUTHS("\"ghcr.io\":" USER("a")), AUTHS("\"https://ghcr.io\":" USER("b")) },
      "a:p b:p",
      false },
    { "at most eight",
      "ghcr.io/abcdefghi",
      { AUTHS("\"ghcr.io\":" USER("0") AT("a", "1") AT("ab", "2") AT("abc", "3") AT("abcd", "4")
                  AT("abcde", "5") AT("abcdef", "6") AT("abcdefg", "7") AT("abcdefgh", "8")
                      AT("abcdefghi", "9")) },
      "9:p 8:p 7:p 6:p 5:p 4:p 3:p 2:p",
      false },
    { "the least specific is left out",
      "ghcr.io/abcdefghi",
      { "{\"auths\":{\"ghcr.io/abcdefghi\":" USER("9") AT("abcdefgh", "8") AT("abcdefg", "7")
            AT("abcdef", "6") AT("abcde", "5") AT("abcd", "4") AT("abc", "3") AT("ab", "2")
                AT("a", "1") "}}" },
      "9:p 8:p 7:p 6:p 5:p 4:p 3:p 2:p",
      false },
    { "of two globs the later in the alphabet",
      "localhost/a",
      { AUTHS("\"*\":" USER("a") ",\"**\":" USER("b") ",\"l*\":" USER("c")) },
      "c:p b:p a:p",
      false },
    { "a token that would be two headers",
      "ghcr.io/a",
      { AUTHS("\"ghcr.io\":{\"registrytoken\":\"a\\r\\nX: y\"}") },
      "",
      false },
    /* what makes no sense is passed over, and the rest counts */
    { "no JSON", "ghcr.io/a", { "{", AUTHS("\"ghcr.io\":" UP) }, "u:p", false },
    { "empty", "ghcr.io/a", { "", AUTHS("\"ghcr.io\":" UP) }, "u:p", false },
    { "not an object", "ghcr.io/a", { "[1]", "7", AUTHS("\"ghcr.io\":" UP) }, "u:p", false },
    { "a list where auths should be",
      "ghcr.io/a",
      { "{\"auths\":[{},\"x\"]}", AUTHS("\"ghcr.io\":" UP) },
      "u:p",
      false },
    { "a text where auths should be", "ghcr.io/a", { "{\"auths\":\"x\"}" }, "", false },
    { "a list in the old format",
      "ghcr.io/a",
      { "[{},\"x\"]", "{\"ghcr.io\":" UP "}" },
      "u:p",
      true },
    { "an entry that is null", "ghcr.io/a", { AUTHS("\"ghcr.io\":null") }, "", false },
    { "an entry that is empty",
      "ghcr.io/acme/a",
      { AUTHS("\"ghcr.io/acme\":{},\"ghcr.io\":" UP) },
      "u:p",
      false },
    { "a user without a password",
      "ghcr.io/a",
      { AUTHS("\"ghcr.io\":{\"username\":\"u\"}") },
      "",
      false },
    { "auth that is no base64",
      "ghcr.io/a",
      { AUTHS("\"ghcr.io\":{\"auth\":\"!!\"}") },
      "",
      false },
    { "auth without a colon",
      "ghcr.io/a",
      { AUTHS("\"ghcr.io\":{\"auth\":\"dXA=\"}") },
      "",
      false },
    { "auth that is a number", "ghcr.io/a", { AUTHS("\"ghcr.io\":{\"auth\":1}") }, "", false },
};

static void finds_what_fits_best_first(void)
{
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        const char *have = found(a, ROWS[i].image, ROWS[i].texts, ROWS[i].legacy);

        if (strcmp(have, ROWS[i].want))
            printf("\n  %s: %s\n", ROWS[i].name, have);
        CASE(ROWS[i].name, !strcmp(have, ROWS[i].want));
    }
}

UNIT_MAIN(UNIT_TEST(finds_what_fits_best_first))
