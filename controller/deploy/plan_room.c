/* Is there room in status for the apps of a new spec, beside what is no longer listed and rolls
 * still? Else the work on the spec begins when there is: what rolls is never dropped, and what it
 * goes back to is never cut (R12). */
#include "deploy/planner.h"

bool plan_has_room(const struct planner *pl)
{
    const struct release_status *s = pl->s;
    size_t bytes = 0;

    if (s->observed_generation == pl->o->generation && s->start_ms) /* the work has begun */
        return true;
    for (size_t i = 0; i < s->n_apps; i++)
        if (app_is_moving(&s->apps[i]) && !plan_app_spec(pl, s->apps[i].name))
            bytes += status_mover_bytes(&s->apps[i]);
    return !bytes || bytes + spec_status_bytes(pl->o->spec) <= STATUS_APPS_BYTES;
}
