/* The containers of an app's pods, and which of them shows what is wrong with an image. */
#include <stdio.h>
#include <string.h>

#include "property/model.h"

static const struct container_kind KINDS_OF[CONTAINERS] = {
    [C_APP] = { .readiness = true },   /* named like the app */
    [C_MESH] = { .name = "mesh" },     /* nobody's */
    [C_WORKER] = { .name = "worker" }, /* these run the app's image too */
    [C_MIGRATE] = { .name = "migrate", .init = true },
    [C_PROXY] = { .name = "proxy", .init = true, .sidecar = true, .readiness = true },
};

/* As the API server lists them: what runs first comes first. */
static const enum container ORDER[CONTAINERS] = { C_MIGRATE, C_PROXY, C_APP, C_WORKER, C_MESH };

enum container container_at(int place)
{
    return ORDER[place];
}

const struct container_kind *container_kind(enum container which)
{
    return &KINDS_OF[which];
}

const char *container_name(char buf[NAME_BYTES], int app, enum container which)
{
    if (KINDS_OF[which].name)
        snprintf(buf, NAME_BYTES, "%s", KINDS_OF[which].name);
    else
        snprintf(buf, NAME_BYTES, "app%d", app);
    return buf;
}

/* Of the template's containers, mesh aside; C_MESH = there is none of that name. */
enum container container_named(const struct tmpl *t, int app, const char *name)
{
    char buf[NAME_BYTES];

    for (int i = 0; i < CONTAINERS; i++)
        if (i != C_MESH && t->images[i] &&
            !strcmp(name, container_name(buf, app, (enum container)i)))
            return (enum container)i;
    return C_MESH;
}

/* An init container can only end badly, or not start. */
static bool can_show(enum container which, enum fate fate)
{
    if (fate == FATE_GOOD || !container_kind(which)->init || container_kind(which)->sidecar)
        return fate != FATE_GOOD;
    return fate == FATE_CRASH || fate == FATE_CRASH_ONCE || fate == FATE_GONE ||
           fate == FATE_DENIED || fate == FATE_TROUBLE || fate == FATE_CONFIG;
}

enum container container_culprit(const enum fate fates[CONTAINERS])
{
    for (int i = 0; i < CONTAINERS; i++)
        if (can_show(ORDER[i], fates[ORDER[i]]))
            return ORDER[i];
    return C_APP;
}
