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
    bool is_ours;                    /* it is work of this branch */
    const char *whose;               /* "ann's feat-x": the work that it is; NULL = none's */
    bool mainline_moved;             /* the mainline changed its inputs since then */
    const char *mainline;            /* the mainline that was asked for; NULL = not known */
    const char *left;    /* it was taken back from the inputs that are here: "failed at …" */
    const char *by_hand; /* somebody took it back from the good ones: "… runs by hand" */
};

/* What is known of an app of the commit. */
struct app_facts {
    const struct app *app;
    bool is_new;                     /* the base has no such app */
    const struct app_changes *since; /* inputs that differ from the base's; may be NULL = none */
    bool is_mainlines;               /* a version of the mainline since the base has these inputs */
    bool is_behind;                  /* the mainline changed its inputs since the base */
    const struct asked *asked;       /* NULL = no cluster was asked */
};

/* An app that the base or the AppRelease has and the commit has not. */
struct gone_app {
    const char *name;
    const char *whose; /* the work that it is; NULL = none's */
    bool mainline_had; /* the mainline has dropped it since */
};

struct changed_facts {
    enum run_kind kind;
    const char *base;        /* NULL = nothing to compare with: every app … */
    const char *why_no_base; /* … for this reason */
    bool all;
    const char *const *names;  /* of --apps; NULL = not given */
    const char *superseded_by; /* the newer mainline commit that was asked for; NULL = none */
    const struct app_facts *apps;
    size_t n_apps;
    const struct gone_app *gone;
    size_t n_gone;
};

struct changed_app {
    const struct app *app;
    const char **reasons; /* paths, or a sentence; NULL-terminated */
    size_t n_more;        /* reasons beyond these */
    bool is_back;         /* it goes back to the mainline: no work any more … */
    const char *commit;   /* … built from this commit; NULL = from the run's */
    const char *from;     /* somebody else's work that it replaces: "bob's fix"; NULL = none's */
};

/* An app that stays as it is, and why. */
struct stays {
    const char *name, *why;
};

struct changed {
    struct changed_app *apps; /* to be built */
    size_t n;
    const char *const *removed; /* NULL-terminated */
    const struct app **as_is;   /* of a mainline run: inputs as they run well; asked for with it */
    struct stays *kept, *held;  /* somebody's work; taken back from what is here */
    const char **behind;        /* of those to be built; NULL-terminated */
    const char *superseded_by;  /* nothing is to be done */
    size_t n_as_is, n_kept, n_held;
    bool asks_again; /* for something that an app was taken back from */
};

/* A name of --apps that is no app is ERR_INVALID, with the names there are. */
int changed_decide(struct arena *a, const struct changed_facts *f, struct changed *ret,
                   struct err *e);

#endif
