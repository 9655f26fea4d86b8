/* The health and metrics pages, over real connections. */
#include "web/server.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "web_peer.h"

#define HERE "not found: /livez, /readyz and /metrics are here\n"
#define OTHERS "only GET and HEAD are known here\n"
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
    { "POST", "POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405, OTHERS },
    { "POST with a body", "POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\na=b\n", 405,
      OTHERS },
    { "PUT", "PUT /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405, OTHERS },
    { "DELETE", "DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 405, OTHERS },
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

static void metrics_that_do_not_fit_are_500(void)
{
    struct metric large = { .name = "t_large", .type = METRIC_GAUGE };
    char *help = xmalloc(5 * MIB);

    start();
    memset(help, 'x', 5 * MIB - 1);
    help[5 * MIB - 1] = '\0';
    large.help = help;
    metric_register(&large);
    CASE("not half a page",
         answers_alone(GET("/metrics"), 500, "metrics: over the limit of 4194304 bytes\n"));
    CASE("alive", still_serves());
    stop();
    free(help);
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

static void the_last_port_is_one(void)
{
    const struct web_opts o = { .listen = "127.0.0.1:65535", .view = &VIEW };
    struct err e = { 0 };
    struct web *last;

    start();
    last = web_new(loop, &o, &e);
    CASE("listens, or somebody else does", last || strstr(e.text, "Address already in use"));
    web_free(last);
    stop();
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
          UNIT_TEST(metrics_that_do_not_fit_are_500), UNIT_TEST(a_connection_serves_many_requests),
          UNIT_TEST(a_body_is_no_request), UNIT_TEST(nothing_is_upgraded),
          UNIT_TEST(the_loop_runs_inside), UNIT_TEST(refuses_what_it_cannot_listen_on),
          UNIT_TEST(the_last_port_is_one), UNIT_TEST(listens_on_ipv6))
