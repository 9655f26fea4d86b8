/* controller/base/text.h — A growing byte buffer that names its ceiling at birth.
 *
 *     AUTO(text) struct text body = TEXT_INIT(64 * KIB);
 *     if (text_add(&body, bytes, n, e))
 *         return -1;                   // ERR_INVALID when the ceiling is passed: never growth
 *
 * The bytes are always NUL-terminated once something was added; text_str() is never NULL. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H
#include <stddef.h>

struct err;

#define KIB 1024UL
#define MIB (1024UL * 1024UL)

struct text {
    char *bytes;
    size_t len;
    size_t cap;
    size_t max; /* ceiling in bytes, the NUL aside */
};

#define TEXT_INIT(max_bytes)                                                                       \
    {                                                                                              \
        .max = (max_bytes)                                                                         \
    }

int text_add(struct text *t, const void *bytes, size_t n, struct err *e);
int text_puts(struct text *t, const char *s, struct err *e);
int text_addf(struct text *t, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Percent-encode what is not unreserved (RFC 3986, section 2.3). */
int text_add_escaped(struct text *t, const char *s, struct err *e);
const char *text_str(const struct text *t);

/* Keep the memory, forget the bytes. */
void text_clear(struct text *t);

/* Free the memory; the buffer may be used again with the same ceiling. */
void text_release(struct text *t);

static inline void auto_text(struct text *t)
{
    text_release(t);
}

/* The length of the UTF-8 character at s (1 for NUL), or 0 when the bytes there are not UTF-8. */
size_t utf8_len(const char *s);

/* Copy src into dst for people to read: control characters become spaces, bytes that are no UTF-8
 * "?"; at most size - 1 bytes, cut at a UTF-8 boundary with "…" in place of what is missing.
 * Returns dst. */
char *text_clip(char *dst, size_t size, const char *src);

/* Likewise, but what is too long loses its middle: errors say last what went wrong. */
char *text_clip_middle(char *dst, size_t size, const char *src);

/* Remove credentials from text that came from a kubelet or a registry, in place: the userinfo of
 * URLs, "Authorization: …" values, Bearer/Basic tokens, token=…, password=… values. */
void text_scrub(char *s);

#endif
