/* What git prints with -z. */
#include "tree.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "unit.h"

#define ID "1111111111111111111111111111111111111111"
#define ID256 ID "222222222222222222222222"
#define RAW(path) ":100644 100755 " ID " " ID " M\0" path "\0"

/* A text with NULs inside, without the last one. */
#define BYTES(text) text, sizeof(text) - 1

static void entries_are_read(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    struct err e = { 0 };
    struct tree t;

    CASE("read", !tree_parse(BYTES("100644 blob " ID "\ta b\n\tc\0"
                                   "040000 tree " ID "\tx\0"
                                   "160000 commit " ID256 "\ty\0"),
                             a, &t, &e));
    CASE("all of them", t.n == 3);
    CASE("a path with everything", !strcmp(t.entries[0].path, "a b\n\tc"));
    CASE("id and mode", !strcmp(t.entries[0].id, ID) && t.entries[0].mode == 0100644);
    CASE("kinds", t.entries[1].mode == MODE_TREE && t.entries[2].mode == MODE_COMMIT);
    CASE("SHA-256", !strcmp(t.entries[2].id, ID256));
    CASE("found", tree_find(&t, "y") == &t.entries[2] && !tree_find(&t, "z"));
    CASE("nothing", !tree_parse("", 0, a, &t, &e) && t.n == 0);
}

static void broken_entries_are_refused(void)
{
    static const struct {
        const char *name, *bytes;
        size_t len;
    } rows[] = {
        { "no NUL", BYTES("100644 blob " ID "\ta") },
        { "no path", BYTES("100644 blob " ID "\0") },
        { "a short id", BYTES("100644 blob 1111\ta\0") },
        { "no type", BYTES("100644\0") },
        { "an error message", BYTES("fatal: x y\0") },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        struct err e = { 0 };
        struct tree t;

        CASE(rows[i].name,
             tree_parse(rows[i].bytes, rows[i].len, a, &t, &e) && e.kind == ERR_INVALID);
    }
}

static void changes_are_read(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    struct err e = { 0 };
    struct changes c;

    CASE("read", !changes_parse(BYTES(RAW("a\nb") RAW("c") RAW("c")), a, &c, &e));
    CASE("each once", c.n == 2 && !strcmp(c.paths[0], "a\nb") && !strcmp(c.paths[1], "c"));
    CASE("none", !changes_parse("", 0, a, &c, &e) && c.n == 0);
    CASE("no colon", changes_parse(BYTES("x\0y\0"), a, &c, &e));
    CASE("no path", changes_parse(BYTES(":1 2 3 4 M\0"), a, &c, &e));
    CASE("cut", changes_parse(BYTES(":1 2 3 4 M\0abc"), a, &c, &e));
}

static void series_are_read(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    struct err e = { 0 };
    struct series s;

    CASE("read", !series_parse(BYTES(ID " " ID "\n" ID " " ID "\n" RAW("a\nb") RAW("c") ID
                                     " " ID "\n" RAW("d")),
                               a, &s, &e));
    CASE("all of them", s.n == 3);
    CASE("each its own", s.list[0].n == 0 && s.list[1].n == 2 && s.list[2].n == 1 &&
                             !strcmp(s.list[2].paths[0], "d"));
    CASE("none", !series_parse("", 0, a, &s, &e) && s.n == 0);
    CASE("no line first", series_parse(BYTES(RAW("a")), a, &s, &e));
    CASE("no newline", series_parse(BYTES(ID), a, &s, &e));
    CASE("cut", series_parse(BYTES(ID "\n:1 2 3 4 M\0abc"), a, &s, &e));
}

static void paths_are_shown(void)
{
    static const struct {
        const char *path, *shown;
    } rows[] = {
        { "apps/web/a b.ts", "apps/web/a b.ts" },
        { "apps/密.ts", "apps/密.ts" },
        { "a\nb", "\"a\\nb\"" },
        { "a\tb", "\"a\\tb\"" },
        { "a\"b\\c", "\"a\\\"b\\\\c\"" },
        { "\x1b[31m", "\"\\033[31m\"" },
        { "\xff", "\"\\377\"" },
        { "\x7f", "\"\\177\"" },
        { "", "" },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);

        CASE(rows[i].shown, !strcmp(path_show(a, rows[i].path), rows[i].shown));
    }
}

UNIT_MAIN(UNIT_TEST(entries_are_read), UNIT_TEST(broken_entries_are_refused),
          UNIT_TEST(changes_are_read), UNIT_TEST(series_are_read), UNIT_TEST(paths_are_shown))
