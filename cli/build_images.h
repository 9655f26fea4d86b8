/* cli/build_images.h — What the builds ask of the registry (cli/images.h), and what the images are
 * called. */
#ifndef CLI_BUILD_IMAGES_H
#define CLI_BUILD_IMAGES_H

struct app;
struct arena;
struct build_images;
struct build_plan;
struct cli;
struct images;

/* Where the images of an app are: "192.168.1.100:5000/system-app". */
const char *build_repository(struct arena *a, const struct build_plan *p, const struct app *app);

/* images NULL: no registry is asked (--no-push), and every app is built. p, whose registry is
 * filled in, and images must live as long as *ret. */
void build_images_init(struct cli *c, const struct build_plan *p, struct images *images,
                       struct build_images *ret);

#endif
