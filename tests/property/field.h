/* tests/property/field.h — The spec of a world's AppRelease: what users set in it.
 *
 * A field of the spec that worlds should vary is one line of the table in field.c. */
#ifndef PROPERTY_FIELD_H
#define PROPERTY_FIELD_H
#include "base/json.h"
#include "property/script.h"
#include "property/windows.h"

struct spec_model {
    int commit;
    int approved; /* which commit is; -1 = none */
    struct {
        bool listed, renamed;
        int commit; /* held at; -1 = the release's */
    } apps[APPS];
    int fields[FIELDS_MAX]; /* which value */
    bool bad;
};

size_t field_count(void);
size_t field_values(size_t field);
const char *field_name(size_t field);
int field_index(const char *name); /* -1 = none */
const char *field_value(size_t field, int value);
int value_index(size_t field, const char *json); /* -1 = none */
/* Does it begin with its usual value? */
bool field_begins_usual(size_t field);

/* As a release begins. */
void spec_begin(struct spec_model *m, const struct script *s, int release);
enum windows spec_windows(const struct spec_model *m);
/* The tree of spec; the caller frees. */
cJSON *spec_build(const struct spec_model *m, const struct script *s);

/* 40 digits, of which the first seven tell them apart. */
#define COMMIT_BYTES 48
char *commit_text(char buf[COMMIT_BYTES], int commit);
/* "btc-app0", or "alt-app0" when it is renamed. */
#define NAME_BYTES 16
char *deployment_text(char buf[NAME_BYTES], int app, bool renamed);

#endif
