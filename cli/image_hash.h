/* cli/image_hash.h — What makes an image, as a hash: two builds of the same need not differ. Pure.
 *
 * GIT_SHA is no part of it: it differs with each commit, and nothing is to be built for that. */
#ifndef CLI_IMAGE_HASH_H
#define CLI_IMAGE_HASH_H

struct arena;
struct image_base;

#define IMAGE_HASH_DIGITS 40 /* the tag is "in-" and these */

/* Lists are NULL-terminated, NULL = none; their order does not count. */
struct image_inputs {
    const char *tree;               /* id of the inputs' tree */
    const char *dockerfile;         /* its path there */
    const char *app_dir;            /* APP_DIR */
    const char *target;             /* NULL = the last stage */
    const char *const *args;        /* "NAME=value"; of a name twice the last counts */
    const char *const *platforms;   /* "linux/amd64" */
    const char *const *secrets;     /* as --secret takes them; only their ids count */
    const char *const *ssh;         /* likewise */
    const struct image_base *bases; /* a digest, or where it has none the text */
    unsigned long n_bases;
};

/* IMAGE_HASH_DIGITS of lower-case hex. */
const char *image_hash(struct arena *a, const struct image_inputs *in);

/* "in-<hash>". */
const char *image_hash_tag(struct arena *a, const char *hash);

#endif
