/* tests/fake/wire.h — Hosts on 127.0.0.1 that speak plain HTTP/1.1, on the loop of the code under
 * test. They answer nothing by themselves: each whole request is handed up, and the bytes of the
 * answer are handed down and delivered in pieces, one a turn, so that the other side reads each. */
#ifndef FAKE_WIRE_H
#define FAKE_WIRE_H
#include <stdbool.h>
#include <stddef.h>

#include "fake/script.h"

struct err;
struct loop;
struct wire;
struct conn; /* lives as long as the wire */

struct wire_request {
    struct conn *conn;
    size_t host;
    const char *head;            /* all of it, "\r\n" between the lines; NUL-terminated */
    const char *body;            /* never NULL */
    bool is_first;               /* on its connection */
    const char *method, *target; /* pieces of head, not terminated: */
    size_t method_len, target_len;
};

#define WIRE_HOSTS 3

struct wire *wire_new(struct loop *l, void (*on_request)(const struct wire_request *r, void *ctx),
                      void *ctx, struct err *e);
void wire_free(struct wire *w);                              /* NULL is fine */
const char *wire_address(const struct wire *w, size_t host); /* "127.0.0.1:4711" */

/* More bytes for the request that came last on this connection; split 0 = all at once. */
void wire_send(struct conn *c, const char *bytes, size_t n, size_t split);
/* After the bytes: END_WHOLE keeps the connection, END_CUT closes it, END_RESET resets it. */
void wire_end(struct conn *c, enum ending ending);
bool wire_is_busy(const struct conn *c); /* bytes or an end are yet to be delivered */

/* A header's value in a request's head; false when it is absent. */
bool wire_header(const char *head, const char *name, char *ret, size_t size);

#endif
