/* controller/web/server.h — /livez, /readyz and /metrics by libwebsockets, which hosts our loop.
 *
 * libwebsockets sleeps in its own poll and has adopted the loop's epoll set as one descriptor in
 * it: web_service() is the process's whole main loop.
 *
 *     while (!stopped)
 *         web_service(w); */
#ifndef WEB_SERVER_H
#define WEB_SERVER_H

struct err;
struct loop;
struct web;
struct web_view;

struct web_opts {
    const char *listen;          /* "address:port", "[IPv6]:port"; 0 = any that is free */
    const struct web_view *view; /* copied */
};

struct web *web_new(struct loop *l, const struct web_opts *o, struct err *e);
void web_free(struct web *w); /* NULL is fine; the loop stays */

/* Sleep until something happens, and handle it. 0, or -1 when the server is broken. */
int web_service(struct web *w);

int web_port(const struct web *w);

#endif
