#include "base/base64.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int value_of(char c)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = strchr(DIGITS, c);

    return at ? (int)(at - DIGITS) : -1;
}

/* Not EVP_DecodeUpdate: it takes a '-' for the end of the text, and always wants the padding. */
char *base64_decode(const char *text, size_t *ret_len)
{
    char *bytes = xcalloc(1, strlen(text) / 4 * 3 + 3);
    size_t digits = 0, pads = 0, len = 0;
    bool ok = true;
    unsigned bits = 0;

    for (; ok && *text; text++) {
        int value = value_of(*text);

        if (strchr(" \t\r\n", *text))
            continue;
        if (*text == '=') {
            pads++;
            continue;
        }
        ok = value >= 0 && !pads;
        bits = bits << 6 | (unsigned)value;
        if (digits++ % 4) /* with the first digit of a group there is no whole byte yet */
            bytes[len++] = (char)(bits >> (6 - 2 * ((digits - 1) % 4)));
    }
    if (!ok || digits % 4 == 1 || (pads && (digits + pads) % 4) || pads > 2) {
        secret_free(bytes);
        return NULL;
    }
    *ret_len = len;
    return bytes;
}
