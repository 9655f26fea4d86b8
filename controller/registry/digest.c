#include "registry/digest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

bool digest_is_valid(const char *s)
{
    size_t hex = !s ? 0 : !strncmp(s, "sha256:", 7) ? 64 : !strncmp(s, "sha512:", 7) ? 128 : 0;

    return hex && strlen(s) == 7 + hex && strspn(s + 7, "0123456789abcdef") == hex;
}

void digest_of(const void *bytes, size_t n, const char *like, char ret[DIGEST_BYTES])
{
    bool is_512 = like && !strncmp(like, "sha512:", 7);
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    size_t at;

    EVP_Digest(bytes, n, sum, &len, is_512 ? EVP_sha512() : EVP_sha256(), NULL);
    at = (size_t)snprintf(ret, DIGEST_BYTES, "%s:", is_512 ? "sha512" : "sha256");
    for (unsigned i = 0; i < len; i++, at += 2)
        snprintf(ret + at, DIGEST_BYTES - at, "%02x", sum[i]);
}
