/* One more tag for an image that is there: what has the tag, then the write, then, where that is
 * refused, what has it now. */
#include <string.h>

#include "base/arena.h"
#include "cli.h"
#include "images.h"
#include "images_job.h"

struct tagging {
    struct image_tag *t;
    const char *digest; /* of from; NULL = not known yet */
    bool is_over;       /* nothing is to be written */
};

/* --- what has it? --- */

static void decide(struct tagging *x, const struct image_find *f)
{
    struct image_tag *t = x->t;
    bool is_ours = f->digest && !strcmp(f->digest, x->digest);
    bool is_as_good = t->hash && f->label && !strcmp(f->label, t->hash) && f->is_there;

    t->why = f->why;
    t->digest = f->digest;
    x->is_over = f->why.kind || is_ours || (f->digest && t->rule != TAG_MOVE);
    if (!f->why.kind && f->digest && !is_ours && t->rule == TAG_NEW && !is_as_good)
        err_set(&t->why, ERR_CONFLICT, 0, "%s:%s is another image (%.19s…): it stays",
                t->repository, t->tag, f->digest);
}

static struct image_find question(const struct image_tag *t, const char *what, bool want_label)
{
    return (
        struct image_find){ .repository = t->repository, .tag = what, .want_label = want_label };
}

static int look(struct images *images, struct tagging *all, size_t n, struct err *e)
{
    struct image_find *finds = arena_array(images->c->arena, 2 * n + 1, sizeof *finds);

    for (size_t i = 0; i < n; i++) {
        const struct image_tag *t = all[i].t;

        finds[i] = question(t, t->tag, t->rule == TAG_NEW && t->hash);
        finds[n + i] = question(t, t->from, false);
    }
    if (images_find(images, finds, 2 * n, e))
        return -1;
    for (size_t i = 0; i < n; i++) {
        const struct image_find *from = &finds[n + i];
        struct image_tag *t = all[i].t;

        all[i].digest = from->digest;
        all[i].is_over = !from->is_there;
        t->why = from->why;
        if (from->is_there)
            decide(&all[i], &finds[i]);
        else if (!t->why.kind)
            err_set(&t->why, ERR_NOT_FOUND, 404, "%s: %s is not there, or not whole", t->repository,
                    t->from);
    }
    return 0;
}

/* --- the write --- */

static void on_put(struct job *j, const struct registry_answer *answer)
{
    struct tagging *x = j->item;

    (void)answer; /* its digest is that of what was sent */
    x->t->digest = x->digest;
    x->t->was_put = true;
    job_end(j);
}

static void on_manifest(struct job *j, const struct registry_answer *answer)
{
    const struct tagging *x = j->item;

    if (answer->missing) {
        err_set(j->why, ERR_NOT_FOUND, 404, "%s: %s is gone", x->t->repository, x->digest);
        job_end(j);
        return;
    }
    job_put(j, x->t->tag, answer, on_put);
}

static void start(struct job *j)
{
    const struct tagging *x = j->item;

    job_ask(j, TRANSFER_MANIFEST, x->digest, on_manifest);
}

static int put(struct images *images, struct tagging *all, size_t n, struct err *e)
{
    struct batch b = { .images = images, .tries = BATCH_TRIES };

    for (size_t i = 0; i < n; i++)
        if (!all[i].is_over)
            batch_add(&b, all[i].t->repository, &all[i].t->why, &all[i]);
    return batch_run(&b, start, e);
}

/* --- a refusal --- */

/* Registries say "this tag may not be moved" in many ways; what has the tag says it best. */
static bool is_refusal(const struct err *e)
{
    return e->kind == ERR_CONFLICT || e->kind == ERR_REFUSED ||
           (e->kind == ERR_DENIED && e->code == 403);
}

static void read_refusal(struct tagging *x, const struct image_find *f)
{
    struct image_tag *t = x->t;

    if (f->why.kind || !f->digest)
        return; /* what the write said stands */
    t->digest = f->digest;
    if (!strcmp(f->digest, x->digest))
        t->why = (struct err){ 0 }; /* somebody was faster */
    else
        err_set(&t->why, ERR_CONFLICT, t->why.code,
                "%s:%s is another image, and the registry does not let it be moved (HTTP %d)",
                t->repository, t->tag, t->why.code);
}

static int look_again(struct images *images, struct tagging *all, size_t n, struct err *e)
{
    struct image_find *finds = arena_array(images->c->arena, n + 1, sizeof *finds);
    struct tagging **of = arena_array(images->c->arena, n + 1, sizeof(struct tagging *));
    size_t m = 0;

    for (size_t i = 0; i < n; i++)
        if (!all[i].is_over && is_refusal(&all[i].t->why)) {
            finds[m] = question(all[i].t, all[i].t->tag, false);
            of[m++] = &all[i];
        }
    if (images_find(images, finds, m, e))
        return -1;
    for (size_t i = 0; i < m; i++)
        read_refusal(of[i], &finds[i]);
    return 0;
}

int images_tag(struct images *images, struct image_tag *list, size_t n, struct err *e)
{
    struct tagging *all = arena_array(images->c->arena, n + 1, sizeof *all);

    for (size_t i = 0; i < n; i++) {
        struct image_tag *t = &list[i];

        *t = (struct image_tag){ .repository = t->repository,
                                 .from = t->from,
                                 .tag = t->tag,
                                 .rule = t->rule,
                                 .hash = t->hash };
        all[i].t = t;
    }
    if (look(images, all, n, e) || put(images, all, n, e))
        return -1;
    return look_again(images, all, n, e);
}
