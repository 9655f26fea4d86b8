/* controller/deploy/freeze.h — Freeze windows: when a schedule of cron begins, and until when it is
 * frozen. Pure: the zone is data.
 *
 * A window begins at each minute whose local time the schedule names, as for a CronJob. Where the
 * clock is put forward a time that is left out begins one when it is; where it is put back the
 * first of two equal times does, and the second too if every hour is named. */
#ifndef DEPLOY_FREEZE_H
#define DEPLOY_FREEZE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct freeze_window;

/* A bit for each value that a field names. */
struct cron {
    uint64_t minutes;
    uint32_t hours, days, months, weekdays;
    bool any_day, any_weekday; /* "*": only if neither is may one of both be enough */
};

/* Five fields: *, a-b, lists, steps, JAN..DEC, SUN..SAT, 7 for Sunday. NULL, or what is wrong. */
const char *cron_parse(const char *text, struct arena *a, struct cron *ret);
bool cron_is_macro(const char *text); /* "@weekly": five fields by a name */

struct freeze {
    bool frozen;
    size_t window;    /* the first that is on */
    int64_t until_ms; /* no window that is on, or follows without a gap, lasts longer */
    bool endless;     /* there is no end in sight: until_ms is as far as was looked */
};
struct freeze freeze_at(const struct freeze_window *windows, size_t n, int64_t now_ms);

#endif
