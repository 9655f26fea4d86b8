/* shopflow's command line: flags anywhere, each error says what is allowed. */
#include "options.h"

#include <string.h>

#include "base/auto.h"
#include "cli.h"
#include "unit.h"

#define ARGS_MAX 8

static int read_args(const char *const *args, struct arena *a, struct options *o, struct err *e)
{
    char *argv[ARGS_MAX + 2] = { arena_strdup(a, "shopflow") };
    int argc = 1;

    for (; args[argc - 1]; argc++)
        argv[argc] = arena_strdup(a, args[argc - 1]);
    *e = (struct err){ 0 };
    return options_read(argc, argv, a, o, e);
}

static void flags_stand_anywhere(void)
{
    static const struct {
        const char *name;
        const char *args[ARGS_MAX];
    } rows[] = {
        { "after the operand", { "completion", "bash", "-C", "/x", NULL } },
        { "before the command", { "-C", "/x", "completion", "bash", NULL } },
        { "glued", { "completion", "-C/x", "bash", NULL } },
        { "with =", { "completion", "--directory=/x", "bash", NULL } },
        { "after --", { "completion", "bash", "--", "--directory", "/x", NULL } },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        struct options o;
        struct err e;

        CASE(rows[i].name, !read_args(rows[i].args, a, &o, &e) &&
                               !strcmp(o.command->name, "completion") && o.n_operands == 1 &&
                               !strcmp(o.operands[0], "bash") && !strcmp(o.directory, "/x"));
    }
}

static void what_is_wrong_is_named(void)
{
    static const struct {
        const char *args[ARGS_MAX];
        const char *text;
    } rows[] = {
        { { NULL }, "no command; see shopflow --help" },
        { { "dance", NULL }, "'dance' is not a command; see shopflow --help" },
        { { "completion", NULL },
          "completion: needs bash|zsh|fish; see shopflow completion --help" },
        { { "completion", "bash", "zsh", NULL },
          "completion: 'zsh' is not expected; see shopflow completion --help" },
        { { "completion", "--wild", NULL }, "'--wild' is not a flag; see shopflow --help" },
        { { "completion", "-q", NULL }, "'-q' is not a flag; see shopflow --help" },
        { { "completion", "bash", "--graph", NULL },
          "completion: does not take --graph, which belongs to: up build changed" },
        { { "completion", "-C", NULL }, "--directory needs a value: DIR" },
        { { "completion", "--help=yes", NULL }, "--help takes no value" },
        { { "completion", "--directory=", NULL }, "--directory: must not be empty" },
        { { "deploy", "--timeout", "5", NULL },
          "--timeout '5': must be a time such as 90s, 5m or 1h30m" },
        { { "deploy", "--timeout", "-5m", NULL },
          "--timeout '-5m': must be a time such as 90s, 5m or 1h30m" },
        { { "build", "--parallel", "0", NULL }, "--parallel '0': must be a number from 1 to 64" },
        { { "build", "--parallel", "65", NULL }, "--parallel '65': must be a number from 1 to 64" },
        { { "build", "--parallel", " 2", NULL }, "--parallel ' 2': must be a number from 1 to 64" },
        { { "build", "--parallel", "-2", NULL }, "--parallel '-2': must be a number from 1 to 64" },
        { { "build", "--parallel", "2x", NULL }, "--parallel '2x': must be a number from 1 to 64" },
        { { "deploy", "--apps", ",", NULL }, "--apps: names no app" },
        { { "deploy", "-o", "xml", NULL }, "--output 'xml': must be json, yaml or wide" },
        { { "deploy", "-hw", NULL }, "'-hw': write the flags apart, as -h -w" },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        struct options o;
        struct err e;

        CASE(rows[i].text, read_args(rows[i].args, a, &o, &e) == -1 && e.kind == ERR_INVALID &&
                               !strcmp(e.text, rows[i].text));
    }
}

static void values_are_read(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    /* --help is last, so that the flags need not belong to the command */
    const char *const args[] = { "completion", "--apps=a,b", "--apps=c", "--timeout=1h30m",
                                 "-ojson",     "--help",     NULL };
    struct options o;
    struct err e;

    CASE("read", !read_args(args, a, &o, &e));
    CASE("a list", !strcmp(o.apps[0], "a") && !strcmp(o.apps[1], "b") && !strcmp(o.apps[2], "c") &&
                       !o.apps[3]);
    CASE("a time", o.timeout_ms == 5400000);
    CASE("a form", o.output == OUTPUT_JSON);
}

/* A flag that no command takes would never be reached; a command's name in two tables must agree.
 */
static bool is_first_word(const char *word, size_t len)
{
    for (const struct command *c = COMMANDS; c->name; c++)
        if (strcspn(c->name, " ") == len && !strncmp(c->name, word, len))
            return true;
    return false;
}

static void the_tables_agree(void)
{
    for (const struct flag *f = FLAGS; f->name; f++)
        for (const char *at = f->commands; at && *at; at += strspn(at, " ")) {
            CASE(f->name, is_first_word(at, strcspn(at, " ")));
            at += strcspn(at, " ");
        }
    for (const struct flag *f = FLAGS; f->name; f++)
        for (const struct flag *g = FLAGS; g < f; g++)
            CASE(f->name, strcmp(f->name, g->name) && (!f->letter || f->letter != g->letter));
    for (const struct command *c = COMMANDS; c->name; c++) {
        AUTO(arena) struct arena *a = arena_new(1024);

        CASE(c->name, c->run && strstr(options_help(NULL, a), c->summary) &&
                          strstr(options_help(c, a), "--help") &&
                          c->min_operands <= c->max_operands);
    }
}

UNIT_MAIN(UNIT_TEST(flags_stand_anywhere), UNIT_TEST(what_is_wrong_is_named),
          UNIT_TEST(values_are_read), UNIT_TEST(the_tables_agree))
