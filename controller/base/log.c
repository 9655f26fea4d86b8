#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/text.h"

#define VALUE_MAX 1024 /* bytes of a value that are logged; "…" says that there were more */

/* A record. A field that does not fit is left out whole, so that a line is always well-formed. */
struct line {
    char bytes[16 * 1024];
    size_t len;
    bool is_full;
};
#define LINE_END 4 /* kept free for "}\n" */

static const char *const LEVELS[] = { "debug", "info", "warn", "error" };

static enum log_level least = LOG_INFO;
static bool is_json = true;

struct log_field log_field_str(const char *key, const char *value)
{
    return (struct log_field){ .key = key, .str = value ? value : "" };
}

struct log_field log_field_num(const char *key, long long value)
{
    return (struct log_field){ .key = key, .num = value, .is_num = true };
}

static void put(struct line *l, const char *bytes, size_t n)
{
    if (n > sizeof l->bytes - LINE_END - l->len) {
        l->is_full = true;
        return;
    }
    memcpy(l->bytes + l->len, bytes, n);
    l->len += n;
}

static void put_str(struct line *l, const char *s)
{
    put(l, s, strlen(s));
}

static void put_quoted(struct line *l, const char *s)
{
    char value[VALUE_MAX + 1];

    put_str(l, "\"");
    /* text_clip leaves UTF-8 without control characters: two characters need an escape. */
    for (const char *c = text_clip(value, sizeof value, s); *c; c++) {
        if (*c == '"' || *c == '\\')
            put_str(l, "\\");
        put(l, c, 1);
    }
    put_str(l, "\"");
}

/* logfmt quotes a value only where it must. */
static bool is_bare(const char *s)
{
    if (!*s)
        return false;
    for (; *s; s++)
        if (*s <= ' ' || *s == '"' || *s == '=' || *s == '\\' || *s == 0x7f)
            return false; /* *s <= ' ' is also every byte of UTF-8 beyond ASCII */
    return true;
}

static void put_value(struct line *l, const struct log_field *f)
{
    char num[24];

    if (f->is_num) {
        snprintf(num, sizeof num, "%lld", f->num);
        put_str(l, num);
    } else if (!is_json && is_bare(f->str) && strlen(f->str) < VALUE_MAX) {
        put_str(l, f->str);
    } else {
        put_quoted(l, f->str);
    }
}

static void put_field(struct line *l, struct log_field f)
{
    size_t before = l->len;

    if (l->len > 0)
        put_str(l, is_json ? "," : " ");
    else if (is_json)
        put_str(l, "{");
    if (is_json) {
        put_quoted(l, f.key);
        put_str(l, ":");
    } else {
        put_str(l, f.key);
        put_str(l, "=");
    }
    put_value(l, &f);
    if (l->is_full)
        l->len = before;
}

void log_write(enum log_level level, const char *msg, const struct log_field *fields)
{
    char time[TIME_TEXT_BYTES];
    struct line l;
    ssize_t n;

    if (level < least)
        return;
    l.len = 0;
    l.is_full = false;
    put_field(&l, log_field_str("time", time_format_ms(time, clock_wall_ms())));
    put_field(&l, log_field_str("level", LEVELS[level]));
    put_field(&l, log_field_str("msg", msg));
    for (; fields->key && !l.is_full; fields++)
        put_field(&l, *fields);
    if (is_json)
        l.bytes[l.len++] = '}';
    l.bytes[l.len++] = '\n';

    do /* one write: records of several processes never mix. Nobody to tell when it fails. */
        n = write(STDERR_FILENO, l.bytes, l.len);
    while (n < 0 && errno == EINTR);
}

int log_set_level(const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(LEVELS); i++) {
        if (strcmp(word, LEVELS[i]) == 0) {
            least = (enum log_level)i;
            return 0;
        }
    }
    return -1;
}

int log_set_format(const char *word)
{
    if (strcmp(word, "json") != 0 && strcmp(word, "text") != 0)
        return -1;
    is_json = strcmp(word, "json") == 0;
    return 0;
}
