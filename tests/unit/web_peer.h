/* tests/unit/web_peer.h — A web server on 127.0.0.1 and a client beside it, in one thread. */
#ifndef WEB_PEER_H
#define WEB_PEER_H
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/metrics.h"
#include "io/loop.h"
#include "unit.h"
#include "web/server.h"
#include "web/view.h"

#define TICK_MS 5
#define PATIENCE_MS 10000 /* far above what anything here takes, valgrind included */

/* --- the process around the pages --- */

static struct loop *loop;
static struct web *web;
static struct loop_timer tick; /* web_service() sleeps: this wakes it up */
static bool alive, ready;
static int scrapes, ticks;

static inline bool is_alive(void *ctx)
{
    (void)ctx;
    return alive;
}

static inline bool is_ready(void *ctx, char *why, size_t size)
{
    (void)ctx;
    if (!ready)
        snprintf(why, size, "deployments are not listed yet");
    return ready;
}

static struct metric scraped = { .name = "t_scraped", .help = "Scrapes.", .type = METRIC_GAUGE };

static inline void before_scrape(void *ctx)
{
    (void)ctx;
    metric_set(&scraped, ++scrapes);
}

static inline void on_tick(void *ctx)
{
    (void)ctx;
    ticks++;
    loop_timer_set(loop, &tick, loop_now_ms(loop) + TICK_MS);
}

static const struct web_view VIEW = { is_alive, is_ready, before_scrape, NULL };

static inline void start(void)
{
    const struct web_opts o = { .listen = "127.0.0.1:0", .view = &VIEW };
    struct err e = { 0 };

    signal(SIGPIPE, SIG_IGN);
    alive = ready = true;
    scrapes = ticks = 0;
    loop = loop_new(&e);
    web = web_new(loop, &o, &e);
    CASE("started", loop && web && web_port(web) > 0);
    tick = (struct loop_timer){ .fn = on_tick };
    loop_timer_set(loop, &tick, loop_now_ms(loop));
    metric_register(&scraped);
}

static inline void stop(void)
{
    web_free(web);
    loop_free(loop);
    metrics_release();
}

/* --- a client --- */

static inline int dial(void)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)web_port(web)) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CASE("connected", fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    return fd;
}

static char answer[512 * 1024]; /* what the server has sent on the connection so far, or a part */
static size_t answer_len;

/* The body of the first answer, NULL when it is not whole yet. */
static inline char *first_body(bool is_head, size_t *ret_len)
{
    char *body = strstr(answer, "\r\n\r\n"), *length = strcasestr(answer, "\r\ncontent-length:");

    if (!body || !length || length > body)
        return NULL;
    *ret_len = is_head ? 0 : strtoul(length + 17, NULL, 10);
    body += 4;
    return answer_len - (size_t)(body - answer) >= *ret_len ? body : NULL;
}

/* Serve until the first answer is whole (true) or the server closes (false). piece: bytes taken at
 * a time. */
static inline bool read_answer(int fd, bool is_head, size_t piece)
{
    int64_t end = clock_mono_ms() + PATIENCE_MS;
    size_t ignored;

    while (!first_body(is_head, &ignored) && clock_mono_ms() < end) {
        size_t room = sizeof answer - 1 - answer_len;
        ssize_t n;

        CASE("served", web_service(web) == 0);
        n = recv(fd, answer + answer_len, piece < room ? piece : room, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            return false;
        answer_len += n > 0 ? (size_t)n : 0;
        answer[answer_len] = '\0';
    }
    return first_body(is_head, &ignored) != NULL;
}

static inline void forget_answer(void)
{
    answer_len = 0;
    answer[0] = '\0';
}

static inline bool send_text(int fd, const char *text)
{
    return send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

/* Ask, and compare the status and the whole body (NULL: any). */
static inline bool answers(int fd, const char *request, int status, const char *want)
{
    bool is_head = !strncmp(request, "HEAD", 4);
    size_t len;
    char *body;

    forget_answer();
    if (!send_text(fd, request) || !read_answer(fd, is_head, sizeof answer))
        return false;
    body = first_body(is_head, &len);
    return strtol(answer + strlen("HTTP/1.x "), NULL, 10) == status &&
           body + len == answer + answer_len &&
           (!want || (strlen(want) == len && !memcmp(body, want, len)));
}

static inline bool answers_alone(const char *request, int status, const char *want)
{
    int fd = dial();
    bool ok = answers(fd, request, status, want);

    if (!ok)
        printf("\n  to %.60s:\n%s\n", request, answer);
    close(fd);
    return ok;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static inline bool still_serves(void)
{
    return answers_alone(GET("/livez"), 200, "ok\n");
}

#endif
