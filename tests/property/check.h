/* tests/property/check.h — What the files of the properties share.
 *
 *   check.c         what a plan keeps, and what is so at the end
 *   check_plan.c    what a plan may write
 *   check_status.c  what a status keeps that was taken
 *   check_begin.c   what an attempt keeps that begins in it
 *   check_patch.c   what a patch keeps that was taken
 *   check_oracle.c  what the Deployments and the attempts were */
#ifndef PROPERTY_CHECK_H
#define PROPERTY_CHECK_H
#include "property/model.h"

#define UID_DIGITS 8

/* check.c */
bool check_same(const char *a, const char *b);
/* Does it run exactly these images? */
bool check_runs(const struct dep *d, const struct image_list *images);
/* The digest, or the whole image where it has none. */
const char *check_what_is(const char *image);
/* R17, R18: nothing begins by the spec of such a release at that time. */
bool check_is_held(const struct release *r, int64_t at_ms);

/* check_plan.c */
void check_writes(struct model *m, const struct release *r, const struct observed *o,
                  const struct plan *p);

/* check_begin.c */
void check_begin(struct model *m, const struct release *r, const struct release_status *now,
                 const struct app_status *app);
/* Has a listed app failed by itself, and is it over? */
bool check_has_failed(const struct release_spec *spec, const struct app_status *app);

/* check_oracle.c */
struct oracle *check_oracle(struct model *m, int dep);
/* What the Deployment runs, whole or not, as of now. */
void check_note_complete(struct model *m, int dep, const struct dep *d);
/* The attempt of that id on that Deployment; NULL = none was in a status. */
struct seen_id *check_find_id(struct model *m, const char *id, const char *dep_uid);

#endif
