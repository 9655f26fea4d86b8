/* controller/base/err.h — An error value: a kind for policy, a text for people, no allocation.
 *
 *     if (parse_port(s, &port, e))
 *         return err_ctx(e, "listen address '%s'", s);
 *     // "listen address '0.0.0.0:x': port 'x' is not a number"
 *
 * Functions return 0 or -1 with *e set; on success *e is untouched. Both calls return -1. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_kind {
    ERR_NONE,
    ERR_INVALID,   /* bad input, or an answer that makes no sense: do not try again */
    ERR_NOT_FOUND, /* 404 */
    ERR_CONFLICT,  /* 409: read again, decide again */
    ERR_GONE,      /* 410: list again */
    ERR_DENIED,    /* 401, 403 */
    ERR_REFUSED,   /* 400, 422: the server refuses this request for good */
    ERR_THROTTLED, /* 429 */
    ERR_SERVER,    /* 5xx */
    ERR_NET,       /* no connection, reset, TLS, name not resolved */
    ERR_TIMEOUT,
};

struct err {
    enum err_kind kind;
    int code; /* HTTP status or errno; 0 when there is none */
    char text[240];
};

/* Set kind, code and text. Always returns -1. */
int err_set(struct err *e, enum err_kind kind, int code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Put "context: " before the text. Always returns -1. */
int err_ctx(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "conflict", "timeout", … for logs and metrics. */
const char *err_name(enum err_kind kind);

/* Whether the same request may succeed later without anybody changing anything. */
int err_is_transient(enum err_kind kind);

#endif
