/* controller/deploy/image.h — Parts of image references, and images of containers. Pure. */
#ifndef DEPLOY_IMAGE_H
#define DEPLOY_IMAGE_H
#include <stdbool.h>

#include "deploy/observed.h"

struct arena;

/* "…@sha256:1234" → "sha256:1234"; NULL when there is no digest (or no image). */
const char *image_digest(const char *image);

/* Without digest: "host/app:tag@sha256:…" → "host/app:tag". */
const char *image_without_digest(const char *image, struct arena *a);

/* Is it of this repository, whatever tag and digest? */
bool image_is_from(const char *image, const char *repository);

/* Same digest; without digests on either side the same text. NULL is like nothing. */
bool image_same(const char *a, const char *b);

/* The image a container has, or NULL. */
const char *image_in(const struct image_list *list, const char *container);
const char *image_in_template(const struct template_facts *t, const char *container);

/* Does the template have exactly these images in these containers? An empty list: true. */
bool images_match(const struct template_facts *t, const struct image_list *list);
bool images_equal(const struct image_list *a, const struct image_list *b);

#endif
