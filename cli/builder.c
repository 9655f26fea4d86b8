#include "builder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "child.h"
#include "cli.h"

#define WHY_BYTES 60

static const struct {
    enum engine_kind kind;
    const char *program[3];
} CANDIDATES[] = {
    { ENGINE_BUILDX, { "docker", "buildx", NULL } },
    { ENGINE_BUILDX, { "buildx", NULL } },
    { ENGINE_PODMAN, { "podman", NULL } },
    { ENGINE_BUILDAH, { "buildah", NULL } },
};

struct asking {
    struct cli *c;
    const struct builder_question *q;
    const char *const *program;
};

/* What the program prints to these words; NULL with why: it is not there, or it refuses. */
static const char *ask(const struct asking *as, const char *const *words, char *why, struct err *e)
{
    const char *argv[16] = { NULL };
    struct child_spec spec = { .argv = argv, .env = as->q->env };
    struct child_result r;
    size_t n = 0;

    for (const char *const *at = as->program; *at; at++)
        argv[n++] = *at;
    for (; *words && n + 1 < ARRAY_LEN(argv); words++)
        argv[n++] = *words;
    if (child_run(as->c, &spec, &r, e)) {
        text_clip(why, WHY_BYTES, e->kind == ERR_NOT_FOUND ? "not installed" : e->text);
        return NULL;
    }
    if (r.status == 0)
        return r.out;
    text_clip(why, WHY_BYTES, *r.err ? r.err : "it fails");
    text_scrub(why);
    return NULL;
}

#define ASK(as, why, e, ...) ask((as), (const char *const[]){ __VA_ARGS__, NULL }, (why), (e))

/* --- buildx --- */

static uint32_t hash_of(const char *text)
{
    uint32_t h = 2166136261U; /* FNV-1a */

    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 16777619U;
    return h;
}

static int write_config(const char *path, const char *host, struct err *e)
{
    struct text t = TEXT_INIT(4 * KIB);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), failed;

    failed = text_addf(&t, e, "[registry.\"%s\"]\n  http = true\n  insecure = true\n", host);
    if (!failed && (fd < 0 || write(fd, t.bytes, t.len) != (ssize_t)t.len))
        failed = err_set(e, ERR_REFUSED, errno, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    text_release(&t);
    return failed;
}

/* A builder of our own that speaks plain HTTP to this registry. */
static int make_builder(const struct asking *as, struct engine *n, struct err *e)
{
    struct arena *a = as->c->arena;
    const char *host = as->q->http_host;
    const char *name = arena_printf(a, "shopflow-%08x", hash_of(host));
    const char *config = arena_printf(a, "%s/buildkitd.toml", as->q->dir);
    char why[WHY_BYTES];

    n->builder = name;
    n->cache = CACHE_REGISTRY;
    if (as->q->write_nothing || ASK(as, why, e, "inspect", name))
        return 0;
    if (as->c->signo || write_config(config, host, e))
        return -1;
    cli_say(as->c, "making the builder %s: docker's own does not speak plain HTTP to %s", name,
            host);
    if (ASK(as, why, e, "create", "--name", name, "--driver", "docker-container", "--driver-opt",
            "network=host", "--config", config))
        return 0;
    return err_set(e, ERR_REFUSED, 0, "a builder for %s could not be made: %s", host, why);
}

static bool has_store(const struct asking *as)
{
    struct asking docker = { as->c, as->q, (const char *const[]){ "docker", NULL } };
    struct err ignored = { 0 };
    char why[WHY_BYTES];
    const char *status;

    if (strcmp(as->program[0], "docker") != 0)
        return false;
    status = ASK(&docker, why, &ignored, "info", "--format", "{{json .DriverStatus}}");
    return status && strstr(status, "io.containerd.snapshotter");
}

static int try_buildx(const struct asking *as, struct engine *n, char *why, struct err *e)
{
    const char *version = ASK(as, why, e, "version");
    const char *inspected, *error, *driver;

    if (!version)
        return -1;
    if (!engine_is_new_enough(version)) {
        text_clip(why, WHY_BYTES, "older than 0.10");
        return -1;
    }
    inspected = ASK(as, why, e, "inspect");
    if (!inspected)
        return -1;
    error = engine_field(as->c->arena, inspected, "Error");
    if (error) {
        text_clip(why, WHY_BYTES, error);
        return -1;
    }
    driver = engine_field(as->c->arena, inspected, "Driver");
    if (as->q->http_host && driver && !strcmp(driver, "docker"))
        return make_builder(as, n, e);
    n->cache = engine_cache_of(inspected, has_store(as));
    return 0;
}

/* --- podman, buildah --- */

static bool has_program(struct cli *c, const char *name)
{
    const char *path = cli_env(c, "PATH") ?: "/usr/bin:/bin";

    for (; *path; path += strcspn(path, ":"), path += *path == ':') {
        int len = (int)strcspn(path, ":");

        if (len && !access(arena_printf(c->arena, "%.*s/%s", len, path, name), X_OK))
            return true;
    }
    return false;
}

/* Root in a container, or without a program that runs containers: a change of the root folder is
 * what is left. */
static bool needs_chroot(struct cli *c)
{
    if (geteuid() != 0 || cli_env(c, "BUILDAH_ISOLATION"))
        return false;
    return !access("/.dockerenv", F_OK) || !access("/run/.containerenv", F_OK) ||
           !(has_program(c, "crun") || has_program(c, "runc"));
}

static int try_buildah(const struct asking *as, struct engine *n, char *why, struct err *e)
{
    if (!ASK(as, why, e, "info"))
        return -1;
    n->is_chroot = needs_chroot(as->c);
    n->cache = CACHE_NONE;
    return 0;
}

/* --- the first that answers --- */

static const char *show_program(struct arena *a, const char *const *program)
{
    return program[1] ? arena_printf(a, "%s %s", program[0], program[1]) : program[0];
}

int builder_find(struct cli *c, const struct builder_question *q, struct engine *ret, struct err *e)
{
    enum engine_kind wanted = ENGINE_BUILDX;
    const char *whys = "";

    if (q->wanted && engine_kind_of(q->wanted, &wanted))
        return err_set(e, ERR_INVALID, 0, "--engine '%s': must be buildx, podman or buildah",
                       q->wanted);
    for (size_t i = 0; i < ARRAY_LEN(CANDIDATES); i++) {
        struct asking as = { c, q, CANDIDATES[i].program };
        struct engine n = { .kind = CANDIDATES[i].kind, .program = CANDIDATES[i].program };
        struct err ignored = { 0 };
        char why[WHY_BYTES] = "";
        int failed;

        if (q->wanted && n.kind != wanted)
            continue;
        failed = n.kind == ENGINE_BUILDX ? try_buildx(&as, &n, why, &ignored) :
                                           try_buildah(&as, &n, why, &ignored);
        if (c->signo)
            return err_set(e, ERR_TIMEOUT, 0, "interrupted");
        if (!failed) {
            *ret = n;
            return 0;
        }
        if (!*why) { /* it answers, and yet cannot serve */
            *e = ignored;
            return -1;
        }
        whys = arena_printf(c->arena, "%s%s%s: %s", whys, *whys ? "; " : "",
                            show_program(c->arena, n.program), why);
    }
    return err_set(e, ERR_REFUSED, 0, "no builder answers (%s)", whys);
}

const char *builder_show(struct cli *c, const struct engine *n)
{
    static const char *const CACHES[] = { "its cache is in the registry",
                                          "its cache is in the images (last stages only)",
                                          "its cache is on this machine" };

    return arena_printf(c->arena, "%s%s%s; %s", show_program(c->arena, n->program),
                        n->builder ? " with the builder " : "", n->builder ? n->builder : "",
                        CACHES[n->cache]);
}
