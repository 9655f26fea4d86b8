#include "image_hash.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "images.h"
#include "registry/digest.h"

#define VERSION "shopflow-image-1" /* a change of what is hashed changes all tags */

/* A field as "name length:bytes": no two lists of fields give the same bytes. */
static const char *field(struct arena *a, const char *name, const char *value)
{
    return arena_printf(a, "%s %zu:%s\n", name, strlen(value), value);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All lines, in an order that does not depend on the caller's; each once. */
struct lines {
    struct arena *arena;
    const char **list;
    size_t n, room;
};

static void add(struct lines *l, const char *name, const char *value)
{
    if (!value)
        return;
    if (l->n == l->room) {
        const char **grown;

        l->room = l->room ? 2 * l->room : 32;
        grown = arena_array(l->arena, l->room, sizeof *grown);
        if (l->n)
            memcpy(grown, l->list, l->n * sizeof *grown);
        l->list = grown;
    }
    l->list[l->n++] = field(l->arena, name, value);
}

static void add_list(struct lines *l, const char *name, const char *const *list)
{
    for (; list && *list; list++)
        add(l, name, *list);
}

static bool has_name(const char *arg, const char *name, size_t len)
{
    return !strncmp(arg, name, len) && (arg[len] == '=' || !arg[len]);
}

/* Of a name that comes twice the last counts, as for the builders. */
static void add_args(struct lines *l, const char *const *args)
{
    for (; args && *args; args++) {
        size_t len = strcspn(*args, "=");
        bool is_last = !has_name("GIT_SHA", *args, len) || len != strlen("GIT_SHA");

        for (const char *const *later = args + 1; *later; later++)
            is_last = is_last && !has_name(*later, *args, len);
        if (is_last)
            add(l, "arg", *args);
    }
}

/* "id=npmrc,src=/home/me/.npmrc" → "npmrc": where the file lies, and what is in it, is not the
 * image's. */
static void add_ids(struct lines *l, const char *name, const char *const *list)
{
    for (; list && *list; list++) {
        const char *at = *list;

        while (*at && strncmp(at, "id=", 3)) {
            at += strcspn(at, ",");
            at += *at == ',';
        }
        at = *at ? at + 3 : *list;
        add(l, name, arena_strndup(l->arena, at, strcspn(at, ",=")));
    }
}

static void add_bases(struct lines *l, const struct image_inputs *in)
{
    for (size_t i = 0; i < in->n_bases; i++) {
        const struct image_base *b = &in->bases[i];

        add(l, "base",
            arena_printf(l->arena, "%s %s", b->text, b->digest ? b->digest : "unresolved"));
    }
}

/* Each line once. */
static const char *join(const struct lines *l)
{
    size_t len = sizeof VERSION;
    char *all, *at;

    for (size_t i = 0; i < l->n; i++)
        len += strlen(l->list[i]);
    all = at = arena_alloc(l->arena, len + 1);
    at = stpcpy(at, VERSION "\n");
    for (size_t i = 0; i < l->n; i++)
        if (i == 0 || strcmp(l->list[i], l->list[i - 1]))
            at = stpcpy(at, l->list[i]);
    return all;
}

const char *image_hash(struct arena *a, const struct image_inputs *in)
{
    struct lines l = { .arena = a };
    char digest[DIGEST_BYTES];
    const char *all;

    add(&l, "tree", in->tree);
    add(&l, "dockerfile", in->dockerfile);
    add(&l, "app-dir", in->app_dir);
    add(&l, "target", in->target);
    add_args(&l, in->args);
    add_list(&l, "platform", in->platforms);
    add_ids(&l, "secret", in->secrets);
    add_ids(&l, "ssh", in->ssh);
    add_bases(&l, in);
    qsort(l.list, l.n, sizeof *l.list, compare);
    all = join(&l);
    digest_of(all, strlen(all), NULL, digest);
    return arena_strndup(a, strchr(digest, ':') + 1, IMAGE_HASH_DIGITS);
}

const char *image_hash_tag(struct arena *a, const char *hash)
{
    return arena_printf(a, "in-%s", hash);
}
