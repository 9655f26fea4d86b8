/* Answers questions about zones and freeze windows, for zones.py to compare. A line is
 *
 *     at <TAB> zone <TAB> ms                               → its offset in seconds
 *     freeze <TAB> zone <TAB> ms <TAB> seconds <TAB> cron  → when it ends in ms, or "-" */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/zone.h"
#include "deploy/freeze.h"
#include "deploy/spec.h"
#include "reconcile/zones.h"

static const struct zone *zone_named(const char *name, struct arena *a)
{
    struct freeze_window w = { .time_zone = name };
    struct release_spec spec = { .windows = &w, .n_windows = 1 };
    const char *problem = zones_find(&spec, a);

    if (!problem)
        return w.zone;
    fprintf(stderr, "zones: %s\n", problem);
    exit(EXIT_FAILURE);
}

static void answer(char *fields[5], struct arena *a)
{
    const struct zone *zone = zone_named(fields[1], a);
    int64_t ms = strtoll(fields[2], NULL, 10);
    struct freeze_window w = { .zone = zone };
    const char *problem;
    struct freeze f;

    if (!strcmp(fields[0], "at")) {
        printf("%lld\n", (long long)(zone_at(zone, ms).offset_ms / SECOND_MS));
        return;
    }
    w.duration_ms = strtoll(fields[3], NULL, 10) * SECOND_MS;
    problem = cron_parse(fields[4], a, &w.cron);
    if (problem) {
        printf("%s\n", problem);
        return;
    }
    f = freeze_at(&w, 1, ms);
    if (f.frozen)
        printf("%" PRId64 "%s\n", f.until_ms, f.endless ? " endless" : "");
    else
        printf("-\n");
}

int main(void)
{
    char line[512];

    while (fgets(line, sizeof line, stdin)) {
        AUTO(arena) struct arena *a = arena_new(512);
        char *fields[5] = { line, line, line, line, line }, *field = line;

        line[strcspn(line, "\n")] = '\0';
        for (int i = 0; i < 5 && field; i++) {
            char *tab = strchr(field, '\t');

            fields[i] = field;
            if (tab)
                *tab = '\0';
            field = tab ? tab + 1 : NULL;
        }
        answer(fields, a);
    }
    zones_free();
    return EXIT_SUCCESS;
}
