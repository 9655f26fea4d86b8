/* shopflow's process: options → the working directory → the command → the exit code. The only file
 * that reads the environment and ends the process. */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/auto.h"
#include "cli.h"
#include "io/loop.h"
#include "options.h"

#ifndef SHOPFLOW_VERSION
#define SHOPFLOW_VERSION "dev"
#endif

static void on_stop(int signo, void *ctx)
{
    struct cli *c = ctx;

    if (c->signo)
        _exit(128 + signo); /* the second one means it */
    c->signo = signo;
}

/* -C, and the folder we are in then. */
static int enter_directory(struct cli *c, struct err *e)
{
    char dir[PATH_MAX];
    const char *to = c->options->directory;

    if (to && chdir(to))
        return err_set(e, ERR_INVALID, 0, "--directory %s: %m", to);
    if (!getcwd(dir, sizeof dir))
        return err_set(e, ERR_INVALID, 0, "the working directory: %m");
    c->dir = arena_strdup(c->arena, dir);
    return 0;
}

static void look_at_terminal(struct cli *c)
{
    const char *term = cli_env(c, "TERM");

    c->live = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
    c->color = c->live && !cli_env(c, "NO_COLOR");
}

static int run(struct cli *c)
{
    struct err e = { 0 };
    int code = -1;

    c->loop = loop_new(&e);
    if (c->loop && loop_on_stop_signal(c->loop, on_stop, c, &e) == 0 && enter_directory(c, &e) == 0)
        code = c->options->command->run(c, &e);
    loop_free(c->loop);
    if (fflush(stdout) && code >= 0) {
        err_set(&e, ERR_NET, 0, "the result could not be written: %m");
        code = -1;
    }
    if (code >= 0)
        return c->signo ? 128 + c->signo : code;
    fprintf(stderr, "shopflow: %s\n", e.text);
    if (c->signo)
        return 128 + c->signo;
    return e.kind == ERR_INVALID ? EXIT_USAGE : EXIT_ERROR;
}

int main(int argc, char **argv)
{
    AUTO(arena) struct arena *a = arena_new(64 * 1024);
    struct options o;
    struct err e = { 0 };
    struct cli c = { .arena = a, .options = &o, .env = (const char *const *)environ };

    prctl(PR_SET_DUMPABLE, 0); /* no core with secrets in it */
    signal(SIGPIPE, SIG_IGN);
    if (options_read(argc, argv, a, &o, &e)) {
        fprintf(stderr, "shopflow: %s\n", e.text);
        return EXIT_USAGE;
    }
    if (o.help || o.version) {
        fputs(o.help ? options_help(o.command, a) : "shopflow " SHOPFLOW_VERSION "\n", stdout);
        return EXIT_DONE;
    }
    look_at_terminal(&c);
    return run(&c);
}
