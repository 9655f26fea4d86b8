/* controller/io/http.h — HTTP requests on the loop, with curl's multi_socket interface.
 *
 * A `struct http` is one trust domain: connections (and TLS sessions, HTTP/2 streams) are only
 * shared within it: one for the API server, one for each registry origin and credential.
 * Redirects are never followed; nothing is ever decoded here. Nothing is retried, but curl itself
 * sends a request once more, whatever its method, when a pooled connection ends without a byte.
 *
 *     struct http_request req = { .method = "GET", .url = url, .timeout_ms = 30000,
 *                                 .max_body = 4 * MIB, .on_done = got, .ctx = self };
 *     struct http_call *call = http_send(h, &req);     // never NULL
 *
 * on_done comes exactly once, always on a later turn, also for errors; the call is freed after
 * it. After http_cancel() no callback comes. The request struct and its strings may go at once. */
#ifndef IO_HTTP_H
#define IO_HTTP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct http;
struct http_call;
struct loop;
struct sockaddr;

/* Fixed for the life of a struct http. All strings are copied; NULL = none. */
struct http_opts {
    const char *ca_pem;   /* trusted roots; NULL = the system's */
    const char *cert_pem; /* client certificate and key */
    const char *key_pem;
    int max_connections; /* to one host; 0 = no limit */
    bool http1_only;
    bool use_proxy_env; /* obey http_proxy, https_proxy, no_proxy; default: no proxy */
    /* Asked before each connect with the resolved address; false refuses it. May be NULL. */
    bool (*allow_address)(const struct sockaddr *addr, void *ctx);
    void *allow_ctx;
};

struct http *http_new(struct loop *l, const struct http_opts *o, struct err *e);
void http_free(struct http *h); /* cancels what is under way; NULL is fine */

struct http_response {
    int status;       /* 0 when there is none: see err */
    const char *body; /* NUL-terminated, never NULL; empty when on_data took it */
    size_t body_len;
    int64_t date_ms;        /* the Date header, wall clock; 0 = absent */
    int64_t retry_after_ms; /* Retry-After, as a delay; -1 = absent; at most 1 h */
};

/* The last value of a response header, by case-insensitive name; NULL when absent. For use in
 * on_done only. */
const char *http_header(const struct http_call *call, const char *name);
/* The n-th value (0-based) of a header that may come several times; NULL when there is none. */
const char *http_header_nth(const struct http_call *call, const char *name, size_t n);

struct http_request {
    const char *method; /* "GET", "HEAD", "PATCH", … */
    const char *url;
    const char *const *headers; /* "Name: value", …, NULL; may be NULL */
    const char *bearer;         /* Authorization: Bearer; wiped after use; NULL = none */
    const char *basic_user;     /* Authorization: Basic; NULL = none */
    const char *basic_password;
    const char *content_type; /* of the body */
    const char *body;         /* NULL = none; > 256 KiB is refused */
    size_t body_len;
    size_t max_body;    /* ceiling of the answer's body; passed = ERR_INVALID */
    int64_t timeout_ms; /* of the whole exchange; 0 = none (streams) */
    int64_t idle_ms;    /* longest silence between two bytes, and 15 s before the first; 0 = none */
    /* A stream's bytes as they come, any cut. Only for answers with status 200; the body of other
     * answers is collected as usual. Return -1 to end the call (ERR_INVALID). May be NULL. */
    int (*on_data)(const char *bytes, size_t n, void *ctx);
    /* err is NULL when a complete answer came, whatever its status; else the transport's error,
     * code 0: ERR_NET, ERR_TIMEOUT, ERR_INVALID (a ceiling), ERR_DENIED (allow_address). resp and
     * err live during the call only. */
    void (*on_done)(struct http_call *call, const struct http_response *resp, const struct err *err,
                    void *ctx);
    void *ctx;
};

struct http_call *http_send(struct http *h, const struct http_request *req);
void http_cancel(struct http_call *call); /* NULL is fine */

#endif
