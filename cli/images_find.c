/* Is an image there, whole, and of which inputs? */
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "cli.h"
#include "images.h"
#include "images_job.h"
#include "registry/digest.h"

#define CHILDREN_MAX 64
#define LABEL_MAX 128

struct finding {
    struct image_find *f;
    const char *children[CHILDREN_MAX]; /* digests */
    size_t n, at;
    size_t first;       /* the one that is an image for a machine */
    const char *config; /* digest; of the first image */
};

static struct arena *arena_of(const struct job *j)
{
    return j->batch->images->c->arena;
}

static void fail(struct job *j, const char *what)
{
    const struct finding *x = j->item;

    err_set(j->why, ERR_INVALID, 0, "%s:%s: %s", x->f->repository, x->f->tag, what);
    x->f->is_there = false;
    job_end(j);
}

static bool is_index(const char *type)
{
    return type && (strstr(type, "image.index") || strstr(type, "manifest.list"));
}

/* --- its label --- */

static void on_config(struct job *j, const struct registry_answer *answer)
{
    const struct finding *x = j->item;
    struct err ignored;
    AUTO(json)
    cJSON *config = json_parse(answer->body, answer->body ? answer->body_len : 0, &ignored);
    const char *label = json_str(json_at(config, "config", "Labels"), IMAGE_LABEL);

    if (answer->missing)
        x->f->lacks = x->config;
    x->f->is_there = !answer->missing;
    if (label && strlen(label) <= LABEL_MAX)
        x->f->label = arena_strdup(arena_of(j), label);
    job_end(j);
}

static void next_child(struct job *j);

static void read_manifest(struct job *j, const cJSON *manifest)
{
    struct finding *x = j->item;
    const char *config = json_str(json_get(manifest, "config"), "digest");

    if (digest_is_valid(config))
        x->config = arena_strdup(arena_of(j), config);
}

/* --- an index: its manifests, one after another --- */

static void on_child(struct job *j, const struct registry_answer *answer)
{
    struct finding *x = j->item;
    struct err ignored;

    if (answer->missing) {
        x->f->lacks = x->children[x->at];
        x->f->is_there = false;
        job_end(j);
        return;
    }
    if (x->f->want_label && x->at == x->first) {
        AUTO(json) cJSON *manifest = json_parse(answer->body, answer->body_len, &ignored);

        read_manifest(j, manifest);
    }
    x->at++;
    next_child(j);
}

static void next_child(struct job *j)
{
    struct finding *x = j->item;
    bool is_read = x->f->want_label && x->at == x->first;

    if (x->at < x->n)
        job_ask(j, is_read ? TRANSFER_MANIFEST : TRANSFER_DIGEST, x->children[x->at], on_child);
    else if (x->f->want_label && x->config)
        job_ask(j, TRANSFER_BLOB, x->config, on_config);
    else
        job_end(j);
}

/* -1: it makes no sense. */
static int read_index(struct job *j, const cJSON *index)
{
    struct finding *x = j->item;

    x->first = SIZE_MAX;
    JSON_EACH(item, json_get(index, "manifests")) {
        const char *digest = json_str(item, "digest");
        const char *os = json_str(json_get(item, "platform"), "os");

        if (x->n == CHILDREN_MAX || !digest_is_valid(digest))
            return -1;
        if (x->first == SIZE_MAX && (!os || strcmp(os, "unknown"))) /* unknown: an attestation */
            x->first = x->n;
        x->children[x->n++] = arena_strdup(arena_of(j), digest);
    }
    return 0;
}

/* --- the manifest --- */

static void on_manifest(struct job *j, const struct registry_answer *answer)
{
    struct finding *x = j->item;
    struct err ignored;
    AUTO(json) cJSON *manifest = NULL;

    if (answer->missing) { /* gone since */
        x->f->is_there = false;
        job_end(j);
        return;
    }
    manifest = json_parse(answer->body, answer->body_len, &ignored);
    if (!manifest || (is_index(x->f->type) && read_index(j, manifest))) {
        fail(j, "the registry's manifest makes no sense");
        return;
    }
    if (!is_index(x->f->type))
        read_manifest(j, manifest);
    next_child(j);
}

static void on_head(struct job *j, const struct registry_answer *answer)
{
    struct finding *x = j->item;

    if (answer->missing) {
        job_end(j);
        return;
    }
    x->f->is_there = true;
    x->f->digest = arena_strdup(arena_of(j), answer->digest);
    x->f->type = arena_strdup(arena_of(j), answer->type);
    if (is_index(x->f->type) || x->f->want_label)
        job_ask(j, TRANSFER_MANIFEST, x->f->digest, on_manifest);
    else
        job_end(j);
}

static void start(struct job *j)
{
    const struct finding *x = j->item;

    job_ask(j, TRANSFER_DIGEST, x->f->tag, on_head);
}

int images_find(struct images *images, struct image_find *list, size_t n, struct err *e)
{
    struct batch b = { .images = images, .tries = BATCH_TRIES };
    struct finding *all = arena_array(images->c->arena, n + 1, sizeof *all);

    for (size_t i = 0; i < n; i++) {
        struct image_find *f = &list[i];

        *f = (struct image_find){ .repository = f->repository,
                                  .tag = f->tag,
                                  .want_label = f->want_label };
        all[i].f = f;
        batch_add(&b, f->repository, &f->why, &all[i]);
    }
    if (batch_run(&b, start, e))
        return -1;
    for (size_t i = 0; i < n; i++)
        if (list[i].why.kind)
            list[i].is_there = false;
    return 0;
}
