#include "base/yaml.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/err.h"
#include "base/json.h"

#define DEPTH_MAX 64
#define DIGITS_MAX 15 /* of an integer: all of them fit into a double */

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one */
    struct err *e;
};

static void *fail(struct reader *r, const yaml_mark_t *at, const char *what)
{
    err_set(r->e, ERR_INVALID, 0, "YAML: line %zu, column %zu: %s", at->line + 1, at->column + 1,
            what);
    return NULL;
}

static bool next(struct reader *r)
{
    yaml_event_delete(&r->event);
    if (yaml_parser_parse(&r->parser, &r->event))
        return true;
    r->event = (yaml_event_t){ 0 };
    fail(r, &r->parser.problem_mark, r->parser.problem ? r->parser.problem : "not readable");
    return false;
}

static bool is_one_of(const char *s, const char *const *words)
{
    for (; *words; words++)
        if (!strcmp(s, *words))
            return true;
    return false;
}

static bool is_integer(const char *s)
{
    size_t n = 0;

    if (*s == '-' || *s == '+')
        s++;
    while (isdigit((unsigned char)s[n]))
        n++;
    return n > 0 && n <= DIGITS_MAX && !s[n];
}

/* YAML 1.2, section 10.3.2, as far as the header promises. */
static cJSON *plain_scalar(const char *s)
{
    static const char *const null[] = { "", "~", "null", "Null", "NULL", NULL };
    static const char *const yes[] = { "true", "True", "TRUE", NULL };
    static const char *const no[] = { "false", "False", "FALSE", NULL };

    if (is_one_of(s, null))
        return cJSON_CreateNull();
    if (is_one_of(s, yes))
        return cJSON_CreateTrue();
    if (is_one_of(s, no))
        return cJSON_CreateFalse();
    if (is_integer(s))
        return cJSON_CreateNumber((double)strtoll(s, NULL, 10));
    return cJSON_CreateString(s);
}

static cJSON *scalar(struct reader *r)
{
    const char *s = (const char *)r->event.data.scalar.value;

    if (strlen(s) != r->event.data.scalar.length)
        return fail(r, &r->event.start_mark, "a NUL character");
    if (r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return plain_scalar(s);
    return cJSON_CreateString(s);
}

static cJSON *value(struct reader *r, int depth);

static cJSON *sequence(struct reader *r, int depth)
{
    AUTO(json) cJSON *list = cJSON_CreateArray();

    while (next(r)) {
        cJSON *item;

        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return take(list);
        item = value(r, depth + 1);
        if (!item)
            return NULL;
        cJSON_AddItemToArray(list, item);
    }
    return NULL;
}

/* The event is a key. Adds it with its value. */
static bool member(struct reader *r, cJSON *object, int depth)
{
    AUTO(json) cJSON *key = NULL;
    cJSON *item;

    if (r->event.type != YAML_SCALAR_EVENT)
        return fail(r, &r->event.start_mark, "a key that is no plain text");
    key = value(r, depth);
    if (!key)
        return false;
    if (!cJSON_IsString(key))
        return fail(r, &r->event.start_mark, "a key that is no text: put it into quotes");
    if (json_get(object, key->valuestring))
        return fail(r, &r->event.start_mark, "a key that was there before");
    if (!next(r))
        return false;
    item = value(r, depth);
    return item && cJSON_AddItemToObject(object, key->valuestring, item);
}

static cJSON *mapping(struct reader *r, int depth)
{
    AUTO(json) cJSON *object = cJSON_CreateObject();

    while (next(r)) {
        if (r->event.type == YAML_MAPPING_END_EVENT)
            return take(object);
        if (!member(r, object, depth + 1))
            return NULL;
    }
    return NULL;
}

static bool is_adorned(const yaml_event_t *event)
{
    switch ((int)event->type) {
    case YAML_ALIAS_EVENT:
        return true;
    case YAML_SCALAR_EVENT:
        return event->data.scalar.anchor || event->data.scalar.tag;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor || event->data.sequence_start.tag;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor || event->data.mapping_start.tag;
    default:
        return false;
    }
}

/* The value that begins with the current event. */
static cJSON *value(struct reader *r, int depth)
{
    if (is_adorned(&r->event))
        return fail(r, &r->event.start_mark, "anchors, aliases and tags are not accepted");
    if (depth > DEPTH_MAX)
        return fail(r, &r->event.start_mark, "nested over 64 deep");
    switch ((int)r->event.type) {
    case YAML_SCALAR_EVENT:
        return scalar(r);
    case YAML_SEQUENCE_START_EVENT:
        return sequence(r, depth);
    case YAML_MAPPING_START_EVENT:
        return mapping(r, depth);
    default:
        return fail(r, &r->event.start_mark, "a value is missing");
    }
}

/* The document's value. Read up to what follows its end: else "{a: 1} b" would pass. */
static cJSON *document(struct reader *r)
{
    AUTO(json) cJSON *root = value(r, 1);

    return root && next(r) && next(r) ? take(root) : NULL;
}

static cJSON *first_document(struct reader *r)
{
    while (next(r)) {
        switch ((int)r->event.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_START_EVENT:
            continue;
        case YAML_STREAM_END_EVENT:
            return cJSON_CreateNull();
        default:
            return document(r);
        }
    }
    return NULL;
}

cJSON *yaml_parse(const char *bytes, size_t len, size_t max_bytes, struct err *e)
{
    struct reader r = { .e = e };
    cJSON *root;

    if (len > max_bytes) {
        err_set(e, ERR_INVALID, 0, "YAML: %zu bytes, allowed are %zu", len, max_bytes);
        return NULL;
    }
    if (!yaml_parser_initialize(&r.parser))
        abort(); /* out of memory */
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)bytes, len);
    root = first_document(&r);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    return root;
}

/* --- places --- */

/* Read to the end of the value that begins with the current event. */
static bool skip_value(struct reader *r)
{
    int depth = 0;

    do {
        int type = (int)r->event.type;

        depth += type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT;
        depth -= type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT;
    } while (depth > 0 && next(r));
    return depth == 0;
}

/* The current event begins a mapping or a list: go on to the value of the member, and tell where it
 * begins (its key, in a mapping). */
static bool enter_member(struct reader *r, const char *name, yaml_mark_t *ret)
{
    bool is_mapping = r->event.type == YAML_MAPPING_START_EVENT;
    size_t wanted = is_mapping ? 0 : strtoul(name, NULL, 10);

    if (!is_mapping && r->event.type != YAML_SEQUENCE_START_EVENT)
        return false;
    for (size_t i = 0; next(r); i++) {
        yaml_mark_t at = r->event.start_mark;
        bool found = i == wanted;

        if (r->event.type == YAML_MAPPING_END_EVENT || r->event.type == YAML_SEQUENCE_END_EVENT)
            return false;
        if (is_mapping) {
            found = r->event.type == YAML_SCALAR_EVENT &&
                    !strcmp((const char *)r->event.data.scalar.value, name);
            if (!skip_value(r) || !next(r))
                return false;
        }
        if (found)
            *ret = at;
        if (found || !skip_value(r))
            return found;
    }
    return false;
}

struct yaml_place yaml_where(const char *bytes, size_t len, const char *const *path)
{
    struct err ignored;
    struct reader r = { .e = &ignored };
    yaml_mark_t at = { 0 };

    if (!yaml_parser_initialize(&r.parser))
        abort(); /* out of memory */
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)bytes, len);
    while (next(&r) &&
           (r.event.type == YAML_STREAM_START_EVENT || r.event.type == YAML_DOCUMENT_START_EVENT))
        ;
    while (*path && enter_member(&r, *path, &at))
        path++;
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    return (struct yaml_place){ at.line + 1, at.column + 1 };
}
