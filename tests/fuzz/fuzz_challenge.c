/* WWW-Authenticate headers, and the realms in them: a realm is trusted only on the registry's own
 * origin, on a listed one, or on Docker Hub's. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "fuzz.h"
#include "registry/auth.h"
#include "registry/client.h"
#include "registry/origin.h"

#define LISTED "https://auth.example.com"

static void check_realm(const char *realm, const char *registry)
{
    static const char *const realms[] = { LISTED };
    const struct registry_opts o = { .trusted_realms = realms, .n_trusted_realms = 1 };
    char origin[300];
    bool is_foreign;

    if (!realm_is_trusted(realm, registry, &o, &is_foreign))
        return;
    HOLDS(!origin_of(realm, origin, sizeof origin));
    HOLDS(!strcmp(origin, registry) || !strcmp(origin, LISTED) ||
          (is_foreign && !strcmp(origin, "https://auth.docker.io")));
    HOLDS(!strncmp(origin, "https://", 8) || !strcmp(origin, registry));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const registries[] = { "https://registry-1.docker.io", "https://[::1]:5000",
                                              "http://10.0.0.1:5000" };
    char *text = fuzz_text(data, size);
    struct challenge c = { 0 };
    char origin[300];

    challenge_parse(text, &c);
    challenge_parse(text, &c); /* as a second header */
    HOLDS(!c.bearer || c.realm[0]);
    for (size_t i = 0; i < ARRAY_LEN(registries); i++) {
        check_realm(c.realm, registries[i]);
        check_realm(text, registries[i]);
    }
    if (!origin_of(text, origin, sizeof origin)) {
        const char *host = strstr(origin, "://") + 3;

        HOLDS(*host && !strpbrk(host, "/?#@\\"));
    }
    free(text);
    return 0;
}
