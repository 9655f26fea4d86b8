#include "lockfile.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/yaml.h"

#define VERSION "9.0"

struct lockfile {
    cJSON *root;
    struct map *snapshots, *packages; /* key → const cJSON * inside the root */
};

/* --- reading --- */

/* Behind the last line "---". */
static const char *last_document(const char *text)
{
    const char *last = text;

    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (!strncmp(line, "---", 3) && (!line[3] || strchr("\r\n", line[3])))
            last = line;
    }
    return last;
}

static struct map *index_of(const cJSON *object)
{
    struct map *m = map_new();

    JSON_EACH_MEMBER(item, object)
        map_put(m, item->string, (void *)item);
    return m;
}

struct lockfile *lockfile_parse(const char *text, struct err *e)
{
    const char *document = last_document(text);
    AUTO(json) cJSON *root = yaml_parse(document, strlen(document), LOCKFILE_MAX_BYTES, e);
    const char *version = json_str(root, "lockfileVersion");
    struct lockfile *l;

    if (!root) {
        err_ctx(e, "%s", LOCKFILE);
        return NULL;
    }
    if (!version || strcmp(version, VERSION) != 0) {
        err_set(e, ERR_INVALID, 0, "%s: lockfileVersion is %s; only %s is understood", LOCKFILE,
                version ? version : "not said", VERSION);
        return NULL;
    }
    l = xcalloc(1, sizeof *l);
    l->root = take(root);
    l->snapshots = index_of(json_get(l->root, "snapshots"));
    l->packages = index_of(json_get(l->root, "packages"));
    return l;
}

void lockfile_free(struct lockfile *l)
{
    if (!l)
        return;
    map_free(l->snapshots, NULL);
    map_free(l->packages, NULL);
    cJSON_Delete(l->root);
    free(l);
}

/* --- comparing --- */

struct walk {
    const struct lockfile *old, *new;
    struct map *seen;
    const char **todo; /* keys of snapshots */
    size_t n, cap;
};

static bool is_equal(const cJSON *a, const cJSON *b)
{
    return a == b || (a && b && cJSON_Compare(a, b, true));
}

/* The entries that have a place of their own below are compared there. */
static bool is_top_same(const struct walk *w)
{
    static const char *const LATER[] = { "importers", "packages", "snapshots" };
    const cJSON *roots[] = { w->old->root, w->new->root };

    for (size_t i = 0; i < 2; i++) {
        JSON_EACH_MEMBER(item, roots[i]) {
            bool is_later = false;

            for (size_t j = 0; j < ARRAY_LEN(LATER); j++)
                is_later |= !strcmp(item->string, LATER[j]);
            if (!is_later && !is_equal(item, json_get(roots[!i], item->string)))
                return false;
        }
    }
    return true;
}

static void push(struct walk *w, const char *key)
{
    if (map_put(w->seen, key, w))
        return;
    if (w->n == w->cap) {
        w->cap = w->cap ? 2 * w->cap : 64;
        w->todo = xrealloc(w->todo, w->cap * sizeof *w->todo);
    }
    w->todo[w->n++] = key;
}

/* A dependency's snapshot: "name@version", or the version itself where it names another package. A
 * link leads to another importer, which is asked by itself. */
static bool follow(struct walk *w, const char *name, const char *version)
{
    char *key;
    const cJSON *found;

    if (!version)
        return false;
    if (!strncmp(version, "link:", 5))
        return true;
    key = xasprintf("%s@%s", name, version);
    found = map_get(w->new->snapshots, key);
    free(key);
    if (!found)
        found = map_get(w->new->snapshots, version);
    if (found)
        push(w, found->string);
    return found != NULL;
}

static bool follow_importer(struct walk *w, const char *dir)
{
    static const char *const KINDS[] = { "dependencies", "devDependencies",
                                         "optionalDependencies" };
    const cJSON *new = json_at(w->new->root, "importers", dir);

    if (!new || !is_equal(json_at(w->old->root, "importers", dir), new))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++)
        JSON_EACH_MEMBER(item, json_get(new, KINDS[i]))
            if (!follow(w, item->string, json_str(item, "version")))
                return false;
    return true;
}

/* "left-pad@1.0.0(react@18.0.0)" is the package "left-pad@1.0.0". */
static bool is_package_same(const struct walk *w, const char *key)
{
    char *bare = xstrndup(key, strcspn(key, "("));
    const cJSON *new = map_get(w->new->packages, bare);
    bool same = new &&is_equal(map_get(w->old->packages, bare), new);

    free(bare);
    return same;
}

static bool is_snapshot_same(struct walk *w, const char *key)
{
    static const char *const KINDS[] = { "dependencies", "optionalDependencies" };
    const cJSON *new = map_get(w->new->snapshots, key);

    if (!is_equal(map_get(w->old->snapshots, key), new) || !is_package_same(w, key))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++)
        JSON_EACH_MEMBER(item, json_get(new, KINDS[i]))
            if (!follow(w, item->string, cJSON_GetStringValue(item)))
                return false;
    return true;
}

bool lockfile_is_same(const struct lockfile *old, const struct lockfile *new,
                      const char *const *importers)
{
    struct walk w = { .old = old, .new = new, .seen = map_new() };
    bool same = is_top_same(&w);

    for (; same && *importers; importers++)
        same = follow_importer(&w, *importers);
    for (size_t i = 0; same && i < w.n; i++)
        same = is_snapshot_same(&w, w.todo[i]);
    map_free(w.seen, NULL);
    free(w.todo);
    return same;
}
