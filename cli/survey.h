/* cli/survey.h — All that is known before anything is built: the commit, its apps, what changed.
 *
 * The commands that build ask this first, `shopflow changed` prints it. */
#ifndef CLI_SURVEY_H
#define CLI_SURVEY_H
#include <stdbool.h>

#include "apps.h"
#include "base.h"
#include "changed.h"
#include "ci.h"
#include "git.h"
#include "project.h"
#include "settings.h"

struct cli;
struct err;

struct survey {
    struct git git;
    struct settings settings;
    struct ci ci;
    const char *head;   /* the commit that is checked out, or that GIT_SHA names */
    const char *commit; /* what is released: head, or the uncommitted work on it */
    bool is_dirty;
    struct project project; /* shopflow.yaml as the commit has it */
    struct apps apps;
    struct base base;
    struct changed changed;
};

int survey_make(struct cli *c, struct survey *ret, struct err *e);

#endif
