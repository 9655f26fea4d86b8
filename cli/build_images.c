#include "build_images.h"

#include <string.h>

#include "apps.h"
#include "base/arena.h"
#include "base/auto.h"
#include "base/text.h"
#include "build.h"
#include "cli.h"
#include "image_hash.h"
#include "images.h"
#include "project.h"
#include "registry/digest.h"
#include "settings.h"

struct asked {
    struct cli *c;
    const struct build_plan *plan;
    struct images *images; /* NULL = nobody is asked */
};

/* --- names --- */

static void add_list(struct text *t, const char *kind, const char *const *list, struct err *e)
{
    for (; list && *list; list++)
        text_addf(t, e, "%s %s\n", kind, *list);
}

/* What makes the image. GIT_SHA is no part of it. */
static const char *hash_of(struct arena *a, const struct build_app *app)
{
    static const struct project_app NOTHING;
    const struct project_app *said = app->app->said ? app->app->said : &NOTHING;
    AUTO(text) struct text t = TEXT_INIT(1 * MIB);
    char digest[DIGEST_BYTES];
    struct err ignored = { 0 }; /* shopflow.yaml, from which all this is, is smaller */

    text_addf(&t, &ignored, "tree %s\ndockerfile %s\ndir %s\n", app->tree, app->dockerfile,
              app->app->dir);
    add_list(&t, "target", (const char *const[]){ said->target, NULL }, &ignored);
    add_list(&t, "arg", (const char *const *)said->args, &ignored);
    add_list(&t, "platform", app->platforms, &ignored);
    digest_of(text_str(&t), t.len, "sha256:", digest);
    return arena_strndup(a, strchr(digest, ':') + 1, IMAGE_HASH_DIGITS);
}

/* Returns the hash. */
static const char *name(const struct asked *k, struct build_app *app)
{
    struct arena *a = k->c->arena;
    const struct project_app *said = app->app->said;
    const char *hash = hash_of(a, app);

    app->image.repository = said && said->repository ?
                                said->repository :
                                arena_printf(a, "%s/%s", k->plan->registry->base, app->app->name);
    app->image.tag = arena_printf(a, "in-%s", hash);
    app->image.label = arena_printf(a, IMAGE_LABEL "=%s", hash);
    app->image.commit_tag = k->plan->commit_tag;
    return hash;
}

/* --- the registry --- */

static void take_look(struct build_app *app, const struct image_look *look)
{
    /* --rebuild moves the tag */
    if (look->why.kind != ERR_CONFLICT || !app->image.afresh)
        app->why = look->why;
    if (look->found == IMAGE_NONE)
        return;
    app->image.digest = look->digest;
    app->image.is_tagged = look->found == IMAGE_BY_COMMIT;
}

static int find(void *ctx, struct build_app *const *apps, size_t n, struct err *e)
{
    const struct asked *k = ctx;
    struct image_look *looks = arena_array(k->c->arena, n + 1, sizeof *looks);

    for (size_t i = 0; i < n; i++) {
        looks[i].hash = name(k, apps[i]);
        looks[i].repository = apps[i]->image.repository;
        looks[i].commit_tag = apps[i]->image.commit_tag;
    }
    if (!k->images)
        return 0;
    if (images_look(k->images, looks, n, e))
        return -1;
    for (size_t i = 0; i < n; i++)
        take_look(apps[i], &looks[i]);
    return 0;
}

static int tag(void *ctx, struct build_app *const *apps, size_t n, struct err *e)
{
    const struct asked *k = ctx;
    struct image_tag *tags = arena_array(k->c->arena, n + 1, sizeof *tags);
    struct build_app **of = arena_array(k->c->arena, n + 1, sizeof *of);
    size_t n_tags = 0;

    for (size_t i = 0; i < n; i++) {
        const struct build_image *image = &apps[i]->image;

        if (image->is_tagged && !image->afresh)
            continue;
        of[n_tags] = apps[i];
        tags[n_tags++] = (struct image_tag){ .repository = image->repository,
                                             .from = image->digest,
                                             .tag = image->commit_tag,
                                             .rule = image->afresh ? TAG_MOVE : TAG_NEW };
    }
    if (!k->images || !n_tags)
        return 0;
    if (images_tag(k->images, tags, n_tags, e))
        return -1;
    for (size_t i = 0; i < n_tags; i++) {
        of[i]->why = tags[i].why;
        of[i]->image.is_tagged = !tags[i].why.kind;
    }
    return 0;
}

static int adopt(void *ctx, struct build_app *app, const char *pushed, struct err *e)
{
    const struct asked *k = ctx;
    struct image_find find = { .repository = app->image.repository, .tag = app->image.tag };

    app->image.digest = pushed;
    if (!k->images)
        return 0;
    if (images_find(k->images, &find, 1, e))
        return -1;
    app->why = find.why;
    if (!find.why.kind && !find.is_there)
        err_set(&app->why, ERR_NOT_FOUND, 0, "%s:%s was pushed, and is not there", find.repository,
                find.tag);
    app->image.digest = find.digest;
    return 0;
}

void build_images_init(struct cli *c, const struct build_plan *p, struct images *images,
                       struct build_images *ret)
{
    struct asked *k = arena_alloc(c->arena, sizeof *k);

    *k = (struct asked){ c, p, images };
    *ret = (struct build_images){ find, tag, adopt, k };
}
