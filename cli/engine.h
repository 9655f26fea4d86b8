/* cli/engine.h — The builders' command lines: docker buildx, podman, buildah. Pure; which of them
 * answers is asked in cli/builder.h. Each line was seen to work: cli/ENGINES.md.
 *
 * Nothing secret stands on a line: logins come in the folder that DOCKER_CONFIG names
 * (cli/login.h), secrets of the build as files or variables. */
#ifndef CLI_ENGINE_H
#define CLI_ENGINE_H
#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;

enum engine_kind { ENGINE_BUILDX, ENGINE_PODMAN, ENGINE_BUILDAH };

/* Where a builder keeps what it may use again, beside its own disk. */
enum engine_cache {
    CACHE_REGISTRY, /* all stages, as an image of its own beside the app's */
    CACHE_INLINE,   /* the last stage, in the app's image */
    CACHE_NONE,
};

struct engine {
    enum engine_kind kind;
    const char *const *program; /* "docker", "buildx", NULL */
    const char *builder;        /* buildx; NULL = its current one */
    enum engine_cache cache;
    bool is_chroot; /* root in a container: runc would fail */
};

/* One app's image. Lists are NULL-terminated, and may be NULL. */
struct engine_job {
    const char *context;    /* the checked-out inputs */
    const char *dockerfile; /* below it */
    const char *app_dir, *commit;
    const char *target; /* NULL = the last stage */
    const char *const *args;
    const char *const *platforms;
    const char *const *secrets, *const *ssh;
    const char *const *pins; /* "FROM's text=host/name@sha256:…" */
    const char *repository;  /* "192.168.1.100:5000/shop/system-app" */
    const char *tag;         /* that it is pushed by */
    const char *label;       /* "NAME=value" */
    const char *digest_file; /* written by the engine */
    bool push;
    bool plain_http;
    bool write_cache;
    bool afresh; /* nothing of what was built before */
};

/* "buildx", "podman" or "buildah"; "docker" is buildx. -1 = none of them. */
int engine_kind_of(const char *name, enum engine_kind *ret);
const char *engine_name(enum engine_kind kind);

/* What `buildx version` prints: is it at least 0.10? */
bool engine_is_new_enough(const char *version);

/* The cache that suits what `buildx inspect` prints. has_store: the docker driver keeps images in
 * containerd. */
enum engine_cache engine_cache_of(const char *inspected, bool has_store);

/* The value of a line "Driver: …" of what `buildx inspect` prints; NULL = it has none. */
const char *engine_field(struct arena *a, const char *inspected, const char *name);

/* The line that builds, and pushes when the engine does both at once. */
const char **engine_build_line(struct arena *a, const struct engine *n, const struct engine_job *j);

/* The line that pushes; NULL = nothing more is to do. */
const char **engine_push_line(struct arena *a, const struct engine *n, const struct engine_job *j);

/* The digest that was pushed, from the text of digest_file. */
const char *engine_digest(struct arena *a, const struct engine *n, const char *text, struct err *e);

/* A line for people to read and to type. */
const char *engine_show_line(struct arena *a, const char *const *argv);

#endif
