#include "deploy/freeze.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/clock.h"
#include "base/zone.h"
#include "deploy/spec.h"

#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define SIGHT_MS (366 * DAY_MS) /* an end further away than this is none */
#define STEPS 20000             /* of all looks at the calendar in one answer, to be quick */

/* --- cron --- */

static const char *const MONTHS[] = { "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL",
                                      "AUG", "SEP", "OCT", "NOV", "DEC", NULL };
static const char *const WEEKDAYS[] = { "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", NULL };

struct field {
    const char *name;
    int low, high;
    const char *const *names; /* of low, low + 1, …; NULL = numbers only */
};

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS };
static const struct field TABLE[FIELDS] = {
    [MINUTE] = { "minute", 0, 59, NULL },          [HOUR] = { "hour", 0, 23, NULL },
    [DAY] = { "day of month", 1, 31, NULL },       [MONTH] = { "month", 1, 12, MONTHS },
    [WEEKDAY] = { "day of week", 0, 7, WEEKDAYS },
};

struct set {
    uint64_t bits;
    bool any;
};

/* A number or a name, the whole word. -1 when it is none of the field. */
static int read_value(const struct field *f, const char *word)
{
    int n = 0;

    for (int i = 0; f->names && f->names[i]; i++)
        if (!strcasecmp(word, f->names[i]))
            return f->low + i;
    if (!*word || strlen(word) > 3)
        return -1;
    for (; *word; word++) {
        if (!isdigit((unsigned char)*word))
            return -1;
        n = n * 10 + (*word - '0');
    }
    return n >= f->low && n <= f->high ? n : -1;
}

static const char *bad_value(const struct field *f, const char *word, struct arena *a)
{
    return arena_printf(a, "%s '%s' is not %d..%d%s%s%s%s", f->name, word, f->low, f->high,
                        f->names ? " or " : "", f->names ? f->names[0] : "", f->names ? ".." : "",
                        f->names == MONTHS ? "DEC" :
                        f->names           ? "SAT" :
                                             "");
}

/* One item of a list: "*", "5", "1-5", each with "/step"; "5/15" goes on to the end. */
static const char *read_item(const struct field *f, char *item, struct arena *a, struct set *ret)
{
    char *slash = strchr(item, '/'), *dash;
    int last = f->high - (f->names == WEEKDAYS); /* 7 is Sunday again */
    int from = f->low, to = last, step = 1;

    if (slash) {
        const struct field steps = { "step", 1, 999, NULL };

        *slash = '\0';
        step = read_value(&steps, slash + 1);
        if (step < 1)
            return arena_printf(a, "%s: step '%s' is not a number from 1 on", f->name, slash + 1);
    }
    dash = strchr(item, '-');
    if (!strcmp(item, "*")) {
        ret->any |= step == 1;
    } else {
        if (dash)
            *dash = '\0';
        from = read_value(f, item);
        if (from < 0)
            return bad_value(f, item, a);
        to = dash ? read_value(f, dash + 1) : slash && from < last ? last : from;
        if (to < 0)
            return bad_value(f, dash + 1, a);
        if (to < from)
            return arena_printf(a, "%s '%s-%s' ends before it begins", f->name, item, dash + 1);
    }
    for (int i = from; i <= to; i += step)
        ret->bits |= 1ULL << i;
    return NULL;
}

static const char *read_field(const struct field *f, char *text, struct arena *a, struct set *ret)
{
    for (char *end; text; text = end ? end + 1 : NULL) {
        const char *problem;

        end = strchr(text, ',');
        if (end)
            *end = '\0';
        problem = read_item(f, text, a, ret);
        if (problem)
            return problem;
    }
    return NULL;
}

/* Is there a day that it names, in any year? */
static bool has_a_day(const struct cron *c)
{
    static const int longest[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    if (!c->any_weekday && !c->any_day)
        return true; /* one of both is enough */
    for (int month = 1; month <= 12; month++)
        for (int day = 1; day <= longest[month - 1]; day++)
            if ((c->months >> month & 1) && (c->days >> day & 1))
                return true;
    return false;
}

/* Those of a CronJob, small letters only. */
static const struct {
    const char *name, *fields;
} MACROS[] = {
    { "@yearly", "0 0 1 1 *" }, { "@annually", "0 0 1 1 *" }, { "@monthly", "0 0 1 * *" },
    { "@weekly", "0 0 * * 0" }, { "@daily", "0 0 * * *" },    { "@midnight", "0 0 * * *" },
    { "@hourly", "0 * * * *" },
};

static const char *expand(const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(MACROS); i++)
        if (!strcmp(text, MACROS[i].name))
            return MACROS[i].fields;
    return text;
}

bool cron_is_macro(const char *text)
{
    return expand(text) != text;
}

const char *cron_parse(const char *text, struct arena *a, struct cron *ret)
{
    char *copy = arena_strdup(a, expand(text)), *field = copy;
    struct set sets[FIELDS] = { 0 };
    const char *problem;
    int n = 0;

    for (; *(field += strspn(field, " ")); n++) {
        size_t len = strcspn(field, " ");
        char *next = field + len + (field[len] != '\0');

        field[len] = '\0';
        problem = n < FIELDS ? read_field(&TABLE[n], field, a, &sets[n]) : NULL;
        if (problem)
            return problem;
        field = next;
    }
    if (n != FIELDS)
        return arena_printf(a,
                            "it has %d field%s, not 5: minute, hour, day of month, month, day of "
                            "week",
                            n, n == 1 ? "" : "s");
    *ret =
        (struct cron){ .minutes = sets[MINUTE].bits,
                       .hours = (uint32_t)sets[HOUR].bits,
                       .days = (uint32_t)sets[DAY].bits,
                       .months = (uint32_t)sets[MONTH].bits,
                       .weekdays = (uint32_t)((sets[WEEKDAY].bits | sets[WEEKDAY].bits >> 7) & 127),
                       .any_day = sets[DAY].any,
                       .any_weekday = sets[WEEKDAY].any };
    return has_a_day(ret) ? NULL : "no month has the day that it names";
}

/* --- the calendar --- */

static int64_t floor_to(int64_t ms, int64_t unit)
{
    int64_t rest = ms % unit;

    return ms - rest - (rest < 0 ? unit : 0);
}

static bool day_matches(const struct cron *c, int64_t days, int day)
{
    int weekday = (int)(((days + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    bool by_day = c->days >> day & 1, by_weekday = c->weekdays >> weekday & 1;

    return c->any_day || c->any_weekday ? by_day && by_weekday : by_day || by_weekday;
}

/* How far to go back from a local time, to the last moment that may match: 0 = it does. */
static int64_t back_by(const struct cron *c, int64_t local_ms)
{
    int64_t days = floor_to(local_ms, DAY_MS) / DAY_MS, of_day = local_ms - days * DAY_MS;
    int64_t hour = of_day / HOUR_MS, minute = of_day % HOUR_MS / MINUTE_MS;
    uint64_t earlier; /* minutes of this hour */
    int year, month, day;

    time_date(days, &year, &month, &day);
    if (!(c->months >> month & 1))
        return of_day + (day - 1) * DAY_MS + MINUTE_MS;
    if (!day_matches(c, days, day))
        return of_day + MINUTE_MS;
    if (!(c->hours >> hour & 1))
        return of_day % HOUR_MS + MINUTE_MS;
    earlier = c->minutes & ((2ULL << minute) - 1);
    return earlier ? (minute - (63 - __builtin_clzll(earlier))) * MINUTE_MS :
                     of_day % HOUR_MS + MINUTE_MS;
}

/* Has the clock shown this local time before, in the hour that it was put back? */
static bool is_second_time(const struct zone_span *span, int64_t ms)
{
    return span->from_ms != INT64_MIN && ms < span->from_ms + (span->before_ms - span->offset_ms);
}

#define EVERY_HOUR 0xffffffu

/* Was a time named that the clock left out when it was put forward to begin this span? A freeze
 * must not fall away with it. */
static bool gap_matches(const struct cron *c, const struct zone_span *span)
{
    int64_t gap_ms = span->from_ms + span->before_ms; /* its first local time */
    int64_t local_ms = span->from_ms + span->offset_ms - 1, back_ms;

    if (span->from_ms == INT64_MIN || c->hours == EVERY_HOUR)
        return false;
    for (local_ms = floor_to(local_ms, MINUTE_MS); local_ms >= gap_ms; local_ms -= back_ms) {
        back_ms = back_by(c, local_ms);
        if (!back_ms)
            return true;
    }
    return false;
}

/* The last time at or before ms that a window began and has not ended by then. Steps over days and
 * hours by the clock, but never over a change of the offset. */
static bool last_start(const struct freeze_window *w, int64_t ms, int *steps, int64_t *ret_ms)
{
    int64_t t = floor_to(ms, MINUTE_MS);

    while (t + w->duration_ms > ms && (*steps)-- > 0) {
        struct zone_span span = zone_at(w->zone, t);
        int64_t back_ms = back_by(&w->cron, t + span.offset_ms);

        if (!back_ms && w->cron.hours != EVERY_HOUR && is_second_time(&span, t))
            back_ms = MINUTE_MS;
        if (!back_ms) {
            *ret_ms = t;
            return true;
        }
        if (span.from_ms != INT64_MIN && t - back_ms < span.from_ms) {
            if (gap_matches(&w->cron, &span) && span.from_ms + w->duration_ms > ms) {
                *ret_ms = span.from_ms;
                return true;
            }
            back_ms = t - floor_to(span.from_ms - 1, MINUTE_MS);
        }
        t -= back_ms;
    }
    return false;
}

struct freeze freeze_at(const struct freeze_window *windows, size_t n, int64_t now_ms)
{
    struct freeze f = { .until_ms = now_ms };
    int steps = STEPS;
    bool longer = true;

    while (longer) {
        longer = false;
        for (size_t i = 0; i < n; i++) {
            int64_t start_ms;

            if (!last_start(&windows[i], f.until_ms, &steps, &start_ms))
                continue;
            if (!f.frozen)
                f.window = i;
            f.frozen = longer = true;
            f.until_ms = start_ms + windows[i].duration_ms;
        }
        f.endless = steps <= 0 || f.until_ms > now_ms + SIGHT_MS;
        if (f.endless)
            break;
    }
    return f;
}
