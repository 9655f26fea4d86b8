/* Is there an image of these inputs? The commit's tag and the inputs' are asked side by side; only
 * where they differ, the label tells. */
#include <string.h>

#include "base/arena.h"
#include "cli.h"
#include "image_hash.h"
#include "images.h"
#include "images_job.h"

static bool is_ours(const struct image_look *look, const struct image_find *commit,
                    const struct image_find *inputs)
{
    return (inputs->is_there && !strcmp(commit->digest, inputs->digest)) ||
           (commit->label && !strcmp(commit->label, look->hash));
}

static void decide(struct image_look *look, const struct image_find *commit,
                   const struct image_find *inputs)
{
    look->rule = commit->digest && !commit->is_there ? TAG_MOVE : TAG_NEW;
    look->why = commit->why.kind ? commit->why : inputs->why;
    if (look->why.kind)
        return;
    if (commit->is_there && !is_ours(look, commit, inputs)) {
        err_set(&look->why, ERR_CONFLICT, 0,
                "%s:%s is an image of something else (label %s: %s): --rebuild replaces it, "
                "`tag: FullSHA` avoids it",
                look->repository, look->commit_tag, IMAGE_LABEL,
                commit->label ? commit->label : "none");
    } else if (commit->is_there) {
        look->found = IMAGE_BY_COMMIT;
        look->digest = commit->digest;
    } else if (inputs->is_there) {
        look->found = IMAGE_BY_INPUTS;
        look->digest = inputs->digest;
    }
}

/* Where the commit's tag is not the inputs' image, whose is it? */
static int ask_labels(struct images *images, const struct image_look *list,
                      struct image_find *finds, size_t n, struct err *e)
{
    struct image_find *again = arena_array(images->c->arena, n + 1, sizeof *again);
    size_t *place = arena_array(images->c->arena, n + 1, sizeof *place);
    size_t m = 0;

    for (size_t i = 0; i < n; i++) {
        if (!finds[i].is_there || finds[n + i].why.kind ||
            is_ours(&list[i], &finds[i], &finds[n + i]))
            continue;
        again[m] = (struct image_find){ .repository = list[i].repository,
                                        .tag = finds[i].digest,
                                        .want_label = true };
        place[m++] = i;
    }
    if (images_find(images, again, m, e))
        return -1;
    for (size_t i = 0; i < m; i++)
        finds[place[i]] = again[i];
    return 0;
}

int images_look(struct images *images, struct image_look *list, size_t n, struct err *e)
{
    struct arena *a = images->c->arena;
    struct image_find *finds = arena_array(a, 2 * n + 1, sizeof *finds);

    for (size_t i = 0; i < n; i++) {
        struct image_look *look = &list[i];

        *look = (struct image_look){ .repository = look->repository,
                                     .commit_tag = look->commit_tag,
                                     .hash = look->hash };
        finds[i] = (struct image_find){ .repository = look->repository, .tag = look->commit_tag };
        finds[n + i] = (struct image_find){ .repository = look->repository,
                                            .tag = image_hash_tag(a, look->hash) };
    }
    if (images_find(images, finds, 2 * n, e) || ask_labels(images, list, finds, n, e))
        return -1;
    for (size_t i = 0; i < n; i++)
        decide(&list[i], &finds[i], &finds[n + i]);
    return 0;
}
