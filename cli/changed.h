/* cli/changed.h — Which apps are to be built and released, and why each. Pure: what git and the
 * AppRelease say is gathered first (cli/survey.h). */
#ifndef CLI_CHANGED_H
#define CLI_CHANGED_H
#include <stdbool.h>
#include <stddef.h>

struct app;
struct app_changes;
struct apps;
struct arena;
struct err;

enum run_kind {
    RUN_MAINLINE, /* the environment becomes this commit */
    RUN_WORK,     /* only what this work changes goes there */
};

/* What the AppRelease says of an app. */
struct asked {
    const char *good;                /* its last good commit; NULL = none */
    const struct app_changes *since; /* inputs that differ from it; NULL = it is unknown here */
    bool is_ours;                    /* it was asked for from this branch before */
};

/* What is known of an app of the commit. */
struct app_facts {
    const struct app *app;
    bool is_new;                     /* the base has no such app */
    const struct app_changes *since; /* inputs that differ from the base's; may be NULL = none */
    bool is_mainlines;               /* a version of the mainline since the base has these inputs */
    const struct asked *asked;       /* NULL = no cluster was asked */
};

struct changed_facts {
    enum run_kind kind;
    const char *base;        /* NULL = nothing to compare with: every app … */
    const char *why_no_base; /* … for this reason */
    bool all;
    const char *const *names; /* of --apps; NULL = not given */
    const struct app_facts *apps;
    size_t n_apps;
    const char *const *gone; /* apps of the base that are none any more; NULL-terminated */
};

struct changed_app {
    const struct app *app;
    const char **reasons; /* paths, or a sentence; NULL-terminated */
    size_t n_more;        /* reasons beyond these */
};

struct changed {
    struct changed_app *apps;
    size_t n;
    const char *const *removed; /* NULL-terminated */
};

/* A name of --apps that is no app is ERR_INVALID, with the names there are. */
int changed_decide(struct arena *a, const struct changed_facts *f, struct changed *ret,
                   struct err *e);

#endif
