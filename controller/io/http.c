#include "io/http.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/loop.h"

#ifndef SHOPFLOW_VERSION
#define SHOPFLOW_VERSION "dev"
#endif

#define HEADER_BYTES (64 * KIB)
#define BODY_H1_BYTES (60 * KIB) /* curl #7821: over HTTP/2 a larger one may spin */
#define BODY_MAX_BYTES (256 * KIB)
#define UNANSWERED_MS 20000 /* TCP_USER_TIMEOUT: data that nobody acknowledges */
#define NO_ANSWER_MS 15000  /* a stream may be silent for long, but is opened at once */
#define RETRY_AFTER_MAX_MS (3600 * SECOND_MS)

struct http {
    struct loop *loop;
    CURLM *multi;
    struct loop_timer timer; /* curl's own */
    char *ca_pem, *cert_pem, *key_pem;
    bool http1_only, use_proxy_env;
    bool suspect; /* the last connection failed: the next one must be new */
    bool (*allow_address)(const struct sockaddr *addr, void *ctx);
    void *allow_ctx;
    struct http_call *first;
};

/* new → running (in the multi handle) → ended; curl is never called from its own callbacks, nor the
 * caller's on_done: both wait for step(), which the loop runs later. */
struct http_call {
    struct http *h;
    struct http_call *prev, *next;
    CURL *easy;
    struct curl_slist *headers;
    char *sent; /* our copy of the request's body */
    struct loop_timer deadline, silence;
    int64_t idle_ms;
    struct text body;
    size_t header_bytes;
    bool started, ended, cancelled;
    struct err err; /* kind ERR_NONE: a complete answer */
    char curl_text[CURL_ERROR_SIZE];
    int (*on_data)(const char *bytes, size_t n, void *ctx);
    void (*on_done)(struct http_call *call, const struct http_response *resp, const struct err *err,
                    void *ctx);
    void *ctx;
};

static void step(void *ctx);

/* --- curl's sockets and timer on the loop --- */

static void end(struct http_call *call)
{
    if (call->ended)
        return;
    call->ended = true;
    loop_timer_stop(call->h->loop, &call->deadline);
    loop_timer_stop(call->h->loop, &call->silence);
    loop_defer(call->h->loop, step, call);
}

static void set_curl_error(struct http_call *call, CURLcode code)
{
    const char *text = call->curl_text[0] ? call->curl_text : curl_easy_strerror(code);
    enum err_kind kind = ERR_NET;

    if (call->err.kind != ERR_NONE)
        return; /* we ended it ourselves, and said why */
    if (code == CURLE_OPERATION_TIMEDOUT)
        kind = ERR_TIMEOUT;
    else if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
        kind = ERR_INVALID;
    err_set(&call->err, kind, 0, "%s", text);
}

/* Take note of the transfers that have ended. */
static void collect(struct http *h)
{
    CURLMsg *msg;
    int left;

    while ((msg = curl_multi_info_read(h->multi, &left))) {
        struct http_call *call = NULL;

        if (msg->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        if (msg->data.result != CURLE_OK)
            set_curl_error(call, msg->data.result);
        end(call);
    }
}

static void on_fd(int fd, uint32_t events, void *ctx)
{
    struct http *h = ctx;
    int what = (events & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0) |
               (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
               (events & EPOLLERR ? CURL_CSELECT_ERR : 0);
    int running;

    curl_multi_socket_action(h->multi, fd, what, &running);
    collect(h);
}

static void on_timer(void *ctx)
{
    struct http *h = ctx;
    int running;

    curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(h);
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known)
{
    struct http *h = ctx;
    uint32_t events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
                      (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
    struct err ignored = { 0 };

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        loop_fd_remove(h->loop, fd);
        return 0;
    }
    if (known)
        return loop_fd_change(h->loop, fd, events, &ignored);
    curl_multi_assign(h->multi, fd, h); /* any mark: it is in the set */
    return loop_fd_add(h->loop, fd, events, on_fd, h, &ignored);
}

static int want_timer(CURLM *multi, long ms, void *ctx)
{
    struct http *h = ctx;

    (void)multi;
    if (ms < 0)
        loop_timer_stop(h->loop, &h->timer);
    else
        loop_timer_set(h->loop, &h->timer, loop_now_ms(h->loop) + ms);
    return 0;
}

/* --- life of a trust domain --- */

static char *copy_or_null(const char *s)
{
    return s ? xstrdup(s) : NULL;
}

struct http *http_new(struct loop *l, const struct http_opts *o, struct err *e)
{
    static bool initialised;
    struct http *h = xcalloc(1, sizeof *h);

    if (!initialised)
        initialised = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    *h = (struct http){ .loop = l,
                        .multi = curl_multi_init(),
                        .ca_pem = copy_or_null(o->ca_pem),
                        .cert_pem = copy_or_null(o->cert_pem),
                        .key_pem = copy_or_null(o->key_pem),
                        .http1_only = o->http1_only,
                        .use_proxy_env = o->use_proxy_env,
                        .allow_address = o->allow_address,
                        .allow_ctx = o->allow_ctx };
    h->timer = (struct loop_timer){ .fn = on_timer, .ctx = h };
    if (!h->multi) {
        http_free(h);
        err_set(e, ERR_INVALID, 0, "curl cannot be initialised");
        return NULL;
    }
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, want_timer);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
    curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    curl_multi_setopt(h->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)o->max_connections);
    return h;
}

static void call_free(struct http_call *call)
{
    struct http *h = call->h;

    if (call->prev)
        call->prev->next = call->next;
    else
        h->first = call->next;
    if (call->next)
        call->next->prev = call->prev;
    loop_timer_stop(h->loop, &call->deadline);
    loop_timer_stop(h->loop, &call->silence);
    loop_defer_cancel(h->loop, call);
    if (call->started)
        curl_multi_remove_handle(h->multi, call->easy);
    curl_easy_cleanup(call->easy);
    for (struct curl_slist *line = call->headers; line; line = line->next)
        OPENSSL_cleanse(line->data, strlen(line->data)); /* Authorization */
    curl_slist_free_all(call->headers);
    text_release(&call->body);
    secret_free(call->sent);
    free(call);
}

void http_free(struct http *h)
{
    if (!h)
        return;
    while (h->first)
        call_free(h->first);
    if (h->multi)
        curl_multi_cleanup(h->multi);
    loop_timer_stop(h->loop, &h->timer);
    free(h->ca_pem);
    free(h->cert_pem);
    secret_free(h->key_pem);
    free(h);
}

/* --- what comes --- */

/* The answer's bytes have begun or gone on: silence starts anew. */
static void heard(struct http_call *call)
{
    if (call->idle_ms)
        loop_timer_set(call->h->loop, &call->silence, loop_now_ms(call->h->loop) + call->idle_ms);
}

static size_t on_header(char *bytes, size_t one, size_t n, void *ctx)
{
    struct http_call *call = ctx;

    (void)bytes;
    heard(call);
    call->header_bytes += one * n;
    if (call->header_bytes <= HEADER_BYTES)
        return one * n;
    err_set(&call->err, ERR_INVALID, 0, "the answer's headers are longer than %lu bytes",
            HEADER_BYTES);
    return 0;
}

static size_t on_body(char *bytes, size_t one, size_t n, void *ctx)
{
    struct http_call *call = ctx;
    long status = 0;

    heard(call);
    if (call->cancelled)
        return 0;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    if (call->on_data && status == 200) {
        if (!call->on_data(bytes, one * n, call->ctx))
            return one * n;
        err_set(&call->err, ERR_INVALID, 0, "the stream makes no sense");
        return 0;
    }
    if (!text_add(&call->body, bytes, one * n, &call->err))
        return one * n;
    err_ctx(&call->err, "the answer is too long");
    return 0;
}

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *addr)
{
    struct http_call *call = ctx;
    const struct http *h = call->h;

    (void)purpose;
    if (h->allow_address && !h->allow_address(&addr->addr, h->allow_ctx)) {
        err_set(&call->err, ERR_DENIED, 0, "the address it resolves to is not allowed");
        return CURL_SOCKET_BAD;
    }
    return socket(addr->family, addr->socktype | SOCK_CLOEXEC, addr->protocol);
}

static int set_up_socket(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
    unsigned ms = UNANSWERED_MS;

    (void)ctx;
    (void)purpose;
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
    return CURL_SOCKOPT_OK;
}

static void time_out(struct http_call *call, const char *text)
{
    if (call->err.kind == ERR_NONE)
        err_set(&call->err, ERR_TIMEOUT, 0, "%s", text);
    end(call);
}

static void on_deadline(void *ctx)
{
    time_out(ctx, "no complete answer in time");
}

static void on_silence(void *ctx)
{
    time_out(ctx, "the other side has gone silent");
}

/* --- what goes out --- */

static void set_blob(CURL *easy, CURLoption option, const char *pem)
{
    struct curl_blob blob = { (void *)pem, pem ? strlen(pem) : 0, CURL_BLOB_NOCOPY };

    if (pem)
        curl_easy_setopt(easy, option, &blob);
}

static void set_security(struct http_call *call)
{
    const struct http *h = call->h;
    CURL *easy = call->easy;

    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    set_blob(easy, CURLOPT_CAINFO_BLOB, h->ca_pem);
    set_blob(easy, CURLOPT_SSLCERT_BLOB, h->cert_pem);
    set_blob(easy, CURLOPT_SSLKEY_BLOB, h->key_pem);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    if (!h->use_proxy_env)
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
}

static void set_transport(struct http_call *call)
{
    CURL *easy = call->easy;

    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->curl_text);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* never join a resolver that hangs */
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 30L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 10L);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, set_up_socket);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     call->h->http1_only ? (long)CURL_HTTP_VERSION_1_1 :
                                           (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
}

static void add_header(struct http_call *call, const char *header)
{
    struct curl_slist *grown = curl_slist_append(call->headers, header);

    if (!grown)
        abort();
    call->headers = grown;
}

/* curl keeps its own copies of user, password and bearer, and frees them with the handle. */
static void set_credentials(struct http_call *call, const struct http_request *req)
{
    if (req->bearer) {
        char *header = xasprintf("Authorization: Bearer %s", req->bearer);

        add_header(call, header);
        secret_free(header);
    } else if (req->basic_user) {
        curl_easy_setopt(call->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(call->easy, CURLOPT_USERNAME, req->basic_user);
        curl_easy_setopt(call->easy, CURLOPT_PASSWORD,
                         req->basic_password ? req->basic_password : "");
    }
}

static void set_body(struct http_call *call, const struct http_request *req)
{
    CURL *easy = call->easy;

    if (!strcmp(req->method, "HEAD"))
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    if (req->body) {
        size_t n = req->body_len ? req->body_len : strlen(req->body);
        char *type = xasprintf("Content-Type: %s",
                               req->content_type ? req->content_type : "application/json");

        call->sent = xmalloc(n + 1);
        memcpy(call->sent, req->body, n);
        call->sent[n] = '\0'; /* for secret_free() */
        add_header(call, type);
        add_header(call, "Expect:");
        free(type);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->sent);
        if (n > BODY_MAX_BYTES)
            err_set(&call->err, ERR_INVALID, 0, "a request body of %zu bytes is too long", n);
        if (n > BODY_H1_BYTES) {
            curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
            curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
            curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
        }
    }
    if (req->body || (strcmp(req->method, "GET") && strcmp(req->method, "HEAD")))
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, req->method);
}

static void set_timers(struct http_call *call, const struct http_request *req)
{
    struct loop *l = call->h->loop;

    call->deadline = (struct loop_timer){ .fn = on_deadline, .ctx = call };
    call->silence = (struct loop_timer){ .fn = on_silence, .ctx = call };
    call->idle_ms = req->idle_ms;
    if (req->timeout_ms)
        loop_timer_set(l, &call->deadline, loop_now_ms(l) + req->timeout_ms);
    if (req->idle_ms)
        loop_timer_set(l, &call->silence,
                       loop_now_ms(l) +
                           (req->idle_ms < NO_ANSWER_MS ? req->idle_ms : NO_ANSWER_MS));
}

struct http_call *http_send(struct http *h, const struct http_request *req)
{
    struct http_call *call = xcalloc(1, sizeof *call);

    *call = (struct http_call){ .h = h,
                                .next = h->first,
                                .easy = curl_easy_init(),
                                .body = TEXT_INIT(req->max_body),
                                .on_data = req->on_data,
                                .on_done = req->on_done,
                                .ctx = req->ctx };
    if (!call->easy)
        abort();
    if (h->first)
        h->first->prev = call;
    h->first = call;
    set_transport(call);
    set_security(call);
    curl_easy_setopt(call->easy, CURLOPT_URL, req->url);
    /* Wait for a connection that may turn out to be HTTP/2; plain http never is, and would keep
     * every request waiting for the first one's answer. */
    curl_easy_setopt(call->easy, CURLOPT_PIPEWAIT, strncasecmp(req->url, "https:", 6) ? 0L : 1L);
    for (size_t i = 0; req->headers && req->headers[i]; i++)
        add_header(call, req->headers[i]);
    add_header(call, "User-Agent: btc-shopflow-deployer/" SHOPFLOW_VERSION);
    set_credentials(call, req);
    set_body(call, req);
    set_timers(call, req);
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
    loop_defer(h->loop, step, call);
    return call;
}

/* --- one step, on a turn of its own --- */

static void start(struct http_call *call)
{
    struct http *h = call->h;

    if (call->err.kind != ERR_NONE) { /* refused before it began */
        end(call);
        return;
    }
    if (h->suspect)
        curl_easy_setopt(call->easy, CURLOPT_FRESH_CONNECT, 1L);
    h->suspect = false;
    call->started = true;
    if (curl_multi_add_handle(h->multi, call->easy) != CURLM_OK) {
        call->started = false;
        err_set(&call->err, ERR_INVALID, 0, "curl refuses the request");
        end(call);
    }
}

static int64_t retry_after(const struct http_call *call)
{
    const char *value = http_header(call, "Retry-After");
    char *rest;
    int64_t ms, date_ms;
    long seconds;

    if (!value)
        return -1;
    seconds = strtol(value, &rest, 10);
    if (rest != value && !*rest && seconds >= 0)
        ms = seconds > 3600 ? RETRY_AFTER_MAX_MS : seconds * SECOND_MS;
    else if (!time_parse_http(value, &date_ms))
        ms = date_ms - clock_wall_ms();
    else
        return -1;
    return ms < 0 ? 0 : ms > RETRY_AFTER_MAX_MS ? RETRY_AFTER_MAX_MS : ms;
}

static void deliver(struct http_call *call)
{
    struct http_response resp = { .body = text_str(&call->body), .body_len = call->body.len };
    const char *date = http_header(call, "Date");
    long status = 0;

    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    resp.status = (int)status;
    if (!date || time_parse_http(date, &resp.date_ms))
        resp.date_ms = 0;
    resp.retry_after_ms = retry_after(call);
    if (call->err.kind == ERR_NET || call->err.kind == ERR_TIMEOUT)
        call->h->suspect = true;
    call->on_done(call, &resp, call->err.kind == ERR_NONE ? NULL : &call->err, call->ctx);
}

static void step(void *ctx)
{
    struct http_call *call = ctx;

    if (!call->cancelled && !call->started && !call->ended) {
        start(call);
        return;
    }
    if (!call->cancelled && call->ended)
        deliver(call);
    call_free(call);
}

void http_cancel(struct http_call *call)
{
    if (!call)
        return;
    call->cancelled = true; /* perhaps inside one of curl's callbacks: free it later */
    loop_timer_stop(call->h->loop, &call->deadline);
    loop_timer_stop(call->h->loop, &call->silence);
    loop_defer(call->h->loop, step, call);
}

/* --- headers --- */

const char *http_header_nth(const struct http_call *call, const char *name, size_t n)
{
    struct curl_header *header;

    if (curl_easy_header(call->easy, name, n, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return NULL;
    return header->value;
}

const char *http_header(const struct http_call *call, const char *name)
{
    struct curl_header *header;

    if (curl_easy_header(call->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return NULL;
    if (header->amount > 1 && curl_easy_header(call->easy, name, header->amount - 1, CURLH_HEADER,
                                               -1, &header) != CURLHE_OK)
        return NULL;
    return header->value;
}
