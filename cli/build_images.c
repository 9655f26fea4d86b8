#include "build_images.h"

#include <string.h>

#include "apps.h"
#include "base/arena.h"
#include "base/err.h"
#include "build.h"
#include "cli.h"
#include "dockerfile.h"
#include "git.h"
#include "image_hash.h"
#include "images.h"
#include "project.h"
#include "settings.h"

struct asked {
    struct cli *c;
    const struct build_plan *plan;
    struct images *images; /* NULL = nobody is asked */
};

/* --- names --- */

/* The base images of its Dockerfile as they are now; without a registry side, or where one is not
 * to be had, their text counts. */
static int find_bases(const struct asked *k, const struct build_app *app, struct image_base **ret,
                      size_t *ret_n, struct err *e)
{
    struct arena *a = k->c->arena;
    const struct project_app *said = app->app->said;
    const char *blob = arena_printf(a, "%s:%s", app->tree, app->dockerfile);
    const char *const *texts;
    struct child_result file;
    struct err none = { 0 };

    *ret_n = 0;
    if (git_ask(k->plan->git, &file, &none, "cat-file", "blob", blob)) /* the builder will tell */
        return k->c->signo ? err_set(e, ERR_TIMEOUT, 0, "interrupted") : 0;
    texts = dockerfile_bases(a, file.out, said ? (const char *const *)said->args : NULL);
    for (size_t n = 0; texts[n]; n++)
        *ret_n = n + 1;
    *ret = arena_array(a, *ret_n + 1, sizeof **ret);
    for (size_t i = 0; i < *ret_n; i++)
        (*ret)[i].text = texts[i];
    return k->images && *ret_n ? images_bases(k->images, *ret, *ret_n, e) : 0;
}

/* What was resolved is what is built. */
static const char *const *pins_of(struct arena *a, const struct image_base *bases, size_t n)
{
    const char **pins = arena_array(a, n + 1, sizeof *pins);
    size_t n_pins = 0;

    for (size_t i = 0; i < n; i++)
        if (bases[i].pinned)
            pins[n_pins++] = arena_printf(a, "%s=%s", bases[i].text, bases[i].pinned);
    return pins;
}

const char *build_repository(struct arena *a, const struct build_plan *p, const struct app *app)
{
    return app->said && app->said->repository ?
               app->said->repository :
               arena_printf(a, "%s/%s", p->registry->base, app->name);
}

static int name(const struct asked *k, struct build_app *app, struct err *e)
{
    static const struct project_app NOTHING;
    struct arena *a = k->c->arena;
    const struct project_app *said = app->app->said ? app->app->said : &NOTHING;
    struct build_image *image = &app->image;
    struct image_inputs in = { .tree = app->tree,
                               .dockerfile = app->dockerfile,
                               .app_dir = app->app->dir,
                               .target = said->target,
                               .args = (const char *const *)said->args,
                               .platforms = app->platforms,
                               .secrets = (const char *const *)said->secrets,
                               .ssh = (const char *const *)said->ssh };
    struct image_base *bases = NULL;

    if (find_bases(k, app, &bases, &in.n_bases, e))
        return -1;
    in.bases = bases;
    image->hash = image_hash(a, &in);
    image->pins = pins_of(a, bases, in.n_bases);
    image->repository = build_repository(a, k->plan, app->app);
    image->tag = image_hash_tag(a, image->hash);
    image->label = arena_printf(a, IMAGE_LABEL "=%s", image->hash);
    image->commit_tag = k->plan->commit_tag;
    return 0;
}

/* --- the registry --- */

static void take_look(struct build_app *app, const struct image_look *look)
{
    app->image.may_move = app->image.afresh || look->rule == TAG_MOVE;
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
        if (name(k, apps[i], e))
            return -1;
        looks[i].hash = apps[i]->image.hash;
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
                                             .rule = image->may_move ? TAG_MOVE : TAG_NEW,
                                             .hash = image->hash };
    }
    if (!k->images || !n_tags)
        return 0;
    if (images_tag(k->images, tags, n_tags, e))
        return -1;
    for (size_t i = 0; i < n_tags; i++) {
        of[i]->why = tags[i].why;
        of[i]->image.is_tagged = !tags[i].why.kind;
        if (!tags[i].why.kind && tags[i].digest) /* somebody else's of these inputs is as good */
            of[i]->image.digest = tags[i].digest;
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
