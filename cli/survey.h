/* cli/survey.h — All that is known before anything is built: the commit, its apps, what changed.
 *
 *     if (survey_make(c, &s, e))              // reads; may fetch
 *         return -1;
 *     …                                       // s.settings says where the AppRelease is
 *     if (survey_decide(&s, asked, n, e))     // NULL, 0: without a cluster
 *         return -1;
 *     s.changed.apps[0].reasons[0]            // "apps/system-app/src/main.ts" */
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

/* All but s->changed. */
int survey_make(struct cli *c, struct survey *ret, struct err *e);

/* What an AppRelease says of an app. */
struct survey_asked {
    const char *app;
    const char *good; /* status.apps[].commit; NULL = it never ran well */
    bool is_ours;     /* it was asked for from this branch before */
};

/* Fill in s->changed. asked: every app that the object lists; NULL = no cluster was asked. A
 * mainline run takes those that the commit does not have for removed. */
int survey_decide(struct survey *s, const struct survey_asked *asked, size_t n_asked,
                  struct err *e);

#endif
