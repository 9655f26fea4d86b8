/* controller/deploy/spec_shape.h — What the strings of a spec may look like, as the CRD has it.
 *
 *   if (!shape_fits(&SHAPE_COMMIT, text))
 *       complain(r, "spec.commit: '%s' is not %s", text, SHAPE_COMMIT.rule); */
#ifndef DEPLOY_SPEC_SHAPE_H
#define DEPLOY_SPEC_SHAPE_H
#include <stdbool.h>
#include <stddef.h>

#define SHORT_SHA 7

/* What a string may look like. */
struct shape {
    bool (*fits)(const char *s);
    size_t max;
    const char *rule; /* for people */
};

extern const struct shape SHAPE_COMMIT;
extern const struct shape SHAPE_LABEL;
extern const struct shape SHAPE_SUBDOMAIN;
extern const struct shape SHAPE_PREFIX;
extern const struct shape SHAPE_REGISTRY;
extern const struct shape SHAPE_REPOSITORY;
extern const struct shape SHAPE_APPROVED;
extern const struct shape SHAPE_SCHEDULE;
extern const struct shape SHAPE_TIME_ZONE;
extern const struct shape SHAPE_SHOWN;
extern const struct shape SHAPE_TIME;
extern const struct shape SHAPE_ANYTHING;

bool shape_fits(const struct shape *shape, const char *s);

#endif
