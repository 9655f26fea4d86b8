#include "base/zone.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#define HEADER_BYTES 44
#define MAX_TIMES 4096
#define MAX_TYPES 256
#define LAST_S (1LL << 40) /* the year 36812; what is further away is as good as never */
#define MINUTE_S 60LL
#define HOUR_S 3600LL
#define DAY_S 86400LL

enum rule_kind { RULE_JULIAN, RULE_DAY, RULE_MONTH };

/* When a POSIX TZ string changes the offset: "M10.5.0/3", "J79/24", "0/0". */
struct rule {
    enum rule_kind kind;
    int month, week, weekday, day;
    int64_t time_s; /* local time of that day, −167 to 167 hours */
};

struct footer {
    bool there, saves; /* saves: it has daylight saving time */
    int64_t standard_s, saving_s;
    struct rule begins, ends;
};

struct transition {
    int64_t at_s;
    int32_t offset_s; /* from then on */
};

struct zone {
    int32_t first_s; /* the offset before all transitions */
    struct transition *transitions;
    size_t n;
    struct footer footer;
};

/* --- the footer --- */

static bool take(const char **p, char c)
{
    if (**p != c)
        return false;
    (*p)++;
    return true;
}

static bool take_number(const char **p, int low, int high, int *ret)
{
    int n = 0;

    if (!isdigit((unsigned char)**p))
        return false;
    for (; isdigit((unsigned char)**p); (*p)++) {
        n = n * 10 + (**p - '0');
        if (n > high)
            return false;
    }
    *ret = n;
    return n >= low;
}

/* "EST", "<+0330>" */
static bool skip_name(const char **p)
{
    const char *from = *p;

    if (take(p, '<')) {
        while (isalnum((unsigned char)**p) || **p == '+' || **p == '-')
            (*p)++;
        return take(p, '>');
    }
    while (isalpha((unsigned char)**p))
        (*p)++;
    return *p - from >= 3;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(const char **p, int max_hours, int64_t *ret_s)
{
    int sign = take(p, '-') ? -1 : 1, hours, minutes = 0, seconds = 0;

    if (sign > 0)
        take(p, '+');
    if (!take_number(p, 0, max_hours, &hours))
        return false;
    if (take(p, ':') &&
        (!take_number(p, 0, 59, &minutes) || (take(p, ':') && !take_number(p, 0, 59, &seconds))))
        return false;
    *ret_s = sign * (hours * HOUR_S + minutes * MINUTE_S + seconds);
    return true;
}

static bool take_rule(const char **p, struct rule *r)
{
    bool good;

    *r = (struct rule){ .time_s = 2 * HOUR_S };
    if (take(p, 'M')) {
        r->kind = RULE_MONTH;
        good = take_number(p, 1, 12, &r->month) && take(p, '.') && take_number(p, 1, 5, &r->week) &&
               take(p, '.') && take_number(p, 0, 6, &r->weekday);
    } else {
        r->kind = take(p, 'J') ? RULE_JULIAN : RULE_DAY;
        good = take_number(p, r->kind == RULE_JULIAN, 365, &r->day);
    }
    return good && (!take(p, '/') || take_time(p, 167, &r->time_s));
}

/* "CET-1CEST,M3.5.0,M10.5.0/3". Offsets in it count westwards. */
static bool parse_footer(const char *p, struct footer *f)
{
    int64_t west_s;

    *f = (struct footer){ .there = *p != '\0' };
    if (!*p)
        return true;
    if (!skip_name(&p) || !take_time(&p, 24, &west_s))
        return false;
    f->standard_s = f->saving_s = -west_s;
    if (!*p)
        return true;
    f->saves = true;
    f->saving_s += HOUR_S;
    if (!skip_name(&p))
        return false;
    if (*p != ',') {
        if (!take_time(&p, 24, &west_s))
            return false;
        f->saving_s = -west_s;
    }
    return take(&p, ',') && take_rule(&p, &f->begins) && take(&p, ',') && take_rule(&p, &f->ends) &&
           !*p;
}

/* The local second in a year that a rule names, counted like a time since 1970. */
static int64_t rule_second(const struct rule *r, int year)
{
    int64_t day = time_days(year, 1, 1), first, weekday;

    switch (r->kind) {
    case RULE_JULIAN: /* February 29 is not counted */
        day += r->day - 1 + (time_is_leap(year) && r->day >= 60);
        break;
    case RULE_DAY:
        day += r->day;
        break;
    case RULE_MONTH:
        first = time_days(year, r->month, 1);
        weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
        day = first + (r->weekday - weekday + 7) % 7 + (r->week - 1) * 7;
        if (day >= (r->month == 12 ? time_days(year + 1, 1, 1) : time_days(year, r->month + 1, 1)))
            day -= 7; /* the fifth is the last */
        break;
    }
    return day * DAY_S + r->time_s;
}

/* The footer's last transition at or before s. */
static struct transition footer_at(const struct footer *f, int64_t s)
{
    struct transition best = { .at_s = INT64_MIN, .offset_s = (int32_t)f->standard_s };
    int64_t days = s / DAY_S - (s % DAY_S < 0);
    int year, month, day;

    if (!f->saves)
        return best;
    time_date(days, &year, &month, &day);
    for (int y = year - 1; y <= year + 1; y++) {
        int64_t ends_s = rule_second(&f->ends, y) - f->saving_s;
        int64_t begins_s = rule_second(&f->begins, y) - f->standard_s;

        /* Where both are at once it saves all year long: the beginning counts. */
        if (ends_s <= s && ends_s > best.at_s)
            best = (struct transition){ ends_s, (int32_t)f->standard_s };
        if (begins_s <= s && begins_s >= best.at_s)
            best = (struct transition){ begins_s, (int32_t)f->saving_s };
    }
    return best;
}

/* --- the file --- */

struct counts {
    size_t utc, standard, leaps, times, types, chars;
};

static uint32_t read_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t read_i64(const uint8_t *p)
{
    return (int64_t)((uint64_t)read_u32(p) << 32 | read_u32(p + 4));
}

static int invalid(struct err *e, const char *why)
{
    return err_set(e, ERR_INVALID, 0, "no time zone file: %s", why);
}

static int read_header(const uint8_t *p, size_t n, struct counts *c, struct err *e)
{
    if (n < HEADER_BYTES || memcmp(p, "TZif", 4) != 0)
        return invalid(e, "it does not begin with TZif");
    if (p[4] < '2')
        return invalid(e, "version 1 is too old");
    *c = (struct counts){ .utc = read_u32(p + 20),
                          .standard = read_u32(p + 24),
                          .leaps = read_u32(p + 28),
                          .times = read_u32(p + 32),
                          .types = read_u32(p + 36),
                          .chars = read_u32(p + 40) };
    if (c->times > MAX_TIMES || c->types > MAX_TYPES || c->chars > MAX_TIMES ||
        c->utc > MAX_TYPES || c->standard > MAX_TYPES || c->leaps > MAX_TIMES)
        return invalid(e, "its header counts too many");
    return 0;
}

static size_t block_bytes(const struct counts *c, size_t time_bytes)
{
    return c->times * (time_bytes + 1) + c->types * 6 + c->chars + c->leaps * (time_bytes + 4) +
           c->standard + c->utc;
}

static int read_transitions(const uint8_t *p, const struct counts *c, struct zone *z, struct err *e)
{
    const uint8_t *kinds = p + c->times * 8, *types = kinds + c->times;

    for (size_t i = 0; i < c->types; i++) {
        int32_t offset_s = (int32_t)read_u32(types + i * 6);

        if (offset_s < -26 * HOUR_S || offset_s > 26 * HOUR_S)
            return invalid(e, "an offset of more than a day");
    }
    z->first_s = (int32_t)read_u32(types);
    z->transitions = xcalloc(c->times + 1, sizeof *z->transitions);
    for (size_t i = 0; i < c->times; i++) {
        int64_t at_s = read_i64(p + i * 8);

        if (kinds[i] >= c->types)
            return invalid(e, "a transition to a type that is not there");
        if (z->n && at_s <= z->transitions[z->n - 1].at_s)
            return invalid(e, "transitions out of order");
        z->transitions[z->n++] =
            (struct transition){ at_s, (int32_t)read_u32(types + kinds[i] * 6) };
    }
    return 0;
}

/* "\nCET-1CEST,M3.5.0,M10.5.0/3\n" */
static int read_footer(const uint8_t *p, size_t n, struct zone *z, struct err *e)
{
    char text[128];
    size_t len = 0;

    if (n < 2 || p[0] != '\n')
        return invalid(e, "its footer is missing");
    while (len + 1 < n && p[len + 1] != '\n')
        len++;
    if (len + 1 == n || len >= sizeof text || memchr(p + 1, '\0', len))
        return invalid(e, "its footer does not end");
    memcpy(text, p + 1, len);
    text[len] = '\0';
    return parse_footer(text, &z->footer) ? 0 : invalid(e, "its footer is no POSIX TZ string");
}

static int parse(const uint8_t *p, size_t n, struct zone *z, struct err *e)
{
    struct counts c;
    size_t skip;

    if (read_header(p, n, &c, e))
        return -1;
    skip = HEADER_BYTES + block_bytes(&c, 4);
    if (skip > n)
        return invalid(e, "it is cut off");
    p += skip;
    n -= skip;
    if (read_header(p, n, &c, e))
        return -1;
    skip = HEADER_BYTES + block_bytes(&c, 8);
    if (skip > n)
        return invalid(e, "it is cut off");
    if (!c.types)
        return invalid(e, "it has no offset");
    if (c.leaps)
        return invalid(e, "it counts leap seconds, which clocks here do not");
    if (read_transitions(p + HEADER_BYTES, &c, z, e))
        return -1;
    return read_footer(p + skip, n - skip, z, e);
}

struct zone *zone_parse(const void *bytes, size_t n, struct err *e)
{
    struct zone *z = xcalloc(1, sizeof *z);

    if (parse(bytes, n, z, e)) {
        zone_free(z);
        return NULL;
    }
    return z;
}

void zone_free(struct zone *z)
{
    if (!z)
        return;
    free(z->transitions);
    free(z);
}

/* --- looking up --- */

/* How many transitions of the table are at or before s. */
static size_t count_until(const struct zone *z, int64_t s)
{
    size_t low = 0, high = z->n;

    while (low < high) {
        size_t mid = (low + high) / 2;

        if (z->transitions[mid].at_s <= s)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static int32_t offset_at(const struct zone *z, int64_t s, int64_t *ret_from_s)
{
    size_t i = count_until(z, s);
    struct transition t = { INT64_MIN, z->first_s };

    if (i)
        t = z->transitions[i - 1];
    if (i == z->n && z->footer.there) {
        struct transition by_rule = footer_at(&z->footer, s);

        if (by_rule.at_s > t.at_s || !z->n)
            t = by_rule;
        else
            t.offset_s = by_rule.offset_s;
    }
    *ret_from_s = t.at_s;
    return t.offset_s;
}

struct zone_span zone_at(const struct zone *z, int64_t ms)
{
    int64_t s = ms / SECOND_MS - (ms % SECOND_MS < 0), from_s, ignored_s;
    struct zone_span span;

    s = s < -LAST_S ? -LAST_S : s > LAST_S ? LAST_S : s;
    span.offset_ms = offset_at(z, s, &from_s) * SECOND_MS;
    span.before_ms = span.offset_ms;
    span.from_ms = INT64_MIN;
    if (from_s > -LAST_S) {
        span.from_ms = from_s * SECOND_MS;
        span.before_ms = offset_at(z, from_s - 1, &ignored_s) * SECOND_MS;
    }
    return span;
}

char *zone_format(const struct zone *z, char buf[ZONE_TEXT_BYTES], int64_t ms)
{
    int64_t offset_ms = zone_at(z, ms).offset_ms;
    long long minutes = llabs(offset_ms) / (MINUTE_S * SECOND_MS);
    char local[TIME_TEXT_BYTES];

    time_format(local, ms + offset_ms);
    snprintf(buf, ZONE_TEXT_BYTES, "%.*s%c%02lld:%02lld", (int)strlen(local) - 1, local,
             offset_ms < 0 ? '-' : '+', minutes / 60, minutes % 60);
    return buf;
}
