/* What git says of the working tree, and what of it may not be released. */
#include "dirt.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "unit.h"

#define H "1111111111111111111111111111111111111111"
#define LINE(xy, sub, path) "1 " xy " " sub " 100644 100644 100644 " H " " H " " path "\0"
#define BYTES(text) text, sizeof(text) - 1

static void lines_are_read(void)
{
    static const struct {
        const char *name, *bytes;
        size_t len;
        struct dirt_entry entry;
    } rows[] = {
        { "untracked", BYTES("? a b\n\0"), { "a b\n", true, false, false } },
        { "changed", BYTES(LINE(".M", "N...", "a b")), { "a b", false, false, false } },
        { "staged", BYTES(LINE("M.", "N...", "a")), { "a", false, false, false } },
        { "added", BYTES(LINE("A.", "N...", "a")), { "a", true, false, false } },
        { "meant to be added", BYTES(LINE(".A", "N...", "a")), { "a", true, false, false } },
        { "deleted", BYTES(LINE(".D", "N...", "a")), { "a", false, false, false } },
        { "a submodule at a new commit",
          BYTES(LINE(".M", "SC..", "a")),
          { "a", false, false, false } },
        { "a submodule with changes", BYTES(LINE(".M", "S.M.", "a")), { "a", false, false, true } },
        { "a submodule with new files",
          BYTES(LINE(".M", "S..U", "a")),
          { "a", false, false, true } },
        { "unmerged",
          BYTES("u UU N... 100644 100644 100644 100644 " H " " H " " H " a b\0"),
          { "a b", false, true, false } },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        const struct dirt_entry *want = &rows[i].entry;
        struct err e = { 0 };
        struct dirt d = { 0 };

        CASE(rows[i].name, !dirt_parse(rows[i].bytes, rows[i].len, a, &d, &e) && d.n == 1);
        CASE(rows[i].name, d.n == 1 && !strcmp(d.entries[0].path, want->path) &&
                               d.entries[0].is_new == want->is_new &&
                               d.entries[0].is_unmerged == want->is_unmerged &&
                               d.entries[0].is_dirty_submodule == want->is_dirty_submodule);
    }
}

static void other_lines_are_refused(void)
{
    static const struct {
        const char *name, *bytes;
        size_t len;
    } rows[] = {
        { "no NUL", BYTES("? a") },
        { "a rename, which was not asked for", BYTES("2 R. N... 1 1 1 " H " " H " R100 a\0b\0") },
        { "too few fields", BYTES("1 .M N... 100644 a\0") },
        { "no path", BYTES("? \0") },
        { "empty", BYTES("\0") },
        { "a question mark alone", BYTES("?\0") },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        struct err e = { 0 };
        struct dirt d;

        CASE(rows[i].name,
             dirt_parse(rows[i].bytes, rows[i].len, a, &d, &e) && e.kind == ERR_INVALID);
    }
    {
        AUTO(arena) struct arena *a = arena_new(1024);
        struct dirt d;

        CASE("clean", !dirt_parse("", 0, a, &d, &(struct err){ 0 }) && d.n == 0);
    }
}

static void what_may_not_go_along(void)
{
    static const struct {
        struct dirt_entry entry;
        const char *why; /* NULL = it may */
    } rows[] = {
        { { "a", true, false, false }, NULL },
        { { "a", false, true, false }, "is not merged yet" },
        { { "a", false, false, true }, "is a submodule with" },
        { { "a/b/", true, false, false }, "is a repository of its own" },
        { { ".k8s-config", true, false, false }, "holds the settings of this machine" },
        { { "x/.k8s-config", false, false, false }, "holds the settings of this machine" },
        { { ".k8s-config.example", true, false, false }, NULL },
        { { ".env", true, false, false }, "may hold a secret" },
        { { "apps/a/.env.production.local", true, false, false }, "may hold a secret" },
        { { ".env", false, false, false }, NULL },
        { { ".env.example", true, false, false }, NULL },
        { { "x/.env.sample", true, false, false }, NULL },
        { { "environment.ts", true, false, false }, NULL },
        { { "a.key", true, false, false }, "may hold a secret" },
        { { "a.pem", true, false, false }, "may hold a secret" },
        { { "id_rsa", true, false, false }, "may hold a secret" },
        { { "id_rsa.pub", true, false, false }, NULL },
        { { "kubeconfig", true, false, false }, "may hold a secret" },
        { { ".env/x", true, false, false }, NULL },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *why = dirt_refusal(&rows[i].entry);

        CASE(rows[i].entry.path,
             !why == !rows[i].why && (!why || !strncmp(why, rows[i].why, strlen(rows[i].why))));
    }
}

UNIT_MAIN(UNIT_TEST(lines_are_read), UNIT_TEST(other_lines_are_refused),
          UNIT_TEST(what_may_not_go_along))
