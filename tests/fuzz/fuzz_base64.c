/* Base64: accepted is exactly RFC 4648 with white space, and decodes to what it encodes. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/mem.h"
#include "fuzz.h"

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size), *packed = xcalloc(1, size + 1), *bytes, *again;
    size_t n = 0, len = 0, letters, pad;

    for (const char *c = text; *c; c++)
        if (!strchr(" \t\r\n", *c))
            packed[n++] = *c;
    letters = strspn(packed, ALPHABET);
    pad = strspn(packed + letters, "=");
    bytes = base64_decode(text, &len);
    HOLDS(!bytes == !(letters + pad == n && pad <= 2 && (pad ? n % 4 == 0 : n % 4 != 1)));
    if (bytes) {
        HOLDS(len == letters * 3 / 4 && bytes[len] == '\0');
        again = xcalloc(1, n + 4);
        EVP_EncodeBlock((unsigned char *)again, (const unsigned char *)bytes, (int)len);
        /* The last letter before the padding has bits that mean nothing; padding may be missing. */
        HOLDS(!strncmp(again, packed, letters - (letters % 4 != 0)));
        free(again);
    }
    free(bytes);
    free(packed);
    free(text);
    return 0;
}
