/* cli/build.h — Apps' images built and pushed, several at once; what is there is not built again.
 *
 *     struct build_plan p = { .git = &s.git, .images = &images, .todo = todo, .n = n, … };
 *     if (build_run(c, &p, e))               // no builder, no folder for the login, interrupted
 *         return -1;
 *     p.todo[0].end                          // BUILD_FAILED: p.todo[0].why
 *
 * For each app: is its image there (struct build_images)? If not: its inputs are checked out,
 * built, and pushed by a tag that is made of them; then the registry is asked again, and what it
 * has is taken, for somebody may have been faster. The failure of one app stops no other. */
#ifndef CLI_BUILD_H
#define CLI_BUILD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct app;
struct cli;
struct git;
struct registry_setting;

enum build_end {
    BUILD_OPEN,    /* not reached */
    BUILD_FOUND,   /* its image was there */
    BUILD_BUILT,   /* and pushed, unless no_push */
    BUILD_PLANNED, /* dry_run: it would be built */
    BUILD_FAILED,
};

/* One app's image, as the registry side knows it. */
struct build_image {
    const char *repository;  /* "192.168.1.100:5000/system-app" */
    const char *hash;        /* of what makes it (cli/image_hash.h) */
    const char *tag;         /* of its inputs: "in-…" */
    const char *label;       /* "io.shopflow.inputs=…" */
    const char *const *pins; /* base images as they were resolved; cli/engine.h */
    const char *commit_tag;  /* what the controller will ask for */
    const char *digest;      /* NULL = there is none */
    bool afresh;             /* build even if it is there */
    bool may_move;           /* commit_tag, though another image has it: that one lacks parts */
    bool is_tagged;          /* by commit_tag */
};

struct build_app {
    const struct app *app;
    const char *tree;             /* of its inputs */
    const char *dockerfile;       /* a path of it */
    const char *const *platforms; /* NULL-terminated */
    struct build_image image;
    enum build_end end;
    int64_t ms;           /* building and pushing */
    struct err why;       /* of BUILD_FAILED */
    const char *hint;     /* what may help; NULL = nothing known */
    const char *lines[3]; /* of BUILD_PLANNED: the builder's command lines; NULL-terminated */
};

/* What the registry is asked. -1: nothing more is to be done (interrupted); what goes wrong with
 * one app is its `why`. Each may turn the loop. */
struct build_images {
    /* Fill in image; its digest when the image is there and may be used. */
    int (*find)(void *ctx, struct build_app *const *apps, size_t n, struct err *e);
    /* Give each image, whose digest is known, its commit's tag: is_tagged. */
    int (*tag)(void *ctx, struct build_app *const *apps, size_t n, struct err *e);
    /* It was pushed, with this digest as the engine says: fill in what the registry has. */
    int (*adopt)(void *ctx, struct build_app *app, const char *pushed, struct err *e);
    void *ctx;
};

struct build_plan {
    const struct git *git;
    const char *commit;
    const char *commit_tag; /* the controller's for this commit */
    const struct registry_setting *registry;
    const struct build_images *images;
    const char *engine; /* --engine; NULL = found out */
    size_t parallel;    /* 0 = as many as there are cores, at most 4 */
    bool plain_http;
    bool is_mainline; /* writes the registry's cache */
    bool no_push, dry_run;
    struct build_app *todo;
    size_t n;
};

/* 0 although apps failed. -1: nothing more could be done; ERR_TIMEOUT: interrupted. */
int build_run(struct cli *c, const struct build_plan *p, struct err *e);

/* Apps that ended so. */
size_t build_count(const struct build_plan *p, enum build_end end);

#endif
