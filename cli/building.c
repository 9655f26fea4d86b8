#include "building.h"

#include "apps.h"
#include "base/arena.h"
#include "build_images.h"
#include "build_plan.h"
#include "cli.h"
#include "images.h"
#include "options.h"
#include "survey.h"

/* Without a push any name is good enough. */
static int find_registry(struct cli *c, const struct survey *s, struct registry_setting *ret,
                         struct err *e)
{
    struct err ignored;

    if (!c->options->no_push)
        return settings_registry(c, &s->settings, ret, e);
    if (settings_registry(c, &s->settings, ret, &ignored))
        *ret = (struct registry_setting){ .base = "localhost/shopflow", .from = "--no-push" };
    return 0;
}

/* What a pull request brings is not reviewed yet, and must not stand under a name that is trusted.
 */
int building_check(const struct cli *c, const struct survey *s, struct err *e)
{
    if (!s->ci.target || c->options->no_push || c->options->dry_run)
        return 0;
    return err_set(e, ERR_INVALID, 0,
                   "a pull request into %s pushes nothing: shopflow build --no-push tells whether "
                   "it builds",
                   s->ci.target);
}

int building_run(struct cli *c, const struct survey *s, struct building *ret, struct err *e)
{
    building_close(ret);
    if (find_registry(c, s, &ret->registry, e) || build_plan_make(c, s, &ret->plan, e))
        return -1;
    ret->plan.registry = &ret->registry;
    ret->plan.images = &ret->asked;
    if ((ret->plan.n || s->changed.n_as_is) && !c->options->no_push &&
        !(ret->images = images_open(c, &ret->registry, e)))
        return -1;
    ret->plan.plain_http = ret->images && images_are_plain_http(ret->images);
    build_images_init(c, &ret->plan, ret->images, &ret->asked);
    if (!build_run(c, &ret->plan, e))
        return 0;
    return c->signo ? err_set(e, ERR_TIMEOUT, 0, "interrupted: nothing was released") : -1;
}

/* The names of those that failed. */
static const char *failed_names(struct arena *a, const struct build_plan *p)
{
    const char *names = "";

    for (size_t i = 0; i < p->n; i++)
        if (p->todo[i].end == BUILD_FAILED)
            names = arena_printf(a, "%s%s%s", names, *names ? ", " : "", p->todo[i].app->name);
    return names;
}

size_t building_sum_up(struct cli *c, const struct building *b)
{
    const struct build_plan *p = &b->plan;
    size_t failed = build_count(p, BUILD_FAILED);

    if (p->dry_run)
        cli_say(c, "nothing was built: --dry-run");
    else if (p->n)
        cli_say(c, "%zu built, %zu there already, %zu failed", build_count(p, BUILD_BUILT),
                build_count(p, BUILD_FOUND), failed);
    if (failed)
        cli_say(c, "failed: %s; the same command builds only what is missing",
                failed_names(c->arena, p));
    return failed;
}

int building_put_latest(struct cli *c, struct building *b, struct err *e)
{
    const struct build_plan *p = &b->plan;
    struct image_tag *tags = arena_array(c->arena, p->n + 1, sizeof *tags);
    size_t n = 0;

    for (size_t i = 0; i < p->n; i++)
        if (p->todo[i].image.digest && p->todo[i].end != BUILD_FAILED)
            tags[n++] = (struct image_tag){ .repository = p->todo[i].image.repository,
                                            .from = p->todo[i].image.digest,
                                            .tag = "latest",
                                            .rule = p->is_mainline ? TAG_MOVE : TAG_ABSENT };
    if (!b->images || p->dry_run || !n)
        return 0;
    if (images_tag(b->images, tags, n, e))
        return -1;
    for (size_t i = 0; i < n; i++)
        if (tags[i].why.kind)
            cli_say(c, "warning: %s:latest stays as it is: %s", tags[i].repository,
                    tags[i].why.text);
    return 0;
}

void building_close(struct building *b)
{
    images_close(b->images);
    b->images = NULL;
}
