#include "inputs.h"

#include <string.h>

#include "apps.h"
#include "base/arena.h"
#include "glob.h"
#include "project.h"
#include "tree.h"

#define APPS_DIR "apps/"

static bool is_below(const char *dir, const char *path)
{
    size_t len = strlen(dir);

    return strncmp(path, dir, len) == 0 && path[len] == '/';
}

static const struct app *owner_of(const struct apps *apps, const char *path)
{
    const struct app *owner = NULL;

    for (size_t i = 0; i < apps->n_all; i++)
        if (is_below(apps->list[i].dir, path) &&
            (!owner || strlen(apps->list[i].dir) > strlen(owner->dir)))
            owner = &apps->list[i];
    return owner;
}

/* Outside the folders of apps. */
static bool is_shared_outside(const struct project *p, const char *path)
{
    if (glob_any(p->shared, path))
        return true;
    if (glob_any(p->ignore, path))
        return false;
    if (!strncmp(path, APPS_DIR, strlen(APPS_DIR)))
        return false;
    return glob_any(PROJECT_SHARED, path) || !glob_any(PROJECT_IGNORE, path);
}

struct place inputs_place(const struct project *p, const struct apps *apps, const char *path)
{
    const struct app *owner = owner_of(apps, path);

    return (struct place){ path, owner, !owner && is_shared_outside(p, path) };
}

static bool is_added(const struct app *app, const char *path)
{
    if (!app->said)
        return false;
    return (app->said->dockerfile && !strcmp(app->said->dockerfile, path)) ||
           glob_any(app->said->inputs, path);
}

bool inputs_has(const struct apps *apps, const struct app *app, const struct place *place)
{
    return place->is_shared || (place->owner && app->needs[place->owner - apps->list]) ||
           is_added(app, place->path);
}

static void add_path(struct arena *a, struct app_changes *to, const char *path)
{
    if (!to->paths)
        to->paths = arena_array(a, INPUTS_PATHS_MAX + 1, sizeof *to->paths);
    if (to->n < INPUTS_PATHS_MAX)
        to->paths[to->n] = path;
    to->n++;
}

struct app_changes *inputs_changed(struct arena *a, const struct project *p,
                                   const struct apps *apps, const struct changes *changes)
{
    struct app_changes *list = arena_array(a, apps->n + 1, sizeof *list);

    for (size_t i = 0; i < changes->n; i++) {
        struct place place = inputs_place(p, apps, changes->paths[i]);

        for (size_t j = 0; j < apps->n; j++)
            if (inputs_has(apps, &apps->list[j], &place))
                add_path(a, &list[j], place.path);
    }
    return list;
}
