#include "build_images.h"

#include <string.h>

#include "apps.h"
#include "base/arena.h"
#include "base/text.h"
#include "build.h"
#include "cli.h"
#include "project.h"
#include "registry/digest.h"
#include "settings.h"

#define SHORT_SHA 7
#define INPUTS_DIGITS 40 /* of the hash, in the tag */

struct unasked {
    struct cli *c;
    const struct build_plan *plan;
};

static void add_list(struct text *t, const char *name, const char *const *list, struct err *e)
{
    for (; list && *list; list++)
        text_addf(t, e, "%s %s\n", name, *list);
}

/* What makes the image: no other build of the same can differ. */
static const char *hash_of(struct arena *a, const struct build_plan *p, const struct build_app *app,
                           struct err *e)
{
    static const struct project_app NOTHING;
    const struct project_app *said = app->app->said ? app->app->said : &NOTHING;
    AUTO(text) struct text t = TEXT_INIT(64 * KIB);
    char digest[DIGEST_BYTES];

    if (text_addf(&t, e, "tree %s\n", app->tree))
        return NULL;
    add_list(&t, "arg", (const char *const *)said->args, e);
    add_list(&t, "target", (const char *const[]){ said->target, NULL }, e);
    add_list(&t, "platform", said->platforms ? (const char *const *)said->platforms : p->platforms,
             e);
    digest_of(t.bytes, t.len, "sha256:", digest);
    return arena_strndup(a, strchr(digest, ':') + 1, INPUTS_DIGITS);
}

static void name(const struct unasked *u, struct build_app *app)
{
    struct arena *a = u->c->arena;
    const char *hash = hash_of(a, u->plan, app, &app->why);
    const struct project_app *said = app->app->said;

    if (!hash)
        return;
    app->image.repository = said && said->repository ?
                                said->repository :
                                arena_printf(a, "%s/%s", u->plan->registry->base, app->app->name);
    app->image.tag = arena_printf(a, "in-%s", hash);
    app->image.label = arena_printf(a, "io.shopflow.inputs=%s", hash);
    app->image.commit_tag = arena_strndup(a, u->plan->commit, SHORT_SHA);
}

static int find(void *ctx, struct build_app *const *apps, size_t n, struct err *e)
{
    (void)e;
    for (size_t i = 0; i < n; i++)
        name(ctx, apps[i]);
    return 0;
}

static int tag(void *ctx, struct build_app *const *apps, size_t n, struct err *e)
{
    (void)ctx;
    (void)apps;
    (void)n;
    (void)e;
    return 0;
}

static int adopt(void *ctx, struct build_app *app, const char *pushed, struct err *e)
{
    (void)ctx;
    (void)e;
    app->image.digest = pushed;
    return 0;
}

void build_images_unasked(struct cli *c, const struct build_plan *p, struct build_images *ret)
{
    struct unasked *u = arena_alloc(c->arena, sizeof *u);

    *u = (struct unasked){ c, p };
    *ret = (struct build_images){ find, tag, adopt, u };
}
