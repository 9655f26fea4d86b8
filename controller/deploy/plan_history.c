/* The history: an entry for each time the work was settled, as many as there is room for. */
#include <string.h>

#include "deploy/planner.h"

#define CHANGED_NAMES 16
#define HISTORY_BYTES 32768

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

/* About how long an entry is as JSON. */
static size_t entry_bytes(const struct history_entry *h)
{
    size_t n = 160 + strlen(h->commit) + (h->result ? strlen(h->result) : 0) +
               (h->actor ? strlen(h->actor) : 0);

    for (size_t i = 0; i < h->n_changed; i++)
        n += strlen(h->changed[i]) + 3;
    for (size_t i = 0; i < h->n_held; i++)
        n += strlen(h->held[i].name) + (h->held[i].commit ? strlen(h->held[i].commit) : 0) + 24;
    return n;
}

/* Newest first, at most historyLimit and 32 KiB; the last Succeeded is never dropped. */
void plan_history(struct planner *pl)
{
    struct release_status *s = pl->s;
    struct history_entry now = make_entry(pl), *old = s->history;
    size_t limit = (size_t)pl->o->spec->history_limit, n_old = s->n_history;
    size_t bytes = entry_bytes(&now);
    bool again = n_old && old[0].start_ms == now.start_ms, has_good;

    if (again && same_text(old[0].result, now.result))
        return;
    s->history = arena_array(pl->a, n_old + 1, sizeof *s->history);
    s->n_history = 0;
    s->history[s->n_history++] = now;
    has_good = same_text(now.result, "Succeeded");
    for (size_t i = again; i < n_old; i++) {
        bool good = same_text(old[i].result, "Succeeded");
        size_t room = limit - (has_good || limit == 1 ? 0 : 1);

        bytes += entry_bytes(&old[i]);
        if ((s->n_history < room && bytes <= HISTORY_BYTES) || (good && !has_good))
            s->history[s->n_history++] = old[i];
        has_good |= good;
    }
}
