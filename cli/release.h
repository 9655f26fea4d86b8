/* cli/release.h — What an AppRelease is asked for: its merge patch, composed from what it asks for
 * by now and what is meant. Pure.
 *
 * Apps that are not meant keep what the object asks for, as apps[].commit; the last good one where
 * what it asks for has failed. The patch carries the resourceVersion that it was computed from, so
 * that two who write at once do not undo each other. */
#ifndef CLI_RELEASE_H
#define CLI_RELEASE_H
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;

struct wanted_app {
    const char *name, *commit;
    const char *repository;                /* NULL = as the object says, else <registry>/<name> */
    const char *deployment;                /* NULL = as the object says, else by its prefix */
    const char **containers, **depends_on; /* NULL-terminated; NULL = as the object says */
    bool is_work;                          /* it is work of this branch: cli/marks.h */
    const char *left;                      /* a person put it back from this commit; NULL = no */
};

struct wanted {
    const char *commit; /* spec.commit */
    const struct wanted_app *apps;
    size_t n_apps;
    bool listed_only;           /* an app that the object does not list is an error */
    const char *const *dropped; /* apps to be listed no longer; NULL-terminated; NULL = none */
    const char *registry;       /* NULL = as the object says */
    /* JSON objects; NULL = none */
    const char *spec;        /* more of its fields */
    const char *source;      /* spec.source */
    const char *annotations; /* name → text, or null to take it away */
    /* marks: cli/marks.h */
    const char *rolled_back;    /* who goes back: the mark of what each app leaves; NULL = nobody */
    const char *mainline;       /* the commit of a mainline run; NULL = it is none */
    const char *branch, *actor; /* whose work it is; NULL = not known */
};

/* object NULL: the whole new object, to be created as ns/name; else the merge patch. The caller
 * frees. */
cJSON *release_compose(const cJSON *object, const struct wanted *w, const char *ns,
                       const char *name, struct arena *a, struct err *e);

/* The names of the apps that the object lists; NULL-terminated, in the arena. */
const char **release_listed(const cJSON *object, struct arena *a);

/* The commit that the object asks for an app, or NULL when it does not list it. */
const char *release_asked(const cJSON *object, const char *app);
/* Likewise, but the last good one when that has failed. */
const char *release_kept(const cJSON *object, const char *app);

/* Is it to be listed no longer? */
bool release_drops(const struct wanted *w, const char *app);

/* Whose the object is: "Argo CD", "Flux's Kustomization shop", …; NULL = nobody's. */
const char *release_owner(const cJSON *object, struct arena *a);

/* Does the API server's answer ask for what is meant? ERR_CONFLICT with the difference. */
int release_check(const cJSON *answer, const struct wanted *w, struct err *e);

/* The whole object as it would be, for people's own files: nothing of the cluster in it. */
cJSON *release_manifest(const cJSON *object, const struct wanted *w, const char *ns,
                        const char *name, struct arena *a, struct err *e);

/* Is one the beginning of the other, 7 digits at least? */
bool commit_matches(const char *a, const char *b);
bool commit_is_valid(const char *s);
#define COMMIT_RULE "must be 7 to 64 digits of 0-9 and a-f"

#endif
