#include "release.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "cluster.h"
#include "marks.h"

#define SHORT_SHA 7
#define COMMIT_MAX 64

bool commit_matches(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);

    return n >= SHORT_SHA && m >= SHORT_SHA && strncmp(a, b, n < m ? n : m) == 0;
}

bool commit_is_valid(const char *s)
{
    size_t n = strspn(s, "0123456789abcdef");

    return !s[n] && n >= SHORT_SHA && n <= COMMIT_MAX;
}

static bool is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static const cJSON *find(const cJSON *list, const char *name)
{
    JSON_EACH(item, list)
        if (is_same(json_str(item, "name"), name))
            return item;
    return NULL;
}

static const struct wanted_app *meant(const struct wanted *w, const char *name)
{
    for (size_t i = 0; i < w->n_apps; i++)
        if (is_same(w->apps[i].name, name))
            return &w->apps[i];
    return NULL;
}

const char **release_listed(const cJSON *object, struct arena *a)
{
    const cJSON *apps = json_at(object, "spec", "apps");
    const char **names = arena_array(a, (size_t)cJSON_GetArraySize(apps) + 1, sizeof *names);
    size_t n = 0;

    JSON_EACH(item, apps)
        names[n++] = arena_strdup(a, json_str(item, "name"));
    return names;
}

const char *release_asked(const cJSON *object, const char *app)
{
    const cJSON *entry = find(json_at(object, "spec", "apps"), app);
    const char *own = json_str(entry, "commit");

    return entry && !own ? json_str(json_get(object, "spec"), "commit") : own;
}

const char *release_kept(const cJSON *object, const char *app)
{
    const cJSON *status = find(json_at(object, "status", "apps"), app);
    const char *asked = release_asked(object, app), *good = json_str(status, "commit");

    return good && asked && is_same(json_str(status, "failedCommit"), asked) ? good : asked;
}

bool release_drops(const struct wanted *w, const char *app)
{
    for (const char *const *name = w->dropped; name && *name; name++)
        if (is_same(*name, app))
            return true;
    return false;
}

/* --- whose it is --- */

/* Written into objects by who applies them. */
struct owner_mark {
    const char *where, *key; /* labels or annotations */
    const char *whose;       /* the value stands after it, where it ends in a space */
};

static const struct owner_mark MARKS[] = {
    { "annotations", "argocd.argoproj.io/tracking-id", "Argo CD's application " },
    { "labels", "argocd.argoproj.io/instance", "Argo CD's application " },
    { "labels", "kustomize.toolkit.fluxcd.io/name", "Flux's Kustomization " },
    { "labels", "helm.toolkit.fluxcd.io/name", "Flux's HelmRelease " },
    { "annotations", "meta.helm.sh/release-name", "Helm's release " },
};

/* Field managers of whoever applied its spec. */
static const struct owner_mark MANAGERS[] = {
    { NULL, "argocd-controller", "Argo CD" },
    { NULL, "argocd-application-controller", "Argo CD" },
    { NULL, "kustomize-controller", "Flux" },
    { NULL, "helm-controller", "Flux" },
    { NULL, "helm", "Helm" },
};

static const char *owner_of_manager(const char *manager)
{
    for (size_t i = 0; i < ARRAY_LEN(MANAGERS); i++)
        if (is_same(manager, MANAGERS[i].key))
            return MANAGERS[i].whose;
    return NULL;
}

const char *release_owner(const cJSON *object, struct arena *a)
{
    const cJSON *meta = json_get(object, "metadata");

    for (size_t i = 0; i < ARRAY_LEN(MARKS); i++) {
        const char *value = json_str(json_get(meta, MARKS[i].where), MARKS[i].key);

        /* Argo CD: <application>:<group>/<kind>:<namespace>/<name> */
        if (value)
            return arena_printf(a, "%s%.*s", MARKS[i].whose, (int)strcspn(value, ":"), value);
    }
    if (is_same(json_str(json_get(meta, "labels"), "app.kubernetes.io/managed-by"), "Helm"))
        return "Helm";
    JSON_EACH(item, json_get(meta, "managedFields")) {
        const char *whose = owner_of_manager(json_str(item, "manager"));

        if (whose && json_at(item, "fieldsV1", "f:spec"))
            return whose;
    }
    return NULL;
}

/* --- the list of apps --- */

static void put_names(cJSON *entry, const char *key, const char **names)
{
    cJSON *list;

    if (!names)
        return;
    cJSON_DeleteItemFromObjectCaseSensitive(entry, key);
    list = json_put_array(entry, key);
    for (; *names; names++)
        cJSON_AddItemToArray(list, cJSON_CreateString(*names));
}

static void put_text(cJSON *object, const char *key, const char *value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    json_put_str(object, key, value);
}

/* An entry of the list at this commit; of its own only where that differs from the release's. */
static void set_commit(cJSON *entry, const struct wanted *w, const char *commit)
{
    put_text(entry, "commit", is_same(commit, w->commit) ? NULL : commit);
}

/* Another registry than the object's is the meant apps' own matter: the others keep theirs. */
static const char *repository_of(const cJSON *object, const struct wanted *w,
                                 const struct wanted_app *app, struct arena *a)
{
    const char *registry = json_str(json_get(object, "spec"), "registry");

    if (app->repository || app->left || !object || !w->registry || is_same(registry, w->registry))
        return app->repository;
    return arena_printf(a, "%s/%s", w->registry, app->name);
}

static void complete(cJSON *entry, const cJSON *object, const struct wanted *w,
                     const struct wanted_app *app, struct arena *a)
{
    const char *repository = repository_of(object, w, app, a);

    set_commit(entry, w, app->commit);
    if (repository)
        put_text(entry, "repository", repository);
    if (app->deployment)
        put_text(entry, "deployment", app->deployment);
    put_names(entry, "containers", app->containers);
    put_names(entry, "dependsOn", app->depends_on);
}

/* What the object lists, in its order, then what is new. */
static cJSON *compose_apps(const cJSON *object, const struct wanted *w, struct arena *a)
{
    const cJSON *listed = json_at(object, "spec", "apps");
    cJSON *apps = cJSON_CreateArray();

    JSON_EACH(item, listed) {
        const char *name = json_str(item, "name");
        const struct wanted_app *app = meant(w, name);
        cJSON *entry;

        if (!app && release_drops(w, name))
            continue;
        entry = cJSON_Duplicate(item, true); /* texts and lists of them: nothing that is rounded */
        if (app)
            complete(entry, object, w, app, a);
        else
            set_commit(entry, w, release_kept(object, name));
        cJSON_AddItemToArray(apps, entry);
    }
    for (size_t i = 0; i < w->n_apps; i++) {
        cJSON *entry;

        if (find(listed, w->apps[i].name))
            continue;
        entry = cJSON_CreateObject();
        json_put_str(entry, "name", w->apps[i].name);
        complete(entry, object, w, &w->apps[i], a);
        cJSON_AddItemToArray(apps, entry);
    }
    return apps;
}

static int check_listed(const cJSON *object, const struct wanted *w, struct err *e)
{
    for (size_t i = 0; w->listed_only && i < w->n_apps; i++)
        if (!release_asked(object, w->apps[i].name))
            return err_set(e, ERR_INVALID, 0, "app '%s' is not in the AppRelease", w->apps[i].name);
    return 0;
}

/* --- annotations --- */

/* Our own text, back as a tree; NULL text gives 0 and a NULL tree. */
static int read_own(const char *text, cJSON **ret, struct err *e)
{
    *ret = text ? json_parse(text, strlen(text), e) : NULL;
    return text && !*ret ? -1 : 0;
}

static int put_annotations(cJSON *meta, const cJSON *object, const struct wanted *w, struct err *e)
{
    AUTO(json) cJSON *more = NULL;
    cJSON *all = json_put_object(meta, "annotations");

    if (read_own(w->annotations, &more, e))
        return -1;
    marks_compose(all, object, w);
    JSON_EACH_MEMBER(item, more)
        cJSON_AddItemToObject(all, item->string, cJSON_Duplicate(item, true));
    if (!all->child)
        cJSON_DeleteItemFromObjectCaseSensitive(meta, "annotations");
    return 0;
}

/* --- the whole --- */

/* Who asked: a merge patch leaves what it does not name, so that is taken away by name. */
static int put_source(cJSON *spec, const cJSON *object, const char *source, struct err *e)
{
    cJSON *now;

    if (read_own(source, &now, e))
        return -1;
    if (!now)
        return 0;
    JSON_EACH_MEMBER(item, json_at(object, "spec", "source"))
        if (!json_get(now, item->string))
            cJSON_AddNullToObject(now, item->string);
    cJSON_DeleteItemFromObjectCaseSensitive(spec, "source");
    cJSON_AddItemToObject(spec, "source", now);
    return 0;
}

static int put_spec(cJSON *whole, const cJSON *object, const struct wanted *w, struct arena *a,
                    struct err *e)
{
    cJSON *spec;

    if (read_own(w->spec, &spec, e))
        return -1;
    spec = spec ? spec : cJSON_CreateObject();
    cJSON_AddItemToObject(whole, "spec", spec);
    put_text(spec, "commit", w->commit);
    if (w->registry && !json_str(json_get(object, "spec"), "registry"))
        put_text(spec, "registry", w->registry);
    cJSON_DeleteItemFromObjectCaseSensitive(spec, "apps");
    cJSON_AddItemToObject(spec, "apps", compose_apps(object, w, a));
    return put_source(spec, object, w->source, e);
}

cJSON *release_compose(const cJSON *object, const struct wanted *w, const char *ns,
                       const char *name, struct arena *a, struct err *e)
{
    AUTO(json) cJSON *whole = cJSON_CreateObject();
    cJSON *meta;

    if (check_listed(object, w, e))
        return NULL;
    if (!object) {
        json_put_str(whole, "apiVersion", APPRELEASE_API);
        json_put_str(whole, "kind", "AppRelease");
    }
    meta = json_put_object(whole, "metadata");
    if (object) {
        json_put_str(meta, "resourceVersion",
                     json_str(json_get(object, "metadata"), "resourceVersion"));
    } else {
        json_put_str(meta, "name", name);
        json_put_str(meta, "namespace", ns);
    }
    if (put_annotations(meta, object, w, e) || put_spec(whole, object, w, a, e))
        return NULL;
    return take(whole);
}

/* RFC 7396. */
static void merge(cJSON *into, const cJSON *patch)
{
    JSON_EACH_MEMBER(item, patch) {
        cJSON *old = cJSON_GetObjectItemCaseSensitive(into, item->string);

        if (cJSON_IsObject(item) && cJSON_IsObject(old)) {
            merge(old, item);
            continue;
        }
        cJSON_DeleteItemFromObjectCaseSensitive(into, item->string);
        if (cJSON_IsObject(item))
            merge(json_put_object(into, item->string), item);
        else if (!cJSON_IsNull(item))
            cJSON_AddItemToObject(into, item->string, cJSON_Duplicate(item, true));
    }
}

cJSON *release_manifest(const cJSON *object, const struct wanted *w, const char *ns,
                        const char *name, struct arena *a, struct err *e)
{
    AUTO(json) cJSON *patch = release_compose(object, w, ns, name, a, e);
    AUTO(json) cJSON *whole = cJSON_CreateObject();
    cJSON *meta;

    if (!patch)
        return NULL;
    json_put_str(whole, "apiVersion", APPRELEASE_API);
    json_put_str(whole, "kind", "AppRelease");
    meta = json_put_object(whole, "metadata");
    json_put_str(meta, "name", name);
    json_put_str(meta, "namespace", ns);
    merge(json_put_object(whole, "spec"), json_get(object, "spec"));
    merge(cJSON_GetObjectItemCaseSensitive(whole, "spec"), json_get(patch, "spec"));
    return take(whole);
}

int release_check(const cJSON *answer, const struct wanted *w, struct err *e)
{
    for (size_t i = 0; i < w->n_apps; i++) {
        const char *asked = release_asked(answer, w->apps[i].name);

        if (!is_same(asked, w->apps[i].commit))
            return err_set(e, ERR_CONFLICT, 0,
                           "the cluster keeps app '%s' at %s instead of %s: an admission webhook "
                           "changed what was written",
                           w->apps[i].name, asked ? asked : "nothing", w->apps[i].commit);
    }
    return 0;
}
