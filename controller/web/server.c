#include "web/server.h"

#include <errno.h>
#include <libwebsockets.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "io/loop.h"
#include "web/pages.h"
#include "web/view.h"

#define PIECE_BYTES 16384

struct web {
    struct loop *loop;
    struct web_view view;
    struct lws_context *context;
    struct lws_vhost *vhost;
};

/* One GET: the page, and how much of it is sent. libwebsockets gives the memory, zeroed. */
struct session {
    struct page page;
    size_t sent;
};

static struct web *web_of(struct lws *wsi)
{
    return lws_context_user(lws_get_context(wsi));
}

static int send_headers(struct lws *wsi, const struct page *page, bool is_last)
{
    unsigned char buf[LWS_PRE + 1024], *start = buf + LWS_PRE, *p = start;
    unsigned char *limit = buf + sizeof buf - 1;
    static const unsigned char ALLOW[] = "GET, HEAD", CLOSE[] = "close";

    if (lws_add_http_common_headers(wsi, (unsigned)page->status, page->type,
                                    (lws_filepos_t)page->body.len, &p, limit))
        return -1;
    if (page->status == 405 &&
        lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_ALLOW, ALLOW, sizeof ALLOW - 1, &p, limit))
        return -1;
    if (is_last &&
        lws_add_http_header_by_token(wsi, WSI_TOKEN_CONNECTION, CLOSE, sizeof CLOSE - 1, &p, limit))
        return -1;
    return lws_finalize_write_http_header(wsi, start, &p, limit);
}

/* Neither GET nor HEAD: whatever body comes is not read, so the connection ends here. */
static int refuse(struct lws *wsi)
{
    unsigned char buf[LWS_PRE + 128];
    struct page page;
    size_t n;

    page_refuse(&page);
    n = page.body.len;
    memcpy(buf + LWS_PRE, text_str(&page.body), n);
    if (!send_headers(wsi, &page, true))
        lws_write(wsi, buf + LWS_PRE, n, LWS_WRITE_HTTP_FINAL);
    text_release(&page.body);
    return -1;
}

static int begin(struct lws *wsi, struct session *s, const char *path)
{
    bool is_head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;

    if (!is_head && lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) <= 0)
        return refuse(wsi);
    text_release(&s->page.body);
    s->sent = 0;
    page_make(&web_of(wsi)->view, path, &s->page);
    if (send_headers(wsi, &s->page, false))
        return -1;
    if (!is_head) {
        lws_callback_on_writable(wsi);
        return 0;
    }
    text_release(&s->page.body);
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

/* The next piece of the body; the peer takes as much as it likes. */
static int go_on(struct lws *wsi, struct session *s)
{
    unsigned char buf[LWS_PRE + PIECE_BYTES];
    size_t left = s->page.body.len - s->sent;
    size_t n = left < PIECE_BYTES ? left : PIECE_BYTES;
    bool last = n == left;

    memcpy(buf + LWS_PRE, text_str(&s->page.body) + s->sent, n);
    s->sent += n;
    if (lws_write(wsi, buf + LWS_PRE, n, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) != (int)n)
        return -1;
    if (!last) {
        lws_callback_on_writable(wsi);
        return 0;
    }
    text_release(&s->page.body);
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int on_http(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in, size_t len)
{
    struct session *s = user;

    switch ((int)why) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return -1; /* neither h2c nor websocket; never > 0 (CVE-2025-11677) */
    case LWS_CALLBACK_HTTP:
        return begin(wsi, s, in);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return s && s->page.body.len ? go_on(wsi, s) : 0;
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
        if (s)
            text_release(&s->page.body);
        return 0;
    default:
        return lws_callback_http_dummy(wsi, why, user, in, len);
    }
}

/* Our epoll set is readable: something is due on the loop. */
static int on_loop(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in, size_t len)
{
    (void)user;
    (void)in;
    (void)len;
    if (why == LWS_CALLBACK_RAW_RX_FILE)
        loop_turn(web_of(wsi)->loop, 0);
    return why == LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION; /* websockets are refused */
}

static const struct lws_protocols PROTOCOLS[] = {
    { "http", on_http, sizeof(struct session), 0, 0, NULL, 0 },
    { "loop", on_loop, 0, 0, 0, NULL, 0 },
    { NULL, NULL, 0, 0, 0, NULL, 0 },
};

/* "address:port" or "[address]:port" in two. */
static int split_listen(const char *listen, char *host, size_t size, int *ret_port, struct err *e)
{
    const char *colon = strrchr(listen, ':'), *port = colon ? colon + 1 : "";
    size_t len = colon ? (size_t)(colon - listen) : 0;
    size_t digits = strspn(port, "0123456789");

    if (len > 2 && listen[0] == '[' && listen[len - 1] == ']') {
        listen++;
        len -= 2;
    }
    if (len == 0 || len >= size)
        return err_set(e, ERR_INVALID, 0, "it is not address:port");
    if (digits == 0 || digits > 5 || port[digits] || strtol(port, NULL, 10) > 65535)
        return err_set(e, ERR_INVALID, 0, "port '%s' is not 0..65535", port);
    memcpy(host, listen, len);
    host[len] = '\0';
    *ret_port = (int)strtol(port, NULL, 10);
    return 0;
}

/* Can we listen there? libwebsockets does not say why it cannot, and where there is no such address
 * (yet) it waits for it in silence. */
static int try_to_listen(const char *host, int port, struct err *e)
{
    const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
    struct addrinfo *at;
    char service[8];
    int fd, error, on = 1;

    snprintf(service, sizeof service, "%d", port);
    if (getaddrinfo(host, service, &hints, &at))
        return err_set(e, ERR_INVALID, 0, "'%s' is not an IP address", host);
    fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    error = fd < 0 || bind(fd, at->ai_addr, at->ai_addrlen) ? errno : 0;
    if (fd >= 0)
        close(fd);
    freeaddrinfo(at);
    return error ? err_set(e, ERR_INVALID, error, "cannot listen there: %s", strerror(error)) : 0;
}

/* libwebsockets closes what it adopts, on failure too: it gets a descriptor of its own. */
static int adopt_loop(struct web *w, struct err *e)
{
    lws_sock_file_fd_type fd = { .filefd = dup(loop_fd(w->loop)) };

    if (!lws_adopt_descriptor_vhost(w->vhost, LWS_ADOPT_RAW_FILE_DESC, fd, "loop", NULL))
        return err_set(e, ERR_INVALID, 0, "libwebsockets does not take our loop");
    return 0;
}

struct web *web_new(struct loop *l, const struct web_opts *o, struct err *e)
{
    struct web *w = xcalloc(1, sizeof *w);
    char host[256];
    struct lws_context_creation_info info = {
        .iface = host,
        .protocols = PROTOCOLS,
        .vhost_name = "web",
        .gid = (gid_t)-1,
        .uid = (uid_t)-1,
        .fd_limit_per_thread = 512, /* with 64, 200 half-open connections kept /livez waiting */
        .timeout_secs = 3,
        .timeout_secs_ah_idle = 3, /* of a request that has begun; the default is 10 s */
        .keepalive_timeout = 30,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .user = w,
    };

    w->loop = l;
    w->view = *o->view;
    lws_set_log_level(0, NULL);
    if (split_listen(o->listen, host, sizeof host, &info.port, e) ||
        try_to_listen(host, info.port, e)) {
        web_free(w);
        return NULL;
    }
    w->context = lws_create_context(&info);
    w->vhost = w->context ? lws_create_vhost(w->context, &info) : NULL;
    if (!w->vhost)
        err_set(e, ERR_INVALID, 0, "cannot listen there: libwebsockets gives no reason");
    if (!w->vhost || adopt_loop(w, e)) {
        web_free(w);
        return NULL;
    }
    return w;
}

void web_free(struct web *w)
{
    if (!w)
        return;
    if (w->context)
        lws_context_destroy(w->context);
    free(w);
}

int web_service(struct web *w)
{
    return lws_service(w->context, 0) < 0 ? -1 : 0; /* 0 sleeps; -1 would spin */
}

int web_port(const struct web *w)
{
    return lws_get_vhost_listen_port(w->vhost);
}
