#include "kube/status.h"

#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"

static enum err_kind kind_of(int code)
{
    switch (code) {
    case 401:
    case 403:
        return ERR_DENIED;
    case 404:
        return ERR_NOT_FOUND;
    case 409:
        return ERR_CONFLICT;
    case 410:
        return ERR_GONE;
    case 429:
        return ERR_THROTTLED;
    default:
        if (code >= 500)
            return ERR_SERVER;
        return code >= 400 ? ERR_REFUSED : ERR_INVALID;
    }
}

static int set_error(int code, const cJSON *status, struct err *e)
{
    const char *reason = json_str(status, "reason");
    const char *message = json_str(status, "message");
    char text[512];

    text_clip(text, sizeof text, message ?: "");
    text_scrub(text);
    return err_set(e, kind_of(code), code, "HTTP %d%s%.40s%s%s", code, reason ? " " : "",
                   reason ?: "", *text ? ": " : "", text);
}

int kube_error_from_answer(int http_status, const char *body, size_t len, struct err *e)
{
    struct err ignored = { 0 };
    AUTO(json) cJSON *status = json_parse(body, len, &ignored);
    const char *kind = json_str(status, "kind");

    return set_error(http_status, kind && !strcmp(kind, "Status") ? status : NULL, e);
}

int kube_error_from_status(const cJSON *status, struct err *e)
{
    return set_error((int)json_int(status, "code", 500), status, e);
}

static bool follows(const char *text, const char *first, const char *then)
{
    const char *at = strstr(text, first);

    return at && strstr(at, then);
}

bool kube_denied_by_admission(const char *text)
{
    return text && (follows(text, "ValidatingAdmissionPolicy '", "' denied request") ||
                    follows(text, "admission webhook ", " denied the request"));
}
