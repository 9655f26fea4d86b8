/* cli/build_plan.h — From what changed to what is built: for `build`, and for `up`. */
#ifndef CLI_BUILD_PLAN_H
#define CLI_BUILD_PLAN_H
#include "build.h"

struct cli;
struct err;
struct survey;

/* The changed apps of the survey, with the trees of their inputs; options of the command line. The
 * registry, and how it is asked, are the caller's to fill in. */
int build_plan_make(struct cli *c, const struct survey *s, struct build_plan *ret, struct err *e);

#endif
