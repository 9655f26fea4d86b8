#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"

#define DEPTH_MAX 64
#define WHOLE_END 9007199254740992.0 /* 2^53: from it on a double stands for several numbers */

/* What cJSON lets pass and must not: 1000 levels, and strings cut at an embedded NUL. One walk
 * over the bytes; anything else that is wrong is left to cJSON. */
static int scan(const char *bytes, size_t len, struct err *e)
{
    bool in_string = false;
    int depth = 0;

    for (size_t i = 0; i < len; i++) {
        char c = bytes[i];
        if (c == '\0')
            return err_set(e, ERR_INVALID, 0, "JSON: NUL at byte %zu", i);
        if (in_string && c == '\\') {
            if (len - i >= 6 && memcmp(bytes + i, "\\u0000", 6) == 0)
                return err_set(e, ERR_INVALID, 0, "JSON: \\u0000 at byte %zu", i);
            i++; /* whatever is escaped does not end the string */
            continue;
        }
        if (c == '"')
            in_string = !in_string;
        if (in_string)
            continue;
        if (c == '{' || c == '[')
            depth++;
        else if (c == '}' || c == ']')
            depth--;
        if (depth > DEPTH_MAX)
            return err_set(e, ERR_INVALID, 0, "JSON: deeper than %d levels at byte %zu", DEPTH_MAX,
                           i);
    }
    return 0;
}

/* 1e400 becomes infinity, which would be written as null. The depth is bounded by scan(). */
static bool has_infinity(const cJSON *item)
{
    for (; item; item = item->next)
        if ((cJSON_IsNumber(item) && !isfinite(item->valuedouble)) || has_infinity(item->child))
            return true;
    return false;
}

cJSON *json_parse(const char *bytes, size_t len, struct err *e)
{
    const char *end = NULL;
    AUTO(json) cJSON *tree = NULL;

    if (scan(bytes, len, e))
        return NULL;
    tree = cJSON_ParseWithLengthOpts(bytes, len, &end, 0);
    if (!tree) {
        err_set(e, ERR_INVALID, 0, "JSON: syntax error at byte %zu",
                end ? (size_t)(end - bytes) : 0);
        return NULL;
    }
    while (end < bytes + len && strchr(" \t\r\n", *end)) /* no NUL here: scan() saw none */
        end++;
    if (end != bytes + len) {
        err_set(e, ERR_INVALID, 0, "JSON: more text after the value at byte %zu",
                (size_t)(end - bytes));
        return NULL;
    }
    if (has_infinity(tree)) {
        err_set(e, ERR_INVALID, 0, "JSON: a number is out of range");
        return NULL;
    }
    return take(tree);
}

const cJSON *json_get(const cJSON *object, const char *key)
{
    return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

const cJSON *json_at_(const cJSON *object, const char *const *keys)
{
    for (; object && *keys; keys++)
        object = json_get(object, *keys);
    return object;
}

const char *json_str(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(json_get(object, key));
}

int64_t json_int(const cJSON *object, const char *key, int64_t fallback)
{
    const cJSON *item = json_get(object, key);

    if (!cJSON_IsNumber(item) || fabs(item->valuedouble) >= WHOLE_END ||
        item->valuedouble != trunc(item->valuedouble))
        return fallback;
    return (int64_t)item->valuedouble;
}

bool json_bool(const cJSON *object, const char *key, bool fallback)
{
    const cJSON *item = json_get(object, key);

    return cJSON_IsBool(item) ? cJSON_IsTrue(item) : fallback;
}

int64_t json_time(const cJSON *object, const char *key)
{
    const char *text = json_str(object, key);
    int64_t ms;

    return text && time_parse(text, &ms) == 0 ? ms : 0;
}

/* cJSON answers NULL only when out of memory here. */
static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

void json_put_str(cJSON *object, const char *key, const char *value)
{
    if (value)
        must(cJSON_AddStringToObject(object, key, value));
}

void json_put_int(cJSON *object, const char *key, int64_t value)
{
    must(cJSON_AddNumberToObject(object, key, (double)value));
}

void json_put_bool(cJSON *object, const char *key, bool value)
{
    must(cJSON_AddBoolToObject(object, key, value));
}

void json_put_time(cJSON *object, const char *key, int64_t ms)
{
    char buf[TIME_TEXT_BYTES];

    if (ms)
        json_put_str(object, key, time_format(buf, ms));
}

void json_put_time_ms(cJSON *object, const char *key, int64_t ms)
{
    char buf[TIME_TEXT_BYTES];

    if (ms)
        json_put_str(object, key, time_format_ms(buf, ms));
}

cJSON *json_put_object(cJSON *object, const char *key)
{
    return must(cJSON_AddObjectToObject(object, key));
}

cJSON *json_put_array(cJSON *object, const char *key)
{
    return must(cJSON_AddArrayToObject(object, key));
}

char *json_print(const cJSON *value)
{
    return must(cJSON_PrintUnformatted(value));
}
