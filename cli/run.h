/* cli/run.h — A run of the commands that build: what the commit and the AppRelease say together,
 * what is to be built, told and written.
 *
 *     if (survey_make(c, k != NULL, &r.survey, e) || run_decide(c, k, &r, e))   // k NULL: no
 * cluster return -1; run_say(c, &r); …                       // build r.survey.changed.apps; tags
 * only: r.survey.changed.as_is run_wanted(c, &r, &w, e)       // to be written, where
 * run_writes(&r)
 *
 * What is written was decided of r.generation. Where the object has another one by then, run_decide
 * says anew what is to be built; what is built already is not built twice. */
#ifndef CLI_RUN_H
#define CLI_RUN_H
#include <stdbool.h>
#include <stdint.h>

#include "marks.h"
#include "survey.h"

struct cli;
struct cluster;
struct err;
struct wanted;

struct run {
    struct survey survey;
    struct marks marks;
    bool knows_asked;   /* the AppRelease was read, be there one or not */
    int64_t generation; /* of it; 0 = there is none */
};

/* Read the AppRelease and fill in r->survey.changed. */
int run_decide(struct cli *c, struct cluster *k, struct run *r, struct err *e);

/* One line on stderr for all that is not as it might be expected. */
void run_say(const struct cli *c, const struct run *r);

/* --require-current: ERR_CONFLICT where the mainline has moved on. */
int run_require_current(const struct cli *c, const struct run *r, struct err *e);

/* Is there anything to write? A mainline run always says that it was there. */
bool run_writes(const struct run *r);

/* What is to be written; retry_at: the token for what failed and is asked for again. */
int run_wanted(struct cli *c, const struct run *r, const char *retry_at, struct wanted *ret,
               struct err *e);

#endif
