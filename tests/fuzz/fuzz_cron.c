/* Schedules of cron: any text is refused with words, or names a day that comes, and its window is
 * on when it begins: "SCHEDULE" or "SCHEDULE\nZONE'S FOOTER". */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/zone.h"
#include "deploy/freeze.h"
#include "deploy/spec.h"
#include "fuzz.h"

#define BEGIN_MS 1767225600000 /* 2026 */

static struct zone *zone_of(const char *footer)
{
    static const char head[] = "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                               "\0\0\0\0\0\0\0\0\0\0\0\0"
                               "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                               "\0\0\0\0\0\0\0\1\0\0\0\4\0\0\0\0\0\0UTC";
    struct err e = { 0 };
    char bytes[256];

    if (strlen(footer) > 100)
        return NULL;
    memcpy(bytes, head, sizeof head); /* its NUL ends the name */
    bytes[sizeof head] = '\n';
    memcpy(bytes + sizeof head + 1, footer, strlen(footer));
    bytes[sizeof head + 1 + strlen(footer)] = '\n';
    return zone_parse(bytes, sizeof head + strlen(footer) + 2, &e);
}

static void check(struct freeze_window *w, int64_t now_ms)
{
    struct freeze f = freeze_at(w, 1, now_ms);

    HOLDS(f.window == 0 && f.until_ms >= now_ms && f.frozen == (f.until_ms > now_ms));
    HOLDS(f.frozen || !f.endless);
    if (f.frozen && !f.endless)
        HOLDS(!freeze_at(w, 1, f.until_ms).frozen && freeze_at(w, 1, f.until_ms - 1).frozen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size), *footer = strchr(text, '\n');
    struct arena *a = arena_new(512);
    struct freeze_window w = { .duration_ms = 90 * 60 * SECOND_MS };
    const char *problem;
    struct zone *z;

    if (footer)
        *footer++ = '\0';
    z = zone_of(footer ? footer : "CET-1CEST,M3.5.0,M10.5.0/3");
    problem = cron_parse(text, a, &w.cron);
    HOLDS(!problem || *problem);
    w.zone = z;
    for (int i = 0; !problem && z && i < 40; i++)
        check(&w, BEGIN_MS + i * 823543 * SECOND_MS);
    zone_free(z);
    arena_free(a);
    free(text);
    return 0;
}
