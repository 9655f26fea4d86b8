#include "engine.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"

#define OLDEST_MINOR 10 /* of buildx 0.x: --provenance, --metadata-file */
#define WORDS_MAX 64

static const char *const NAMES[] = { "buildx", "podman", "buildah" };

int engine_kind_of(const char *name, enum engine_kind *ret)
{
    if (!strcmp(name, "docker"))
        name = NAMES[ENGINE_BUILDX];
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        if (strcmp(name, NAMES[i]) != 0)
            continue;
        *ret = (enum engine_kind)i;
        return 0;
    }
    return -1;
}

const char *engine_name(enum engine_kind kind)
{
    return NAMES[kind];
}

/* --- what buildx says of itself --- */

/* "github.com/docker/buildx v0.38.2 3f4c…", "… 0.10.0+azure-1 …" */
bool engine_is_new_enough(const char *version)
{
    const char *at = strchr(version, ' ');
    char *end;
    long major, minor;

    at += at != NULL;
    if (!at)
        return false;
    at += *at == 'v';
    if (!isdigit((unsigned char)*at))
        return false;
    major = strtol(at, &end, 10);
    if (*end != '.')
        return false;
    minor = strtol(end + 1, NULL, 10);
    return major > 0 || minor >= OLDEST_MINOR;
}

const char *engine_field(struct arena *a, const char *inspected, const char *name)
{
    size_t len = strlen(name);

    for (const char *line = inspected; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *value;

        if (strncmp(line, name, len) != 0 || line[len] != ':')
            continue;
        value = line + len + 1;
        value += strspn(value, " \t");
        return arena_strndup(a, value, strcspn(value, "\r\n"));
    }
    return NULL;
}

enum engine_cache engine_cache_of(const char *inspected, bool has_store)
{
    const char *driver = strstr(inspected, "Driver:");

    if (!driver)
        return CACHE_NONE;
    driver += strlen("Driver:");
    driver += strspn(driver, " \t");
    if (strcspn(driver, "\r\n") == strlen("docker") && !strncmp(driver, "docker", 6) && !has_store)
        return CACHE_INLINE;
    return CACHE_REGISTRY;
}

/* --- lines --- */

struct line {
    struct arena *arena;
    const char **words;
    size_t n, room;
};

static void put(struct line *l, const char *word)
{
    if (l->n + 2 > l->room) {
        size_t room = 2 * l->room + WORDS_MAX;
        const char **more = arena_array(l->arena, room, sizeof *more);

        if (l->n)
            memcpy(more, l->words, l->n * sizeof *more);
        l->words = more;
        l->room = room;
    }
    l->words[l->n++] = word;
    l->words[l->n] = NULL;
}

static void put_all(struct line *l, const char *const *words)
{
    for (; words && *words; words++)
        put(l, *words);
}

/* A flag before each. */
static void put_each(struct line *l, const char *flag, const char *const *values)
{
    for (; values && *values; values++) {
        put(l, flag);
        put(l, *values);
    }
}

static void put_pair(struct line *l, const char *flag, const char *value)
{
    put(l, flag);
    put(l, value);
}

static size_t count(const char *const *list)
{
    size_t n = 0;

    while (list && list[n])
        n++;
    return n;
}

static const char *join(struct arena *a, const char *const *list)
{
    const char *joined = list[0];

    for (size_t i = 1; list[i]; i++)
        joined = arena_printf(a, "%s,%s", joined, list[i]);
    return joined;
}

static const char *file_of(struct arena *a, const struct engine_job *j)
{
    return arena_printf(a, "%s/%s", j->context, j->dockerfile);
}

static const char *image_of(struct arena *a, const struct engine_job *j)
{
    return arena_printf(a, "%s:%s", j->repository, j->tag);
}

/* FROM's images as they were resolved: a tag that moves meanwhile does no harm. */
static void put_pins(struct line *l, const char *const *pins)
{
    for (; pins && *pins; pins++) {
        size_t name = strcspn(*pins, "=");

        put_pair(l, "--build-context",
                 arena_printf(l->arena, "%.*s=docker-image://%s", (int)name, *pins,
                              *pins + name + ((*pins)[name] == '=')));
    }
}

/* The words that all three take. */
static void put_common(struct line *l, const struct engine_job *j)
{
    if (count(j->platforms))
        put_pair(l, "--platform", join(l->arena, j->platforms));
    put_pair(l, "--build-arg", arena_printf(l->arena, "APP_DIR=%s", j->app_dir));
    put_pair(l, "--build-arg", arena_printf(l->arena, "GIT_SHA=%s", j->commit));
    put_each(l, "--build-arg", j->args);
    if (j->target)
        put_pair(l, "--target", j->target);
    put_pair(l, "--label", j->label);
    put_pins(l, j->pins);
    put_each(l, "--secret", j->secrets);
    put_each(l, "--ssh", j->ssh);
    if (j->afresh)
        put(l, "--no-cache");
    put_pair(l, "--file", file_of(l->arena, j));
}

/* --- buildx --- */

static void put_cache(struct line *l, enum engine_cache cache, const struct engine_job *j)
{
    const char *insecure = j->plain_http ? ",registry.insecure=true" : "";
    const char *from = arena_printf(l->arena, "type=registry,ref=%s:%s%s", j->repository,
                                    cache == CACHE_REGISTRY ? "buildcache" : "latest", insecure);

    if (cache == CACHE_NONE || !j->push)
        return;
    if (!j->afresh)
        put_pair(l, "--cache-from", from);
    if (cache == CACHE_INLINE)
        put_pair(l, "--cache-to", "type=inline");
    else if (j->write_cache)
        put_pair(l, "--cache-to",
                 arena_printf(l->arena,
                              "%s,mode=max,image-manifest=true,oci-mediatypes=true,"
                              "ignore-error=true",
                              from));
}

static void put_buildx(struct line *l, const struct engine *n, const struct engine_job *j)
{
    put(l, "build");
    if (n->builder)
        put_pair(l, "--builder", n->builder);
    put_pair(l, "--progress", "plain");
    put(l, "--provenance=false");
    put(l, "--sbom=false");
    put_common(l, j);
    put_pair(l, "--output",
             j->push ?
                 arena_printf(l->arena, "type=image,name=%s,push=true%s", image_of(l->arena, j),
                              j->plain_http ? ",registry.insecure=true" : "") :
                 "type=cacheonly");
    put_cache(l, n->cache, j);
    put_pair(l, "--metadata-file", j->digest_file);
}

/* --- podman, buildah --- */

/* Several platforms make a list of images, which is built and pushed by other words. */
static bool is_list(const struct engine_job *j)
{
    return count(j->platforms) > 1;
}

static void put_buildah(struct line *l, const struct engine *n, const struct engine_job *j)
{
    put(l, "build");
    if (n->is_chroot)
        put_pair(l, "--isolation", "chroot");
    put(l, "--layers");
    if (j->plain_http)
        put(l, "--tls-verify=false");
    put_common(l, j);
    put_pair(l, is_list(j) ? "--manifest" : "--tag", image_of(l->arena, j));
}

const char **engine_build_line(struct arena *a, const struct engine *n, const struct engine_job *j)
{
    struct line l = { .arena = a };

    put_all(&l, n->program);
    if (n->kind == ENGINE_BUILDX)
        put_buildx(&l, n, j);
    else
        put_buildah(&l, n, j);
    put(&l, j->context);
    return l.words;
}

const char **engine_push_line(struct arena *a, const struct engine *n, const struct engine_job *j)
{
    struct line l = { .arena = a };

    if (!j->push || n->kind == ENGINE_BUILDX)
        return NULL;
    put_all(&l, n->program);
    if (is_list(j))
        put(&l, "manifest");
    put(&l, "push");
    if (is_list(j))
        put(&l, "--all");
    if (j->plain_http)
        put(&l, "--tls-verify=false");
    put_pair(&l, "--digestfile", j->digest_file);
    put(&l, image_of(a, j));
    put(&l, arena_printf(a, "docker://%s", image_of(a, j)));
    return l.words;
}

/* --- what it tells --- */

const char *engine_digest(struct arena *a, const struct engine *n, const char *text, struct err *e)
{
    const char *digest = text;
    AUTO(json) cJSON *root = NULL;

    if (n->kind == ENGINE_BUILDX) {
        root = json_parse(text, strlen(text), e);
        if (!root) {
            err_ctx(e, "what %s says of the image", engine_name(n->kind));
            return NULL;
        }
        digest = json_str(root, "containerimage.digest");
    }
    if (digest && !strncmp(digest, "sha256:", 7) && strspn(digest + 7, "0123456789abcdef") == 64)
        return arena_strndup(a, digest, 7 + 64);
    err_set(e, ERR_INVALID, 0, "%s does not say what digest it pushed", engine_name(n->kind));
    return NULL;
}

const char *engine_show_line(struct arena *a, const char *const *argv)
{
    static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_./:=,@+%";
    const char *shown = "";

    for (; *argv; argv++) {
        const char *word = *argv;
        bool is_plain = *word && word[strspn(word, PLAIN)] == '\0';
        const char *quoted = is_plain ? word : "'";

        for (; !is_plain && *word; word++)
            quoted = *word == '\'' ? arena_printf(a, "%s'\\''", quoted) :
                                     arena_printf(a, "%s%c", quoted, *word);
        shown = arena_printf(a, "%s%s%s%s", shown, *shown ? " " : "", quoted, is_plain ? "" : "'");
    }
    return shown;
}
