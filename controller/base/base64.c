#include "base/base64.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

char *base64_decode(const char *text, size_t *ret_len)
{
    size_t len = strlen(text);
    EVP_ENCODE_CTX *ctx;
    char *bytes;
    int n = 0, rest = 0;
    int ok;

    if (len > INT_MAX / 2)
        return NULL;
    bytes = xcalloc(1, len + 4);
    ctx = EVP_ENCODE_CTX_new();
    if (!ctx)
        abort();
    EVP_DecodeInit(ctx);
    ok = EVP_DecodeUpdate(ctx, (unsigned char *)bytes, &n, (const unsigned char *)text, (int)len) >=
             0 &&
         EVP_DecodeFinal(ctx, (unsigned char *)bytes + n, &rest) >= 0;
    EVP_ENCODE_CTX_free(ctx);
    if (!ok) {
        secret_free(bytes);
        return NULL;
    }
    bytes[n + rest] = '\0';
    *ret_len = (size_t)(n + rest);
    return bytes;
}
