/* cli/marks.h — What an AppRelease says of each app beyond what it asks for: whose work it is, what
 * it was taken back from. Read by the next run, carried by each write. Pure.
 *
 * In annotations, as JSON (docs/api.md):
 *     …/mainline     the newest mainline commit that was asked for
 *     …/work         {app: {branch, actor, commit}}: the app is somebody's work
 *     …/rolled-back  {app: {commit, by, why}}: what it was taken back from
 *
 * A mark of work counts while the app is at its commit. What cannot be read says nothing. */
#ifndef CLI_MARKS_H
#define CLI_MARKS_H
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct arena;
struct wanted;

/* Who took it back, where that was no person. */
#define MARK_BY_CONTROLLER "controller"
#define MARK_BY_KUBECTL "kubectl"

struct mark {
    const char *app;
    const char *asked, *good;   /* commits; good NULL = it never ran well */
    const char *failed, *why;   /* what the controller took it back from; NULL = nothing */
    bool is_work;               /* somebody's: … */
    const char *branch, *actor; /* … each NULL when it is not known … */
    const char *commit;         /* … at this commit */
    const char *left, *left_by; /* what it was taken back from before; NULL = nothing */
    const char *left_why;       /* of the controller; NULL = not known */
    const char *by_hand;        /* the image that somebody put there instead of the good one */
    const char *by_hand_commit; /* by its tag; NULL = that names none */
    const char *deployment, *good_image; /* NULL = not known */
};

struct marks {
    const char *mainline; /* NULL = no mainline run was there yet */
    struct mark *apps;    /* all that the object lists */
    size_t n;
    bool has_drifted; /* somebody changed an image by hand: Deployments say which */
};

/* object NULL = there is none: no apps. Everything is copied to the arena. */
void marks_read(const cJSON *object, struct arena *a, struct marks *ret);

/* What the app's Deployment runs. */
void marks_add_deployment(struct mark *m, const cJSON *deployment, struct arena *a);

const struct mark *marks_get(const struct marks *m, const char *app);

/* "ann's feat-x" */
const char *mark_whose(const struct mark *m, struct arena *a);

/* The annotations after this is written: those to be set, null for those to be taken away. */
void marks_compose(cJSON *annotations, const cJSON *object, const struct wanted *w);

#endif
