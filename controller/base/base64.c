#include "base/base64.h"

#include <ctype.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* OpenSSL takes '-' for an end and whatever follows it, and groups that are not full. */
static bool is_base64(const char *text)
{
    size_t n = 0, padding = 0;

    for (; *text; text++) {
        if (strchr(" \t\r\n", *text))
            continue;
        padding += *text == '=';
        if (*text != '=' && (padding || !(isalnum((unsigned char)*text) || strchr("+/", *text))))
            return false;
        n++;
    }
    return n % 4 == 0 && padding <= 2;
}

char *base64_decode(const char *text, size_t *ret_len)
{
    size_t len = strlen(text);
    EVP_ENCODE_CTX *ctx;
    char *bytes;
    int n = 0, rest = 0;
    int ok;

    if (len > INT_MAX / 2 || !is_base64(text))
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
