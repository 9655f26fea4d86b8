/* controller/base/json.h — Careful reading of JSON (RFC 8259) with cJSON, and what cJSON lacks.
 *
 * Reading: getters take NULL and wrong types and answer NULL, the default, or false, so that a
 * chain needs no checks: json_str(json_get(pod, "status"), "phase"). Keys are case-sensitive.
 * Writing: build a cJSON tree and json_print() it. A tree is 5–6.5 times its text: decode into
 * small structs and drop it. Never send a received tree back. */
#ifndef BASE_JSON_H
#define BASE_JSON_H
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"

struct err;

/* Parse exactly len bytes: one value, nothing after it, at most 64 deep, no "\u0000", no NUL. */
cJSON *json_parse(const char *bytes, size_t len, struct err *e);

AUTO_DEFINE(json, cJSON *, cJSON_Delete)

/* The member, or NULL. */
const cJSON *json_get(const cJSON *object, const char *key);

/* A member of members: json_at(pod, "metadata", "ownerReferences"). */
#define json_at(object, ...) json_at_((object), (const char *const[]){ __VA_ARGS__, NULL })
const cJSON *json_at_(const cJSON *object, const char *const *keys);

/* The member's string, or NULL when absent or no string. Lives as long as the tree. */
const char *json_str(const cJSON *object, const char *key);

/* The member as a whole number between -2^53 and 2^53, or fallback. */
int64_t json_int(const cJSON *object, const char *key, int64_t fallback);
bool json_bool(const cJSON *object, const char *key, bool fallback);

/* The member's RFC 3339 time in milliseconds, or 0. */
int64_t json_time(const cJSON *object, const char *key);

/* The items of an array; of anything else, an object too, none: room is made for what
 * cJSON_GetArraySize() counts in an array, and only an object's members have names. */
#define JSON_EACH(item, array)                                                                     \
    for (const cJSON *item = cJSON_IsArray(array) ? (array)->child : NULL; item; item = item->next)

/* The members of an object; each has a name, item->string. */
#define JSON_EACH_MEMBER(item, object)                                                             \
    for (const cJSON *item = cJSON_IsObject(object) ? (object)->child : NULL; item;                \
         item = item->next)

/* Building: nothing is added when the value is NULL (or 0, for times). Numbers have at most 15
 * digits. */
void json_put_str(cJSON *object, const char *key, const char *value);
void json_put_int(cJSON *object, const char *key, int64_t value);
void json_put_bool(cJSON *object, const char *key, bool value);
void json_put_time(cJSON *object, const char *key, int64_t ms);    /* whole seconds */
void json_put_time_ms(cJSON *object, const char *key, int64_t ms); /* with milliseconds */
cJSON *json_put_object(cJSON *object, const char *key);            /* a new, empty one, inside */
cJSON *json_put_array(cJSON *object, const char *key);

/* The tree as compact text; the caller frees. Aborts when out of memory. */
char *json_print(const cJSON *value);

#endif
