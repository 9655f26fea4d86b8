#include "fake/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "io/loop.h"

#define REQUEST_BYTES (1 * MIB)
#define ANSWER_BYTES (16 * MIB)

struct conn {
    struct wire *w;
    struct conn *next;
    size_t host;
    int fd;         /* -1 = closed */
    int n_requests; /* so far */
    struct text in, out;
    size_t sent, split;
    enum ending ending;
    bool ends, is_busy;
};

struct host {
    int fd;
    char address[32];
};

struct wire {
    struct loop *loop;
    struct host hosts[WIRE_HOSTS];
    struct conn *first;
    void (*on_request)(const struct wire_request *r, void *ctx);
    void *ctx;
};

static void conn_close(struct conn *c, bool reset)
{
    const struct linger now = { .l_onoff = 1 };

    if (c->fd < 0)
        return;
    if (reset)
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    loop_fd_remove(c->w->loop, c->fd);
    close(c->fd);
    c->fd = -1;
}

/* --- requests --- */

bool wire_header(const char *head, const char *name, char *ret, size_t size)
{
    size_t n = strlen(name);

    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, n) != 0 || line[n] != ':')
            continue;
        line += n + 1;
        line += strspn(line, " ");
        snprintf(ret, size, "%.*s", (int)strcspn(line, "\r"), line);
        return true;
    }
    return false;
}

/* Hand a whole request up, when it is there. */
static void take_request(struct conn *c)
{
    char *head_end = c->in.bytes ? strstr(c->in.bytes, "\r\n\r\n") : NULL;
    struct wire_request r = { .conn = c, .host = c->host, .head = c->in.bytes };
    char length[32] = "0";
    size_t have;

    if (!head_end)
        return;
    *head_end = '\0';
    wire_header(r.head, "Content-Length", length, sizeof length);
    r.body = head_end + 4;
    have = c->in.len - (size_t)(r.body - r.head);
    if (have < strtoul(length, NULL, 10)) {
        *head_end = '\r';
        return;
    }
    r.method = r.head;
    r.method_len = strcspn(r.method, " ");
    r.target = r.method + r.method_len + 1;
    r.target_len = strcspn(r.target, " \r");
    r.is_first = c->n_requests++ == 0;
    c->w->on_request(&r, c->w->ctx);
    text_clear(&c->in);
}

static void on_readable(int fd, uint32_t events, void *ctx)
{
    struct conn *c = ctx;
    struct err ignored = { 0 };
    char bytes[16384];
    ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);

    (void)events;
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0 || text_add(&c->in, bytes, (size_t)n, &ignored))
        conn_close(c, false);
    else
        take_request(c);
}

static void on_connection(int fd, uint32_t events, void *ctx)
{
    struct wire *w = ctx;
    struct conn *c = xcalloc(1, sizeof *c);
    struct err ignored = { 0 };
    const int on = 1;

    (void)events;
    *c = (struct conn){ .w = w,
                        .next = w->first,
                        .fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC),
                        .in = TEXT_INIT(REQUEST_BYTES),
                        .out = TEXT_INIT(ANSWER_BYTES) };
    w->first = c;
    while (w->hosts[c->host].fd != fd)
        c->host++;
    if (c->fd < 0)
        return;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    loop_fd_add(w->loop, c->fd, EPOLLIN, on_readable, c, &ignored);
}

/* --- answers --- */

/* One piece, or the end, a turn. */
static void deliver(void *ctx)
{
    struct conn *c = ctx;
    size_t left = c->out.len - c->sent;
    size_t n = c->split && c->split < left ? c->split : left;

    c->is_busy = false;
    if (left && c->fd >= 0) {
        ssize_t went = send(c->fd, c->out.bytes + c->sent, n, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (went > 0)
            c->sent += (size_t)went;
        else if (errno != EAGAIN)
            conn_close(c, false);
        c->is_busy = true;
        loop_defer(c->w->loop, deliver, c);
        return;
    }
    text_clear(&c->out);
    c->sent = 0;
    if (c->ends && (c->ending == END_CUT || c->ending == END_RESET))
        conn_close(c, c->ending == END_RESET);
    c->ends = false;
}

static void schedule(struct conn *c)
{
    if (!c->is_busy)
        loop_defer(c->w->loop, deliver, c);
    c->is_busy = true;
}

void wire_send(struct conn *c, const char *bytes, size_t n, size_t split)
{
    struct err ignored = { 0 };

    c->split = split;
    text_add(&c->out, bytes, n, &ignored);
    schedule(c);
}

void wire_end(struct conn *c, enum ending ending)
{
    c->ending = ending;
    c->ends = true;
    schedule(c);
}

bool wire_is_busy(const struct conn *c)
{
    return c->is_busy;
}

/* --- life --- */

static int listen_on(struct wire *w, struct host *h, struct err *e)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof a;

    h->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (h->fd < 0 || bind(h->fd, (struct sockaddr *)&a, sizeof a) || listen(h->fd, 64) ||
        getsockname(h->fd, (struct sockaddr *)&a, &n))
        return err_set(e, ERR_NET, errno, "listen on 127.0.0.1: %s", strerror(errno));
    snprintf(h->address, sizeof h->address, "127.0.0.1:%d", ntohs(a.sin_port));
    return loop_fd_add(w->loop, h->fd, EPOLLIN, on_connection, w, e);
}

struct wire *wire_new(struct loop *l, void (*on_request)(const struct wire_request *r, void *ctx),
                      void *ctx, struct err *e)
{
    struct wire *w = xcalloc(1, sizeof *w);

    *w = (struct wire){ .loop = l, .on_request = on_request, .ctx = ctx };
    for (size_t i = 0; i < WIRE_HOSTS; i++)
        w->hosts[i].fd = -1;
    for (size_t i = 0; i < WIRE_HOSTS; i++)
        if (listen_on(w, &w->hosts[i], e)) {
            wire_free(w);
            return NULL;
        }
    return w;
}

void wire_free(struct wire *w)
{
    if (!w)
        return;
    while (w->first) {
        struct conn *c = w->first;

        w->first = c->next;
        conn_close(c, false);
        loop_defer_cancel(w->loop, c);
        text_release(&c->in);
        text_release(&c->out);
        free(c);
    }
    for (size_t i = 0; i < WIRE_HOSTS; i++)
        if (w->hosts[i].fd >= 0) {
            loop_fd_remove(w->loop, w->hosts[i].fd);
            close(w->hosts[i].fd);
        }
    free(w);
}

const char *wire_address(const struct wire *w, size_t host)
{
    return w->hosts[host].address;
}
