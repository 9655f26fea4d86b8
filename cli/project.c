#include "project.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "base/json.h"
#include "base/yaml.h"

const char *const PROJECT_SHARED[] = {
    "/packages/",  "/configs/",      "/scripts/",       "/patches/",
    "/turbo.json", "/package.json",  "/pnpm-lock.yaml", "/pnpm-workspace.yaml",
    "/.npmrc",     "/.pnpmfile.cjs", "/.dockerignore",  "/Dockerfile",
    NULL,
};
const char *const PROJECT_IGNORE[] = {
    "*.md",       "LICENSE",       "/docs/",   "/.github/", "/.gitlab-ci.yml", "/.vscode/",
    ".gitignore", ".editorconfig", "/.husky/", "/k8s/",     "/examples/",      NULL,
};

enum value_kind { TEXT, TEXTS, PAIRS };

/* A member whose value is a text, a list of texts, or a mapping to texts ("NAME=value"). */
struct member {
    const char *name;
    enum value_kind kind;
    size_t offset;
};

#define OF_APP(field) offsetof(struct project_app, field)
#define OF_PROJECT(field) offsetof(struct project, field)

static const struct member APP_MEMBERS[] = {
    { "dir", TEXT, OF_APP(dir) },
    { "dockerfile", TEXT, OF_APP(dockerfile) },
    { "target", TEXT, OF_APP(target) },
    { "args", PAIRS, OF_APP(args) },
    { "inputs", TEXTS, OF_APP(inputs) },
    { "secrets", TEXTS, OF_APP(secrets) },
    { "ssh", TEXTS, OF_APP(ssh) },
    { "repository", TEXT, OF_APP(repository) },
    { "deployment", TEXT, OF_APP(deployment) },
    { "containers", TEXTS, OF_APP(containers) },
    { "dependsOn", TEXTS, OF_APP(depends_on) },
    { "platforms", TEXTS, OF_APP(platforms) },
    { NULL, TEXT, 0 },
};

static const struct member PROJECT_MEMBERS[] = {
    { "shared", TEXTS, OF_PROJECT(shared) },    { "ignore", TEXTS, OF_PROJECT(ignore) },
    { "mainline", TEXT, OF_PROJECT(mainline) }, { "platforms", TEXTS, OF_PROJECT(platforms) },
    { "registry", TEXT, OF_PROJECT(registry) }, { "namespace", TEXT, OF_PROJECT(namespace_) },
    { "context", TEXT, OF_PROJECT(context) },   { NULL, TEXT, 0 },
};

struct reading {
    const char *text;
    struct arena *arena;
    struct err *e;
    const char *path[8]; /* of what is being read, NULL-terminated */
    size_t depth;
};

static int fail(const struct reading *r, const char *what)
{
    struct yaml_place at = yaml_where(r->text, strlen(r->text), r->path);

    return err_set(r->e, ERR_INVALID, 0, "%s: line %zu, column %zu: %s: %s", PROJECT_FILE, at.line,
                   at.column, r->depth ? r->path[r->depth - 1] : "the file", what);
}

static void enter(struct reading *r, const char *name)
{
    r->path[r->depth++] = name;
    r->path[r->depth] = NULL;
}

static void leave(struct reading *r)
{
    r->path[--r->depth] = NULL;
}

/* --- values --- */

/* A text; numbers and booleans count as they are written, where any text is one. */
static const char *text_of(struct reading *r, const cJSON *v, bool any)
{
    if (cJSON_IsString(v) && (any || v->valuestring[0]))
        return arena_strdup(r->arena, v->valuestring);
    if (any && cJSON_IsNumber(v))
        return arena_printf(r->arena, "%lld", (long long)v->valuedouble);
    if (any && cJSON_IsBool(v))
        return cJSON_IsTrue(v) ? "true" : "false";
    return NULL;
}

static int read_texts(struct reading *r, const cJSON *v, const char ***ret)
{
    const char **list;
    size_t n = 0;

    if (!cJSON_IsArray(v))
        return fail(r, "must be a list of texts");
    list = arena_array(r->arena, (size_t)cJSON_GetArraySize(v) + 1, sizeof *list);
    JSON_EACH(item, v) {
        list[n] = text_of(r, item, false);
        if (!list[n]) {
            enter(r, arena_printf(r->arena, "%zu", n));
            return fail(r, "must be a text");
        }
        n++;
    }
    *ret = list;
    return 0;
}

static int read_pairs(struct reading *r, const cJSON *v, const char ***ret)
{
    const char **list;
    size_t n = 0;

    if (!cJSON_IsObject(v))
        return fail(r, "must be a mapping of names to texts");
    list = arena_array(r->arena, (size_t)cJSON_GetArraySize(v) + 1, sizeof *list);
    JSON_EACH_MEMBER(item, v) {
        const char *text = text_of(r, item, true);

        enter(r, item->string);
        if (!text)
            return fail(r, "must be a text");
        leave(r);
        list[n++] = arena_printf(r->arena, "%s=%s", item->string, text);
    }
    *ret = list;
    return 0;
}

static int read_member(struct reading *r, const struct member *m, const cJSON *v, void *into)
{
    char *at = (char *)into + m->offset;

    switch (m->kind) {
    case TEXT:
        *(const char **)at = text_of(r, v, false);
        return *(const char **)at ? 0 : fail(r, "must be a text");
    case TEXTS:
        return read_texts(r, v, (const char ***)at);
    case PAIRS:
    default:
        return read_pairs(r, v, (const char ***)at);
    }
}

static const struct member *find_member(const struct member *members, const char *name)
{
    for (; members->name; members++)
        if (!strcmp(members->name, name))
            return members;
    return NULL;
}

/* --- the file --- */

/* A path of the repository: relative, without "..", "." and empty parts. */
static bool is_inside(const char *path)
{
    while (*path) {
        size_t len = strcspn(path, "/");

        if (len == 0 || (len == 1 && *path == '.') || (len == 2 && !strncmp(path, "..", 2)))
            return false;
        path += len;
        if (*path == '/' && !*++path)
            return true; /* a slash at the end is fine */
    }
    return true;
}

static int check_paths(struct reading *r, const struct project_app *app)
{
    const char *paths[] = { app->dir, app->dockerfile };
    static const char *const NAMES[] = { "dir", "dockerfile" };

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        enter(r, NAMES[i]);
        if (paths[i] && !is_inside(paths[i]))
            return fail(r, "must be a path inside the repository, without ..");
        leave(r);
    }
    return 0;
}

static int read_app(struct reading *r, const cJSON *v, struct project_app *ret)
{
    ret->name = arena_strdup(r->arena, v->string);
    ret->excluded = cJSON_IsFalse(v);
    if (ret->excluded)
        return 0;
    if (!cJSON_IsObject(v))
        return fail(r, "must be false, or a mapping");
    JSON_EACH_MEMBER(item, v) {
        const struct member *m = find_member(APP_MEMBERS, item->string);

        enter(r, item->string);
        if (!m)
            return fail(r, "is not a field of an app");
        if (read_member(r, m, item, ret))
            return -1;
        leave(r);
    }
    return check_paths(r, ret);
}

static int read_apps(struct reading *r, const cJSON *v, struct project *ret)
{
    if (!cJSON_IsObject(v))
        return fail(r, "must be a mapping of names to apps");
    ret->apps = arena_array(r->arena, (size_t)cJSON_GetArraySize(v) + 1, sizeof *ret->apps);
    JSON_EACH_MEMBER(item, v) {
        enter(r, item->string);
        if (read_app(r, item, &ret->apps[ret->n_apps++]))
            return -1;
        leave(r);
    }
    return 0;
}

static int read_release(struct reading *r, const cJSON *v, struct project *ret)
{
    char *json;

    if (!cJSON_IsObject(v))
        return fail(r, "must be a mapping of fields of an AppRelease's spec");
    json = json_print(v);
    ret->release = arena_strdup(r->arena, json);
    cJSON_free(json);
    return 0;
}

static int read_field(struct reading *r, const cJSON *v, struct project *ret)
{
    const struct member *m = find_member(PROJECT_MEMBERS, v->string);

    if (!strcmp(v->string, "apps"))
        return read_apps(r, v, ret);
    if (!strcmp(v->string, "release"))
        return read_release(r, v, ret);
    return m ? read_member(r, m, v, ret) : fail(r, "is not a field of this file");
}

int project_parse(const char *text, struct arena *a, struct project *ret, struct err *e)
{
    AUTO(json) cJSON *root = yaml_parse(text, strlen(text), PROJECT_MAX_BYTES, e);
    struct reading r = { .text = text, .arena = a, .e = e };
    struct project p = { 0 };

    if (!root)
        return err_ctx(e, "%s", PROJECT_FILE);
    if (!cJSON_IsObject(root) && !cJSON_IsNull(root))
        return fail(&r, "must be a mapping");
    JSON_EACH_MEMBER(item, root) {
        enter(&r, item->string);
        if (read_field(&r, item, &p))
            return -1;
        leave(&r);
    }
    *ret = p;
    return 0;
}

const struct project_app *project_app(const struct project *p, const char *name)
{
    for (size_t i = 0; i < p->n_apps; i++)
        if (!strcmp(p->apps[i].name, name))
            return &p->apps[i];
    return NULL;
}
