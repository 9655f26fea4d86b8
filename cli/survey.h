/* cli/survey.h — All that is known before anything is built: the commit, its apps, what changed.
 *
 *     if (survey_make(c, true, &s, e))        // reads; may fetch
 *         return -1;
 *     …                                       // s.settings says where the AppRelease is
 *     if (survey_decide(&s, &marks, e))       // NULL: without a cluster
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
struct marks;

struct survey {
    struct git git;
    struct settings settings;
    struct ci ci;
    const char *head;   /* the commit that is checked out, or that GIT_SHA names */
    const char *commit; /* what is released: head, or the uncommitted work on it */
    bool is_dirty;
    const char *branch, *actor; /* whose work it is; NULL = not known */
    struct project project;     /* shopflow.yaml as the commit has it */
    struct apps apps;
    struct base base;
    struct changed changed;
};

/* All but s->changed. for_cluster: what an AppRelease says will count too. */
int survey_make(struct cli *c, bool for_cluster, struct survey *ret, struct err *e);

/* Fill in s->changed. asked: what the AppRelease says; NULL = no cluster was asked. A mainline run
 * takes listed apps that the commit does not have for removed; one whose place in the history is
 * not to be had becomes work (s->base.kind). */
int survey_decide(struct survey *s, const struct marks *asked, struct err *e);

#endif
