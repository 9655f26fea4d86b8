/* Pull secrets, new style and old: credentials only for a host that the key names. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "fuzz.h"
#include "registry/auth.h"
#include "registry/client.h"
#include "registry/ref.h"

static void find(const char *image, const struct registry_secret *secrets, size_t n)
{
    struct credential found[CREDENTIALS_MAX];
    struct image_ref ref;
    struct err e = { 0 };
    size_t got;

    HOLDS(!image_ref_parse(image, &ref, &e));
    got = credentials_find(secrets, n, &ref, found);
    HOLDS(got <= CREDENTIALS_MAX);
    for (size_t i = 0; i < got; i++) {
        HOLDS((found[i].user && found[i].password) || found[i].identity_token ||
              found[i].registry_token);
        for (const char *c = found[i].registry_token; c && *c; c++)
            HOLDS(*c > ' ' && *c < 0x7f);
        credential_release(&found[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    const struct registry_secret secrets[] = {
        { .name = "new", .json = text, .len = size },
        { .name = "old", .legacy = true, .json = text, .len = size },
    };

    find("ghcr.io/acme/api:1", secrets, ARRAY_LEN(secrets));
    find("nginx", secrets, ARRAY_LEN(secrets));
    find("registry.example.com:5000/team/app:1", secrets, ARRAY_LEN(secrets));
    credential_key_fits(text, "registry.example.com:5000", "team/app");
    free(text);
    return 0;
}
