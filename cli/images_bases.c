/* What is a base image now? Docker Hub's mirrors first, then the registry itself. */
#include <string.h>

#include "base/arena.h"
#include "base/map.h"
#include "cli.h"
#include "images.h"
#include "images_job.h"

#define ALL_MS 3000
#define MIRRORS_MS 1500 /* of these */

/* --- one text --- */

static struct arena *arena_of(const struct images *images)
{
    return images->c->arena;
}

static void pin(struct arena *a, struct image_base *b, const struct image_ref *ref,
                const char *digest)
{
    b->why = (struct err){ 0 };
    b->digest = arena_strdup(a, digest);
    b->pinned = arena_printf(a, "%s/%s@%s", ref->host, ref->repository, digest);
}

static const char *tag_of(const struct image_ref *ref)
{
    return ref->tag[0] ? ref->tag : "latest";
}

static void on_digest(struct job *j, const struct registry_answer *answer)
{
    struct image_base *b = j->item;
    struct image_ref ref;
    struct err ignored;

    image_ref_parse(b->text, &ref, &ignored);
    if (answer->missing)
        err_set(j->why, ERR_NOT_FOUND, 404, "%s: there is no such image", b->text);
    else
        pin(arena_of(j->batch->images), b, &ref, answer->digest);
    job_end(j);
}

static void start(struct job *j)
{
    const struct image_base *b = j->item;
    struct image_ref ref;
    struct err ignored;

    image_ref_parse(b->text, &ref, &ignored);
    job_ask(j, TRANSFER_DIGEST, tag_of(&ref), on_digest);
}

/* --- where to ask --- */

/* The host of "https://mirror.example.com"; NULL: docker would not take it. */
static const char *mirror_host(struct arena *a, const char *url, enum registry_scheme *ret)
{
    const char *host = strstr(url, "://");
    struct image_ref ref;
    struct err ignored;
    size_t n;

    if (!host)
        return NULL;
    *ret = strncmp(url, "http://", 7) ? SCHEME_HTTPS : SCHEME_HTTP;
    host += 3;
    n = strcspn(host, "/");
    if (host[n] && host[n + 1])
        return NULL;
    host = arena_strndup(a, host, n);
    return image_ref_parse(arena_printf(a, "%s/x", host), &ref, &ignored) ? NULL : host;
}

/* Those that are open yet, at this registry; NULL = at their own. */
static int ask(struct images *images, struct image_base *const *list, size_t n, const char *mirror,
               int64_t due_ms, struct err *e)
{
    struct batch b = { .images = images, .tries = 1, .due_ms = due_ms };

    for (size_t i = 0; i < n; i++) {
        struct image_ref ref;
        struct err ignored;

        if (list[i]->digest || image_ref_parse(list[i]->text, &ref, &ignored) ||
            (mirror && strcmp(ref.host, "docker.io")))
            continue;
        batch_add(
            &b, arena_printf(arena_of(images), "%s/%s", mirror ? mirror : ref.host, ref.repository),
            &list[i]->why, list[i]);
    }
    return b.n ? batch_run(&b, start, e) : 0;
}

static int ask_all(struct images *images, struct image_base *const *list, size_t n, struct err *e)
{
    int64_t now_ms = loop_now_ms(images->c->loop);

    for (const char *const *at = images->hosts.mirrors; *at; at++) {
        enum registry_scheme scheme;
        const char *host = mirror_host(arena_of(images), *at, &scheme);
        struct err ignored;

        if (host && images_host(images, host, scheme, now_ms + MIRRORS_MS, &ignored) &&
            ask(images, list, n, host, now_ms + MIRRORS_MS, e))
            return -1;
    }
    return ask(images, list, n, NULL, now_ms + ALL_MS, e);
}

/* --- each once --- */

/* What is known of a text; a new one that is to be asked has neither digest nor error. */
static struct image_base *known(struct images *images, const char *text)
{
    struct image_base *b = map_get(images->bases, text);
    struct image_ref ref;

    if (b)
        return b;
    b = arena_alloc(arena_of(images), sizeof *b);
    b->text = arena_strdup(arena_of(images), text);
    if (image_ref_parse(text, &ref, &b->why) == 0 && ref.digest[0])
        pin(arena_of(images), b, &ref, ref.digest);
    map_put(images->bases, text, b);
    return b;
}

int images_bases(struct images *images, struct image_base *list, size_t n, struct err *e)
{
    struct image_base **open = arena_array(arena_of(images), n + 1, sizeof(struct image_base *));
    size_t m = 0;

    for (size_t i = 0; i < n; i++) {
        size_t before = map_count(images->bases);
        struct image_base *b = known(images, list[i].text);

        if (map_count(images->bases) > before && !b->digest && !b->why.kind)
            open[m++] = b;
    }
    if (m && ask_all(images, open, m, e))
        return -1;
    for (size_t i = 0; i < n; i++) {
        const char *text = list[i].text;

        list[i] = *known(images, text);
        list[i].text = text;
    }
    return 0;
}
