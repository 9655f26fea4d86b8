/* The end of a plan: what of it is written, and when; quiet where nothing changed. */
#include "base/clock.h"
#include "deploy/planner.h"

#define GATHER_MS SECOND_MS /* R20: small changes are gathered for a second */

/* Has work just begun that does nothing but ask? A registry that answers at once then costs one
 * status patch less: what is written is what its answers led to. */
static bool answers_may_come(const struct planner *pl)
{
    const struct plan *p = pl->p;
    bool writes = p->n_actions && p->actions[p->n_actions - 1].kind > ACT_PATCH_STATUS;

    return pl->began && !writes && plan_images_state(pl) == RESOLVE_BUSY && !pl->waiting_image &&
           !pl->waiting_retry && pl->o->now_ms < pl->s->start_ms + pl->o->patience_ms;
}

static void write_status(struct planner *pl)
{
    const struct observed *o = pl->o;
    int64_t gathered_ms = o->last_write_ms + GATHER_MS;

    status_shorten(pl->s, pl->a);
    if (status_equal(o->status, pl->s))
        return;
    if (answers_may_come(pl)) {
        pl->p->begun_unwritten = true;
        plan_again_at(pl, pl->s->start_ms + o->patience_ms);
        return;
    }
    if (!status_is_urgent(o->status, pl->s) && o->now_ms < gathered_ms)
        plan_again_at(pl, gathered_ms);
    else
        plan_act(pl, ACT_PATCH_STATUS);
}

/* A plan has no entry in the history: it is finished when Ready tells of it, which may have been
 * True before this work began. */
static int64_t finished_ms(const struct planner *pl)
{
    int64_t ready_ms = status_condition(pl->s, "Ready")->transition_ms;

    if (pl->o->spec->plan_only)
        return ready_ms > pl->s->start_ms ? ready_ms : pl->s->start_ms;
    return pl->s->n_history ? pl->s->history[0].finish_ms : 0;
}

static void clean_up(struct planner *pl)
{
    int64_t due_ms = finished_ms(pl);

    if (!pl->p->settled || pl->o->spec->ttl_ms < 0 || !due_ms)
        return;
    due_ms += pl->o->spec->ttl_ms;
    if (pl->o->now_ms >= due_ms)
        plan_act(pl, ACT_DELETE_RELEASE);
    else
        plan_again_at(pl, due_ms);
}

/* What is no longer listed and has settled was told, and is forgotten (R12). */
static void drop_unlisted(struct release_status *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n_apps; i++)
        if (!s->apps[i].unlisted || app_is_moving(&s->apps[i]))
            s->apps[n++] = s->apps[i];
    s->n_apps = n;
}

void plan_conclude(struct planner *pl)
{
    bool waits;

    if (pl->o->suspended) {
        pl->p->settled = true;
        write_status(pl);
        return;
    }
    if (pl->o->spec_problem || pl->postponed) {
        if (pl->postponed)
            plan_conditions_postponed(pl);
        else
            plan_conditions_invalid(pl);
        pl->p->settled = !pl->moving && !pl->postponed;
        plan_events(pl);
        write_status(pl);
        return;
    }
    waits = plan_conditions(pl);
    pl->p->settled = !status_condition(pl->s, "Reconciling") && !pl->moving && !waits;
    if (pl->p->settled && !pl->o->spec->plan_only)
        plan_history(pl);
    plan_events(pl);
    drop_unlisted(pl->s);
    write_status(pl);
    clean_up(pl);
}
