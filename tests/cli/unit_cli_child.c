/* Other programs: what they say, how they end, and that none outlives us. */
#include "child.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "cli.h"
#include "io/loop.h"
#include "unit.h"

#define SH(script) ((const char *[]){ "sh", "-c", script, NULL })

struct bench {
    struct arena *arena;
    struct cli c;
    struct err e;
};

static void set_up(struct bench *b)
{
    *b = (struct bench){ .arena = arena_new(4096) };
    b->c = (struct cli){ .arena = b->arena, .dir = "/", .env = (const char *const *)environ };
    b->c.loop = loop_new(&b->e);
    signal(SIGPIPE, SIG_IGN); /* as main does */
}

static void tear_down(struct bench *b)
{
    loop_free(b->c.loop);
    arena_free(b->arena);
}

static void outputs_and_codes_come_back(void)
{
    struct bench b;
    struct child_result r;

    set_up(&b);
    CASE("both outputs",
         !child_run(&b.c, &(struct child_spec){ .argv = SH("echo a; echo b >&2; exit 3") }, &r,
                    &b.e) &&
             r.status == 3 && !strcmp(r.out, "a\n") && !strcmp(r.err, "b\n"));
    CASE("NULs", !child_run(&b.c, &(struct child_spec){ .argv = SH("printf 'a\\0b'") }, &r, &b.e) &&
                     r.out_len == 3 && !memcmp(r.out, "a\0b", 4));
    CASE("a signal", !child_run(&b.c, &(struct child_spec){ .argv = SH("kill -9 $$") }, &r, &b.e) &&
                         r.status == 137);
    CASE("its folder",
         !child_run(&b.c, &(struct child_spec){ .argv = SH("pwd"), .dir = "/tmp" }, &r, &b.e) &&
             !strcmp(r.out, "/tmp\n"));
    CASE("its environment",
         !child_run(&b.c,
                    &(struct child_spec){ .argv = (const char *[]){ "/usr/bin/env", NULL },
                                          .env = (const char *[]){ "A=1", NULL } },
                    &r, &b.e) &&
             !strcmp(r.out, "A=1\n"));
    CASE("no such program",
         child_run(&b.c,
                   &(struct child_spec){ .argv = (const char *[]){ "no-such-program", NULL } }, &r,
                   &b.e) == -1 &&
             b.e.kind == ERR_NOT_FOUND &&
             !strcmp(b.e.text, "no-such-program: No such file or directory"));
    CASE("our signals are not blocked in it",
         !child_run(&b.c,
                    &(struct child_spec){
                        .argv = SH("grep -c 'SigBlk:\t0000000000000000' /proc/self/status") },
                    &r, &b.e) &&
             !strcmp(r.out, "1\n"));
    tear_down(&b);
}

static void input_is_given_whole(void)
{
    struct bench b;
    struct child_result r;
    static char many[1000000];

    set_up(&b);
    memset(many, 'x', sizeof many);
    CASE("through", !child_run(&b.c,
                               &(struct child_spec){ .argv = (const char *[]){ "cat", NULL },
                                                     .input = many,
                                                     .input_len = sizeof many },
                               &r, &b.e) &&
                        r.out_len == sizeof many && !memcmp(r.out, many, sizeof many));
    CASE("not wanted", !child_run(&b.c,
                                  &(struct child_spec){ .argv = (const char *[]){ "true", NULL },
                                                        .input = many,
                                                        .input_len = sizeof many },
                                  &r, &b.e) &&
                           r.status == 0);
    CASE("none", !child_run(&b.c, &(struct child_spec){ .argv = SH("wc -c") }, &r, &b.e) &&
                     !strcmp(r.out, "0\n"));
    tear_down(&b);
}

static void floods_have_ceilings(void)
{
    struct bench b;
    struct child_result r;

    set_up(&b);
    CASE("stdout", child_run(&b.c, &(struct child_spec){ .argv = SH("yes"), .max_bytes = 1000 }, &r,
                             &b.e) == -1 &&
                       b.e.kind == ERR_INVALID && !strcmp(b.e.text, "sh: its output is too long"));
    CASE("of stderr the end is kept",
         !child_run(&b.c, &(struct child_spec){ .argv = SH("seq 100000 >&2; printf end >&2") }, &r,
                    &b.e) &&
             strlen(r.err) <= 65536 && !strcmp(r.err + strlen(r.err) - 10, "100000\nend"));
    tear_down(&b);
}

struct lines {
    char text[64];
    size_t n;
};

static void on_line(const char *line, size_t len, void *ctx)
{
    struct lines *l = ctx;

    if (l->n++ < 3)
        strncat(strncat(l->text, line, len), "|", 2);
}

static void lines_come_whole(void)
{
    struct bench b;
    struct child_result r;
    struct lines l = { 0 };

    set_up(&b);
    child_run(
        &b.c,
        &(struct child_spec){ .argv = SH("printf a; sleep 0.05; printf 'b\\nc\\n\\n'; printf d"),
                              .on_line = on_line,
                              .ctx = &l },
        &r, &b.e);
    CASE("joined, and the last without its newline", l.n == 4 && !strcmp(l.text, "ab|c||"));
    l = (struct lines){ 0 };
    child_run(&b.c,
              &(struct child_spec){ .argv = SH("seq 100000 >&2"), .on_line = on_line, .ctx = &l },
              &r, &b.e);
    CASE("all, though not all are kept", l.n == 100000 && !strcmp(l.text, "1|2|3|"));
    tear_down(&b);
}

static void interrupt(void *ctx)
{
    ((struct cli *)ctx)->signo = SIGINT;
}

/* Gone, or a zombie that init has not seen yet: it has no command line any more. */
static bool is_gone(const char *pid)
{
    char path[64], byte;
    FILE *f;
    bool gone;

    snprintf(path, sizeof path, "/proc/%ld/cmdline", strtol(pid, NULL, 10));
    f = fopen(path, "re");
    gone = !f || fread(&byte, 1, 1, f) == 0;
    if (f)
        fclose(f);
    return gone;
}

static void a_signal_ends_the_whole_group(void)
{
    struct bench b;
    struct child_result r;
    struct loop_timer t = { .fn = interrupt };

    set_up(&b);
    t.ctx = &b.c;
    loop_timer_set(b.c.loop, &t, loop_now_ms(b.c.loop) + 200);
    CASE("interrupted",
         child_run(&b.c, &(struct child_spec){ .argv = SH("sleep 1000 & echo $!; wait") }, &r,
                   &b.e) == -1 &&
             b.e.kind == ERR_TIMEOUT);
    CASE("the grandchild is gone", r.out && is_gone(r.out));
    tear_down(&b);
}

UNIT_MAIN(UNIT_TEST(outputs_and_codes_come_back), UNIT_TEST(input_is_given_whole),
          UNIT_TEST(floods_have_ceilings), UNIT_TEST(lines_come_whole),
          UNIT_TEST(a_signal_ends_the_whole_group))
