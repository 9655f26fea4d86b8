#include "property/windows.h"

#include "base/clock.h"

struct window {
    const char *schedule, *zone;
    int duration_s;
    int period_s, phase_s; /* it begins so often, and so long after the full hour, by UTC */
};

/* The zones are off by half an hour and by whole ones. */
static const struct window WINDOWS[][2] = {
    [WINDOWS_OFTEN] = { { "*/10 * * * *", NULL, 180, 600, 0 } },
    [WINDOWS_ONCE] = { { "5 * * * *", "Asia/Kolkata", 900, 3600, 2100 } },
    [WINDOWS_TWO] = { { "*/15 * * * *", NULL, 120, 900, 0 },
                      { "2-59/15 * * * *", "Europe/Berlin", 240, 900, 120 } },
    [WINDOWS_EVER] = { { "* * * * *", "UTC", 60, 60, 0 } },
};

cJSON *windows_build(enum windows which)
{
    cJSON *list = cJSON_CreateArray();

    for (int i = 0; i < 2 && WINDOWS[which][i].schedule; i++) {
        const struct window *w = &WINDOWS[which][i];
        cJSON *item = cJSON_CreateObject();

        json_put_str(item, "schedule", w->schedule);
        json_put_int(item, "durationSeconds", w->duration_s);
        if (w->zone)
            json_put_str(item, "timeZone", w->zone);
        cJSON_AddItemToArray(list, item);
    }
    return list;
}

bool windows_hold(enum windows which, int64_t at_ms)
{
    for (int i = 0; i < 2 && WINDOWS[which][i].schedule; i++) {
        const struct window *w = &WINDOWS[which][i];

        if ((at_ms - w->phase_s * SECOND_MS) % (w->period_s * SECOND_MS) <
            w->duration_s * SECOND_MS)
            return true;
    }
    return false;
}
