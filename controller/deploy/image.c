#include "deploy/image.h"

#include <string.h>

#include "base/arena.h"

const char *image_digest(const char *image)
{
    const char *at = image ? strchr(image, '@') : NULL;

    return at ? at + 1 : NULL;
}

const char *image_without_digest(const char *image, struct arena *a)
{
    return arena_strndup(a, image, strcspn(image, "@"));
}

bool image_is_from(const char *image, const char *repository)
{
    size_t n = strlen(repository);

    return !strncmp(image, repository, n) && (!image[n] || image[n] == ':' || image[n] == '@');
}

bool image_same(const char *a, const char *b)
{
    const char *x = image_digest(a), *y = image_digest(b);

    if (!a || !b)
        return false;
    if (x && y)
        return !strcmp(x, y);
    return !strcmp(a, b);
}

const char *image_in(const struct image_list *list, const char *container)
{
    for (size_t i = 0; i < list->n; i++)
        if (!strcmp(list->items[i].container, container))
            return list->items[i].image;
    return NULL;
}

const char *image_in_template(const struct template_facts *t, const char *container)
{
    for (size_t i = 0; i < t->n; i++)
        if (!strcmp(t->containers[i].name, container))
            return t->containers[i].image;
    return NULL;
}

bool images_match(const struct template_facts *t, const struct image_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        const char *image = image_in_template(t, list->items[i].container);

        if (!image || strcmp(image, list->items[i].image))
            return false;
    }
    return true;
}

bool images_equal(const struct image_list *a, const struct image_list *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        const char *image = image_in(b, a->items[i].container);

        if (!image || strcmp(image, a->items[i].image))
            return false;
    }
    return true;
}
