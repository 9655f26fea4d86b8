#include "deploy/spec_shape.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "deploy/freeze.h"

static bool is_hex(const char *s)
{
    size_t n = strspn(s, "0123456789abcdef");

    return !s[n] && n >= SHORT_SHA;
}

static bool is_label(const char *s)
{
    size_t n = strlen(s);

    return n && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == n && s[0] != '-' &&
           s[n - 1] != '-';
}

static bool is_subdomain(const char *s)
{
    char label[64];

    for (;;) {
        size_t n = strcspn(s, ".");

        if (n == 0 || n >= sizeof label)
            return false;
        memcpy(label, s, n);
        label[n] = '\0';
        if (!is_label(label))
            return false;
        if (!s[n])
            return true;
        s += n + 1;
    }
}

/* The start of a Deployment's name: may be empty, may end in '-'. */
static bool is_prefix(const char *s)
{
    return !*s ||
           (isalnum((unsigned char)*s) && !s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-.")]);
}

#define ALNUM "abcdefghijklmnopqrstuvwxyz0123456789"

/* [a-z0-9]+((.|_|__|-+)[a-z0-9]+)*: one part of a repository's path. Its end, or NULL. */
static const char *skip_part(const char *s)
{
    for (;;) {
        size_t n = strspn(s, ALNUM), dashes;

        if (n == 0)
            return NULL;
        s += n;
        dashes = strspn(s, "-");
        if (dashes)
            s += dashes;
        else if (*s == '.')
            s++;
        else if (*s == '_')
            s += s[1] == '_' ? 2 : 1;
        else
            return s;
    }
}

static bool is_path(const char *s)
{
    while ((s = skip_part(s)) && *s == '/')
        s++;
    return s && !*s;
}

/* host[:port], an IPv6 address in brackets. Its end, or NULL. */
static const char *skip_host(const char *s)
{
    size_t n = *s == '[' ? 1 + strspn(s + 1, "0123456789abcdef:") : strspn(s, ALNUM ".-");
    size_t digits;

    if (*s == '[' ? n == 1 || s[n++] != ']' :
                    n == 0 || !strchr(ALNUM, s[0]) || !strchr(ALNUM, s[n - 1]))
        return NULL;
    s += n;
    if (*s != ':')
        return s;
    digits = strspn(s + 1, "0123456789");
    return digits >= 1 && digits <= 5 ? s + 1 + digits : NULL;
}

/* host[:port][/path]…, lower case, no scheme, no userinfo, no tag. */
static bool is_registry(const char *s)
{
    const char *end = skip_host(s);

    return end && (!*end || (*end == '/' && is_path(end + 1)));
}

/* As docker takes it: the host may be left out. */
static bool is_repository(const char *s)
{
    const char *end = skip_host(s);

    return is_path(s) || (end && *end == '/' && is_path(end + 1));
}

static bool is_hex_or_empty(const char *s)
{
    return !*s || is_hex(s);
}

/* As far as the CRD looks: five fields take nine characters, "@daily" six. */
static bool is_schedule(const char *s)
{
    if (*s == '@')
        return cron_is_macro(s);
    return strlen(s) >= 9 &&
           !s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*,/ -")];
}

/* Area/Place, or a name alone; it becomes part of a path, so no dots. */
static bool is_time_zone(const char *s)
{
    size_t slashes = 0;

    if (!isalpha((unsigned char)*s))
        return false;
    for (; *s; s++) {
        if (*s == '/' ? ++slashes > 2 || !isalnum((unsigned char)s[1]) :
                        !isalnum((unsigned char)*s) && !strchr("_+-", *s))
            return false;
    }
    return true;
}

static bool is_anything(const char *s)
{
    (void)s;
    return true;
}

static bool is_shown(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || *s == '\x7f')
            return false;
    return true;
}

static bool is_time(const char *s)
{
    int64_t ignored;

    return !time_parse(s, &ignored);
}

const struct shape SHAPE_COMMIT = { is_hex, 64, "7 to 64 lower-case hex digits, in quotes" };
const struct shape SHAPE_LABEL = { is_label, 63, "a DNS-1123 label (a-z, 0-9, '-')" };
const struct shape SHAPE_SUBDOMAIN = { is_subdomain, 253, "a DNS-1123 subdomain" };
const struct shape SHAPE_PREFIX = { is_prefix, 63, "the start of a DNS-1123 subdomain, or empty" };
const struct shape SHAPE_REGISTRY = { is_registry, 255,
                                      "host[:port][/path] in lower case, without scheme or tag" };
const struct shape SHAPE_REPOSITORY = { is_repository, 255,
                                        "[host[:port]/]path in lower case, without scheme or tag" };
const struct shape SHAPE_APPROVED = { is_hex_or_empty, 64,
                                      "7 to 64 lower-case hex digits, or empty" };
const struct shape SHAPE_SCHEDULE = {
    is_schedule, 128,
    "five fields of cron, such as '0 18 * * 5', or @yearly, @monthly, "
    "@weekly, @daily, @hourly"
};
const struct shape SHAPE_TIME_ZONE = { is_time_zone, 64,
                                       "an IANA time zone, such as Europe/Berlin" };
const struct shape SHAPE_SHOWN = { is_shown, 1024,
                                   "a string of at most 1024 characters, none of them control" };
const struct shape SHAPE_TIME = { is_time, 64, "a time such as 2026-11-24T12:00:00Z" };
const struct shape SHAPE_ANYTHING = { is_anything, 1024, "a string of at most 1024 characters" };

/* As the CRD counts: a character is one, however many bytes it has. */
static size_t count_characters(const char *s)
{
    size_t n = 0;

    for (; *s; s++)
        n += (*s & 0xC0) != 0x80;
    return n;
}

bool shape_fits(const struct shape *shape, const char *s)
{
    return count_characters(s) <= shape->max && shape->fits(s);
}
