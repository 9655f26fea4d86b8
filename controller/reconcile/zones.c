#include "reconcile/zones.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/map.h"
#include "base/zone.h"
#include "deploy/spec.h"

#define FOLDER "/usr/share/zoneinfo"
#define FILE_BYTES 65536
#define PATH_BYTES 128 /* a name has at most 64, and no dots */

static struct map *known; /* name → struct zone */

static struct zone *read_zone(const char *name, struct err *e)
{
    char path[PATH_BYTES];
    struct zone *z;
    char *bytes;
    size_t n;

    snprintf(path, sizeof path, "%s/%s", FOLDER, name);
    bytes = file_read_bytes(path, FILE_BYTES, &n, e);
    if (!bytes)
        return NULL;
    z = zone_parse(bytes, n, e);
    free(bytes);
    return z;
}

static const struct zone *find(const char *name, struct err *e)
{
    struct zone *z;

    if (!known)
        known = map_new();
    z = map_get(known, name);
    if (!z && (z = read_zone(name, e)))
        map_put(known, name, z);
    return z;
}

/* "UTC" is the default: without a database nobody may have written the name that is not found. */
static bool has_database(void)
{
    struct err e = { 0 };

    return find("UTC", &e) != NULL;
}

const char *zones_find(struct release_spec *spec, struct arena *a)
{
    for (size_t i = 0; i < spec->n_windows; i++) {
        struct freeze_window *w = &spec->windows[i];
        struct err e = { 0 };

        w->zone = find(w->time_zone, &e);
        if (!w->zone && e.kind == ERR_NOT_FOUND)
            return arena_printf(a,
                                "spec.freezeWindows[%zu].timeZone: '%s' is not in the time zone "
                                "database of the controller's system%s",
                                i, w->time_zone,
                                has_database() ? "" : ", which has none: install tzdata there");
        if (!w->zone)
            return arena_printf(a, "spec.freezeWindows[%zu].timeZone: '%s' is not a time zone: %s",
                                i, w->time_zone, e.text);
    }
    return NULL;
}

static void free_zone(void *z)
{
    zone_free(z);
}

void zones_free(void)
{
    map_free(known, free_zone);
    known = NULL;
}
