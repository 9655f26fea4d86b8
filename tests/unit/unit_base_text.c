/* Bytes with a ceiling, UTF-8, text for people, and errors made of it. */
#include "base/text.h"

#include <stdbool.h>
#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "unit.h"

static void a_text_never_passes_its_ceiling(void)
{
    AUTO(text) struct text t = TEXT_INIT(8);
    struct err e = { 0 };

    CASE("never NULL", !strcmp(text_str(&t), ""));
    CASE("up to it", !text_puts(&t, "12345", &e) && !text_add(&t, "678", 3, &e));
    CASE("nothing more fits", !text_add(&t, "", 0, &e) && e.kind == ERR_NONE);
    CASE("one more does not", text_add(&t, "9", 1, &e) == -1 && e.kind == ERR_INVALID);
    CASE("it says so", !strcmp(e.text, "over the limit of 8 bytes"));
    CASE("what was there stays", !strcmp(text_str(&t), "12345678") && t.len == 8);
    text_clear(&t);
    CASE("cleared", !strcmp(text_str(&t), "") && t.len == 0);
    CASE("formatted", !text_addf(&t, &e, "%d-%s", 12, "ab") && !strcmp(text_str(&t), "12-ab"));
    CASE("formatted, too long", text_addf(&t, &e, "%s", "cdef") == -1 && t.len == 5);
    text_release(&t);
    CASE("usable after release", !text_puts(&t, "12345678", &e) && text_puts(&t, "9", &e));
}

static void a_text_holds_any_bytes(void)
{
    AUTO(text) struct text t = TEXT_INIT(1 * MIB);
    struct err e = { 0 };

    CASE("a NUL inside", !text_add(&t, "a\0b", 3, &e) && t.len == 3 && !memcmp(t.bytes, "a\0b", 4));
    text_clear(&t);
    for (int i = 0; i < 100000; i++)
        text_add(&t, "x", 1, &e);
    CASE("grown in steps", t.len == 100000 && strlen(text_str(&t)) == 100000);
    CASE("not over its ceiling", t.cap <= 1 * MIB + 1);
}

static const struct {
    const char *name, *bytes;
    size_t want;
} CHARACTERS[] = {
    { "ASCII", "a", 1 },
    { "NUL", "", 1 },
    { "two bytes", "\xc3\xa9", 2 },
    { "three bytes", "\xe4\xb8\xad", 3 },
    { "four bytes", "\xf0\x9f\x98\x80", 4 },
    { "the last one, U+10FFFF", "\xf4\x8f\xbf\xbf", 4 },
    { "past the last one", "\xf4\x90\x80\x80", 0 },
    { "a byte that only goes on", "\x80", 0 },
    { "overlong slash", "\xc0\xaf", 0 },
    { "overlong in three", "\xe0\x80\xaf", 0 },
    { "overlong in four", "\xf0\x80\x80\xaf", 0 },
    { "a surrogate", "\xed\xa0\x80", 0 },
    { "just before the surrogates", "\xed\x9f\xbf", 3 },
    { "cut after one of two", "\xc3", 0 },
    { "cut after two of three", "\xe4\xb8", 0 },
    { "cut after three of four", "\xf0\x9f\x98", 0 },
    { "another character in the middle", "\xe4\x41\xad", 0 },
    { "0xff", "\xff", 0 },
};

static void knows_utf8(void)
{
    for (size_t i = 0; i < ARRAY_LEN(CHARACTERS); i++)
        CASE(CHARACTERS[i].name, utf8_len(CHARACTERS[i].bytes) == CHARACTERS[i].want);
}

static const struct {
    const char *name;
    size_t size;
    const char *src, *want;
} CLIPS[] = {
    { "fits", 6, "hello", "hello" },
    { "one too long", 6, "hello!", "he…" },
    { "much too long", 8, "hello world", "hell…" },
    { "empty", 6, "", "" },
    { "no room for dots", 3, "hello", "he" },
    { "room for dots only", 4, "hello", "…" },
    { "room for the NUL only", 1, "hello", "" },
    { "not inside a character", 8, "a中中中", "a中…" },
    { "a character that just fits", 7, "中中", "中中" },
    { "lines become one", 32, "a\nb\tc\rd", "a b c d" },
    { "an escape is no colour", 32, "\x1b[31mred\x7f", " [31mred " },
    { "C1 controls", 32,
      "a\xc2\x9b"
      "31m",
      "a 31m" },
    { "what follows them stays", 32, "\xc2\xa0x", "\xc2\xa0x" },
    { "bad UTF-8", 32, "a\xff\xc3(b",
      "a?"
      "?(b" },
    { "cut UTF-8 at the end", 32, "a\xe4\xb8", "a??" },
};

static void clips_for_people(void)
{
    for (size_t i = 0; i < ARRAY_LEN(CLIPS); i++) {
        char buf[40];

        memset(buf, '#', sizeof buf);
        CASE(CLIPS[i].name, text_clip(buf, CLIPS[i].size, CLIPS[i].src) == buf);
        CASE(CLIPS[i].name, !strcmp(buf, CLIPS[i].want));
        CASE("nothing is written past the size", buf[CLIPS[i].size] == '#');
    }
}

static void a_clip_of_no_bytes_writes_nothing(void)
{
    char buf[] = "#";

    text_clip(buf, 0, "hello");
    CASE("untouched", buf[0] == '#');
}

/* Whatever the size, the result is UTF-8 and no longer. */
static void every_cut_is_utf8(void)
{
    static const char SOURCE[] = "é中😀\xffz\n中a😀é";
    char buf[64];

    for (size_t size = 1; size < sizeof buf; size++) {
        text_clip(buf, size, SOURCE);
        CASE("fits", strlen(buf) < size);
        for (const char *c = buf; *c; c += utf8_len(c) ? utf8_len(c) : 1)
            CASE("UTF-8", utf8_len(c) > 0);
    }
}

static void a_middle_is_cut_out(void)
{
    static const char SOURCE[] = "é中😀\xffz\n中a😀é0123456789";
    char buf[64];

    CASE("whole", !strcmp(text_clip_middle(buf, 11, "0123456789"), "0123456789"));
    CASE("both ends", !strcmp(text_clip_middle(buf, 11, "0123456789a"), "01…6789a"));
    for (size_t size = 1; size < 48; size++) {
        memset(buf, '#', sizeof buf);
        text_clip_middle(buf, size, SOURCE);
        CASE("fits", strlen(buf) < size && buf[size] == '#');
        CASE("the end is there", size < 4 || buf[strlen(buf) - 1] == '9');
        for (const char *c = buf; *c; c += utf8_len(c) ? utf8_len(c) : 1)
            CASE("UTF-8", utf8_len(c) > 0);
    }
}

static int parse_port(struct err *e)
{
    return err_set(e, ERR_INVALID, 22, "port '%s' is not a number", "x");
}

static void errors_chain_outwards(void)
{
    struct err e = { 0 };

    CASE("-1", parse_port(&e) == -1);
    CASE("set",
         e.kind == ERR_INVALID && e.code == 22 && !strcmp(e.text, "port 'x' is not a number"));
    CASE("-1 again", err_ctx(&e, "listen %s", "here") == -1);
    CASE("kind and code stay", e.kind == ERR_INVALID && e.code == 22);
    CASE("outer: inner", !strcmp(e.text, "listen here: port 'x' is not a number"));
    err_ctx(&e, "again: %s", e.text);
    CASE("its own text may be an argument",
         !strcmp(e.text, "again: listen here: port 'x' is not a number: "
                         "listen here: port 'x' is not a number"));
    err_set(&e, ERR_NET, 0, "new");
    CASE("set anew", e.kind == ERR_NET && e.code == 0 && !strcmp(e.text, "new"));
}

static void long_errors_are_cut_with_dots(void)
{
    char text[1000];
    struct err e = { 0 };

    for (size_t size = 200; size < sizeof text; size += 199) {
        memset(text, 'x', size);
        text[size] = '\0';
        err_set(&e, ERR_SERVER, 500, "%s", text);
        err_ctx(&e, "shop/api");
        CASE("fits", strlen(e.text) < sizeof e.text);
        CASE("the context is in front", !strncmp(e.text, "shop/api: xxx", 13));
        if (size > sizeof e.text)
            CASE("dots", !strcmp(e.text + strlen(e.text) - 4, "x…"));
        err_ctx(&e, "%s", text);
        CASE("a long context fits as well", strlen(e.text) < sizeof e.text && e.text[0] == 'x');
    }
    err_set(&e, ERR_SERVER, 0, "a\nb\xff");
    CASE("one line of UTF-8", !strcmp(e.text, "a b?"));
}

static const struct {
    enum err_kind kind;
    const char *name;
    int transient;
} KINDS[] = {
    { ERR_NONE, "none", 0 },           { ERR_INVALID, "invalid", 0 },
    { ERR_NOT_FOUND, "not-found", 0 }, { ERR_CONFLICT, "conflict", 0 },
    { ERR_GONE, "gone", 0 },           { ERR_DENIED, "denied", 0 },
    { ERR_REFUSED, "refused", 0 },     { ERR_THROTTLED, "throttled", 1 },
    { ERR_SERVER, "server", 1 },       { ERR_NET, "net", 1 },
    { ERR_TIMEOUT, "timeout", 1 },
};

static void kinds_have_names(void)
{
    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++) {
        CASE(KINDS[i].name, !strcmp(err_name(KINDS[i].kind), KINDS[i].name));
        CASE(KINDS[i].name, err_is_transient(KINDS[i].kind) == KINDS[i].transient);
    }
}

UNIT_MAIN(UNIT_TEST(a_text_never_passes_its_ceiling), UNIT_TEST(a_text_holds_any_bytes),
          UNIT_TEST(knows_utf8), UNIT_TEST(clips_for_people),
          UNIT_TEST(a_clip_of_no_bytes_writes_nothing), UNIT_TEST(every_cut_is_utf8),
          UNIT_TEST(a_middle_is_cut_out), UNIT_TEST(errors_chain_outwards),
          UNIT_TEST(long_errors_are_cut_with_dots), UNIT_TEST(kinds_have_names))
