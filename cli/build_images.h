/* cli/build_images.h — The names of what is built, where no registry is asked: --no-push. */
#ifndef CLI_BUILD_IMAGES_H
#define CLI_BUILD_IMAGES_H

struct build_images;
struct build_plan;
struct cli;

/* p, whose registry is filled in, must live as long as *ret. Every app is built. */
void build_images_unasked(struct cli *c, const struct build_plan *p, struct build_images *ret);

#endif
