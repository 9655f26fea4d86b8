#include "base/text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

#define ELLIPSIS "…"

/* Make room for n more bytes and the NUL. */
static int text_reserve(struct text *t, size_t n, struct err *e)
{
    size_t need, cap;

    if (n > t->max - t->len)
        return err_set(e, ERR_INVALID, 0, "over the limit of %zu bytes", t->max);
    need = t->len + n + 1;
    if (need <= t->cap)
        return 0;

    cap = t->cap < 64 ? 64 : t->cap;
    while (cap < need)
        cap *= 2;
    if (cap > t->max + 1)
        cap = t->max + 1;
    t->bytes = xrealloc(t->bytes, cap);
    t->cap = cap;
    return 0;
}

int text_add(struct text *t, const void *bytes, size_t n, struct err *e)
{
    if (text_reserve(t, n, e))
        return -1;
    if (n)
        memcpy(t->bytes + t->len, bytes, n);
    t->len += n;
    t->bytes[t->len] = '\0';
    return 0;
}

int text_puts(struct text *t, const char *s, struct err *e)
{
    return text_add(t, s, strlen(s), e);
}

int text_addf(struct text *t, struct err *e, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return err_set(e, ERR_INVALID, 0, "text cannot be formatted");
    if (text_reserve(t, (size_t)n, e))
        return -1;

    va_start(ap, fmt);
    vsnprintf(t->bytes + t->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    t->len += (size_t)n;
    return 0;
}

int text_add_escaped(struct text *t, const char *s, struct err *e)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (; *s; s++)
        if (text_addf(t, e, strchr(plain, *s) ? "%c" : "%%%02X", (unsigned char)*s))
            return -1;
    return 0;
}

const char *text_str(const struct text *t)
{
    return t->bytes ? t->bytes : "";
}

void text_clear(struct text *t)
{
    t->len = 0;
    if (t->bytes)
        t->bytes[0] = '\0';
}

void text_release(struct text *t)
{
    free(t->bytes);
    *t = (struct text)TEXT_INIT(t->max);
}

static bool in(unsigned char c, unsigned char low, unsigned char high)
{
    return c >= low && c <= high;
}

/* Unicode, table 3-7: the range of the second byte depends on the first. A NUL is in no range, so
 * reading stops at the end of the string. */
size_t utf8_len(const char *s)
{
    const unsigned char *u = (const unsigned char *)s;

    if (u[0] < 0x80)
        return 1;
    if (in(u[0], 0xc2, 0xdf))
        return in(u[1], 0x80, 0xbf) ? 2 : 0;
    if (in(u[0], 0xe0, 0xef)) {
        bool ok = in(u[1], u[0] == 0xe0 ? 0xa0 : 0x80, u[0] == 0xed ? 0x9f : 0xbf);
        return ok && in(u[2], 0x80, 0xbf) ? 3 : 0;
    }
    if (in(u[0], 0xf0, 0xf4)) {
        bool ok = in(u[1], u[0] == 0xf0 ? 0x90 : 0x80, u[0] == 0xf4 ? 0x8f : 0xbf);
        return ok && in(u[2], 0x80, 0xbf) && in(u[3], 0x80, 0xbf) ? 4 : 0;
    }
    return 0;
}

/* The character at *src as it may be shown; *src moves past it. */
static const char *shown(const char **src, size_t *ret_len)
{
    const char *c = *src;
    unsigned char first = (unsigned char)c[0];
    size_t n = utf8_len(c);

    *src += n ? n : 1;
    *ret_len = 1;
    if (n == 0)
        return "?";
    if (first < 0x20 || first == 0x7f || (first == 0xc2 && (unsigned char)c[1] < 0xa0))
        return " "; /* the last are C1 controls: some terminals obey them */
    *ret_len = n;
    return c;
}

char *text_clip(char *dst, size_t size, const char *src)
{
    const size_t dots = sizeof ELLIPSIS - 1;
    size_t len = 0, fits = 0; /* fits: the most that leaves room for "…" */

    if (size == 0)
        return dst;
    while (*src) {
        size_t n;
        const char *c = shown(&src, &n);
        if (len + n > size - 1) {
            if (size <= dots)
                break;
            memcpy(dst + fits, ELLIPSIS, dots);
            len = fits + dots;
            break;
        }
        memcpy(dst + len, c, n);
        len += n;
        if (len + dots <= size - 1)
            fits = len;
    }
    dst[len] = '\0';
    return dst;
}

/* How many bytes the text has as it may be shown. */
static size_t shown_bytes(const char *src)
{
    size_t bytes = 0;

    while (*src) {
        size_t n;

        shown(&src, &n);
        bytes += n;
    }
    return bytes;
}

char *text_clip_middle(char *dst, size_t size, const char *src)
{
    size_t rest = shown_bytes(src), room;
    const char *tail = src;

    if (rest < size)
        return text_clip(dst, size, src);
    while (rest > size / 2) {
        size_t n;

        shown(&tail, &n);
        rest -= n;
    }
    room = size - rest;
    text_clip(dst, room, src);
    text_clip(dst + strlen(dst), rest + 1, tail);
    return dst;
}
