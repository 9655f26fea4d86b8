/* controller/kube/watch.h — LIST and WATCH as a state machine without I/O.
 *
 * It is told what happened (a page, an event, an end, and when) and answers what to do next. Chance
 * and clocks are the caller's: WATCH_SLEEP carries the number of failures to draw a delay for.
 *
 *     struct watch w;
 *     watch_init(&w);
 *     struct watch_turn turn = watch_next(&w);                 // → WATCH_PAGE, begin: true
 *     …GET the page… turn = watch_on_page(&w, "41", NULL, now_ms);  // → WATCH_STREAM, commit: true
 *     …the stream… turn = watch_on_end(&w, NULL, 0, now_ms);   // clean end → WATCH_STREAM again
 *
 * The rules are in controller/ARCHITECTURE.md, "Watching Kubernetes". */
#ifndef KUBE_WATCH_H
#define KUBE_WATCH_H
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum watch_cmd {
    WATCH_PAGE,   /* GET one page of the list */
    WATCH_STREAM, /* open the watch */
    WATCH_SLEEP,  /* then ask watch_next() */
};

struct watch_turn {
    enum watch_cmd cmd;
    bool begin;          /* WATCH_PAGE: a new list starts: forget the half of an old one */
    bool commit;         /* the list is complete */
    unsigned failures;   /* WATCH_SLEEP: in a row, ≥ 1 */
    int64_t at_least_ms; /* WATCH_SLEEP: the server's Retry-After */
    const char *reason;  /* why the stream or the page ended: "end", "short", "gone", "net", … */
};

struct watch {
    char rv[64];         /* where the next watch starts; "" = list first */
    char *next_page;     /* the server's continue token; NULL = the first page */
    bool listing;        /* a list is half done */
    int limit;           /* objects a page */
    unsigned failures;   /* in a row */
    unsigned refused;    /* of them, connections refused or reset, in a row */
    unsigned relists;    /* 410 in a row, without an event between them */
    int64_t list_due_ms; /* when to list again although nothing is wrong */
    int64_t opened_ms;   /* the stream */
    int64_t alive_ms;    /* its last sign of life */
    bool got_event;      /* in this stream */
};

void watch_init(struct watch *w);
void watch_release(struct watch *w);

/* What to do now: at the start and after a sleep. */
struct watch_turn watch_next(struct watch *w);

/* A page came: the list's resourceVersion and its continue token (NULL or "" = the last page). */
struct watch_turn watch_on_page(struct watch *w, const char *rv, const char *next_page,
                                int64_t now_ms);
/* A page did not come. */
struct watch_turn watch_on_page_error(struct watch *w, const struct err *why,
                                      int64_t retry_after_ms);
/* The ceiling of the page's bytes: low while asking for fewer objects can help. */
size_t watch_page_bytes(const struct watch *w);

void watch_on_open(struct watch *w, int64_t now_ms);
/* An event that is no ERROR, with the resourceVersion of its object. */
void watch_on_event(struct watch *w, const char *rv, int64_t now_ms);
/* The stream is over: why NULL = a clean end, else the failure or the ERROR event's. */
struct watch_turn watch_on_end(struct watch *w, const struct err *why, int64_t retry_after_ms,
                               int64_t now_ms);

/* The query of the next page or stream, without "?". selector may be NULL. The caller frees. */
char *watch_page_query(const struct watch *w, const char *selector);
char *watch_stream_query(const struct watch *w, const char *selector, int64_t timeout_s);

enum watch_event_type { WATCH_PUT, WATCH_DROP, WATCH_BOOKMARK, WATCH_ERROR };

struct watch_event {
    enum watch_event_type type;
    const cJSON *object; /* in the tree */
    const char *rv;      /* of the object; NULL with WATCH_ERROR */
};

/* One line of a stream → *ret_tree (the caller's to cJSON_Delete) and what it says. */
int watch_read(const char *line, size_t len, cJSON **ret_tree, struct watch_event *ret,
               struct err *e);

#endif
