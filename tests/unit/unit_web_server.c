/* The health and metrics pages, over real connections to 127.0.0.1. */
#include "web/server.h"

#include <arpa/inet.h>
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
#include "base/mem.h"
#include "base/metrics.h"
#include "io/loop.h"
#include "unit.h"
#include "web/view.h"

#define TICK_MS 5
#define PATIENCE_MS 10000 /* far above what anything here takes, valgrind included */
#define HALF_OPEN 200

/* --- the process around the pages --- */

static struct loop *loop;
static struct web *web;
static struct loop_timer tick; /* web_service() sleeps: this wakes it up */
static bool alive, ready;
static int scrapes, ticks;

static bool is_alive(void *ctx)
{
    (void)ctx;
    return alive;
}

static bool is_ready(void *ctx, char *why, size_t size)
{
    (void)ctx;
    if (!ready)
        snprintf(why, size, "deployments are not listed yet");
    return ready;
}

static struct metric scraped = { .name = "t_scraped", .help = "Scrapes.", .type = METRIC_GAUGE };
static struct metric many = {
    .name = "t_many", .help = "Many.", .type = METRIC_GAUGE, .labels = { "n" }
};

static void before_scrape(void *ctx)
{
    (void)ctx;
    metric_set(&scraped, ++scrapes);
}

static void on_tick(void *ctx)
{
    (void)ctx;
    ticks++;
    loop_timer_set(loop, &tick, loop_now_ms(loop) + TICK_MS);
}

static const struct web_view VIEW = { is_alive, is_ready, before_scrape, NULL };

static void start(void)
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

static void stop(void)
{
    web_free(web);
    loop_free(loop);
    metrics_release();
}

/* --- a client --- */

static int dial(void)
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
static char *first_body(bool is_head, size_t *ret_len)
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
static bool read_answer(int fd, bool is_head, size_t piece)
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

static void forget_answer(void)
{
    answer_len = 0;
    answer[0] = '\0';
}

static bool send_text(int fd, const char *text)
{
    return send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

/* Ask, and compare the status and the whole body (NULL: any). */
static bool answers(int fd, const char *request, int status, const char *want)
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

static bool answers_alone(const char *request, int status, const char *want)
{
    int fd = dial();
    bool ok = answers(fd, request, status, want);

    if (!ok)
        printf("\n  to %.60s:\n%s\n", request, answer);
    close(fd);
    return ok;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static bool still_serves(void)
{
    return answers_alone(GET("/livez"), 200, "ok\n");
}

/* --- tests --- */

#define HERE "not found: /livez, /readyz and /metrics are here\n"
#define SCRAPED "# HELP t_scraped Scrapes.\n# TYPE t_scraped gauge\nt_scraped 1\n"

static const struct {
    const char *name, *request;
    int status;
    const char *body;
} PAGES[] = {
    { "alive", GET("/livez"), 200, "ok\n" },
    { "alive, by its old name", GET("/healthz"), 200, "ok\n" },
    { "ready", GET("/readyz"), 200, "ok\n" },
    { "metrics", GET("/metrics"), 200, SCRAPED },
    { "a query does not matter", GET("/livez?verbose"), 200, "ok\n" },
    { "HTTP/1.0", "GET /livez HTTP/1.0\r\n\r\n", 200, "ok\n" },
    { "the root", GET("/"), 404, HERE },
    { "another path", GET("/debug/pprof"), 404, HERE },
    { "a slash too many", GET("/livez/"), 404, HERE },
    { "upper case", GET("/LIVEZ"), 404, HERE },
    { "a longer name", GET("/livezz"), 404, HERE },
    { "a file", GET("/../../etc/passwd"), 404, HERE },
    { "HEAD", "HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\n", 200, "" },
    { "HEAD of nothing", "HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n", 404, "" },
    { "POST", "POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405, NULL },
    { "POST with a body", "POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\na=b\n", 405,
      NULL },
    { "PUT", "PUT /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405, NULL },
    { "DELETE", "DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 405, NULL },
};

static void serves_its_pages(void)
{
    for (size_t i = 0; i < ARRAY_LEN(PAGES); i++) {
        start();
        CASE(PAGES[i].name, answers_alone(PAGES[i].request, PAGES[i].status, PAGES[i].body));
        CASE("only a GET scrapes", scrapes == !strcmp(PAGES[i].name, "metrics"));
        if (PAGES[i].status == 405)
            CASE("says what is allowed", strcasestr(answer, "\r\nallow: GET, HEAD\r\n"));
        stop();
    }
}

static void a_page_says_what_it_is(void)
{
    start();
    CASE("metrics", answers_alone(GET("/metrics"), 200, NULL));
    CASE("as Prometheus wants it",
         strcasestr(answer, "\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    CASE("alive", still_serves());
    CASE("text", strcasestr(answer, "\r\ncontent-type: text/plain; charset=utf-8\r\n"));
    stop();
}

static void trouble_is_503(void)
{
    start();
    ready = false;
    CASE("not ready, and why",
         answers_alone(GET("/readyz"), 503, "deployments are not listed yet\n"));
    CASE("but alive", still_serves());
    alive = false;
    CASE("stuck", answers_alone(GET("/livez"), 503, "stuck\n"));
    stop();
}

static void a_connection_serves_many_requests(void)
{
    int fd;

    start();
    fd = dial();
    for (int i = 0; i < 3; i++) {
        CASE("GET", answers(fd, GET("/livez"), 200, "ok\n"));
        CASE("HEAD leaves no body behind",
             answers(fd, "HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\n", 200, ""));
        CASE("nothing there", answers(fd, GET("/x"), 404, HERE));
    }
    close(fd);
    stop();
}

/* What follows a request with a body is never taken for a request that it is not. */
static void a_body_is_no_request(void)
{
    static const char REQUEST[] = "POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 35\r\n\r\n"
                                  "GET /metrics HTTP/1.1\r\nHost: xxxx\r\n\r\n";
    int64_t end;
    int fd;

    start();
    fd = dial();
    forget_answer();
    CASE("sent", send_text(fd, REQUEST) && read_answer(fd, false, sizeof answer));
    end = clock_mono_ms() + 100;
    while (clock_mono_ms() < end) {
        ssize_t n;

        web_service(web);
        n = recv(fd, answer + answer_len, sizeof answer - 1 - answer_len, MSG_DONTWAIT);
        answer_len += n > 0 ? (size_t)n : 0;
        answer[answer_len] = '\0';
    }
    CASE("one answer", !strncmp(answer, "HTTP/1.1 405", 12) && !strstr(answer + 12, "HTTP/1.1"));
    CASE("no scrape", scrapes == 0);
    close(fd);
    CASE("others are served", still_serves());
    stop();
}

static const char *const UPGRADES[] = {
    "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
    "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Protocol: loop\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
};

static void nothing_is_upgraded(void)
{
    start();
    for (size_t i = 0; i < ARRAY_LEN(UPGRADES); i++) {
        int fd = dial();

        forget_answer();
        CASE("sent", send_text(fd, UPGRADES[i]));
        read_answer(fd, false, sizeof answer);
        CASE(UPGRADES[i], !strstr(answer, " 101 ") && !strstr(answer, " 200 "));
        close(fd);
        CASE("others are served", still_serves());
    }
    stop();
}

static void a_request_may_come_byte_by_byte(void)
{
    static const char REQUEST[] = GET("/livez");
    int fd;

    start();
    fd = dial();
    for (size_t i = 0; i < sizeof REQUEST - 2; i++) {
        CASE("a byte", send(fd, REQUEST + i, 1, MSG_NOSIGNAL) == 1);
        web_service(web);
    }
    CASE("answered", answers(fd, REQUEST + sizeof REQUEST - 2, 200, "ok\n"));
    close(fd);
    stop();
}

static void half_requests_hold_nobody_up(void)
{
    int fds[HALF_OPEN];
    int64_t begin;

    start();
    for (int i = 0; i < HALF_OPEN; i++) {
        fds[i] = dial();
        CASE("half a request", send_text(fds[i], "GET /livez HTTP/1.1\r\nHost: x\r\n"));
        if (i % 20 == 0)
            web_service(web);
    }
    begin = clock_mono_ms();
    CASE("served beside them", still_serves());
    CASE("at once", clock_mono_ms() - begin < 2500); /* they time out after 3 s */
    for (int i = 0; i < HALF_OPEN; i++)
        close(fds[i]);
    CASE("and after them", still_serves());
    stop();
}

static void a_half_request_is_given_up(void)
{
    static const char *const HALVES[] = { "", "GET /li", "GET /livez HTTP/1.1\r\nHost: x\r\n" };
    int fds[ARRAY_LEN(HALVES)];

    start();
    for (size_t i = 0; i < ARRAY_LEN(HALVES); i++) {
        fds[i] = dial();
        CASE("half a request", send_text(fds[i], HALVES[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(HALVES); i++) {
        int64_t begin = clock_mono_ms();

        forget_answer();
        CASE("no answer to it", !read_answer(fds[i], false, sizeof answer) && !answer_len);
        CASE("but an end", clock_mono_ms() - begin < PATIENCE_MS);
        close(fds[i]);
    }
    stop();
}

static void a_peer_may_go_at_any_time(void)
{
    static const char REQUEST[] = GET("/metrics");

    start();
    for (int i = 0; i < 3000; i++) {
        char n[16];

        snprintf(n, sizeof n, "%d", i);
        metric_set(&many, i, n);
    }
    metric_register(&many);
    for (size_t i = 0; i < sizeof REQUEST; i++) {
        int fd = dial();

        CASE("a part of it", send(fd, REQUEST, i, MSG_NOSIGNAL) == (ssize_t)i);
        web_service(web);
        close(fd);
    }
    CASE("served", still_serves());
    stop();
}

static void a_request_that_is_too_long_ends_the_connection(void)
{
    char *request = xasprintf("GET /%0100000d HTTP/1.1\r\nHost: x\r\n\r\n", 1);
    int fd;

    start();
    fd = dial();
    forget_answer();
    send(fd, request, strlen(request), MSG_NOSIGNAL | MSG_DONTWAIT);
    read_answer(fd, false, sizeof answer);
    CASE("not found, too long or closed", !strstr(answer, " 200 "));
    close(fd);
    CASE("others are served", still_serves());
    free(request);
    stop();
}

/* A page of many pieces, to a reader that takes its time: all of it comes. */
static void a_long_page_comes_whole(void)
{
    size_t len;
    int fd;

    start();
    metric_register(&many);
    for (int i = 0; i < 8000; i++) {
        char n[16];

        snprintf(n, sizeof n, "%07d", i);
        metric_set(&many, i, n);
    }
    fd = dial();
    forget_answer();
    CASE("asked", send_text(fd, GET("/metrics")));
    CASE("whole", read_answer(fd, false, 4096) && first_body(false, &len) && len > 150000);
    CASE("to its last line", strstr(answer, "\nt_many{n=\"0007999\"} 7999\n"));
    close(fd);
    stop();
}

static void the_loop_runs_inside(void)
{
    start();
    for (int64_t end = clock_mono_ms() + PATIENCE_MS; ticks < 5 && clock_mono_ms() < end;)
        CASE("served", web_service(web) == 0);
    CASE("timers of the loop fire", ticks >= 5);
    stop();
}

static const struct {
    const char *listen, *err;
} LISTENS[] = {
    { "8080", "it is not address:port" },
    { ":8080", "it is not address:port" },
    { "[]:8080", "'[]' is not an IP address" },
    { "127.0.0.1:", "port '' is not 0..65535" },
    { "127.0.0.1:http", "port 'http' is not 0..65535" },
    { "127.0.0.1:65536", "port '65536' is not 0..65535" },
    { "127.0.0.1:4294967376", "port '4294967376' is not 0..65535" },
    { "127.0.0.1:-1", "port '-1' is not 0..65535" },
    { "127.0.0.1: 80", "port ' 80' is not 0..65535" },
    { "127.0.0.1:80x", "port '80x' is not 0..65535" },
    { "localhost:8080", "'localhost' is not an IP address" },
    { "203.0.113.1:8080", "cannot listen there: Cannot assign requested address" },
};

static void refuses_what_it_cannot_listen_on(void)
{
    char taken[64];
    struct err e = { 0 };
    struct web_opts o = { .listen = taken, .view = &VIEW };

    start();
    for (size_t i = 0; i < ARRAY_LEN(LISTENS); i++) {
        const struct web_opts bad = { .listen = LISTENS[i].listen, .view = &VIEW };

        CASE(LISTENS[i].listen, !web_new(loop, &bad, &e) && e.kind == ERR_INVALID);
        CASE(LISTENS[i].listen, strstr(e.text, LISTENS[i].err));
    }
    snprintf(taken, sizeof taken, "127.0.0.1:%d", web_port(web));
    CASE("a port that is taken",
         !web_new(loop, &o, &e) && strstr(e.text, "Address already in use"));
    CASE("the first still serves", still_serves());
    stop();
    web_free(NULL);
}

static void listens_on_ipv6(void)
{
    const struct web_opts o = { .listen = "[::1]:0", .view = &VIEW };
    struct err e = { 0 };
    struct web *v6;

    start();
    v6 = web_new(loop, &o, &e);
    CASE("listens, or this machine has none",
         v6 ? web_port(v6) > 0 : strstr(e.text, "cannot listen there: ") != NULL);
    web_free(v6);
    stop();
}

UNIT_MAIN(UNIT_TEST(serves_its_pages), UNIT_TEST(a_page_says_what_it_is), UNIT_TEST(trouble_is_503),
          UNIT_TEST(a_connection_serves_many_requests), UNIT_TEST(a_body_is_no_request),
          UNIT_TEST(nothing_is_upgraded), UNIT_TEST(a_request_may_come_byte_by_byte),
          UNIT_TEST(half_requests_hold_nobody_up), UNIT_TEST(a_half_request_is_given_up),
          UNIT_TEST(a_peer_may_go_at_any_time),
          UNIT_TEST(a_request_that_is_too_long_ends_the_connection),
          UNIT_TEST(a_long_page_comes_whole), UNIT_TEST(the_loop_runs_inside),
          UNIT_TEST(refuses_what_it_cannot_listen_on), UNIT_TEST(listens_on_ipv6))
