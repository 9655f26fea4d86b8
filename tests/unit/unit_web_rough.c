/* Peers that are slow, stop half-way, or send too much: others are served beside them. */
#include "web/server.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "web_peer.h"

#define HALF_OPEN 200

static struct metric many = {
    .name = "t_many", .help = "Many.", .type = METRIC_GAUGE, .labels = { "n" }
};

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

UNIT_MAIN(UNIT_TEST(a_request_may_come_byte_by_byte), UNIT_TEST(half_requests_hold_nobody_up),
          UNIT_TEST(a_half_request_is_given_up), UNIT_TEST(a_peer_may_go_at_any_time),
          UNIT_TEST(a_request_that_is_too_long_ends_the_connection),
          UNIT_TEST(a_long_page_comes_whole))
