/* cli/images.h — Images in the registry: is it there, give it one more tag, what is a base image
 * now. All that are asked in one call are asked side by side; a call turns the loop until all is
 * answered.
 *
 *     AUTO(images) struct images *images = images_open(c, &registry, e);   // asks nothing of a
 *     if (!images)                                                         // public registry
 *         return -1;
 *     struct image_look look = { .repository = "10.0.0.1:5000/system-app",
 *                                .commit_tag = "a1b2c3d", .hash = hash };  // cli/image_hash.h
 *     if (images_look(images, &look, 1, e))      // interrupted
 *         return -1;
 *     look.found                                 // IMAGE_NONE with look.why: it could not be asked
 *
 * -1 only when nothing more is to be done: Ctrl-C (ERR_TIMEOUT). What went wrong with one image is
 * its own `why`, and says what to do. Reads are tried again while a registry is in trouble; a write
 * is not cut short by Ctrl-C. Answers live in the arena of the command. */
#ifndef CLI_IMAGES_H
#define CLI_IMAGES_H
#include <stdbool.h>
#include <stddef.h>

#include "base/auto.h"
#include "base/err.h"

struct cli;
struct images;
struct registry_setting;

#define IMAGE_LABEL "io.shopflow.inputs" /* its value: the hash of cli/image_hash.h */

/* Credentials: those of the setting for its registry, else docker's and podman's files and their
 * helpers (cli/credentials.h). Whether a private registry speaks TLS is found out here
 * (cli/scheme.h): ERR_NET when it does not answer. */
struct images *images_open(struct cli *c, const struct registry_setting *r, struct err *e);
void images_close(struct images *images); /* NULL is fine */
AUTO_DEFINE(images, struct images *, images_close)

/* Does the setting's registry speak plain HTTP? */
bool images_are_plain_http(const struct images *images);

/* --- is it there? --- */

struct image_find {
    const char *repository; /* "192.168.1.100:5000/shop/system-app" */
    const char *tag;        /* or a digest, "sha256:…" */
    bool want_label;        /* two requests more */
    /* the answer */
    struct err why;     /* kind ERR_NONE: it was asked */
    bool is_there;      /* and whole: each manifest of an index is there too */
    const char *digest; /* of the index or manifest; also when it is not whole; NULL = none */
    const char *type;   /* its media type */
    const char *label;  /* IMAGE_LABEL of its (first) image; NULL = not wanted, or it has none */
    const char *lacks;  /* digest of an index's manifest that is not there */
};
int images_find(struct images *images, struct image_find *list, size_t n, struct err *e);

enum tag_rule {
    TAG_NEW,    /* the commit's: where another image has it, ERR_CONFLICT */
    TAG_MOVE,   /* `latest` by a mainline run; --rebuild */
    TAG_ABSENT, /* `latest` by any other run: where any image has it, it stays */
};

/* Is there an image of these inputs? First by the commit's tag, then by "in-<hash>". */
enum image_found {
    IMAGE_NONE,      /* build it; or see why */
    IMAGE_BY_COMMIT, /* the commit's tag is it: nothing is to do */
    IMAGE_BY_INPUTS, /* it lacks the commit's tag: images_tag() */
};

struct image_look {
    const char *repository, *commit_tag;
    const char *hash;
    /* the answer */
    struct err why; /* ERR_CONFLICT: the commit's tag is another image */
    enum image_found found;
    const char *digest; /* NULL = none */
    enum tag_rule
        rule; /* for the commit's tag after a build: TAG_MOVE when its image lacks parts */
};
int images_look(struct images *images, struct image_look *list, size_t n, struct err *e);

/* --- one more tag --- */

struct image_tag {
    const char *repository;
    const char *from; /* digest or tag of an image that is there */
    const char *tag;
    enum tag_rule rule;
    const char *hash; /* TAG_NEW: another image of these inputs is as good; NULL = none is */
    /* the answer */
    struct err why;     /* ERR_CONFLICT: the registry does not let the tag be moved */
    bool was_put;       /* false: it was there, nothing was written */
    const char *digest; /* what has the tag, ours or not; NULL = unknown */
};
/* The same manifest, byte for byte, under another tag. */
int images_tag(struct images *images, struct image_tag *list, size_t n, struct err *e);

/* --- what is a base image now? --- */

struct image_base {
    const char *text; /* as FROM says it: "node:24-slim" */
    /* the answer */
    const char *digest; /* NULL = not resolved: see why */
    const char *pinned; /* "docker.io/library/node@sha256:…"; NULL likewise */
    struct err why;
};
/* Docker's mirrors of Docker Hub are asked first. All together take 3 s at most. Each is asked once
 * in the life of images. Nothing is wrong with a text that is not resolved: its text counts. */
int images_bases(struct images *images, struct image_base *list, size_t n, struct err *e);

#endif
