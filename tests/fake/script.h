/* tests/fake/script.h — A conversation as text: which requests must come, and what to answer.
 *
 *     # 410 as an HTTP answer: list again             comment
 *     $ watch                                         what the test does; the test program knows
 * how > GET /apis/apps/v1/…/deployments?limit=100     the request that must come next > Accept:
 * application/json                      … with this header > !Authorization … without that one >
 * connection new                                … on a connection of its own, or: same > |
 * {"spec":*}                                  … with this body < 200 split=7 its answer, delivered
 * in pieces of 7 bytes < Retry-After: 5                                … a header of it; "<
 * !Content-Type": without | {"kind":"Status"}                             … a line of its body .
 * {"half":                                      … bytes of its body, no newline < stream or: 200
 * and an open end; its lines may follow < end                                           later, too.
 * A clean end, or: < cut, reset, hang                              closed early, reset, silent for
 * ever; also < 200 cut                                       in the middle of an answer, or instead
 * of one < pause 5s                                      before the bytes that follow = put
 * shop/a@41                                 what the code under test has to say next ~ 7s..9s how
 * long after what was before the next > or = comes; without it: at once ~ quiet 10min nothing more
 * comes for so long
 *
 * Where several requests wait, "< 200 to=*secrets/mine" answers the newest that is so.
 *
 * "*" stands for any text in >, = and their details; "  # …" ends >, <, ~ and $ lines as a comment.
 * The target of a request at another host than the first: "> GET auth/token?…". In all lines
 * $server, $auth and $other are the hosts' addresses; %a@41 is an object "a" in namespace "shop" of
 * resourceVersion 41; {x*100} is 100 times "x"; {base64 user:password} is what it says. */
#ifndef FAKE_SCRIPT_H
#define FAKE_SCRIPT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct err;

enum step_kind {
    STEP_DO,
    STEP_REQUEST,
    STEP_OUTCOME,
    STEP_REPLY,
    STEP_MORE, /* bytes of an open stream */
    STEP_PAUSE,
    STEP_END,
    STEP_QUIET,
};

enum ending { END_WHOLE, END_CUT, END_RESET, END_HANG };

struct step {
    enum step_kind kind;
    int line;
    char *text;     /* the command, "METHOD target", the outcome, the status */
    char **details; /* of a request: what else is wanted; of a reply: headers */
    size_t n_details;
    struct text body;
    char *to;     /* of a reply: to the newest request like this; NULL = to the last one */
    size_t split; /* 0 = all at once */
    bool is_stream;
    enum ending ending;
    int64_t at_least_ms, at_most_ms; /* at_least_ms also: of a pause, of quiet */
};

struct script {
    char *path;
    struct step *steps;
    size_t n;
};

struct script_var {
    const char *name; /* "$server" */
    const char *value;
};

int script_load(struct script *s, const char *path, const struct script_var *vars, size_t n_vars,
                struct err *e);
void script_release(struct script *s);

/* Does the text fit, "*" standing for any run of characters? */
bool glob_fits(const char *glob, const char *text);

#endif
