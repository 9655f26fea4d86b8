/* R18: mode Plan. The decisions are those of mode Apply; what it would write is told instead. */
#include <string.h>

#include "deploy/planner.h"
#include "deploy/reason.h"

#define NOTE_BYTES 700 /* of an image: a message has room for two */

bool plan_knows_change(const struct planner *pl, const struct planned_list *was,
                       const struct image_list *running, bool *ret_changes)
{
    bool changes = false;

    if (!pl->o->spec->plan_only || !was->n || was->n != running->n)
        return false;
    for (size_t i = 0; i < was->n; i++) {
        const struct planned_image *item = &was->items[i];

        if (!same_text(item->container, running->items[i].container) ||
            !same_text(item->from, running->items[i].image))
            return false;
        changes |= !same_text(item->from, item->to);
    }
    *ret_changes = changes;
    return true;
}

/* to = NULL: the images stay as they are. */
static void plan_list(struct planner *pl, struct app_status *app, const struct image_list *running,
                      const char *to)
{
    app->planned.items = arena_array(pl->a, running->n, sizeof *app->planned.items);
    app->planned.n = 0;
    for (size_t i = 0; i < running->n; i++) {
        const char *from = running->items[i].image;
        bool fits = strlen(from) <= STATUS_IMAGE_BYTES;

        app->planned.items[app->planned.n++] = (struct planned_image){
            .container = running->items[i].container,
            .from = fits ? from : NULL,
            .to = to ? to : from,
        };
    }
}

bool plan_tell_unchanged(struct planner *pl, struct app_status *app,
                         const struct image_list *running)
{
    plan_list(pl, app, running, NULL);
    if (app_is_moving(app))
        return false;
    app_set(pl, app, APP_UNCHANGED, REASON_SameDigest, NULL);
    return true;
}

/* What the app would wait for. Once it is planned it has its turn as one that rolls. */
static const char *wait_note(struct planner *pl, const char *held)
{
    if (held)
        return arena_printf(pl->a, "; held: %s", held);
    if (pl->moving + pl->planned++ < pl->o->spec->max_concurrent)
        return "";
    return arena_printf(pl->a, "; after other apps (maxConcurrent %d)",
                        pl->o->spec->max_concurrent);
}

bool plan_tell_adopt(struct planner *pl, struct app_status *app, const struct image_list *running,
                     const char *held)
{
    plan_list(pl, app, running, NULL);
    if (app_is_moving(app))
        return false;
    app_set(pl, app, APP_PENDING, REASON_Planned,
            arena_printf(pl->a,
                         "would be followed: it has the image already, and is not complete%s",
                         wait_note(pl, held)));
    return true;
}

static const char *roll_note(struct planner *pl, const struct planned_list *list, const char *held)
{
    const struct planned_image *first = &list->items[0];
    const char *more = list->n > 1 ? arena_printf(pl->a, ", and %zu more", list->n - 1) : "";

    for (size_t i = 0; i < list->n && same_text(first->from, first->to); i++)
        first = &list->items[i];
    return arena_printf(pl->a, "would roll container %s from %.*s to %.*s%s%s", first->container,
                        NOTE_BYTES, first->from ? first->from : "an image too long to tell",
                        NOTE_BYTES, first->to, more, wait_note(pl, held));
}

bool plan_tell_roll(struct planner *pl, struct app_status *app, const struct image_list *running,
                    const char *held)
{
    plan_list(pl, app, running, plan_written_image(pl, app->target_image));
    if (app_is_moving(app))
        return false;
    app_set(pl, app, APP_PENDING, REASON_Planned, roll_note(pl, &app->planned, held));
    return true;
}

bool plan_is_planned(const struct app_status *app)
{
    return app->state == APP_PENDING && same_text(app->reason, REASON_Planned);
}

const char *plan_summary(const struct planner *pl)
{
    size_t roll = 0, stay = 0, other = 0, total = pl->o->spec->n_apps;
    const struct app_status *odd = NULL;

    for (size_t i = 0; i < pl->s->n_apps; i++) {
        const struct app_status *app = &pl->s->apps[i];

        if (app->unlisted)
            continue;
        if (plan_is_planned(app)) {
            roll++;
        } else if (app->state == APP_UNCHANGED) {
            stay++;
        } else {
            other++;
            odd = odd ? odd : app;
        }
    }
    if (!odd)
        return arena_printf(pl->a, "of %zu app%s %zu would roll, %zu would stay", total,
                            total == 1 ? "" : "s", roll, stay);
    return arena_printf(pl->a,
                        "of %zu app%s %zu would roll, %zu would stay, %zu would not go: %s: %s",
                        total, total == 1 ? "" : "s", roll, stay, other, odd->name,
                        odd->message ? odd->message : odd->reason);
}
