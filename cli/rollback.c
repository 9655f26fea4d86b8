#include "rollback.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

/* The commit that an app had in a release. */
static const char *commit_in(const struct history_entry *h, const char *app)
{
    for (size_t i = 0; i < h->n_held; i++)
        if (!strcmp(h->held[i].name, app))
            return h->held[i].commit;
    return h->commit;
}

/* Was its image changed in the release? The list of names may be cut. */
static bool changed_in(const struct history_entry *h, const char *app)
{
    for (size_t i = 0; i < h->n_changed; i++)
        if (!strcmp(h->changed[i], app))
            return true;
    return h->changed_count > (int)h->n_changed;
}

/* Another image than runs by now: another commit, and a later release has changed it. */
static bool differs(const struct seen *seen, size_t entry, const char *app)
{
    const struct app_status *now = status_app(&seen->status, app);
    const char *then = commit_in(&seen->status.history[entry], app);

    if (!now || !now->commit || !then || !strcmp(now->commit, then))
        return false;
    for (size_t i = 0; i < entry; i++)
        if (changed_in(&seen->status.history[i], app))
            return true;
    return false;
}

static const struct history_entry *find_other(const struct seen *seen, const char *const *apps)
{
    for (size_t i = 0; i < seen->status.n_history; i++) {
        const struct history_entry *h = &seen->status.history[i];

        if (!h->result || strcmp(h->result, "Succeeded") != 0)
            continue;
        for (const char *const *app = apps; *app; app++)
            if (differs(seen, i, *app))
                return h;
    }
    return NULL;
}

static const struct history_entry *find_commit(const struct seen *seen, const char *commit)
{
    for (size_t i = 0; i < seen->status.n_history; i++)
        if (commit_matches(seen->status.history[i].commit, commit))
            return &seen->status.history[i];
    return NULL;
}

int rollback_find(const struct seen *seen, const char *const *apps, const char *to, struct arena *a,
                  struct wanted *ret, struct err *e)
{
    const struct history_entry *h;
    struct wanted_app *wanted;
    size_t n = 0;

    if (to && !commit_is_valid(to))
        return err_set(e, ERR_INVALID, 0, "--to '%s': " COMMIT_RULE, to);
    if (!apps)
        apps = release_listed(seen->tree, a);
    for (const char *const *app = apps; *app; app++)
        if (!release_asked(seen->tree, *app))
            return err_set(e, ERR_INVALID, 0,
                           "app '%s' is not in the AppRelease; it lists those "
                           "of shopflow status",
                           *app);
    h = to ? find_commit(seen, to) : find_other(seen, apps);
    if (!h && !to)
        return err_set(e, ERR_NOT_FOUND, 0,
                       "the history has no good release with other images to go back to: see "
                       "shopflow history, or name a commit with --to");
    while (apps[n])
        n++;
    wanted = arena_array(a, n + 1, sizeof *wanted);
    for (size_t i = 0; i < n; i++)
        wanted[i] =
            (struct wanted_app){ .name = arena_strdup(a, apps[i]),
                                 .commit = arena_strdup(a, h ? commit_in(h, apps[i]) : to) };
    *ret = (struct wanted){ .commit = arena_strdup(a, h ? h->commit : to),
                            .apps = wanted,
                            .n_apps = n,
                            .listed_only = true };
    return 0;
}
