/* controller/deploy/planner.h — What the parts of the plan share; nobody else includes it.
 *
 *   plan.c            the order of things: generation, apps, images, steps, conclusion
 *   plan_room.c       is there room in status for the apps of a new spec
 *   plan_images.c     preflight: what the targets are (R2)
 *   plan_app.c        may an app start, and how (R3, R11, R19)
 *   plan_attempt.c    a new attempt, what it goes back to, its patch (R4, R10)
 *   plan_owner.c      which of several AppReleases has a Deployment (R15)
 *   plan_order.c      what an app waits for, and what a failure means for the others (R13, R14)
 *   plan_holds.c      what holds first patches back, and suspension (R17)
 *   plan_unaccepted.c an attempt whose patch is not seen yet: sent again, held, refused (R4, R5)
 *   plan_follow.c     a running attempt: healthy, failed, put back (R6 … R10, R16)
 *   plan_mode.c       mode Plan: what would be written is told (R18)
 *   plan_conditions.c conditions and progress (R13, R16, R20)
 *   plan_history.c    the history
 *   plan_events.c     Events
 *   plan_conclude.c   what of it is written, and when (R20) */
#ifndef DEPLOY_PLANNER_H
#define DEPLOY_PLANNER_H
#include <stdbool.h>

#include "base/arena.h"
#include "deploy/plan.h"
#include "deploy/verdict.h"

/* What holds every first patch of a release back (R17); reason NULL = nothing. */
struct hold {
    const char *reason, *message;
};

struct planner {
    const struct observed *o;
    struct arena *a;
    struct plan *p;
    struct release_status *s; /* &p->status, being written */
    int moving;               /* apps whose attempt runs */
    int planned;              /* apps that mode Plan would start, so far */
    int waiting_retry;        /* targets that a registry's trouble keeps from being known */
    int waiting_image;        /* targets whose image is not there yet */
    const char *trouble;      /* what the registry's trouble is */
    bool wants_pods;          /* a decision needs the pods of an app that does not move */
    bool wants_answers;       /* a decision rests on what a registry said */
    bool postponed;           /* status has no room for the spec's apps yet */
    bool began;               /* the work of a generation or token begins, or an earlier plan's */
    struct hold hold;         /* once hold_known; ask plan_hold() */
    bool hold_known;
};

/* plan.c */
struct action *plan_act(struct planner *pl, enum action_kind kind);
void plan_again_at(struct planner *pl, int64_t ms);
const struct app_spec *plan_app_spec(const struct planner *pl, const char *name);
const struct app_facts *plan_facts(const struct planner *pl, const char *deployment);
bool app_is_moving(const struct app_status *app);
/* Did it move in the status that is stored? */
bool app_was_moving(const struct planner *pl, const struct app_status *app);
bool same_text(const char *a, const char *b);
/* Is the app's attempt about what is its target now (the same digest, R12)? */
bool plan_is_for_target(const struct planner *pl, const struct app_status *app);
/* Does the spec name a container by now that the attempt leaves at another digest? */
bool plan_lacks_container(const struct planner *pl, const struct app_status *app);
/* Has the target gone elsewhere since the app's attempt began? */
bool plan_has_moved_on(const struct planner *pl, const struct app_status *app);
/* Change state, reason and message; stateTime moves when state or reason does. */
void app_set(struct planner *pl, struct app_status *app, enum app_state state, const char *reason,
             const char *message);

/* plan_room.c */
bool plan_has_room(const struct planner *pl);

/* plan_images.c */
enum resolution { RESOLVE_BUSY, RESOLVE_DONE, RESOLVE_FAILED };
/* Where the targets of this generation stand, by the condition ImagesResolved. */
enum resolution plan_images_state(const struct planner *pl);
void plan_images(struct planner *pl);
/* An app that is not touched because another one's image is missing. */
void plan_skip(struct planner *pl, struct app_status *app);
/* An app whose image is missing, with missingImagePolicy Skip. */
void plan_skip_absent(struct planner *pl, struct app_status *app, const struct app_spec *spec);
/* The newest answer about an image given at or after since_ms; asks when there is none or when it
 * is time to ask again. NULL while there is none. */
const struct image_answer *plan_ask_image(struct planner *pl, const char *image, int64_t since_ms);

/* plan_owner.c */
/* Give up the apps whose Deployment another AppRelease has taken over. */
void plan_owners(struct planner *pl);
/* The newer AppRelease that has the Deployment and is not finished; NULL = none. */
const struct rival *plan_conflict(const struct app_facts *facts);
/* Is the attempt that the Deployment names still followed by another AppRelease? */
bool plan_rival_rolls(const struct app_facts *facts);
/* Has another AppRelease patched the Deployment since the attempt began? */
bool plan_is_patched_over(const struct planner *pl, const struct deployment_facts *dep,
                          const struct attempt *at);

/* plan_app.c */
/* Why an app cannot start: what state to show instead. */
struct hurdle {
    enum app_state state;
    const char *reason, *message; /* reason NULL = no hurdle */
};
/* Find out whether the app will fail before its first patch, and start nothing. */
void plan_check(struct planner *pl, struct app_status *app, const struct app_spec *spec);
/* Decide about an app that does not move, or whose target has moved on. False: it cannot start
 * yet, and if it moves its attempt is to be followed. */
bool plan_decide(struct planner *pl, struct app_status *app, const struct app_spec *spec);
/* R11: is it the image that failed, which is not tried again by itself? */
bool plan_latch_holds(const struct app_status *app, const char *target);
void plan_still_bad(struct planner *pl, struct app_status *app);
/* Does the app's Deployment run the target already, completely? */
bool plan_is_there(struct planner *pl, const struct app_spec *spec, const char *target);
/* Are the pods of the app needed, and not known yet, to say whether it changes (R3)? */
bool plan_lacks_pods(struct planner *pl, const struct app_spec *spec);
/* What is waited for where the pods are not known, and what keeps them from being listed. */
const char *plan_pods_note(struct planner *pl, const struct deployment_facts *dep);
bool plan_is_pods_note(const char *message);
/* Does the Deployment name, in a container of the app, another digest than the image's? Where it
 * names none the strings count: of the first container, whose string status keeps. */
bool plan_runs_another(struct planner *pl, const struct app_spec *spec,
                       const struct deployment_facts *dep, const char *image);
/* What the Deployment is to run for a target: pinned, or without digest. */
const char *plan_written_image(const struct planner *pl, const char *target);
/* plan_attempt.c */
/* A new attempt, written ahead in status; when it is complete, plan_send() puts its patch behind.
 */
struct attempt *plan_start(struct planner *pl, struct app_status *app,
                           const struct deployment_facts *dep, enum attempt_kind kind,
                           const char *commit, struct image_list images);
void plan_send(struct planner *pl, const struct app_status *app,
               const struct deployment_facts *dep);
/* Does the Deployment carry the attempt's id (R4)? */
bool plan_is_marked(const struct deployment_facts *dep, const struct attempt *at);
/* Must pods be counted to say how many run what the Deployment says, and are they not known yet? */
bool plan_lacks_count(struct planner *pl, const struct app_status *app,
                      const struct deployment_facts *dep);

/* plan_order.c */
/* May the app start, as far as the other apps are concerned? */
struct hurdle plan_order(struct planner *pl, const struct app_status *app,
                         const struct app_spec *spec);
/* Is it held for another app's sake, to be looked at again when that one has been? */
bool plan_is_held(const struct app_status *app);
/* Has it gone back, or is it going, though it did not fail? */
bool plan_went_back_for_another(const struct app_status *app);
/* Has it failed in going back, though it had not failed before? */
bool plan_failed_for_another(const struct app_status *app);
/* Does the spec ask for what status has as targets: the commit, the apps, their images? */
bool plan_is_same_release(const struct planner *pl);
/* A new generation that does so while apps roll goes on with the release as it is (R13): its
 * attempts are of this generation too. To be asked before observedGeneration is written. */
void plan_carry_over(struct planner *pl);
/* RollbackAll: the app of the spec's index goes back, if it is its turn. False: it does not. */
bool plan_goes_back(struct planner *pl, size_t i);
/* Is the app as the release wants it, so that others may depend on it? */
bool app_is_good(const struct app_status *app);

/* plan_holds.c */
/* Asked for an app that would start now: that a freeze is overridden is told then. */
struct hold plan_hold(struct planner *pl);
/* An override of a freeze is told until another commit is released, or it is taken back. */
void plan_forget_override(struct planner *pl);
/* Is it the reason of an app that such a hold keeps from starting? */
bool plan_is_hold(const char *reason);
/* Nothing is done: clocks are stopped, conditions say so. */
void plan_suspend(struct planner *pl);

/* plan_unaccepted.c */
void plan_follow_unaccepted(struct planner *pl, struct app_status *app,
                            const struct deployment_facts *dep);
/* What keeps the API server from taking the app's patch, and the reason; NULL = nothing, or not for
 * long. */
const char *plan_patch_trouble(const struct planner *pl, const struct app_status *app,
                               const char **ret_reason);

/* plan_follow.c */
/* What the attempt goes back to (R10), where good was the image before it; n = 0: nothing. */
struct image_list plan_way_back(const struct planner *pl, const struct attempt *at,
                                const char *good, const char *failed);
/* The app goes back: its attempt becomes a Rollback, written ahead and sent. */
void plan_roll_back(struct planner *pl, struct app_status *app, const struct deployment_facts *dep,
                    struct image_list back);
void plan_follow(struct planner *pl, struct app_status *app);
/* The end of an attempt. */
void plan_finish(struct planner *pl, struct app_status *app, enum app_state state,
                 const char *reason, const char *message);
/* It goes back, or has failed, as onFailure and the attempt have it. */
void plan_fail(struct planner *pl, struct app_status *app, const struct deployment_facts *dep,
               const struct verdict *v);
/* The app's Deployment is read from the API server, not from the watch. */
void plan_read_live(struct planner *pl, const struct app_status *app);

/* plan_mode.c */
/* Tell what Apply would do about an app that runs these images, instead of doing it: nothing, an
 * Adopt, a Roll; held = what would hold it back, in words, or NULL. As plan_decide() they return
 * false when the app's attempt is to be followed. */
bool plan_tell_unchanged(struct planner *pl, struct app_status *app,
                         const struct image_list *running);
bool plan_tell_adopt(struct planner *pl, struct app_status *app, const struct image_list *running,
                     const char *held);
bool plan_tell_roll(struct planner *pl, struct app_status *app, const struct image_list *running,
                    const char *held);
/* Was the plan made of these very images? Then nobody is asked again whether they change. */
bool plan_knows_change(const struct planner *pl, const struct planned_list *was,
                       const struct image_list *running, bool *ret_changes);
bool plan_is_planned(const struct app_status *app);
const char *plan_summary(const struct planner *pl);

/* plan_conditions.c */
void condition_set(struct planner *pl, const char *type, const char *status, const char *reason,
                   const char *message);
/* Stalled and Ready=False; Reconciling goes. */
void condition_set_stalled(struct planner *pl, const char *reason, const char *message);
void condition_remove(struct planner *pl, const char *type);
/* Conditions and progress, from the states of the apps. True: an app waits. */
bool plan_conditions(struct planner *pl);
/* Those of a spec that is wrong, and of one that status has no room for yet. */
void plan_conditions_invalid(struct planner *pl);
void plan_conditions_postponed(struct planner *pl);

/* plan_history.c */
/* The work is settled: its entry, and as many of the older ones as there is room for. */
void plan_history(struct planner *pl);

/* plan_events.c */
void plan_events(struct planner *pl);

/* plan_conclude.c */
void plan_conclude(struct planner *pl);

#endif
