#include "fake/fake.h"

#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/mem.h"
#include "fake/script.h"
#include "fake/wire.h"
#include "io/loop.h"

#define START_MS 1000000
#define QUIET_AT_END_MS 1000
#define CLOCK_STEP_MS 10
#define ASKED 64 /* requests that can be answered by name */

static const char *const HOST_NAMES[WIRE_HOSTS] = { "server", "auth", "other" };

/* A request or an outcome that has come. */
struct event {
    struct event *next;
    char *text; /* "GET /path", or what was said */
    bool is_request, is_first;
    struct conn *conn;
    char *head, *body;
    int64_t at_ms;
};

struct fake {
    struct loop *loop;
    struct wire *wire;
    struct script script;
    size_t at; /* the step */
    int64_t now_ms;
    int64_t idle_ms; /* for so long nothing has happened */
    int64_t mark_ms; /* when the last thing of the script happened */
    int64_t wake_ms; /* the clock must not pass this unseen; 0 = no such time */
    bool is_pausing;
    struct event *first, **last;
    struct asked {
        char *text;
        struct conn *conn;
    } asked[ASKED]; /* the last requests; the newest is at n_asked - 1 */
    size_t n_asked;
    struct conn *conn;     /* of the last request, or of the one that is answered by name */
    bool is_head, is_open; /* it was a HEAD; its answer is an open stream */
    size_t split;
    bool has_failed;
    fake_do_fn *act;
    void *ctx;
};

static int64_t fake_clock(void *ctx)
{
    const struct fake *f = ctx;

    return f->now_ms;
}

/* --- what goes wrong --- */

static void complain(struct fake *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void complain(struct fake *f, const char *fmt, ...)
{
    const struct script *s = &f->script;
    va_list ap;

    f->has_failed = true;
    fprintf(stderr, "%s:%d: ", s->path, f->at < s->n ? s->steps[f->at].line : 0);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

static const char *mark_of(bool is_request)
{
    return is_request ? ">" : "=";
}

static void complain_of(struct fake *f, const char *why, const struct event *ev)
{
    const struct step *step = f->at < f->script.n ? &f->script.steps[f->at] : NULL;

    complain(f, "%s\n  wanted: %s %s\n  came:   %s %s\n  %lld ms after what was before\n%s", why,
             step ? mark_of(step->kind == STEP_REQUEST) : "",
             step && step->kind != STEP_QUIET ? step->text : "nothing more",
             ev ? mark_of(ev->is_request) : "", ev ? ev->text : "nothing",
             (long long)((ev ? ev->at_ms : f->now_ms) - f->mark_ms),
             ev && ev->head ? ev->head : "");
    if (ev && ev->body && *ev->body)
        fprintf(stderr, "  body:   %.2000s\n", ev->body);
}

/* --- what comes --- */

static void add_event(struct fake *f, const struct event *ev)
{
    struct event *copy = xmalloc(sizeof *copy);

    *copy = *ev;
    copy->next = NULL;
    copy->at_ms = f->now_ms;
    *f->last = copy;
    f->last = &copy->next;
    f->idle_ms = 0;
}

static void drop_event(struct fake *f)
{
    struct event *ev = f->first;

    f->first = ev->next;
    if (!f->first)
        f->last = &f->first;
    free(ev->text);
    free(ev->head);
    free(ev->body);
    free(ev);
}

static void on_request(const struct wire_request *r, void *ctx)
{
    const struct event ev = {
        .text = xasprintf("%.*s %s%.*s", (int)r->method_len, r->method,
                          r->host ? HOST_NAMES[r->host] : "", (int)r->target_len, r->target),
        .is_request = true,
        .is_first = r->is_first,
        .conn = r->conn,
        .head = xstrdup(r->head),
        .body = xstrdup(r->body),
    };

    add_event(ctx, &ev);
}

void fake_say(struct fake *f, const char *fmt, ...)
{
    struct event ev = { .text = NULL };
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&ev.text, fmt, ap) < 0)
        abort();
    va_end(ap);
    add_event(f, &ev);
}

/* --- does it fit? --- */

static bool detail_fits(const struct event *ev, const char *detail)
{
    char name[64], value[8192];
    size_t n = strcspn(detail, ":");
    const char *glob = detail + n + (detail[n] == ':');

    if (*detail == '|')
        return glob_fits(detail + 1 + strspn(detail + 1, " "), ev->body);
    if (!strncmp(detail, "connection ", 11))
        return ev->is_first == !strcmp(detail + 11, "new");
    if (*detail == '!')
        return !wire_header(ev->head, detail + 1, value, sizeof value);
    snprintf(name, sizeof name, "%.*s", (int)n, detail);
    return wire_header(ev->head, name, value, sizeof value) &&
           glob_fits(glob + strspn(glob, " "), value);
}

static bool event_fits(struct fake *f, const struct step *step, const struct event *ev)
{
    int64_t waited_ms = ev->at_ms - f->mark_ms;

    if (ev->is_request != (step->kind == STEP_REQUEST) || !glob_fits(step->text, ev->text)) {
        complain_of(f, "something else came", ev);
        return false;
    }
    for (size_t i = 0; i < step->n_details; i++)
        if (!detail_fits(ev, step->details[i])) {
            complain_of(f, step->details[i], ev);
            return false;
        }
    /* The clock may have taken one step too far. */
    if (waited_ms < step->at_least_ms ||
        waited_ms > step->at_most_ms + step->at_most_ms / 50 + CLOCK_STEP_MS) {
        complain_of(f, waited_ms < step->at_least_ms ? "too early" : "too late", ev);
        return false;
    }
    return true;
}

/* --- answers --- */

static void remember(struct fake *f, const struct event *ev)
{
    struct asked *asked = &f->asked[f->n_asked++ % ASKED];

    free(asked->text);
    *asked = (struct asked){ xstrdup(ev->text), ev->conn };
}

/* The newest request that fits. */
static bool turn_to(struct fake *f, const char *glob)
{
    for (size_t i = 1; i <= ASKED && i <= f->n_asked; i++) {
        const struct asked *asked = &f->asked[(f->n_asked - i) % ASKED];

        if (glob_fits(glob, asked->text)) {
            f->conn = asked->conn;
            f->is_head = !strncmp(asked->text, "HEAD ", 5);
            return true;
        }
    }
    complain(f, "no request was like %s", glob);
    return false;
}

static void send_chunk(struct fake *f, const struct step *step)
{
    char *framed = xasprintf("%zx\r\n%s\r\n", step->body.len, text_str(&step->body));

    if (step->body.len)
        wire_send(f->conn, framed, strlen(framed), f->split);
    free(framed);
}

static bool has_header(const struct step *step, const char *name)
{
    for (size_t i = 0; i < step->n_details; i++) {
        const char *h = step->details[i];

        if (!strncmp(*h == '!' ? h + 1 : h, name, strlen(name)))
            return true;
    }
    return false;
}

static void reply(struct fake *f, const struct step *step)
{
    struct err ignored = { 0 };
    struct text head = TEXT_INIT(1 * MIB);

    f->split = step->split;
    f->is_open = step->is_stream;
    text_addf(&head, &ignored, "HTTP/1.1 %s Scripted\r\n", step->text);
    for (size_t i = 0; i < step->n_details; i++)
        if (*step->details[i] != '!')
            text_addf(&head, &ignored, "%s\r\n", step->details[i]);
    if (!has_header(step, "Content-Type:") && !has_header(step, "Content-Type"))
        text_puts(&head, "Content-Type: application/json\r\n", &ignored);
    if (step->is_stream)
        text_puts(&head, "Transfer-Encoding: chunked\r\n\r\n", &ignored);
    else
        text_addf(&head, &ignored, "Content-Length: %zu\r\n\r\n",
                  step->body.len + (step->ending == END_WHOLE ? 0 : 1000));
    wire_send(f->conn, head.bytes, head.len, f->split);
    text_release(&head);
    if (step->is_stream)
        send_chunk(f, step);
    else if (!f->is_head && step->body.len)
        wire_send(f->conn, step->body.bytes, step->body.len, f->split);
    if (step->ending != END_WHOLE)
        wire_end(f->conn, step->ending);
}

static void end_reply(struct fake *f, enum ending ending)
{
    if (ending == END_WHOLE && f->is_open)
        wire_send(f->conn, "0\r\n\r\n", 5, f->split);
    wire_end(f->conn, ending);
    f->is_open = false;
}

/* --- the steps --- */

static void advance(struct fake *f)
{
    f->at++;
    f->mark_ms = f->now_ms;
    f->idle_ms = f->wake_ms = 0;
    f->is_pausing = false;
}

/* The next request or outcome: has it come? */
static bool try_event(struct fake *f, const struct step *step)
{
    struct event *ev = f->first;

    if (!ev) {
        if (f->now_ms - f->mark_ms > step->at_most_ms + step->at_most_ms / 25 + CLOCK_STEP_MS)
            complain_of(f, "it did not come", NULL);
        return false;
    }
    if (!event_fits(f, step, ev))
        return false;
    if (ev->is_request) {
        remember(f, ev);
        turn_to(f, "*");
    }
    advance(f);
    f->mark_ms = ev->at_ms;
    drop_event(f);
    return true;
}

static bool try_quiet(struct fake *f, int64_t ms)
{
    if (f->first) {
        complain_of(f, "one too many", f->first);
        return false;
    }
    f->wake_ms = f->mark_ms + ms;
    if (f->now_ms < f->wake_ms)
        return false;
    advance(f);
    return true;
}

static bool try_pause(struct fake *f, const struct step *step)
{
    if (!f->is_pausing)
        f->mark_ms = f->now_ms;
    f->is_pausing = true;
    f->wake_ms = f->mark_ms + step->at_least_ms;
    if (f->now_ms < f->wake_ms)
        return false;
    advance(f);
    return true;
}

/* One step; false when it has to wait, or has failed. */
static bool try_step(struct fake *f)
{
    const struct step *step = f->at < f->script.n ? &f->script.steps[f->at] : NULL;

    if (!step)
        return try_quiet(f, QUIET_AT_END_MS);
    if (step->kind == STEP_REQUEST || step->kind == STEP_OUTCOME)
        return try_event(f, step);
    if (f->conn && wire_is_busy(f->conn))
        return false;
    switch (step->kind) {
    case STEP_QUIET:
        return try_quiet(f, step->at_least_ms);
    case STEP_PAUSE:
        return try_pause(f, step);
    case STEP_DO:
        advance(f);
        if (!f->act(step->text, f->ctx))
            return true;
        f->at--;
        complain(f, "the test cannot do this: %s", step->text);
        return false;
    case STEP_REPLY:
        if (step->to && !turn_to(f, step->to))
            return false;
        reply(f, step);
        break;
    case STEP_MORE:
        send_chunk(f, step);
        break;
    case STEP_END:
        end_reply(f, step->ending);
        break;
    case STEP_REQUEST:
    case STEP_OUTCOME:
        break;
    }
    advance(f);
    return true;
}

/* Nobody has anything to do: time passes, in steps of a fiftieth of what has passed. */
static void pass_time(struct fake *f)
{
    struct pollfd p = { .fd = loop_fd(f->loop), .events = POLLIN };
    /* Less than 1 ms, or the loop's own timer, which knows only real time, would seem busy. */
    const struct timespec soon = { .tv_nsec = 300000 };
    int64_t step_ms = f->idle_ms / 50;

    if (ppoll(&p, 1, &soon, NULL)) {
        f->idle_ms = 0;
        return;
    }
    step_ms = step_ms < CLOCK_STEP_MS ? CLOCK_STEP_MS : step_ms;
    if (f->wake_ms > f->now_ms && f->wake_ms < f->now_ms + step_ms)
        step_ms = f->wake_ms - f->now_ms;
    f->now_ms += step_ms;
    f->idle_ms += step_ms;
}

int fake_run(struct fake *f)
{
    while (f->at <= f->script.n && !f->has_failed) {
        if (try_step(f))
            continue;
        pass_time(f);
        loop_turn(f->loop, 0);
    }
    return f->has_failed ? -1 : 0;
}

/* --- life --- */

struct fake *fake_new(const char *script, fake_do_fn *act, void *ctx, struct err *e)
{
    struct fake *f = xcalloc(1, sizeof *f);
    struct script_var vars[WIRE_HOSTS] = { { "$server", NULL },
                                           { "$auth", NULL },
                                           { "$other", NULL } };

    *f = (struct fake){ .act = act, .ctx = ctx, .now_ms = START_MS, .mark_ms = START_MS };
    f->last = &f->first;
    f->loop = loop_new(e);
    if (f->loop)
        f->wire = wire_new(f->loop, on_request, f, e);
    if (!f->wire) {
        fake_free(f);
        return NULL;
    }
    loop_set_clock(f->loop, fake_clock, f);
    for (size_t i = 0; i < WIRE_HOSTS; i++)
        vars[i].value = wire_address(f->wire, i);
    if (script_load(&f->script, script, vars, WIRE_HOSTS, e)) {
        fake_free(f);
        return NULL;
    }
    return f;
}

void fake_free(struct fake *f)
{
    if (!f)
        return;
    while (f->first)
        drop_event(f);
    for (size_t i = 0; i < ASKED; i++)
        free(f->asked[i].text);
    wire_free(f->wire);
    loop_free(f->loop);
    script_release(&f->script);
    free(f);
}

struct loop *fake_loop(const struct fake *f)
{
    return f->loop;
}

const char *fake_address(const struct fake *f, size_t host)
{
    return wire_address(f->wire, host);
}
