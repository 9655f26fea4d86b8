/* controller/deploy/plan.h — From what is observed to what is to be done: the middle, pure.
 *
 * plan_make() is told everything it may know and returns data. It performs nothing, reads no clock
 * and keeps nothing. The rules (R1 … R23) are those of docs/api.md.
 *
 *     struct plan p = plan_make(&observed, arena);
 *     // effects: questions at once; then p.status, then the writes, in this order */
#ifndef DEPLOY_PLAN_H
#define DEPLOY_PLAN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deploy/observed.h"
#include "deploy/status.h"

struct arena;

enum action_kind {
    /* Questions: answered any time later, as a fact of a later plan. */
    ACT_RESOLVE,    /* image: what digest has it? */
    ACT_FETCH_LOGS, /* pod, container, previous */
    ACT_READ_LIVE,  /* deployment: it, its ReplicaSets and pods */
    /* Writes, in order: none is made whose status is not written. */
    ACT_PATCH_STATUS,
    ACT_PATCH_DEPLOYMENT, /* deployment, app, id, account */
    ACT_DELETE_RELEASE,
    ACT_EVENT, /* warning, reason, note */
};

struct action {
    enum action_kind kind;
    const char *app, *deployment;
    const char *image;
    const char *pod, *container;
    bool previous;       /* the log of the run before this one */
    const char *id;      /* the attempt's */
    const char *account; /* to impersonate; NULL = none */
    const char *body;    /* JSON of the patch */
    bool warning;
    const char *reason, *note;
};

struct plan {
    struct action *actions;
    size_t n_actions;
    struct release_status status; /* wanted */
    bool settled;                 /* no app is pending, waiting or moving */
    int64_t answers_ms;           /* older answers of registries are of no use any more */
    bool watches_pods;            /* ReplicaSets and pods of the namespace must be watched */
    int64_t again_ms;             /* look again then (wall clock), whatever happens; 0 = no need */
    bool begun_unwritten;         /* the next plan is to be told that work began at start_ms */
};

/* o and all it points to must outlive the plan; new strings go to the arena. */
struct plan plan_make(const struct observed *o, struct arena *a);

/* As text for people: the golden tests compare it. The caller frees. */
char *plan_print(const struct observed *o, const struct plan *p);

const char *action_name(enum action_kind kind);

#endif
