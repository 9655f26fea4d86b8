/* The history: an entry for each time the work was settled, as many as there is room for. */
#include <string.h>

#include "deploy/planner.h"

#define CHANGED_NAMES 16

static bool was_changed(const struct planner *pl, const struct app_status *app)
{
    return app->attempt && app->attempt->start_ms >= pl->s->start_ms;
}

static struct history_entry make_entry(struct planner *pl)
{
    const struct condition *ready = status_condition(pl->s, "Ready");
    struct history_entry h = { .commit = pl->s->commit,
                               .result =
                                   strcmp(ready->status, "True") ? ready->reason : "Succeeded",
                               .actor = pl->o->spec->actor,
                               .start_ms = pl->s->start_ms,
                               .finish_ms = pl->o->now_ms };

    h.changed = arena_array(pl->a, CHANGED_NAMES, sizeof *h.changed);
    h.held = arena_array(pl->a, pl->o->spec->n_apps, sizeof *h.held);
    for (size_t i = 0; i < pl->s->n_apps; i++)
        if (was_changed(pl, &pl->s->apps[i])) {
            h.changed_count++;
            if (h.n_changed < CHANGED_NAMES)
                h.changed[h.n_changed++] = pl->s->apps[i].name;
        }
    for (size_t i = 0; i < pl->o->spec->n_apps; i++)
        if (!same_text(pl->o->spec->apps[i].commit, pl->s->commit))
            h.held[h.n_held++] =
                (struct held_app){ pl->o->spec->apps[i].name, pl->o->spec->apps[i].commit };
    return h;
}

/* The bytes of the newest Succeeded from the entry at on; 0 = none. */
static size_t good_bytes(const struct history_entry *h, size_t at, size_t n)
{
    for (; at < n; at++)
        if (same_text(h[at].result, "Succeeded"))
            return status_history_bytes(&h[at], 1);
    return 0;
}

/* Newest first, at most historyLimit and 32 KiB; the last Succeeded is never dropped, so its room
 * is kept free: it and the newest entry fit, however long the CRD lets them be. */
void plan_history(struct planner *pl)
{
    struct release_status *s = pl->s;
    struct history_entry now = make_entry(pl), *old = s->history;
    size_t limit = (size_t)pl->o->spec->history_limit, n_old = s->n_history;
    bool again = n_old && old[0].start_ms == now.start_ms;
    bool has_good = same_text(now.result, "Succeeded");
    size_t kept = has_good ? 0 : good_bytes(old, again, n_old);
    size_t bytes = kept + status_history_bytes(&now, 1);

    if (again && same_text(old[0].result, now.result))
        return;
    s->history = arena_array(pl->a, n_old + 1, sizeof *s->history);
    s->n_history = 0;
    s->history[s->n_history++] = now;
    for (size_t i = again; i < n_old; i++) {
        bool good = same_text(old[i].result, "Succeeded"), last_good = good && !has_good;
        size_t room = limit - (has_good || limit == 1 ? 0 : 1);

        bytes += last_good ? 0 : status_history_bytes(&old[i], 1);
        if ((s->n_history < room && bytes <= STATUS_HISTORY_BYTES) || last_good)
            s->history[s->n_history++] = old[i];
        has_good |= good;
    }
}
