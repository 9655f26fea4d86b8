/* cli/cli.h — What every command of shopflow is given, and what it may answer.
 *
 * A command is `int run(struct cli *c, struct err *e)`: it returns an exit code of the table below,
 * or -1 with *e set, which main prints as "shopflow: …" and turns into EXIT_ERROR, or into
 * EXIT_USAGE when the kind is ERR_INVALID.
 *
 * Results go to stdout, all else to stderr. Everything waits by turning c->loop. */
#ifndef CLI_H
#define CLI_H
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

struct command;
struct loop;
struct options;

enum exit_code {
    EXIT_DONE = 0,        /* or there was nothing to do */
    EXIT_ERROR = 1,       /* build, push, network, permission */
    EXIT_USAGE = 2,       /* a flag, a setting, a file of the project */
    EXIT_ROLLED_BACK = 3, /* the release failed and was put back: the cluster is safe */
    EXIT_TIMED_OUT = 4,   /* the release goes on */
    EXIT_UNCHANGED = 5,   /* --fail-if-unchanged, diff --exit-code: it differs */
    EXIT_SUPERSEDED = 6,  /* another release took over */
    EXIT_LEFT = 7,        /* the new version stays, or a person is waited for */
};

struct cli {
    struct loop *loop;
    struct arena *arena; /* lives as long as the process */
    const struct options *options;
    const char *const *env; /* "NAME=value", …, NULL: as the process got it */
    const char *dir;        /* the working directory, absolute */
    int signo;              /* SIGINT or SIGTERM came: end soon; 0 = none */
    bool color;             /* stderr is a terminal, and NO_COLOR is not set */
    bool live;              /* stderr is a terminal that can be drawn on */
};

/* A variable of the environment. An empty one counts as unset: CI passes missing secrets so. */
const char *cli_env(const struct cli *c, const char *name);

/* Who runs this: the CI's user, else the system's; NULL = nobody says. */
const char *cli_actor(const struct cli *c);

/* A line for people on stderr: "shopflow: …". */
void cli_say(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
