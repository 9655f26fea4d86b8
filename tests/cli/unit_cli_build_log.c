/* What a builder printed, for people. */
#include "build_log.h"

#include <string.h>

#include "base/arena.h"
#include "unit.h"

static void foreign_lines_are_harmless(void)
{
    static const struct {
        const char *name, *line, *clean;
    } rows[] = {
        { "plain", "#5 [build 3/4] RUN pnpm build", "#5 [build 3/4] RUN pnpm build" },
        { "colours", "\033[1;31mred\033[0m \033[2Kx", "red x" },
        { "a title", "\033]0;title\007a", "a" },
        { "a title with ST", "\033]0;title\033\\a", "a" },
        { "cut sequences", "a\033", "a" },
        { "cut CSI", "a\033[", "a" },
        { "cut OSC", "a\033]x", "a" },
        { "a bar", "10%\r50%\r100%", "100%" },
        { "the CR of a newline", "done\r", "done" },
        { "controls", "a\001b\177c\td", "a b c\td" },
        { "C1 controls",
          "a\xc2\x9b"
          "31mb",
          "a 31mb" },
        { "UTF-8", "\xe4\xbd\xa0\xe5\xa5\xbd \xc3\xa9", "\xe4\xbd\xa0\xe5\xa5\xbd \xc3\xa9" },
        { "no UTF-8", "a\xff\xe4z", "a??z" },
        { "a command to Actions", "x ##[error]y ##[", "x ## error]y ## " },
        { "our secret", "login hunter2 and hunter2", "login ******* and *******" },
        { "a star is no endless loop", "*", "*" },
        { "a token", "https://a:b@h/", "https://***@h/" },
    };
    static const char *const SECRETS[] = { "hunter2", "*", "", NULL };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        char *line = arena_strdup(a, rows[i].line);

        build_log_clean(line, SECRETS);
        CASE(rows[i].name, !strcmp(line, rows[i].clean));
        if (strcmp(line, rows[i].clean) != 0)
            fprintf(stderr, "%s: got '%s'\n", rows[i].name, line);
    }
}

static void hints_are_given_for_what_is_known(void)
{
    static const struct {
        const char *line, *hint;
    } rows[] = {
        { "failed to calculate checksum of ref a::b: \"/tools\": not found", "inputs" },
        { "COPY failed: no items matching glob \"x\" copied (1 filtered out)", "inputs" },
        { "checking on sources under \"/t\": copier: stat: \"/x\": no such file or directory",
          "inputs" },
        { "http: server gave HTTP response to HTTPS client", "plain HTTP" },
        { "write /x: no space left on device", "disk" },
        { "error: failed to push: unauthorized: authentication required", "login" },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *hint = build_log_hint(rows[i].line);

        CASE(rows[i].line, hint && strstr(hint, rows[i].hint));
    }
    CASE("a file that a script misses", !build_log_hint("cat: /x: no such file or directory"));
    CASE("nothing", !build_log_hint("npm ERR! code 1"));
}

UNIT_MAIN(UNIT_TEST(foreign_lines_are_harmless), UNIT_TEST(hints_are_given_for_what_is_known))
