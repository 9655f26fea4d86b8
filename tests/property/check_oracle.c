/* What the Deployments and the attempts were, as the properties remember it. */
#include <string.h>

#include "property/check.h"

struct oracle *check_oracle(struct model *m, int dep)
{
    struct oracle *o = &m->checks.deps[dep];

    if (o->uid != m->truth.deps[dep].uid) /* another one, of somebody else's making */
        *o = (struct oracle){ .uid = m->truth.deps[dep].uid, .touched_ms = o->uid ? m->now_ms : 0 };
    return o;
}

void check_note_complete(struct model *m, int dep, const struct dep *d)
{
    struct oracle *o = check_oracle(m, dep);

    if (!dep_is_complete(d)) {
        o->incomplete_ms = m->now_ms;
        return;
    }
    o->complete = d->tmpl;
    o->complete_ms = m->now_ms;
}

void check_truth(struct model *m, int dep)
{
    check_note_complete(m, dep, &m->truth.deps[dep]);
}

void check_touched(struct model *m, int dep)
{
    struct oracle *o = check_oracle(m, dep);

    check_note_complete(m, dep, &m->truth.deps[dep]);
    o->touched = true;
    o->touched_ms = m->now_ms;
    for (int r = 0; r < RELEASES; r++)
        if (m->checks.latches[r][dep % APPS].by_annotation)
            m->checks.latches[r][dep % APPS].digest = NULL;
}

/* Where an app's entry was dropped, its Deployment tells how far was counted: a number may come
 * again on another Deployment. */
struct seen_id *check_find_id(struct model *m, const char *id, const char *dep_uid)
{
    for (size_t i = m->checks.n_ids; i-- > 0;)
        if (!strcmp(m->checks.ids[i].id, id) && check_same(m->checks.ids[i].dep_uid, dep_uid))
            return &m->checks.ids[i];
    return NULL;
}
