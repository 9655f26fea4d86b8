#include "property/field.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/auto.h"

/* The first value is the usual one. */
static const struct field {
    const char *object, *name; /* object NULL = of spec itself */
    const char *values[6];     /* JSON, without spaces */
    bool begins_usual;         /* else little would happen */
} FIELDS[] = {
    { NULL, "maxConcurrent", { "2", "1", "3" }, false },
    { NULL, "missingImagePolicy", { "\"Wait\"", "\"Skip\"", "\"Fail\"" }, false },
    { NULL, "imageWaitSeconds", { "60", "20", "0", "300" }, false },
    { NULL, "pinDigest", { "true", "false" }, false },
    { NULL, "rollback", { "\"Auto\"", "\"Never\"" }, false },
    { NULL, "onFailure", { "\"RollbackFailed\"", "\"RollbackAll\"", "\"Halt\"" }, false },
    { NULL, "dependsOn", { "\"none\"", "\"chain\"", "\"first\"", "\"last\"" }, false },
    { NULL, "containers", { "\"all\"", "\"own\"", "\"worker\"" }, false },
    { NULL, "enforceRollingUpdate", { "true", "false" }, false },
    { NULL, "tag", { "\"ShortSHA\"", "\"FullSHA\"" }, false },
    { NULL, "historyLimit", { "10", "1", "2" }, false },
    { NULL, "ttlSecondsAfterFinished", { "null", "60", "0" }, false },
    { NULL, "suspend", { "false", "true" }, true },
    { NULL, "paused", { "false", "true" }, true },
    { NULL, "mode", { "\"Apply\"", "\"Plan\"" }, true },
    { "approval", "required", { "false", "true" }, true },
    { NULL,
      "freezeWindows",
      { "\"none\"", "\"often\"", "\"once\"", "\"two\"", "\"ever\"" },
      false },
    { NULL, "serviceAccountName", { "null", "\"deployer\"", "\"guest\"", "\"not/one\"" }, false },
    { "health", "deadlineSeconds", { "30", "10", "60" }, false },
    { "health", "soakSeconds", { "5", "0", "10", "20" }, false },
    { "health", "restartThreshold", { "3", "1" }, false },
    { "health", "failFast", { "true", "false" }, false },
};

size_t field_count(void)
{
    return ARRAY_LEN(FIELDS);
}

size_t field_values(size_t field)
{
    size_t n = 0;

    while (n < ARRAY_LEN(FIELDS[field].values) && FIELDS[field].values[n])
        n++;
    return n;
}

const char *field_name(size_t field)
{
    return FIELDS[field].name;
}

int field_index(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(FIELDS); i++)
        if (!strcmp(FIELDS[i].name, name))
            return (int)i;
    return -1;
}

bool field_begins_usual(size_t field)
{
    return FIELDS[field].begins_usual;
}

int value_index(size_t field, const char *json)
{
    for (size_t i = 0; i < field_values(field); i++)
        if (!strcmp(FIELDS[field].values[i], json))
            return (int)i;
    return -1;
}

const char *field_value(size_t field, int value)
{
    return FIELDS[field].values[value];
}

char *commit_text(char buf[COMMIT_BYTES], int commit)
{
    snprintf(buf, COMMIT_BYTES, "%07x%033d", 0xabc0000 + (unsigned)commit, 0);
    return buf;
}

char *deployment_text(char buf[NAME_BYTES], int app, bool renamed)
{
    snprintf(buf, NAME_BYTES, "%s-app%d", renamed ? "alt" : "btc", app);
    return buf;
}

void spec_begin(struct spec_model *m, const struct script *s, int release)
{
    *m = (struct spec_model){ .commit = 0, .approved = -1 };
    for (int a = 0; a < APPS; a++) {
        m->apps[a].listed = a < s->apps;
        m->apps[a].commit = -1;
    }
    memcpy(m->fields, s->fields[release], sizeof m->fields);
}

static cJSON *parse(const char *text)
{
    struct err e = { 0 };

    return json_parse(text, strlen(text), &e);
}

/* Who depends on whom is one field of the release, to be drawn and shrunk as the others are; so are
 * the windows. */
static bool is_shape(const struct field *f)
{
    return !strcmp(f->name, "dependsOn") || !strcmp(f->name, "containers") ||
           !strcmp(f->name, "freezeWindows");
}

enum { DEPENDS_NONE, DEPENDS_CHAIN, DEPENDS_FIRST, DEPENDS_LAST };

/* Does app a depend on app b? Each on the one before it; all others on the first; or on the last,
 * which comes after them in the list. */
static bool depends_on(int shape, int a, int b, int apps)
{
    return (shape == DEPENDS_CHAIN && b == a - 1) || (shape == DEPENDS_FIRST && !b && a) ||
           (shape == DEPENDS_LAST && b == apps - 1 && a != b);
}

static int shape_of(const struct spec_model *m)
{
    return m->fields[field_index("dependsOn")];
}

enum windows spec_windows(const struct spec_model *m)
{
    return (enum windows)m->fields[field_index("freezeWindows")];
}

static void put_field(cJSON *tree, const struct field *f, int value)
{
    cJSON *object = f->object ? cJSON_GetObjectItemCaseSensitive(tree, f->object) : tree;

    if (!object)
        object = json_put_object(tree, f->object);
    cJSON_AddItemToObject(object, f->name, parse(f->values[value]));
}

static void add_needs(cJSON *app, const struct spec_model *m, int a, int n)
{
    cJSON *needs = json_put_array(app, "dependsOn");
    char name[NAME_BYTES];

    for (int b = 0; b < n; b++) {
        snprintf(name, sizeof name, "app%d", b);
        if (m->apps[b].listed && depends_on(shape_of(m), a, b, n))
            cJSON_AddItemToArray(needs, cJSON_CreateString(name));
    }
}

/* Which containers are the app's: all with its image, its own only, the worker besides. */
static void add_containers(cJSON *app, const struct spec_model *m, const char *name)
{
    int which = m->fields[field_index("containers")];
    cJSON *list;

    if (!which)
        return;
    list = json_put_array(app, "containers");
    cJSON_AddItemToArray(list, cJSON_CreateString(name));
    if (which == 2)
        cJSON_AddItemToArray(list, cJSON_CreateString("worker"));
}

static void add_app(cJSON *apps, const struct spec_model *m, int a, int n)
{
    char name[NAME_BYTES], commit[COMMIT_BYTES];
    cJSON *app;

    if (!m->apps[a].listed)
        return;
    app = cJSON_CreateObject();
    cJSON_AddItemToArray(apps, app);
    snprintf(name, sizeof name, "app%d", a);
    json_put_str(app, "name", name);
    add_containers(app, m, name);
    if (m->apps[a].commit >= 0)
        json_put_str(app, "commit", commit_text(commit, m->apps[a].commit));
    if (m->apps[a].renamed)
        json_put_str(app, "deployment", deployment_text(name, a, true));
    add_needs(app, m, a, n);
}

cJSON *spec_build(const struct spec_model *m, const struct script *s)
{
    cJSON *tree = cJSON_CreateObject();
    cJSON *apps = json_put_array(tree, "apps");
    char commit[COMMIT_BYTES];

    json_put_str(tree, "commit", commit_text(commit, m->commit));
    json_put_str(tree, "registry", m->bad ? "not a registry" : "reg.io");
    for (size_t i = 0; i < ARRAY_LEN(FIELDS); i++)
        if (!is_shape(&FIELDS[i]))
            put_field(tree, &FIELDS[i], m->fields[i]);
    cJSON_AddItemToObject(tree, "freezeWindows", windows_build(spec_windows(m)));
    if (m->approved >= 0)
        json_put_str(cJSON_GetObjectItemCaseSensitive(tree, "approval"), "approvedCommit",
                     commit_text(commit, m->approved));
    for (int a = 0; a < s->apps; a++)
        add_app(apps, m, a, s->apps);
    return tree;
}
