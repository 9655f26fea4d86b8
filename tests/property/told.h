/* tests/property/told.h — What a controller was told beside the watches: answers, live reads, what
 * its own writes returned, what the API server refused. */
#ifndef PROPERTY_TOLD_H
#define PROPERTY_TOLD_H
#include "property/model.h"

void told_put_release(struct facts *f, const struct release *r);
void told_put_dep(struct model *m, struct facts *f, int dep, const struct dep *d, int64_t read_ms);
struct image_answer *told_image(struct model *m, struct facts *f, const char *image,
                                size_t *ret_at);
void told_image_answered(struct model *m, struct facts *f, const char *image, int code,
                         const char *digest);
void told_forget_images(struct facts *f, int64_t before_ms);
void told_forget_failure(struct facts *f, const char *id);
void told_forget_refusal(struct facts *f, const char *id);
void told_note_refusal(struct model *m, struct facts *f, const struct write *w, int code);
void told_note_failure(struct model *m, struct facts *f, const char *id);

#endif
