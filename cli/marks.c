#include "marks.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "base/json.h"
#include "cluster.h"
#include "deploy/image.h"
#include "release.h"

#define MAINLINE APPRELEASE_MARK "mainline"
#define WORK APPRELEASE_MARK "work"
#define ROLLED_BACK APPRELEASE_MARK "rolled-back"

static bool is_at(const char *a, const char *b)
{
    return a && b && commit_matches(a, b);
}

static const char *annotation(const cJSON *object, const char *key)
{
    return json_str(json_at(object, "metadata", "annotations"), key);
}

/* A mark of all apps; the caller frees. */
static cJSON *read_all(const cJSON *object, const char *key)
{
    const char *text = annotation(object, key);
    struct err ignored = { 0 };
    cJSON *all = text ? json_parse(text, strlen(text), &ignored) : NULL;

    if (cJSON_IsObject(all))
        return all;
    cJSON_Delete(all);
    return cJSON_CreateObject();
}

static const cJSON *find(const cJSON *list, const char *name)
{
    JSON_EACH(item, list)
        if (json_str(item, "name") && !strcmp(json_str(item, "name"), name))
            return item;
    return NULL;
}

static const char *copy(struct arena *a, const cJSON *object, const char *key)
{
    const char *text = json_str(object, key);

    return text ? arena_strdup(a, text) : NULL;
}

/* --- reading --- */

static bool is_settled(const cJSON *status)
{
    static const char *const SETTLED[] = { "Updated", "Unchanged", "RolledBack" };
    const char *state = json_str(status, "state");

    for (size_t i = 0; state && i < ARRAY_LEN(SETTLED); i++)
        if (!strcmp(state, SETTLED[i]))
            return true;
    return false;
}

static struct mark read_one(const cJSON *object, const char *app, const cJSON *work,
                            const cJSON *back, struct arena *a)
{
    const cJSON *status = find(json_at(object, "status", "apps"), app);
    const char *asked = release_asked(object, app);
    struct mark m = { .app = arena_strdup(a, app),
                      .asked = asked ? arena_strdup(a, asked) : NULL,
                      .good = copy(a, status, "commit"),
                      .failed = copy(a, status, "failedCommit"),
                      .why = copy(a, status, "reason"),
                      .branch = copy(a, json_get(work, app), "branch"),
                      .actor = copy(a, json_get(work, app), "actor"),
                      .commit = copy(a, json_get(work, app), "commit"),
                      .left = copy(a, json_get(back, app), "commit"),
                      .left_by = copy(a, json_get(back, app), "by"),
                      .left_why = copy(a, json_get(back, app), "why") };

    if (m.left && !commit_is_valid(m.left))
        m.left = NULL;
    m.is_work = is_at(m.commit, m.asked) || is_at(m.commit, m.good);
    if (is_settled(status)) {
        m.deployment = copy(a, status, "deployment");
        m.good_image = copy(a, status, "goodImage");
    }
    return m;
}

static bool has_drifted(const cJSON *object)
{
    JSON_EACH(item, json_at(object, "status", "conditions"))
        if (json_str(item, "type") && !strcmp(json_str(item, "type"), "Conflicted"))
            return json_str(item, "status") && !strcmp(json_str(item, "status"), "True");
    return false;
}

void marks_read(const cJSON *object, struct arena *a, struct marks *ret)
{
    AUTO(json) cJSON *work = read_all(object, WORK);
    AUTO(json) cJSON *back = read_all(object, ROLLED_BACK);
    const char **names = release_listed(object, a);
    const char *mainline = annotation(object, MAINLINE);
    struct marks m = { .has_drifted = has_drifted(object) };

    while (names[m.n])
        m.n++;
    m.apps = arena_array(a, m.n + 1, sizeof *m.apps);
    for (size_t i = 0; i < m.n; i++)
        m.apps[i] = read_one(object, names[i], work, back, a);
    if (mainline && commit_is_valid(mainline))
        m.mainline = arena_strdup(a, mainline);
    *ret = m;
}

/* The commit that an image's tag names: "reg:5000/web:1a2b3c4@sha256:…". */
static const char *commit_of(const char *image, struct arena *a)
{
    const char *name = strrchr(image, '/') ? strrchr(image, '/') : image;
    const char *tag = strchr(name, ':');
    const char *text = tag ? arena_strndup(a, tag + 1, strcspn(tag + 1, "@")) : "";

    return commit_is_valid(text) ? text : NULL;
}

/* How much of an image names its repository. */
static size_t repository_len(const char *image)
{
    const char *name = strrchr(image, '/') ? strrchr(image, '/') : image;

    return (size_t)(name - image) + strcspn(name, ":@");
}

/* Of the app's repository, and neither the good digest nor the good image's name. */
static bool is_another(const char *image, const char *good)
{
    size_t len = repository_len(good);
    const char *digest = image_digest(good);

    if (repository_len(image) != len || strncmp(image, good, len) != 0)
        return false;
    if (image_digest(image) && digest)
        return strcmp(image_digest(image), digest) != 0;
    return strncmp(image, good, strcspn(good, "@")) != 0 ||
           strcspn(image, "@") != strcspn(good, "@");
}

void marks_add_deployment(struct mark *m, const cJSON *deployment, struct arena *a)
{
    const cJSON *containers = json_at(deployment, "spec", "template", "spec", "containers");

    JSON_EACH(item, containers) {
        const char *image = json_str(item, "image");

        if (!image || !m->good_image || !is_another(image, m->good_image))
            continue;
        m->by_hand = arena_strdup(a, image);
        m->by_hand_commit = commit_of(image, a);
        return;
    }
}

const struct mark *marks_get(const struct marks *m, const char *app)
{
    for (size_t i = 0; i < m->n; i++)
        if (!strcmp(m->apps[i].app, app))
            return &m->apps[i];
    return NULL;
}

const char *mark_whose(const struct mark *m, struct arena *a)
{
    const char *actor = m->actor ? m->actor : "somebody";

    return m->branch ? arena_printf(a, "%s's %s", actor, m->branch) :
                       arena_printf(a, "%s's work", actor);
}

/* --- writing --- */

static const struct wanted_app *find_meant(const struct wanted *w, const char *app)
{
    for (size_t i = 0; i < w->n_apps; i++)
        if (!strcmp(w->apps[i].name, app))
            return &w->apps[i];
    return NULL;
}

static void put_text(cJSON *object, const char *key, const char *value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    json_put_str(object, key, value);
}

static void put_left(cJSON *back, const char *app, const char *commit, const char *by,
                     const char *why)
{
    cJSON *mark;

    cJSON_DeleteItemFromObjectCaseSensitive(back, app);
    if (!commit)
        return;
    mark = json_put_object(back, app);
    json_put_str(mark, "commit", commit);
    json_put_str(mark, "by", by);
    json_put_str(mark, "why", why);
}

/* Who is asked for anew leaves the mark of what it was taken back from. Who goes back within
 * somebody's work stays theirs: whether it is the mainline's again its commit tells. */
static void mark_meant(cJSON *work, cJSON *back, const cJSON *object, const struct wanted *w,
                       const struct wanted_app *app)
{
    const char *was = release_asked(object, app->name);
    cJSON *old = cJSON_GetObjectItemCaseSensitive(work, app->name);

    if (w->rolled_back && was && strcmp(was, app->commit) != 0)
        put_left(back, app->name, was, w->rolled_back, NULL);
    else
        put_left(back, app->name, app->left, MARK_BY_KUBECTL, NULL);
    if ((w->rolled_back || app->left) && old) {
        put_text(old, "commit", app->commit);
        return;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(work, app->name);
    if (!app->is_work)
        return;
    old = json_put_object(work, app->name);
    json_put_str(old, "branch", w->branch);
    json_put_str(old, "actor", w->actor);
    json_put_str(old, "commit", app->commit);
}

/* Who is not meant and has failed is asked for at its last good commit: status forgets why. */
static void mark_other(cJSON *work, cJSON *back, const cJSON *object, const char *app)
{
    const cJSON *status = find(json_at(object, "status", "apps"), app);
    const char *asked = release_asked(object, app), *kept = release_kept(object, app);
    cJSON *old = cJSON_GetObjectItemCaseSensitive(work, app);

    if (!asked || !strcmp(asked, kept))
        return;
    put_left(back, app, asked, MARK_BY_CONTROLLER, json_str(status, "reason"));
    if (old)
        put_text(old, "commit", kept);
}

static void put_all(cJSON *annotations, const cJSON *object, const char *key, const cJSON *all)
{
    char *text;

    if (!all->child) {
        if (annotation(object, key))
            cJSON_AddNullToObject(annotations, key);
        return;
    }
    text = json_print(all);
    json_put_str(annotations, key, text);
    cJSON_free(text);
}

void marks_compose(cJSON *annotations, const cJSON *object, const struct wanted *w)
{
    AUTO(json) cJSON *work = read_all(object, WORK);
    AUTO(json) cJSON *back = read_all(object, ROLLED_BACK);

    for (size_t i = 0; i < w->n_apps; i++)
        mark_meant(work, back, object, w, &w->apps[i]);
    JSON_EACH(item, json_at(object, "spec", "apps")) {
        const char *name = json_str(item, "name");

        if (name && release_drops(w, name)) {
            cJSON_DeleteItemFromObjectCaseSensitive(work, name);
            cJSON_DeleteItemFromObjectCaseSensitive(back, name);
        } else if (name && !find_meant(w, name)) {
            mark_other(work, back, object, name);
        }
    }
    json_put_str(annotations, MAINLINE, w->mainline);
    put_all(annotations, object, WORK, work);
    put_all(annotations, object, ROLLED_BACK, back);
}
