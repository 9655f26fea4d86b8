#include "io/lines.h"

#include <string.h>

/* One line without its newline; \r before it goes too. */
static int give(struct lines *s, char *line, size_t len, struct err *e)
{
    if (len && line[len - 1] == '\r')
        len--;
    line[len] = '\0';
    return len ? s->on_line(line, len, s->ctx, e) : 0;
}

int lines_feed(struct lines *s, const char *bytes, size_t n, struct err *e)
{
    while (n) {
        const char *end = memchr(bytes, '\n', n);
        size_t take = end ? (size_t)(end - bytes) : n;

        if (text_add(&s->rest, bytes, take, e))
            return -1;
        if (!end)
            return 0;
        if (s->rest.len && give(s, s->rest.bytes, s->rest.len, e))
            return -1;
        text_clear(&s->rest);
        bytes += take + 1;
        n -= take + 1;
    }
    return 0;
}

void lines_release(struct lines *s)
{
    text_release(&s->rest);
}
