/* cli/ask.h — Writing an AppRelease: read, compose, write; again when somebody was faster.
 *
 *     struct ask ask = { .wanted = of_flags, .ctx = … };
 *     if (ask_write(c, k, &ask, e))
 *         return -1;                    // "interrupted: nothing was released", whose it is, …
 *     ask.followed                      // what to wait for (cli/follow.h)
 *     ask_release(&ask);
 *
 * Slow work comes before it: what is composed is written at once. */
#ifndef CLI_ASK_H
#define CLI_ASK_H
#include <cjson/cJSON.h>
#include <stdbool.h>

#include "outcome.h"
#include "release.h"

struct cli;
struct cluster;
struct err;
struct marks;

struct ask {
    /* What is meant, given what is there (NULL = nothing). Asked again for each try. */
    int (*wanted)(struct cli *c, const cJSON *object, struct wanted *ret, void *ctx, struct err *e);
    /* It is about to be written, for the first time. May be NULL. */
    void (*before)(struct cli *c, const cJSON *object, const struct wanted *w, void *ctx);
    void *ctx;
    bool dry_run; /* the server checks it and writes nothing */
    /* results */
    struct wanted meant; /* and what a person put back by hand, which a write would undo */
    struct followed followed;
    cJSON *was, *is; /* the object before (NULL = none) and as it was answered */
};

int ask_write(struct cli *c, struct cluster *k, struct ask *ask, struct err *e);
void ask_release(struct ask *ask);

static inline void auto_ask(struct ask *ask)
{
    ask_release(ask);
}

/* A patch that does not depend on the rest of the object: pause, retry. NULL ret is fine. */
int ask_patch(struct cli *c, struct cluster *k, const cJSON *patch, cJSON **ret, struct err *e);

/* The AppRelease as it is. It is not there: ERR_NOT_FOUND with what to do. */
cJSON *ask_object(struct cli *c, struct cluster *k, struct err *e);

/* What the AppRelease says of its apps, by hand changed images included; the object itself, NULL =
 * there is none, is the caller's to free. */
int ask_marks(struct cli *c, struct cluster *k, struct marks *ret, cJSON **ret_object,
              struct err *e);

#endif
