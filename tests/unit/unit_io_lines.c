/* Bytes in any pieces → whole lines. */
#include "io/lines.h"

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "unit.h"

/* What came, "a|b|"; stops at a line "stop". */
static int collect(const char *line, size_t len, void *ctx, struct err *e)
{
    struct text *all = ctx;

    CASE("the length is the line's", line[len] == '\0');
    if (!strcmp(line, "stop"))
        return err_set(e, ERR_GONE, 410, "told to stop");
    text_add(all, line, len, e);
    return text_add(all, "|", 1, e);
}

static const struct {
    const char *name, *bytes;
    size_t max;
    const char *want; /* the lines */
    bool ok;          /* else an error comes behind them */
} STREAMS[] = {
    { "one line", "{\"a\":1}\n", 64, "{\"a\":1}|", true },
    { "three lines", "a\nbb\nccc\n", 64, "a|bb|ccc|", true },
    { "empty lines are skipped", "\n\na\n\n\nb\n\n", 64, "a|b|", true },
    { "CR LF", "a\r\n\r\nb\r\n", 64, "a|b|", true },
    { "a CR inside stays", "a\rb\n", 64, "a\rb|", true },
    { "only one CR goes", "a\r\r\n", 64, "a\r|", true },
    { "the last line has no end", "a\nhalf", 64, "a|", true },
    { "nothing", "", 64, "", true },
    { "just as long as allowed", "12345678\na\n", 8, "12345678|a|", true },
    { "a line that is too long", "a\n123456789\nb\n", 8, "a|", false },
    { "a line that is too long and has no end", "a\n1234567890123456", 8, "a|", false },
    { "many short ones are not", "1234\n1234\n1234\n1234\n", 8, "1234|1234|1234|1234|", true },
    { "the reader stops", "a\nstop\nb\n", 64, "a|", false },
};

/* Feed in pieces of n bytes; the last piece is whatever is left. */
static int feed(struct lines *s, const char *bytes, size_t n, struct err *e)
{
    size_t len = strlen(bytes);

    for (size_t at = 0; at < len; at += n) {
        size_t piece = len - at < n ? len - at : n;
        char *copy = strndup(bytes + at, piece); /* the sanitizers guard its end */
        int failed = lines_feed(s, copy, piece, e);

        free(copy);
        if (failed)
            return -1;
    }
    return 0;
}

static void lines_are_the_same_in_all_pieces(void)
{
    for (size_t i = 0; i < ARRAY_LEN(STREAMS); i++) {
        for (size_t n = 1; n <= strlen(STREAMS[i].bytes) + 1; n++) {
            AUTO(text) struct text all = TEXT_INIT(1 * KIB);
            struct lines s = { .rest = TEXT_INIT(STREAMS[i].max), .on_line = collect, .ctx = &all };
            struct err e = { 0 };
            int r = feed(&s, STREAMS[i].bytes, n, &e);

            CASE(STREAMS[i].name, (r == 0) == STREAMS[i].ok);
            CASE(STREAMS[i].name, (e.kind == ERR_NONE) == STREAMS[i].ok);
            CASE(STREAMS[i].name, !strcmp(text_str(&all), STREAMS[i].want));
            lines_release(&s);
        }
    }
}

static void errors_are_the_readers_or_the_ceilings(void)
{
    AUTO(text) struct text all = TEXT_INIT(1 * KIB);
    struct lines s = { .rest = TEXT_INIT(8), .on_line = collect, .ctx = &all };
    struct err e = { 0 };

    CASE("stopped", lines_feed(&s, "stop\n", 5, &e) == -1 && e.kind == ERR_GONE && e.code == 410);
    lines_release(&s);
    CASE("too long", lines_feed(&s, "123456789", 9, &e) == -1 && e.kind == ERR_INVALID);
    CASE("in words", !strcmp(e.text, "over the limit of 8 bytes"));
    lines_release(&s);
}

static void a_nul_is_a_byte_like_others(void)
{
    AUTO(text) struct text all = TEXT_INIT(1 * KIB);
    struct lines s = { .rest = TEXT_INIT(64), .on_line = collect, .ctx = &all };
    struct err e = { 0 };

    CASE("taken", !lines_feed(&s, "a\0b\n", 4, &e));
    CASE("the parser may refuse it", all.len == 4 && !memcmp(all.bytes, "a\0b|", 4));
    lines_release(&s);
}

UNIT_MAIN(UNIT_TEST(lines_are_the_same_in_all_pieces),
          UNIT_TEST(errors_are_the_readers_or_the_ceilings), UNIT_TEST(a_nul_is_a_byte_like_others))
