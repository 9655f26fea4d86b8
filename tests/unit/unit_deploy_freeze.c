/* Schedules of cron, and until when it is frozen. zones.py compares many more with Python. */
#include "deploy/freeze.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "deploy/spec.h"
#include "reconcile/zones.h"
#include "unit.h"

static const struct {
    const char *name, *text;
    const char *problem; /* NULL = it is good */
} SCHEDULES[] = {
    { "every minute", "* * * * *", NULL },
    { "spaces around and between", "  0   18 * * 5 ", NULL },
    { "names in any case", "0 0 * jan-Mar,DEC mon-fri", NULL },
    { "lists of ranges with steps", "0-30/10,45 */6 1-7 * *", NULL },
    { "7 is Sunday", "0 0 * * 5-7", NULL },
    { "from a value on", "5/15 * * * *", NULL },
    { "a leap day", "0 0 29 2 *", NULL },
    { "a day of no month, or any Monday", "0 0 31 2 1", NULL },
    { "four fields", "0 18 * *", "it has 4 fields, not 5: minute, hour, day of month, month" },
    { "one field", "5", "it has 1 field, not 5" },
    { "a macro", "@yearly", NULL },
    { "an unknown macro", "@weekley", "minute '@weekley' is not 0..59" },
    { "a macro in capitals", "@Daily", "minute '@Daily' is not 0..59" },
    { "a macro and more", "@daily 5", "minute '@daily' is not 0..59" },
    { "of Go's cron alone", "@every 1h", "minute '@every' is not 0..59" },
    { "six fields", "0 0 18 * * 5", "it has 6 fields, not 5" },
    { "nothing", "", "it has 0 fields, not 5" },
    { "minute 60", "60 * * * *", "minute '60' is not 0..59" },
    { "hour 24", "0 24 * * *", "hour '24' is not 0..23" },
    { "day 0", "0 0 0 * *", "day of month '0' is not 1..31" },
    { "day 32", "0 0 32 * *", "day of month '32' is not 1..31" },
    { "month 13", "0 0 1 13 *", "month '13' is not 1..12 or JAN..DEC" },
    { "month 0", "0 0 1 0 *", "month '0' is not 1..12 or JAN..DEC" },
    { "weekday 8", "0 0 * * 8", "day of week '8' is not 0..7 or SUN..SAT" },
    { "a month for a weekday", "0 0 * * JAN", "day of week 'JAN' is not 0..7 or SUN..SAT" },
    { "a name for a minute", "MON * * * *", "minute 'MON' is not 0..59" },
    { "a whole name", "0 0 * * MONDAY", "day of week 'MONDAY' is not" },
    { "a sign", "+1 * * * *", "minute '+1' is not 0..59" },
    { "a huge number", "4294967296 * * * *", "minute '4294967296' is not 0..59" },
    { "the last of a list", "0,61 * * * *", "minute '61' is not 0..59" },
    { "the end of a range", "0-61 * * * *", "minute '61' is not 0..59" },
    { "backwards", "30-10 * * * *", "minute '30-10' ends before it begins" },
    { "over the new week", "0 0 * * SAT-MON", "day of week 'SAT-MON' ends before it begins" },
    { "step 0", "*/0 * * * *", "minute: step '0' is not a number from 1 on" },
    { "no step", "*/ * * * *", "minute: step '' is not a number from 1 on" },
    { "two steps", "*/5/5 * * * *", "minute: step '5/5' is not a number from 1 on" },
    { "an empty item", "0,,5 * * * *", "minute '' is not 0..59" },
    { "a range with no end", "5- * * * *", "minute '' is not 0..59" },
    { "a star in a range", "*-5 * * * *", "minute '*' is not 0..59" },
    { "a day that no month has", "0 0 30 2 *", "no month has the day that it names" },
    { "nor these", "0 0 31 4,JUN,9,NOV *", "no month has the day that it names" },
};

static void a_schedule_is_good_or_says_why(void)
{
    for (size_t i = 0; i < sizeof SCHEDULES / sizeof SCHEDULES[0]; i++) {
        AUTO(arena) struct arena *a = arena_new(512);
        struct cron c;
        const char *problem = cron_parse(SCHEDULES[i].text, a, &c), *want = SCHEDULES[i].problem;

        CASE(SCHEDULES[i].name, want ? problem && strstr(problem, want) == problem : !problem);
        if (want && problem && strstr(problem, want) != problem)
            printf("%s: %s\n", SCHEDULES[i].name, problem);
    }
}

#define UTC "UTC"
static const struct {
    const char *name, *schedule, *zone;
    int64_t seconds;
    const char *at, *until; /* NULL = it is not frozen */
} WINDOWS[] = {
    { "its first instant", "0 18 * * 5", UTC, 3600, "2026-11-27T18:00:00Z",
      "2026-11-27T19:00:00Z" },
    { "the millisecond before", "0 18 * * 5", UTC, 3600, "2026-11-27T17:59:59.999Z", NULL },
    { "its last millisecond", "0 18 * * 5", UTC, 3600, "2026-11-27T18:59:59.999Z",
      "2026-11-27T19:00:00Z" },
    { "its end", "0 18 * * 5", UTC, 3600, "2026-11-27T19:00:00Z", NULL },
    { "the weekend of the documentation", "0 18 * * 5", "Europe/Berlin", 223200,
      "2026-11-29T12:00:00Z", "2026-11-30T07:00:00Z" },
    { "on Monday it is over", "0 18 * * 5", "Europe/Berlin", 223200, "2026-11-30T07:00:00Z", NULL },
    { "a year long, on its last day", "0 0 1 1 *", UTC, 31536000 - 60, "2026-12-31T23:58:00Z",
      "2026-12-31T23:59:00Z" },
    { "begun eleven months ago", "0 0 29 2 *", UTC, 31536000, "2025-02-27T00:00:00Z",
      "2025-02-28T00:00:00Z" },
    { "and this year is no leap year", "0 0 29 2 *", UTC, 86400, "2026-03-01T00:00:00Z", NULL },
    { "by day or by weekday: the 1st", "0 0 1 * MON", UTC, 60, "2026-10-01T00:00:30Z",
      "2026-10-01T00:01:00Z" },
    { "by day or by weekday: a Monday", "0 0 1 * MON", UTC, 60, "2026-10-05T00:00:30Z",
      "2026-10-05T00:01:00Z" },
    { "neither", "0 0 1 * MON", UTC, 60, "2026-10-06T00:00:30Z", NULL },
    { "every day is not one of both", "0 0 * * MON", UTC, 60, "2026-10-06T00:00:30Z", NULL },
    { "every second day is", "0 0 */2 * MON", UTC, 60, "2026-10-07T00:00:30Z",
      "2026-10-07T00:01:00Z" },
    { "Berlin puts its clock forward: 02:30 is left out, and begins then", "30 2 * * *",
      "Europe/Berlin", 3600, "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z" },
    { "not a moment earlier", "30 2 * * *", "Europe/Berlin", 3600, "2026-03-29T00:59:59.999Z",
      NULL },
    { "03:00 is not left out", "0 3 * * *", "Europe/Berlin", 60, "2026-03-29T01:00:59Z",
      "2026-03-29T01:01:00Z" },
    { "nor is 01:59, which came before", "59 1 * * *", "Europe/Berlin", 60, "2026-03-29T01:00:00Z",
      NULL },
    { "every hour leaves nothing out", "30 * * * *", "Europe/Berlin", 60, "2026-03-29T01:00:30Z",
      NULL },
    { "02:30 the day before", "30 2 * * *", "Europe/Berlin", 3600, "2026-03-28T01:40:00Z",
      "2026-03-28T02:30:00Z" },
    { "a window over the change has its whole length", "30 1 * * *", "Europe/Berlin", 7200,
      "2026-03-29T01:10:00Z", "2026-03-29T02:30:00Z" },
    { "it puts it back: the first 02:30 counts", "30 2 * * *", "Europe/Berlin", 1800,
      "2026-10-25T00:40:00Z", "2026-10-25T01:00:00Z" },
    { "not the second", "30 2 * * *", "Europe/Berlin", 1800, "2026-10-25T01:40:00Z", NULL },
    { "every hour means this hour too", "30 * * * *", "Europe/Berlin", 1200, "2026-10-25T01:40:00Z",
      "2026-10-25T01:50:00Z" },
    { "Cairo has no midnight that day: the day is frozen all the same", "0 0 24 4 *",
      "Africa/Cairo", 86400, "2026-04-23T22:10:00Z", "2026-04-24T22:00:00Z" },
    { "half an hour east", "0 12 * * *", "Asia/Kolkata", 60, "2026-11-27T06:30:00Z",
      "2026-11-27T06:31:00Z" },
    { "twice a day, without a gap", "0 0,12 1-2 12 *", UTC, 43200, "2026-12-01T01:00:00Z",
      "2026-12-03T00:00:00Z" },
    { "@hourly", "@hourly", UTC, 60, "2026-11-27T05:00:30Z", "2026-11-27T05:01:00Z" },
    { "@daily", "@daily", UTC, 60, "2026-11-27T00:00:30Z", "2026-11-27T00:01:00Z" },
    { "@daily at one", "@daily", UTC, 60, "2026-11-27T01:00:30Z", NULL },
    { "@midnight", "@midnight", UTC, 60, "2026-11-27T00:00:30Z", "2026-11-27T00:01:00Z" },
    { "@weekly is Sunday", "@weekly", UTC, 60, "2026-11-29T00:00:30Z", "2026-11-29T00:01:00Z" },
    { "@weekly is not Monday", "@weekly", UTC, 60, "2026-11-30T00:00:30Z", NULL },
    { "@monthly", "@monthly", UTC, 60, "2026-12-01T00:00:30Z", "2026-12-01T00:01:00Z" },
    { "@monthly is not the 2nd", "@monthly", UTC, 60, "2026-12-02T00:00:30Z", NULL },
    { "@yearly", "@yearly", UTC, 60, "2027-01-01T00:00:30Z", "2027-01-01T00:01:00Z" },
    { "@yearly is not February", "@yearly", UTC, 60, "2027-02-01T00:00:30Z", NULL },
    { "@annually", "@annually", UTC, 60, "2027-01-01T00:00:30Z", "2027-01-01T00:01:00Z" },
    { "each minute of the night", "* 0-5 * * *", UTC, 61, "2026-12-01T00:00:00Z",
      "2026-12-01T06:00:01Z" },
};

static struct freeze look(const char *schedule, const char *zone, int64_t seconds, int64_t ms,
                          struct arena *a)
{
    struct freeze_window w = { .time_zone = zone, .duration_ms = seconds * SECOND_MS };
    struct release_spec spec = { .windows = &w, .n_windows = 1 };

    CASE(schedule, !cron_parse(schedule, a, &w.cron) && !zones_find(&spec, a));
    return freeze_at(&w, 1, ms);
}

static void a_window_is_on_from_its_start_to_its_end(void)
{
    for (size_t i = 0; i < sizeof WINDOWS / sizeof WINDOWS[0]; i++) {
        AUTO(arena) struct arena *a = arena_new(512);
        int64_t at_ms, until_ms = 0;
        struct freeze f;

        CASE(WINDOWS[i].name, !time_parse(WINDOWS[i].at, &at_ms) &&
                                  (!WINDOWS[i].until || !time_parse(WINDOWS[i].until, &until_ms)));
        f = look(WINDOWS[i].schedule, WINDOWS[i].zone, WINDOWS[i].seconds, at_ms, a);
        CASE(WINDOWS[i].name, f.frozen == (WINDOWS[i].until != NULL) && !f.endless);
        CASE(WINDOWS[i].name, !f.frozen || f.until_ms == until_ms);
    }
    zones_free();
}

static void what_has_no_end_is_said_to_have_none(void)
{
    AUTO(arena) struct arena *a = arena_new(512);
    int64_t at_ms;
    struct freeze f;

    time_parse("2026-12-01T00:30:00Z", &at_ms);
    f = look("0 0 * * *", UTC, 90000, at_ms, a);
    CASE("a day and an hour, each day", f.frozen && f.endless && f.until_ms > at_ms);
    f = look("* * * * *", UTC, 60, at_ms, a);
    CASE("a minute, each minute", f.frozen && f.endless && f.until_ms > at_ms);
    f = look("0 0 1 * *", UTC, 31536000, at_ms, a);
    CASE("a year, each month", f.frozen && f.endless);
    zones_free();
}

UNIT_MAIN(UNIT_TEST(a_schedule_is_good_or_says_why),
          UNIT_TEST(a_window_is_on_from_its_start_to_its_end),
          UNIT_TEST(what_has_no_end_is_said_to_have_none))
