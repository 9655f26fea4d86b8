#include "images.h"

#include <stdlib.h>

#include "base/mem.h"
#include "cli.h"

struct images {
    struct cli *c;
};

struct images *images_open(struct cli *c, const struct registry_setting *r, struct err *e)
{
    struct images *images = xcalloc(1, sizeof *images);

    (void)r;
    (void)e;
    images->c = c;
    return images;
}

void images_close(struct images *images)
{
    free(images);
}

bool images_are_plain_http(const struct images *images)
{
    (void)images;
    return false;
}

int images_find(struct images *images, struct image_find *list, size_t n, struct err *e)
{
    (void)images;
    (void)list;
    (void)n;
    return err_set(e, ERR_INVALID, 0, "not yet");
}

int images_look(struct images *images, struct image_look *list, size_t n, struct err *e)
{
    (void)images;
    (void)list;
    (void)n;
    return err_set(e, ERR_INVALID, 0, "not yet");
}

int images_tag(struct images *images, struct image_tag *list, size_t n, struct err *e)
{
    (void)images;
    (void)list;
    (void)n;
    return err_set(e, ERR_INVALID, 0, "not yet");
}

int images_bases(struct images *images, struct image_base *list, size_t n, struct err *e)
{
    (void)images;
    (void)list;
    (void)n;
    return err_set(e, ERR_INVALID, 0, "not yet");
}
