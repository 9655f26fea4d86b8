/* controller/io/loop.h — One thread, one epoll set: descriptors, timers, deferred work, signals.
 *
 * The loop sleeps in epoll (or in libwebsockets' poll, which adopts loop_fd()). Each turn:
 * descriptors, then timers, then deferred work. Nothing here ever blocks.
 *
 *     struct loop_timer t = { .fn = on_due, .ctx = self };
 *     loop_timer_set(l, &t, loop_now_ms(l) + 500);     // one-shot; setting it again moves it
 */
#ifndef IO_LOOP_H
#define IO_LOOP_H
#include <stdbool.h>
#include <stdint.h>

#include "base/heap.h"

struct err;
struct loop;

struct loop *loop_new(struct err *e);
void loop_free(struct loop *l); /* NULL is fine */

/* Monotonic milliseconds, read once a turn. With loop_set_clock(), what the test says. */
int64_t loop_now_ms(const struct loop *l);
void loop_set_clock(struct loop *l, int64_t (*now_ms)(void *ctx), void *ctx);

/* events: EPOLLIN | EPOLLOUT | …; fn is called with what epoll said. The ctx comes last. */
typedef void loop_fd_fn(int fd, uint32_t events, void *ctx);
int loop_fd_add(struct loop *l, int fd, uint32_t events, loop_fd_fn *fn, void *ctx, struct err *e);
int loop_fd_change(struct loop *l, int fd, uint32_t events, struct err *e);
void loop_fd_remove(struct loop *l, int fd); /* fine when it is not in */

struct loop_timer {
    struct heap_item item; /* private */
    bool is_due;           /* private */
    void (*fn)(void *ctx);
    void *ctx;
};
/* due_ms: monotonic. A timer that is set by a timer waits for the next turn, whatever its time. */
void loop_timer_set(struct loop *l, struct loop_timer *t, int64_t due_ms);
void loop_timer_stop(struct loop *l, struct loop_timer *t);

/* Run fn later in this turn, or in the next when called from deferred work. */
void loop_defer(struct loop *l, void (*fn)(void *ctx), void *ctx);
/* Forget deferred calls with this ctx (before the ctx is freed). */
void loop_defer_cancel(struct loop *l, void *ctx);

/* Take the signals SIGTERM and SIGINT through the loop (a signalfd): fn once for each. Must be
 * called before any thread exists. */
int loop_on_stop_signal(struct loop *l, void (*fn)(int signo, void *ctx), void *ctx, struct err *e);

/* One turn; wait_ms -1 = until something happens, 0 = do not wait. */
void loop_turn(struct loop *l, int wait_ms);

/* For libwebsockets: readable whenever a turn has something to do (timers included). */
int loop_fd(const struct loop *l);

#endif
