/* tests/property/script.h — What happens to a world from outside, all of it: drawn from a seed, or
 * read from a file of cases/.
 *
 * A script is settings (whole numbers with names) and events (a time, a word, three numbers). The
 * rest of the world follows from it: what chance decides later (how long a pod takes) is a hash of
 * the seed and of what it is about, so that an event that is taken out changes little else. */
#ifndef PROPERTY_SCRIPT_H
#define PROPERTY_SCRIPT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define APPS 4
#define COMMITS 6
#define DIGESTS 9
#define RELEASES 4 /* two from the beginning, at most */
#define EVENTS_MAX 40
#define FIELDS_MAX 32

/* What becomes of a pod that runs a digest. */
#define FATES(X)                                                                                   \
    X(GOOD, "good")                                                                                \
    X(SLOW, "slow")                                                                                \
    X(CRASH, "crash")                                                                              \
    X(CRASH_ONCE, "crash-once")                                                                    \
    X(CRASH_LATE, "crash-late")                                                                    \
    X(NOT_READY, "not-ready")                                                                      \
    X(FLAP, "flap")                                                                                \
    X(GONE, "gone")                                                                                \
    X(DENIED, "denied")                                                                            \
    X(TROUBLE, "trouble")                                                                          \
    X(CONFIG, "config")

#define X(word, text) FATE_##word,
enum fate { FATES(X) FATE_END };
#undef X

#define EVENTS(X)                                                                                  \
    /* word, text: a, b, c; weight in a theme: calm, hands, faults, odd */                         \
    X(COMMIT, "commit", 10, 6, 8, 6)      /* release, commit */                                    \
    X(HOLD, "hold", 4, 2, 2, 2)           /* release, app, commit (-1 = none) */                   \
    X(LIST, "list", 3, 2, 2, 3)           /* release, app, listed */                               \
    X(RENAME, "rename", 1, 1, 1, 3)       /* release, app, other name */                           \
    X(FIELD, "field", 5, 3, 3, 3)         /* release, field, value */                              \
    X(APPROVE, "approve", 2, 1, 1, 1)     /* release, commit (-1 = that of the spec) */            \
    X(OVERRIDE, "override", 2, 1, 1, 1)   /* release, commit (likewise; -2 = none) */              \
    X(RETRY, "retry", 3, 2, 3, 2)         /* release, value */                                     \
    X(RECONCILE, "reconcile", 1, 1, 1, 1) /* release, value */                                     \
    X(TAG, "tag", 4, 3, 3, 3)             /* app, commit, digest (-1 = missing) */                 \
    X(SCALE, "scale", 2, 3, 2, 2)         /* deployment, replicas */                               \
    X(SET_IMAGE, "set-image", 0, 8, 1, 1) /* deployment, commit, pinned (+2: all) */               \
    X(UNDO, "undo", 0, 5, 1, 1)           /* deployment */                                         \
    X(SET_ENV, "set-env", 0, 3, 1, 1)     /* deployment */                                         \
    X(ANNOTATE, "annotate", 0, 2, 1, 1)   /* deployment, which */                                  \
    X(PAUSE, "pause", 0, 1, 1, 3)         /* deployment, paused */                                 \
    X(DELETE, "delete", 0, 1, 1, 3)       /* deployment, comes back after s (-1 = never) */        \
    X(MIN_READY, "min-ready", 1, 1, 1, 1) /* deployment, seconds */                                \
    X(EVICT, "evict", 1, 1, 1, 3)         /* deployment */                                         \
    X(QUOTA, "quota", 0, 0, 1, 2)         /* deployment, for s */                                  \
    X(NO_NODE, "no-node", 0, 0, 1, 2)     /* deployment, for s */                                  \
    X(REMAKE, "remake", 0, 0, 1, 2)       /* release: deleted and created anew */                  \
    X(CREATE, "create", 3, 1, 1, 2)       /* commit: one more release, like the newest */          \
    X(BAD_SPEC, "bad-spec", 1, 1, 1, 1)   /* release, bad */                                       \
    X(RESTART, "restart", 0, 1, 8, 2)     /* - */                                                  \
    X(SECOND, "second", 0, 0, 4, 1)       /* for s: the old controller goes on so long */          \
    X(FREEZE, "freeze", 0, 2, 5, 2)       /* kind, for s: a watch stands still */                  \
    X(LOSSY, "lossy", 0, 0, 6, 1)         /* for s, what: 0 requests, 1 replies, 2 both, 3 late */ \
    X(REFUSE, "refuse", 0, 0, 6, 2)       /* for s, code, deployment (-1 = status) */              \
    X(REGISTRY, "registry", 0, 0, 3, 1)   /* for s: it errs */

#define X(word, text, ...) EV_##word,
enum event_kind { EVENTS(X) EV_END };
#undef X

struct event {
    int64_t at_ms;
    enum event_kind kind;
    int a, b, c;
};

#define SETTINGS(X)                                                                                \
    X(apps)     /* of a release */                                                                 \
    X(releases) /* 2: the second names the same Deployments */                                     \
    X(lag_ms)   /* a watch is late by up to so much */                                             \
    X(slow_ms)  /* the Deployment controller is late by up to so much */                           \
    X(theme)    /* which events were drawn */

struct script {
    uint64_t seed;
#define X(name) int name;
    SETTINGS(X)
#undef X
    int fates[DIGESTS];
    int tags[APPS][COMMITS]; /* digest; -1 = missing */
    int runs[APPS];          /* the commit that the Deployment runs at first */
    int pinned[APPS];
    int replicas[APPS];
    int with[APPS];                   /* WITH_… */
    int fields[RELEASES][FIELDS_MAX]; /* of the spec, as it begins: which value (field.c) */
    struct event events[EVENTS_MAX];
    size_t n_events;
};

/* What an app's pods have beside its own container and one that is nobody's: run with its image, or
 * with another one of its repository. */
enum { WITH_WORKER = 1, WITH_MIGRATE = 2, WITH_PROXY = 4, WITH_ANOTHER = 8, WITH_END = 16 };

enum { THEME_CALM, THEME_HANDS, THEME_FAULTS, THEME_ODD, THEMES };

extern const char *const EVENT_WORDS[];
extern const char *const FATE_WORDS[];

uint64_t mix(uint64_t a, uint64_t b);
/* A number in [low, high], by hash of what it is about. */
int64_t chance(uint64_t seed, uint64_t what, uint64_t which, int64_t low, int64_t high);

void script_draw(struct script *s, uint64_t seed);
void script_print(const struct script *s, FILE *out);
/* Returns 0, or -1 with the line that makes no sense. */
int script_read(struct script *s, FILE *in, char *line, size_t size);

#endif
