/* The watches of a controller: they lag, stand still, and those of pods begin late. */
#include "property/watch.h"

#include <string.h>

enum { WHAT_WATCH = 40 };

void watch_copy(struct model *m, struct controller *c, enum kind kind)
{
    switch (kind) {
    case KIND_RELEASES:
        memcpy(c->seen.releases, m->truth.releases, sizeof c->seen.releases);
        break;
    case KIND_DEPS:
        memcpy(c->seen.deps, m->truth.deps, sizeof c->seen.deps);
        break;
    case KIND_SETS:
        memcpy(c->seen.sets, m->truth.sets, sizeof c->seen.sets);
        break;
    case KIND_PODS:
    case KINDS:
        memcpy(c->seen.pods, m->truth.pods, sizeof c->seen.pods);
        break;
    }
}

void control_stale(struct model *m, enum kind kind)
{
    for (int i = 0; i < 2; i++) {
        struct controller *c = &m->controllers[i];
        int64_t at_ms;

        if (!c->alive || c->stale[kind] || (kind >= KIND_SETS && c->pods != 2))
            continue;
        c->stale[kind] = true;
        at_ms = m->now_ms + model_chance(m, WHAT_WATCH, ++m->draws, 5, m->script->lag_ms);
        model_at(m, at_ms, T_REFRESH, i, (int)kind, 0, NULL);
    }
}

void control_refresh(struct model *m, int which, enum kind kind)
{
    struct controller *c = &m->controllers[which];

    if (!c->alive || !c->stale[kind])
        return;
    if (c->frozen_ms[kind] > m->now_ms) {
        model_at(m, c->frozen_ms[kind], T_REFRESH, which, (int)kind, 0, NULL);
        return;
    }
    c->stale[kind] = false;
    watch_copy(m, c, kind);
    control_add_keys(m, which);
}

void control_freeze(struct model *m, enum kind kind, int64_t until_ms)
{
    m->controllers[m->leader].frozen_ms[kind] = until_ms;
}

void watch_pods(struct model *m, int which)
{
    struct controller *c = &m->controllers[which];

    if (c->pods)
        return;
    c->pods = 1;
    model_at(m, m->now_ms + model_chance(m, WHAT_WATCH, ++m->draws, 20, 1500), T_PODS_SYNCED, which,
             c->epoch, 0, NULL);
}

void control_pods_synced(struct model *m, int which, int epoch)
{
    struct controller *c = &m->controllers[which];

    if (!c->alive || c->epoch != epoch)
        return;
    c->pods = 2;
    watch_copy(m, c, KIND_SETS);
    watch_copy(m, c, KIND_PODS);
    control_add_keys(m, which);
}
