/* cli/outcome.h — What became of what was asked for: from the AppRelease alone, without I/O.
 *
 * An old Ready is never taken for ours: nothing counts before the controller has seen the
 * generation that was written (and the retry token). Who follows some apps is told of these: how
 * others fare is no failure of theirs. The exit codes are those of cli/cli.h. */
#ifndef CLI_OUTCOME_H
#define CLI_OUTCOME_H
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli.h"
#include "deploy/status.h"
#include "release.h"

struct arena;

/* The object as it was last seen. */
struct seen {
    cJSON *tree; /* owned */
    struct arena *arena;
    int64_t generation;
    const char *commit; /* spec.commit; NULL = no such object */
    bool plan;          /* mode Plan */
    struct release_status status;
};

/* What is followed. */
struct followed {
    const struct wanted_app *apps; /* name and commit; none = whatever the object lists */
    size_t n_apps;
    const char *commit;   /* without apps: those that are asked for at it; NULL = all */
    bool was_asked;       /* it was asked for, at some time since */
    int64_t generation;   /* what was written; older status is not ours */
    const char *retry_at; /* the token that must have been handled; NULL = none */
};

enum outcome_kind {
    OUTCOME_GOES_ON,
    OUTCOME_DONE,
    OUTCOME_ROLLED_BACK, /* failed; what ran before runs */
    OUTCOME_SUPERSEDED,  /* another release asks for something else */
    OUTCOME_HELD,        /* paused, suspended, not approved: a person is waited for */
    OUTCOME_LEFT,        /* failed, and a person must look */
    OUTCOME_INVALID,     /* the spec breaks a rule */
};

struct outcome {
    enum outcome_kind kind;
    const char *app;    /* whose cause it is; NULL = of the whole */
    const char *reason; /* of deploy/reason.h; NULL = none */
    const char *message;
};

struct outcome outcome_of(const struct seen *seen, const struct followed *f);

/* Does the object ask for f->commit? */
bool outcome_is_asked(const struct seen *seen, const struct followed *f);

/* Of one app that has settled. */
enum outcome_kind outcome_of_app(const struct app_status *app);

enum exit_code outcome_exit(enum outcome_kind kind);

/* Has the app its target, or what the release takes for that? */
bool app_is_there(const struct app_status *app);

/* An object's tree → *ret; the tree is taken. NULL = there is none. */
void seen_decode(cJSON *tree, struct seen *ret);
void seen_release(struct seen *seen);

/* Does the newest generation have this condition? NULL when not. */
const struct condition *seen_condition(const struct seen *seen, const char *type);

#endif
