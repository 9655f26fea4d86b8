/* .k8s-config: what a shell would read, without running anything; errors name the line. */
#include "dotfile.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "unit.h"

static void values_are_read(void)
{
    static const struct {
        const char *name, *text, *value;
        size_t line;
    } rows[] = {
        { "plain", "K=v\n", "v", 1 },
        { "no newline at the end", "K=v", "v", 1 },
        { "export", "export K=v\n", "v", 1 },
        { "export and tabs", "\texport\t K=v\n", "v", 1 },
        { "a key that begins with export", "exportK=x\nK=v\n", "v", 2 },
        { "CRLF", "A=b\r\nK=v\r\n", "v", 2 },
        { "CRLF after a quote", "K='v'\r\n", "v", 1 },
        { "a byte order mark", "\xef\xbb\xbfK=v\n", "v", 1 },
        { "single quotes", "K='a b # c'\n", "a b # c", 1 },
        { "double quotes", "K=\"it's\"\n", "it's", 1 },
        { "nothing is expanded", "K=\"$HOME `x` \\n\"\n", "$HOME `x` \\n", 1 },
        { "a comment after it", "K=v # why\n", "v", 1 },
        { "a comment after a quote", "K='v' # why\n", "v", 1 },
        { "# inside", "K=a#b\n", "a#b", 1 },
        { "= inside", "K=a=b==\n", "a=b==", 1 },
        { "comments and empty lines", "# x\n\n   \n  # y=z\nK=v\n", "v", 5 },
        { "empty", "K=\n", "", 1 },
        { "empty in quotes", "K=''\n", "", 1 },
        { "empty with a comment", "K= # why\n", "", 1 },
        { "the last one counts", "K=a\nK=b\n", "b", 2 },
        { "UTF-8", "K=密码\n", "密码", 1 },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        struct dotfile d = { 0 };
        struct err e = { 0 };
        const struct dotfile_entry *found =
            dotfile_parse(rows[i].text, a, &d, &e) ? NULL : dotfile_find(&d, "K");

        CASE(rows[i].name,
             found && !strcmp(found->value, rows[i].value) && found->line == rows[i].line);
    }
}

static void wrong_lines_are_named(void)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        { "A=b\nK\n", "line 2: is not KEY=VALUE" },
        { "=v\n", "line 1: is not KEY=VALUE" },
        { "1K=v\n", "line 1: is not KEY=VALUE" },
        { "K-L=v\n", "line 1: is not KEY=VALUE" },
        { "export\n", "line 1: is not KEY=VALUE" },
        { "K =v\n", "line 1: no space may stand before =" },
        { "K= v\n", "line 1: no space may stand after =" },
        { "\n\nK=secret word\n", "line 3: put the value of K into quotes: it has spaces" },
        { "K='secret\n", "line 1: the value of K has no closing quote" },
        { "K='secret'x\n", "line 1: more follows the closing quote of K" },
        { "K='secret'# no\n", "line 1: more follows the closing quote of K" },
        { "K=se'cret'\n", "line 1: a quote inside the value of K: put all of it into quotes" },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        struct dotfile d = { 0 };
        struct err e = { 0 };

        CASE(rows[i].error, dotfile_parse(rows[i].text, a, &d, &e) && e.kind == ERR_INVALID &&
                                !strcmp(e.text, rows[i].error));
        CASE("no value is told", !strstr(e.text, "secret"));
    }
}

UNIT_MAIN(UNIT_TEST(values_are_read), UNIT_TEST(wrong_lines_are_named))
