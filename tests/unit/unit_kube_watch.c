/* The watch machine: what it wants next after each thing that can happen. */
#include "kube/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include "unit.h"

enum op { NEXT, PAGE, PAGE_FAILS, OPEN, EVENT, END, FAILS };

struct step {
    enum op op;
    int64_t at_ms;
    const char *rv;     /* PAGE, EVENT */
    const char *more;   /* PAGE: continue token */
    enum err_kind kind; /* PAGE_FAILS, FAILS */
    int code;
    int64_t retry_after_ms;
    const char *want; /* of the turn; NULL = the step has none */
};

#define STEPS 12

#define OPENED(ms)                                                                                 \
    {                                                                                              \
        .op = OPEN, .at_ms = (ms)                                                                  \
    }
#define GOT(ms, version)                                                                           \
    {                                                                                              \
        .op = EVENT, .at_ms = (ms), .rv = (version)                                                \
    }

struct script {
    const char *name;
    struct step steps[STEPS];
};

static const struct script SCRIPTS[] = {
    { "list, then watch from its version",
      { { NEXT, .want = "page begin limit=100" },
        { PAGE, 0, "41", .want = "stream rv=41 commit" } } },
    { "pages follow the continue token",
      { { NEXT, .want = "page begin limit=100" },
        { PAGE, 0, "41", "t1", .want = "page limit=100&continue=t1" },
        { PAGE, 0, "41", "t+2", .want = "page limit=100&continue=t%2B2" },
        { PAGE, 0, "41", "", .want = "stream rv=41 commit" } } },
    { "a clean end resumes after the last event",
      { { NEXT, .want = "page begin limit=100" },
        { PAGE, 0, "41", .want = "stream rv=41 commit" },
        OPENED(0),
        GOT(1000, "43"),
        GOT(2000, "47"),
        { END, 250000, .want = "stream rv=47 end" } } },
    { "410 relists at once",
      { { NEXT, .want = "page begin limit=100" },
        { PAGE, 0, "41", .want = "stream rv=41 commit" },
        OPENED(0),
        { FAILS, 10, .kind = ERR_GONE, .code = 410, .want = "page begin limit=100 gone" } } },
    { "410 right after the relist is given time",
      { { NEXT, .want = "page begin limit=100" },
        { PAGE, 0, "41", .want = "stream rv=41 commit" },
        OPENED(0),
        { FAILS, 10, .kind = ERR_GONE, .want = "page begin limit=100 gone" },
        { PAGE, 20, "42", .want = "stream rv=42 commit" },
        OPENED(20),
        { FAILS, 30, .kind = ERR_GONE, .want = "sleep 1 gone" },
        { NEXT, .want = "page begin limit=100" } } },
    { "an event between two 410 makes the second a first one",
      { { NEXT, .want = "page begin limit=100" },
        { PAGE, 0, "41", .want = "stream rv=41 commit" },
        OPENED(0),
        { FAILS, 10, .kind = ERR_GONE, .want = "page begin limit=100 gone" },
        { PAGE, 20, "42", .want = "stream rv=42 commit" },
        OPENED(20),
        GOT(25, "43"),
        { FAILS, 30, .kind = ERR_GONE, .want = "page begin limit=100 gone" } } },
    { "410 between pages starts the list anew",
      { { NEXT, .want = "page begin limit=100" },
        { PAGE, 0, "41", "t1", .want = "page limit=100&continue=t1" },
        { PAGE_FAILS, .kind = ERR_GONE, .code = 410, .want = "page begin limit=100 gone" },
        { PAGE, 0, "44", .want = "stream rv=44 commit" } } },
    { "a page over its ceiling is asked for again, half as long",
      { { NEXT, .want = "page begin limit=100" },
        { PAGE, 0, "41", "t1", .want = "page limit=100&continue=t1" },
        { PAGE_FAILS, .kind = ERR_INVALID, .want = "page limit=50&continue=t1 large" },
        { PAGE_FAILS, .kind = ERR_INVALID, .want = "page limit=25&continue=t1 large" },
        { PAGE, 0, "41", .want = "stream rv=41 commit" } } },
    { "one object over its ceiling is a failure",
      { { NEXT, .want = "page begin limit=100" },
        { PAGE_FAILS, .kind = ERR_INVALID, .want = "page limit=50 large" },
        { PAGE_FAILS, .kind = ERR_INVALID, .want = "page limit=25 large" },
        { PAGE_FAILS, .kind = ERR_INVALID, .want = "page limit=12 large" },
        { PAGE_FAILS, .kind = ERR_INVALID, .want = "page limit=6 large" },
        { PAGE_FAILS, .kind = ERR_INVALID, .want = "page limit=3 large" },
        { PAGE_FAILS, .kind = ERR_INVALID, .want = "page limit=1 large" },
        { PAGE_FAILS, .kind = ERR_INVALID, .want = "sleep 1 invalid" },
        { NEXT, .want = "page limit=1" } } },
    { "an answer that is no list is a failure, not a long page",
      { { NEXT, .want = "page begin limit=100" },
        { PAGE_FAILS, .kind = ERR_INVALID, .code = 200, .want = "sleep 1 invalid" },
        { NEXT, .want = "page limit=100" } } },
    { "a list that breaks off goes on where it was",
      { { NEXT, .want = "page begin limit=100" },
        { PAGE, 0, "41", "t1", .want = "page limit=100&continue=t1" },
        { PAGE_FAILS, .kind = ERR_NET, .want = "sleep 1 net" },
        { NEXT, .want = "page limit=100&continue=t1" } } },
    { "connection refused backs off and watches again, without a relist",
      { { NEXT, .want = "page begin limit=100" },
        { PAGE, 0, "41", .want = "stream rv=41 commit" },
        OPENED(0),
        { FAILS, 1, .kind = ERR_NET, .want = "sleep 1 net" },
        { NEXT, .want = "stream rv=41" },
        OPENED(1000),
        { FAILS, 1001, .kind = ERR_NET, .want = "sleep 2 net" },
        { NEXT, .want = "stream rv=41" } } },
    { "429 waits at least as long as the server asks",
      { { NEXT, .want = "page begin limit=100" },
        { PAGE, 0, "41", .want = "stream rv=41 commit" },
        OPENED(0),
        { FAILS, 1, .kind = ERR_THROTTLED, .code = 429, .retry_after_ms = 7000,
          .want = "sleep 1 >=7000 throttled" },
        { NEXT, .want = "stream rv=41" } } },
    { "two minutes of health forgive",
      { { NEXT, .want = "page begin limit=100" },
        { PAGE_FAILS, .kind = ERR_SERVER, .code = 500, .want = "sleep 1 server" },
        { PAGE_FAILS, .kind = ERR_SERVER, .code = 500, .want = "sleep 2 server" },
        { PAGE, 0, "41", .want = "stream rv=41 commit" },
        OPENED(0),
        GOT(119999, "42"),
        { FAILS, 119999, .kind = ERR_NET, .want = "sleep 3 net" },
        { NEXT, .want = "stream rv=42" },
        OPENED(200000),
        GOT(320000, "43"),
        { FAILS, 320000, .kind = ERR_NET, .want = "sleep 1 net" } } },
    { "silence is no health",
      { { NEXT, .want = "page begin limit=100" },
        { PAGE_FAILS, .kind = ERR_SERVER, .code = 503, .want = "sleep 1 server" },
        { PAGE, 0, "41", .want = "stream rv=41 commit" },
        OPENED(0),
        { FAILS, 150000, .kind = ERR_TIMEOUT, .want = "sleep 2 timeout" },
        { NEXT, .want = "stream rv=41" } } },
    { "a watch shorter than a second without an event is an error",
      { { NEXT, .want = "page begin limit=100" },
        { PAGE, 0, "41", .want = "stream rv=41 commit" },
        OPENED(0),
        { END, 999, .want = "sleep 1 short" },
        { NEXT, .want = "stream rv=41" },
        OPENED(2000),
        GOT(2001, "42"),
        { END, 2002, .want = "stream rv=42 end" },
        OPENED(2002),
        { END, 3002, .want = "stream rv=42 end" } } },
    { "five failures put the version under suspicion",
      { { PAGE, 0, "41", .want = "stream rv=41 commit" },
        { FAILS, 1, .kind = ERR_SERVER, .want = "sleep 1 server" },
        { FAILS, 2, .kind = ERR_SERVER, .want = "sleep 2 server" },
        { FAILS, 3, .kind = ERR_SERVER, .want = "sleep 3 server" },
        { FAILS, 4, .kind = ERR_SERVER, .want = "sleep 4 server" },
        { NEXT, .want = "stream rv=41" },
        { FAILS, 5, .kind = ERR_SERVER, .want = "sleep 5 server" },
        { NEXT, .want = "page begin limit=100" } } },
    { "any number of refused connections does not",
      { { PAGE, 0, "41", .want = "stream rv=41 commit" },
        { FAILS, 1, .kind = ERR_NET, .want = "sleep 1 net" },
        { FAILS, 2, .kind = ERR_NET, .want = "sleep 2 net" },
        { FAILS, 3, .kind = ERR_NET, .want = "sleep 3 net" },
        { FAILS, 4, .kind = ERR_NET, .want = "sleep 4 net" },
        { FAILS, 5, .kind = ERR_NET, .want = "sleep 5 net" },
        { FAILS, 6, .kind = ERR_NET, .want = "sleep 6 net" },
        { NEXT, .want = "stream rv=41" } } },
    { "the first answer after an outage starts the delays anew",
      { { PAGE, 0, "41", .want = "stream rv=41 commit" },
        { FAILS, 1, .kind = ERR_NET, .want = "sleep 1 net" },
        { FAILS, 2, .kind = ERR_NET, .want = "sleep 2 net" },
        { FAILS, 3, .kind = ERR_THROTTLED, .code = 429, .want = "sleep 3 throttled" },
        { FAILS, 4, .kind = ERR_NET, .want = "sleep 4 net" },
        { FAILS, 5, .kind = ERR_NET, .want = "sleep 5 net" },
        { FAILS, 6, .kind = ERR_NET, .want = "sleep 6 net" },
        { FAILS, 7, .kind = ERR_THROTTLED, .code = 429, .want = "sleep 1 throttled" },
        { FAILS, 8, .kind = ERR_THROTTLED, .code = 429, .want = "sleep 2 throttled" } } },
    { "a version the server calls invalid is dropped",
      { { PAGE, 0, "41", .want = "stream rv=41 commit" },
        { FAILS, 1, .kind = ERR_REFUSED, .code = 400, .want = "sleep 1 refused" },
        { NEXT, .want = "page begin limit=100" } } },
    { "the kind is gone: list until it is there again",
      { { PAGE, 0, "41", .want = "stream rv=41 commit" },
        { FAILS, 1, .kind = ERR_NOT_FOUND, .code = 404, .want = "sleep 1 not-found" },
        { NEXT, .want = "page begin limit=100" },
        { PAGE_FAILS, .kind = ERR_NOT_FOUND, .code = 404, .want = "sleep 2 not-found" },
        { NEXT, .want = "page limit=100" } } },
    { "a full relist every ten hours, when a stream ends",
      { { PAGE, 1000, "41", .want = "stream rv=41 commit" },
        OPENED(35990000),
        GOT(36000000, "42"),
        { END, 36000999, .want = "stream rv=42 end" },
        OPENED(36000999),
        GOT(36001000, "43"),
        { END, 36260000, .want = "page begin limit=100 end" } } },
};

static const char *const CMDS[] = {
    [WATCH_PAGE] = "page",
    [WATCH_STREAM] = "stream",
    [WATCH_SLEEP] = "sleep",
};

static void describe(struct text *t, const struct watch *w, const struct watch_turn *turn)
{
    char *query = watch_page_query(w, NULL);

    text_addf(t, NULL, "%s", CMDS[turn->cmd]);
    if (turn->begin)
        text_addf(t, NULL, " begin");
    if (turn->cmd == WATCH_PAGE)
        text_addf(t, NULL, " %s", query);
    if (turn->cmd == WATCH_STREAM)
        text_addf(t, NULL, " rv=%s", w->rv);
    if (turn->commit)
        text_addf(t, NULL, " commit");
    if (turn->failures)
        text_addf(t, NULL, " %u", turn->failures);
    if (turn->at_least_ms)
        text_addf(t, NULL, " >=%lld", (long long)turn->at_least_ms);
    if (turn->reason)
        text_addf(t, NULL, " %s", turn->reason);
    free(query);
}

static struct watch_turn play(struct watch *w, const struct step *s)
{
    struct err why = { .kind = s->kind, .code = s->code };

    switch (s->op) {
    case NEXT:
        return watch_next(w);
    case PAGE:
        return watch_on_page(w, s->rv, s->more, s->at_ms);
    case PAGE_FAILS:
        return watch_on_page_error(w, &why, s->retry_after_ms);
    case OPEN:
        watch_on_open(w, s->at_ms);
        break;
    case EVENT:
        watch_on_event(w, s->rv, s->at_ms);
        break;
    case END:
        return watch_on_end(w, NULL, -1, s->at_ms);
    case FAILS:
        return watch_on_end(w, &why, s->retry_after_ms, s->at_ms);
    }
    return (struct watch_turn){ 0 };
}

static void decides_as_the_scripts_say(void)
{
    for (size_t i = 0; i < ARRAY_LEN(SCRIPTS); i++) {
        struct watch w;

        watch_init(&w);
        for (size_t k = 0; k < STEPS; k++) {
            const struct step *s = &SCRIPTS[i].steps[k];
            struct watch_turn turn = { 0 };
            AUTO(text) struct text got = TEXT_INIT(KIB);

            if (!s->want && s->op == NEXT)
                break;
            turn = play(&w, s);
            if (!s->want)
                continue;
            describe(&got, &w, &turn);
            if (strcmp(text_str(&got), s->want) != 0)
                fprintf(stderr, "%s, step %zu\n  got  %s\n  want %s\n", SCRIPTS[i].name, k,
                        text_str(&got), s->want);
            CASE(SCRIPTS[i].name, !strcmp(text_str(&got), s->want));
        }
        watch_release(&w);
    }
}

static void asks_with_the_right_query(void)
{
    struct watch w;
    char *query;

    watch_init(&w);
    CASE("a page of many has a low ceiling", watch_page_bytes(&w) == 1 * MIB);
    query = watch_page_query(&w, "pod-template-hash in (a,b)");
    CASE("selector",
         !strcmp(query, "limit=100&labelSelector=pod-template-hash%20in%20%28a%2Cb%29"));
    free(query);
    watch_on_page(&w, "41", NULL, 0);
    query = watch_stream_query(&w, NULL, 250);
    CASE("stream", !strcmp(query, "watch=1&resourceVersion=41&allowWatchBookmarks=true"
                                  "&timeoutSeconds=250"));
    free(query);
    query = watch_stream_query(&w, "a=b", 240);
    CASE("stream with a selector", strstr(query, "&timeoutSeconds=240&labelSelector=a%3Db"));
    free(query);
    w.limit = 1;
    CASE("one object may be long", watch_page_bytes(&w) == 4 * MIB);
    watch_release(&w);
}

#define OBJECT(rv) "\"object\":{\"metadata\":{\"resourceVersion\":\"" rv "\"}}"

static const struct {
    const char *name, *line;
    int type; /* -1 = refused */
    const char *rv, *err;
} LINES[] = {
    { "added", "{\"type\":\"ADDED\"," OBJECT("5") "}", WATCH_PUT, "5", NULL },
    { "modified", "{\"type\":\"MODIFIED\"," OBJECT("6") "}", WATCH_PUT, "6", NULL },
    { "deleted", "{\"type\":\"DELETED\"," OBJECT("7") "}", WATCH_DROP, "7", NULL },
    { "bookmark", "{\"type\":\"BOOKMARK\"," OBJECT("8") "}", WATCH_BOOKMARK, "8", NULL },
    { "error", "{\"type\":\"ERROR\",\"object\":{\"code\":410}}", WATCH_ERROR, NULL, NULL },
    { "an unknown type", "{\"type\":\"RENAMED\"," OBJECT("8") "}", -1, NULL, "'RENAMED'" },
    { "no type", "{" OBJECT("8") "}", -1, NULL, "type ''" },
    { "no object", "{\"type\":\"ADDED\"}", -1, NULL, "without a resourceVersion" },
    { "an empty version", "{\"type\":\"ADDED\"," OBJECT("") "}", -1, NULL,
      "without a resourceVersion" },
    { "half a line", "{\"type\":\"ADD", -1, NULL, "watch event" },
    { "no object at all", "7", -1, NULL, "type ''" },
};

static void reads_lines(void)
{
    for (size_t i = 0; i < ARRAY_LEN(LINES); i++) {
        AUTO(json) cJSON *tree = NULL;
        struct watch_event event = { 0 };
        struct err e = { 0 };
        int r = watch_read(LINES[i].line, strlen(LINES[i].line), &tree, &event, &e);

        CASE(LINES[i].name, (r == 0) == (LINES[i].type >= 0));
        if (r) {
            CASE(LINES[i].name, !tree && strstr(e.text, LINES[i].err));
            continue;
        }
        CASE(LINES[i].name, (int)event.type == LINES[i].type);
        CASE(LINES[i].name, LINES[i].rv ? !strcmp(event.rv, LINES[i].rv) : !event.rv);
    }
}

UNIT_MAIN(UNIT_TEST(decides_as_the_scripts_say), UNIT_TEST(asks_with_the_right_query),
          UNIT_TEST(reads_lines))
