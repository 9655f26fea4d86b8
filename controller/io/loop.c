#include "io/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#define EVENTS_A_TURN 64
#define DEFERRED_A_TURN 8

/* A descriptor in the set. The generation tells an event for a descriptor that was closed, and its
 * number given out again, from one for the new owner. */
struct slot {
    loop_fd_fn *fn; /* NULL = not in the set */
    void *ctx;
    uint32_t generation;
};

struct deferred {
    void (*fn)(void *ctx);
    void *ctx;
    uint64_t turn; /* not to be run in this one */
    struct deferred *next;
};

struct loop {
    int epoll_fd, timer_fd, signal_fd;
    bool in_turn; /* arm() comes at its end */
    int64_t now_ms;
    int64_t (*clock)(void *ctx);
    void *clock_ctx;
    struct slot *slots; /* by descriptor */
    size_t n_slots;
    struct heap timers;
    struct heap due; /* those that fire in this turn */
    struct deferred *first, **last;
    uint64_t turn; /* counts while deferred work runs */
    void (*on_stop)(int signo, void *ctx);
    void *stop_ctx;
};

static int64_t mono_clock(void *ctx)
{
    (void)ctx;
    return clock_mono_ms();
}

/* --- descriptors --- */

static uint64_t tag_of(const struct loop *l, int fd)
{
    return (uint64_t)l->slots[fd].generation << 32 | (uint32_t)fd;
}

static int control(struct loop *l, int op, int fd, uint32_t events, struct err *e)
{
    struct epoll_event ev = { .events = events, .data.u64 = tag_of(l, fd) };

    if (epoll_ctl(l->epoll_fd, op, fd, &ev))
        return err_set(e, ERR_INVALID, errno, "epoll_ctl of descriptor %d: %s", fd,
                       strerror(errno));
    return 0;
}

int loop_fd_add(struct loop *l, int fd, uint32_t events, loop_fd_fn *fn, void *ctx, struct err *e)
{
    if ((size_t)fd >= l->n_slots) {
        size_t n = (size_t)fd + 32;

        l->slots = xrealloc(l->slots, n * sizeof *l->slots);
        memset(l->slots + l->n_slots, 0, (n - l->n_slots) * sizeof *l->slots);
        l->n_slots = n;
    }
    l->slots[fd].generation++;
    if (control(l, EPOLL_CTL_ADD, fd, events, e)) {
        l->slots[fd].generation--; /* it may be in already */
        return -1;
    }
    l->slots[fd].fn = fn;
    l->slots[fd].ctx = ctx;
    return 0;
}

int loop_fd_change(struct loop *l, int fd, uint32_t events, struct err *e)
{
    return control(l, EPOLL_CTL_MOD, fd, events, e);
}

void loop_fd_remove(struct loop *l, int fd)
{
    if (fd < 0 || (size_t)fd >= l->n_slots || !l->slots[fd].fn)
        return;
    l->slots[fd].fn = NULL;
    epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

static void dispatch(struct loop *l, int wait_ms)
{
    struct epoll_event events[EVENTS_A_TURN];
    int n = epoll_wait(l->epoll_fd, events, EVENTS_A_TURN, wait_ms);

    l->now_ms = l->clock(l->clock_ctx);
    for (int i = 0; i < n; i++) {
        int fd = (int)(uint32_t)events[i].data.u64;
        const struct slot *s = &l->slots[fd];

        if (s->fn && s->generation == (uint32_t)(events[i].data.u64 >> 32))
            s->fn(fd, events[i].events, s->ctx);
    }
}

/* --- timers --- */

/* One timerfd for the earliest of all; deferred work is due at once (1 ns: 0 would disarm). */
static void arm(struct loop *l)
{
    const struct heap_item *item = heap_first(&l->timers);
    struct itimerspec spec = { 0 };
    int64_t wait_ms = item ? item->due_ms - l->now_ms : -1;

    if (l->first || (item && wait_ms <= 0))
        spec.it_value.tv_nsec = 1;
    else if (item) {
        spec.it_value.tv_sec = wait_ms / 1000;
        spec.it_value.tv_nsec = wait_ms % 1000 * 1000000;
    }
    timerfd_settime(l->timer_fd, 0, &spec, NULL);
}

static void take_out(struct loop *l, struct loop_timer *t)
{
    heap_remove(t->is_due ? &l->due : &l->timers, &t->item);
    t->is_due = false;
}

void loop_timer_set(struct loop *l, struct loop_timer *t, int64_t due_ms)
{
    if (t->is_due)
        take_out(l, t);
    heap_set(&l->timers, &t->item, due_ms);
    if (!l->in_turn)
        arm(l);
}

void loop_timer_stop(struct loop *l, struct loop_timer *t)
{
    take_out(l, t);
}

/* Those due when the turn began. They are set apart first: one that sets itself anew, to a time
 * that is past, would else come before all others for ever. */
static void fire_timers(struct loop *l)
{
    struct heap_item *item;

    while ((item = heap_first(&l->timers)) && item->due_ms <= l->now_ms) {
        heap_remove(&l->timers, item);
        heap_set(&l->due, item, item->due_ms);
        ((struct loop_timer *)item)->is_due = true;
    }
    while ((item = heap_first(&l->due))) {
        struct loop_timer *t = (struct loop_timer *)item;

        take_out(l, t);
        t->fn(t->ctx);
    }
}

static void on_timer_fd(int fd, uint32_t events, void *ctx)
{
    uint64_t expirations;
    ssize_t n = read(fd, &expirations, sizeof expirations);

    (void)n;
    (void)events;
    (void)ctx;
}

/* --- deferred work --- */

void loop_defer(struct loop *l, void (*fn)(void *ctx), void *ctx)
{
    struct deferred *d = xmalloc(sizeof *d);

    *d = (struct deferred){ .fn = fn, .ctx = ctx, .turn = l->turn };
    *l->last = d;
    l->last = &d->next;
    if (!l->in_turn)
        arm(l);
}

void loop_defer_cancel(struct loop *l, void *ctx)
{
    struct deferred **at = &l->first;

    while (*at) {
        struct deferred *d = *at;

        if (d->ctx != ctx) {
            at = &d->next;
            continue;
        }
        *at = d->next;
        free(d);
    }
    l->last = at;
}

static void run_deferred(struct loop *l)
{
    l->turn++;
    for (int i = 0; i < DEFERRED_A_TURN && l->first && l->first->turn < l->turn; i++) {
        struct deferred *d = l->first;

        l->first = d->next;
        if (!l->first)
            l->last = &l->first;
        d->fn(d->ctx);
        free(d);
    }
}

/* --- signals --- */

static void on_signal_fd(int fd, uint32_t events, void *ctx)
{
    struct loop *l = ctx;
    struct signalfd_siginfo info;

    (void)events;
    while (read(fd, &info, sizeof info) == sizeof info)
        l->on_stop((int)info.ssi_signo, l->stop_ctx);
}

int loop_on_stop_signal(struct loop *l, void (*fn)(int signo, void *ctx), void *ctx, struct err *e)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    l->on_stop = fn;
    l->stop_ctx = ctx;
    sigprocmask(SIG_BLOCK, &set, NULL);
    l->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (l->signal_fd < 0)
        return err_set(e, ERR_INVALID, errno, "signalfd: %s", strerror(errno));
    return loop_fd_add(l, l->signal_fd, EPOLLIN, on_signal_fd, l, e);
}

/* --- life --- */

struct loop *loop_new(struct err *e)
{
    struct loop *l = xcalloc(1, sizeof *l);

    *l = (struct loop){ .signal_fd = -1, .clock = mono_clock };
    l->last = &l->first;
    l->now_ms = clock_mono_ms();
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (l->epoll_fd < 0 || l->timer_fd < 0) {
        err_set(e, ERR_INVALID, errno, "epoll, timerfd: %s", strerror(errno));
        loop_free(l);
        return NULL;
    }
    if (loop_fd_add(l, l->timer_fd, EPOLLIN, on_timer_fd, l, e)) {
        loop_free(l);
        return NULL;
    }
    return l;
}

void loop_free(struct loop *l)
{
    const int fds[] = { l ? l->epoll_fd : -1, l ? l->timer_fd : -1, l ? l->signal_fd : -1 };

    if (!l)
        return;
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    while (l->first) {
        struct deferred *d = l->first;

        l->first = d->next;
        free(d);
    }
    heap_release(&l->timers);
    heap_release(&l->due);
    free(l->slots);
    free(l);
}

int64_t loop_now_ms(const struct loop *l)
{
    return l->now_ms;
}

void loop_set_clock(struct loop *l, int64_t (*now_ms)(void *ctx), void *ctx)
{
    l->clock = now_ms;
    l->clock_ctx = ctx;
    l->now_ms = now_ms(ctx);
}

void loop_turn(struct loop *l, int wait_ms)
{
    l->in_turn = true;
    dispatch(l, l->first ? 0 : wait_ms);
    fire_timers(l);
    run_deferred(l);
    l->in_turn = false;
    arm(l);
}

int loop_fd(const struct loop *l)
{
    return l->epoll_fd;
}
