/* controller/io/lines.h — Bytes in any pieces → whole lines (newline-delimited JSON).
 *
 * A line longer than the ceiling is an error. The part after the last newline is kept until more
 * comes; at the end of a stream it is dropped (half an event is no event). */
#ifndef IO_LINES_H
#define IO_LINES_H
#include <stddef.h>

#include "base/text.h"

struct lines {
    struct text rest; /* private */
    /* Called for each line, without its newline, NUL-terminated; empty lines are skipped.
     * Return -1 with *e set to stop. */
    int (*on_line)(const char *line, size_t len, void *ctx, struct err *e);
    void *ctx;
};

int lines_feed(struct lines *s, const char *bytes, size_t n, struct err *e);
void lines_release(struct lines *s);

#endif
