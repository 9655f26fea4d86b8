#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

/* Formatting goes through a buffer of its own, since the arguments may point into e->text. */
static void err_format(struct err *e, const char *after, const char *fmt, va_list ap)
{
    char joined[2 * sizeof e->text];
    int n = vsnprintf(joined, sizeof joined, fmt, ap);

    if (after && n >= 0 && (size_t)n < sizeof joined)
        snprintf(joined + n, sizeof joined - (size_t)n, ": %s", after);
    text_clip(e->text, sizeof e->text, joined);
}

int err_set(struct err *e, enum err_kind kind, int code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    err_format(e, NULL, fmt, ap);
    va_end(ap);
    e->kind = kind;
    e->code = code;
    return -1;
}

int err_ctx(struct err *e, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    err_format(e, e->text, fmt, ap);
    va_end(ap);
    return -1;
}

const char *err_name(enum err_kind kind)
{
    switch (kind) {
    case ERR_NONE:
        return "none";
    case ERR_INVALID:
        return "invalid";
    case ERR_NOT_FOUND:
        return "not-found";
    case ERR_CONFLICT:
        return "conflict";
    case ERR_GONE:
        return "gone";
    case ERR_DENIED:
        return "denied";
    case ERR_REFUSED:
        return "refused";
    case ERR_THROTTLED:
        return "throttled";
    case ERR_SERVER:
        return "server";
    case ERR_NET:
        return "net";
    case ERR_TIMEOUT:
        return "timeout";
    }
    return "unknown";
}

int err_is_transient(enum err_kind kind)
{
    switch (kind) {
    case ERR_THROTTLED:
    case ERR_SERVER:
    case ERR_NET:
    case ERR_TIMEOUT:
        return 1;
    case ERR_NONE:
    case ERR_INVALID:
    case ERR_NOT_FOUND:
    case ERR_CONFLICT:
    case ERR_GONE:
    case ERR_DENIED:
    case ERR_REFUSED:
        return 0;
    }
    return 0;
}
