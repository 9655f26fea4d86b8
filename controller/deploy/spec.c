#include "deploy/spec.h"

#include <stdarg.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "deploy/spec_shape.h"
#include "deploy/status.h"

#define MAX_APPS 64
#define MAX_CONTAINERS 4
#define MAX_PULL_SECRETS 8
#define MAX_DEPENDS_ON 16
#define MAX_WINDOWS 16
#define DIGEST_BYTES 72 /* @sha256:… */
#define FULL_SHA 40

/* Reads members of one object; the first problem wins and silences all later ones. */
struct reader {
    struct arena *a;
    const char *problem; /* NULL = none so far */
};

static void complain(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void complain(struct reader *r, const char *fmt, ...)
{
    va_list ap;

    if (r->problem)
        return;
    va_start(ap, fmt);
    r->problem = arena_vprintf(r->a, fmt, ap);
    va_end(ap);
}

/* For a message: goes to status, which has to be UTF-8, and to one line of a table. */
static const char *quote(struct reader *r, const char *s)
{
    char clipped[68];

    return arena_strdup(r->a, text_clip(clipped, sizeof clipped, s));
}

/* The member as text, or NULL when absent. */
static const char *read_text(struct reader *r, const cJSON *object, const char *path,
                             const char *key, const struct shape *shape)
{
    const cJSON *item = json_get(object, key);

    if (!item || cJSON_IsNull(item))
        return NULL;
    if (!cJSON_IsString(item)) {
        complain(r, "%s.%s: must be a string: %s", path, key, shape->rule);
        return NULL;
    }
    if (!shape_fits(shape, item->valuestring)) {
        complain(r, "%s.%s: '%s' is not %s", path, key, quote(r, item->valuestring), shape->rule);
        return NULL;
    }
    return arena_strdup(r->a, item->valuestring);
}

static int64_t read_number(struct reader *r, const cJSON *object, const char *path, const char *key,
                           int64_t low, int64_t high, int64_t fallback)
{
    const cJSON *item = json_get(object, key);
    int64_t n;

    if (!item || cJSON_IsNull(item))
        return fallback;
    n = json_int(object, key, low - 1);
    if (n >= low && n <= high)
        return n;
    complain(r, "%s.%s: must be a whole number from %lld to %lld", path, key, (long long)low,
             (long long)high);
    return fallback;
}

static bool read_bool(struct reader *r, const cJSON *object, const char *path, const char *key,
                      bool fallback)
{
    const cJSON *item = json_get(object, key);

    if (!item || cJSON_IsNull(item))
        return fallback;
    if (cJSON_IsBool(item))
        return cJSON_IsTrue(item);
    complain(r, "%s.%s: must be true or false", path, key);
    return fallback;
}

/* The index of the member's word in words[]; the first word is the default. */
static int read_choice(struct reader *r, const cJSON *object, const char *path, const char *key,
                       const char *const *words, const char *rule)
{
    const char *text = read_text(r, object, path, key, &SHAPE_ANYTHING);

    if (!text)
        return 0;
    for (int i = 0; words[i]; i++)
        if (!strcmp(text, words[i]))
            return i;
    complain(r, "%s.%s: '%s' is not one of %s", path, key, quote(r, text), rule);
    return 0;
}

/* The member as an object; NULL when absent or wrong. */
static const cJSON *read_object(struct reader *r, const cJSON *tree, const char *path,
                                const char *key)
{
    const cJSON *item = json_get(tree, key);

    if (!item || cJSON_IsNull(item) || cJSON_IsObject(item))
        return cJSON_IsObject(item) ? item : NULL;
    complain(r, "%s.%s: must be an object", path, key);
    return NULL;
}

/* The member as a list of at most max items; NULL when absent or wrong. */
static const cJSON *read_list(struct reader *r, const cJSON *object, const char *path,
                              const char *key, size_t max)
{
    const cJSON *list = json_get(object, key);

    if (!list || cJSON_IsNull(list))
        return NULL;
    if (!cJSON_IsArray(list) || (size_t)cJSON_GetArraySize(list) > max) {
        complain(r, "%s.%s: must be a list of at most %zu items", path, key, max);
        return NULL;
    }
    return list;
}

/* The member as a list of at most max different names; NULL when absent. */
static const char **read_labels(struct reader *r, const cJSON *item, const char *path,
                                const char *key, size_t max, size_t *ret_n)
{
    const cJSON *list = read_list(r, item, path, key, max);
    const char **names = arena_array(r->a, max, sizeof *names);
    size_t n = 0;

    JSON_EACH(name, list) {
        if (!cJSON_IsString(name) || !shape_fits(&SHAPE_LABEL, name->valuestring)) {
            complain(r, "%s.%s[%zu]: must be %s", path, key, n, SHAPE_LABEL.rule);
            break;
        }
        for (size_t i = 0; i < n; i++)
            if (!strcmp(names[i], name->valuestring))
                complain(r, "%s.%s[%zu]: '%s' is there twice", path, key, n, name->valuestring);
        names[n++] = arena_strdup(r->a, name->valuestring);
    }
    *ret_n = n;
    return names;
}

static void complete_app(struct reader *r, const char *path, const char *registry,
                         const char *prefix, struct release_spec *spec, struct app_spec *app)
{
    size_t digits = spec->full_sha ? FULL_SHA : SHORT_SHA;

    if (!app->deployment)
        app->deployment = arena_printf(r->a, "%s%s", prefix, app->name);
    if (!shape_fits(&SHAPE_SUBDOMAIN, app->deployment))
        complain(r, "%s.deployment: '%.64s' (spec.deploymentPrefix + name) is not %s", path,
                 app->deployment, SHAPE_SUBDOMAIN.rule);
    if (!app->repository && !registry)
        complain(r, "spec.registry: is required unless every app has a repository: '%s' has none",
                 app->name);
    else if (!app->repository)
        app->repository = arena_printf(r->a, "%s/%s", registry, app->name);
    if (app->repository && strlen(app->repository) > SHAPE_REPOSITORY.max)
        complain(r, "%s.repository: spec.registry + name is longer than %zu", path,
                 SHAPE_REPOSITORY.max);
    app->held = app->commit != NULL;
    if (!app->commit)
        app->commit = spec->commit;
    if (!app->commit || r->problem)
        return;
    if (strlen(app->commit) < digits) {
        complain(r, "%s: tag FullSHA needs a commit of at least 40 digits",
                 app->held ? arena_printf(r->a, "%s.commit", path) : "spec.commit");
        return;
    }
    app->image = arena_printf(r->a, "%s:%.*s", app->repository, spec->full_sha ? 64 : SHORT_SHA,
                              app->commit);
}

static void check_unique(struct reader *r, const struct release_spec *spec, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (!strcmp(spec->apps[k].name, spec->apps[i].name))
            complain(r, "spec.apps[%zu].name: '%s' is there twice", i, spec->apps[i].name);
        if (!strcmp(spec->apps[k].deployment, spec->apps[i].deployment))
            complain(r, "spec.apps[%zu].deployment: '%s' is named by app '%s' too", i,
                     spec->apps[i].deployment, spec->apps[k].name);
    }
}

/* Images are there as target, good, failed and before, and for each container as written and as
 * found, in mode Plan also as it is and would be; commits, of any spec, as all of these and the
 * attempt's. */
size_t spec_status_bytes(const struct release_spec *spec)
{
    size_t bytes = 0;

    for (size_t i = 0; i < spec->n_apps; i++) {
        const struct app_spec *app = &spec->apps[i];
        size_t lists = (spec->plan_only ? 4 : 2) * (app->n_containers ? app->n_containers : 1);

        bytes += STATUS_APP_BYTES + strlen(app->name) + strlen(app->deployment);
        bytes += 5 * SHAPE_COMMIT.max + STATUS_CUT_BYTES;
        bytes += (4 + lists) * (strlen(app->image) + DIGEST_BYTES) + lists * (28 + SHAPE_LABEL.max);
    }
    return bytes;
}

/* Status has to fit into one patch, and into etcd. */
static void check_size(struct reader *r, const struct release_spec *spec)
{
    size_t bytes = spec_status_bytes(spec);

    if (bytes > STATUS_APPS_BYTES)
        complain(r,
                 "spec.apps: the status of %zu apps could take %zu bytes, of %d that it may: use "
                 "fewer apps or shorter names of repositories",
                 spec->n_apps, bytes, STATUS_APPS_BYTES);
}

/* The app's index; n_apps when it is not listed. */
static size_t index_of(const struct release_spec *spec, const char *name)
{
    size_t i = 0;

    while (i < spec->n_apps && strcmp(spec->apps[i].name, name) != 0)
        i++;
    return i;
}

static void check_depends_on(struct reader *r, const struct release_spec *spec)
{
    for (size_t i = 0; i < spec->n_apps; i++)
        for (size_t k = 0; k < spec->apps[i].n_depends_on; k++) {
            const char *name = spec->apps[i].depends_on[k];

            if (index_of(spec, name) == spec->n_apps || !strcmp(name, spec->apps[i].name))
                complain(r, "spec.apps[%zu].dependsOn[%zu]: '%s' is not another app of this list",
                         i, k, name);
        }
}

/* A walk along dependsOn. */
struct walk {
    struct reader *r;
    struct release_spec *spec;
    size_t n_order;
    uint64_t done;         /* the apps that are in the order */
    size_t path[MAX_APPS]; /* from where it began to where it is */
    size_t n_path;
};

/* The path came back to the app at its index from. */
static void complain_circle(const struct walk *w, size_t from)
{
    const char *text = "";

    for (size_t i = from; i < w->n_path; i++)
        text = arena_printf(w->r->a, "%s%s -> ", text, w->spec->apps[w->path[i]].name);
    complain(w->r, "spec.apps[%zu].dependsOn: %s%s is a circle", w->path[from], text,
             w->spec->apps[w->path[from]].name);
}

/* What the app depends on comes first; at most MAX_APPS deep. */
static void walk_app(struct walk *w, size_t at)
{
    struct app_spec *app = &w->spec->apps[at];

    for (size_t i = 0; i < w->n_path; i++)
        if (w->path[i] == at) {
            complain_circle(w, i);
            return;
        }
    if (w->done >> at & 1 || w->r->problem)
        return;
    w->path[w->n_path++] = at;
    for (size_t k = 0; k < app->n_depends_on; k++) {
        size_t on = index_of(w->spec, app->depends_on[k]);

        walk_app(w, on);
        app->needs |= (uint64_t)1 << on | w->spec->apps[on].needs;
    }
    w->n_path--;
    w->done |= (uint64_t)1 << at;
    w->spec->order[w->n_order++] = at;
}

static void sort_apps(struct reader *r, struct release_spec *spec)
{
    struct walk w = { .r = r, .spec = spec };

    spec->order = arena_array(r->a, spec->n_apps, sizeof *spec->order);
    for (size_t i = 0; i < spec->n_apps && !r->problem; i++)
        walk_app(&w, i);
}

static void read_apps(struct reader *r, const cJSON *tree, struct release_spec *spec)
{
    const char *registry = read_text(r, tree, "spec", "registry", &SHAPE_REGISTRY);
    const char *prefix = read_text(r, tree, "spec", "deploymentPrefix", &SHAPE_PREFIX);
    const cJSON *list = read_list(r, tree, "spec", "apps", MAX_APPS);

    if (!list || !list->child) {
        complain(r, "spec.apps: is required: 1 to %d apps", MAX_APPS);
        return;
    }
    spec->apps = arena_array(r->a, (size_t)cJSON_GetArraySize(list), sizeof *spec->apps);
    JSON_EACH(item, list) {
        struct app_spec *app = &spec->apps[spec->n_apps];
        const char *path = arena_printf(r->a, "spec.apps[%zu]", spec->n_apps);

        app->name = read_text(r, item, path, "name", &SHAPE_LABEL);
        if (!app->name)
            complain(r, "%s.name: is required: %s", path, SHAPE_LABEL.rule);
        app->deployment = read_text(r, item, path, "deployment", &SHAPE_SUBDOMAIN);
        app->repository = read_text(r, item, path, "repository", &SHAPE_REPOSITORY);
        app->commit = read_text(r, item, path, "commit", &SHAPE_COMMIT);
        app->containers =
            read_labels(r, item, path, "containers", MAX_CONTAINERS, &app->n_containers);
        app->depends_on =
            read_labels(r, item, path, "dependsOn", MAX_DEPENDS_ON, &app->n_depends_on);
        if (r->problem)
            return;
        complete_app(r, path, registry, prefix ? prefix : "btc-", spec, app);
        if (r->problem)
            return;
        check_unique(r, spec, spec->n_apps++);
    }
    if (!r->problem)
        check_depends_on(r, spec);
    if (!r->problem)
        sort_apps(r, spec);
    if (!r->problem)
        check_size(r, spec);
}

static void read_pull_secrets(struct reader *r, const cJSON *tree, struct release_spec *spec)
{
    const cJSON *list = read_list(r, tree, "spec", "pullSecrets", MAX_PULL_SECRETS);

    spec->pull_secrets = arena_array(r->a, MAX_PULL_SECRETS, sizeof *spec->pull_secrets);
    JSON_EACH(item, list) {
        const char *path = arena_printf(r->a, "spec.pullSecrets[%zu]", spec->n_pull_secrets);
        const char *name = read_text(r, item, path, "name", &SHAPE_SUBDOMAIN);

        if (!name) {
            complain(r, "%s.name: is required: %s", path, SHAPE_SUBDOMAIN.rule);
            return;
        }
        for (size_t i = 0; i < spec->n_pull_secrets; i++)
            if (!strcmp(spec->pull_secrets[i], name))
                complain(r, "%s.name: '%s' is there twice", path, name);
        spec->pull_secrets[spec->n_pull_secrets++] = name;
    }
}

static void read_health(struct reader *r, const cJSON *tree, struct health_spec *health)
{
    const cJSON *object = read_object(r, tree, "spec", "health");
    const char *path = "spec.health";

    health->deadline_ms =
        SECOND_MS * read_number(r, object, path, "deadlineSeconds", 10, 86400, 300);
    health->soak_ms = SECOND_MS * read_number(r, object, path, "soakSeconds", 0, 3600, 10);
    health->restart_threshold = (int)read_number(r, object, path, "restartThreshold", 1, 20, 3);
    health->fail_fast = read_bool(r, object, path, "failFast", true);
}

static void read_windows(struct reader *r, const cJSON *tree, struct release_spec *spec)
{
    const cJSON *list = read_list(r, tree, "spec", "freezeWindows", MAX_WINDOWS);

    spec->windows = arena_array(r->a, MAX_WINDOWS, sizeof *spec->windows);
    JSON_EACH(item, list) {
        struct freeze_window *w = &spec->windows[spec->n_windows];
        const char *schedule, *problem;
        const char *path = arena_printf(r->a, "spec.freezeWindows[%zu]", spec->n_windows);
        int64_t seconds = read_number(r, item, path, "durationSeconds", 60, 31536000, -1);

        schedule = read_text(r, item, path, "schedule", &SHAPE_SCHEDULE);
        w->time_zone = read_text(r, item, path, "timeZone", &SHAPE_TIME_ZONE);
        w->duration_ms = seconds * SECOND_MS;
        problem = schedule ? cron_parse(schedule, r->a, &w->cron) : NULL;
        if (problem)
            complain(r, "%s.schedule: %s", path, problem);
        if (!schedule)
            complain(r, "%s.schedule: is required: %s", path, SHAPE_SCHEDULE.rule);
        if (seconds < 0)
            complain(r, "%s.durationSeconds: is required: 60 to 31536000", path);
        if (r->problem)
            return;
        if (!w->time_zone)
            w->time_zone = "UTC";
        spec->n_windows++;
    }
}

/* What keeps a release from starting, or from writing at all (R17, R18). */
static void read_holds(struct reader *r, const cJSON *tree, struct release_spec *spec)
{
    static const char *const modes[] = { "Apply", "Plan", NULL };
    const cJSON *approval = read_object(r, tree, "spec", "approval");

    spec->plan_only = read_choice(r, tree, "spec", "mode", modes, "Apply, Plan");
    spec->suspend = read_bool(r, tree, "spec", "suspend", false);
    spec->paused = read_bool(r, tree, "spec", "paused", false);
    spec->approval_required = read_bool(r, approval, "spec.approval", "required", false);
    spec->approved_commit =
        read_text(r, approval, "spec.approval", "approvedCommit", &SHAPE_APPROVED);
    read_windows(r, tree, spec);
}

/* Shown, never acted on; only the actor goes to status. */
static void read_source(struct reader *r, const cJSON *tree, struct release_spec *spec)
{
    const cJSON *source = read_object(r, tree, "spec", "source");

    spec->actor = read_text(r, source, "spec.source", "actor", &SHAPE_SHOWN);
    read_text(r, source, "spec.source", "url", &SHAPE_SHOWN);
    read_text(r, source, "spec.source", "ref", &SHAPE_SHOWN);
    read_text(r, source, "spec.source", "runURL", &SHAPE_SHOWN);
    read_text(r, source, "spec.source", "commitTime", &SHAPE_TIME);
}

static void read_account(struct reader *r, const cJSON *tree, struct release_spec *spec)
{
    const cJSON *item = json_get(tree, "serviceAccountName");

    spec->service_account = read_text(r, tree, "spec", "serviceAccountName", &SHAPE_SUBDOMAIN);
    spec->service_account_wrong = item && !cJSON_IsNull(item) && !spec->service_account;
}

static void read_policy(struct reader *r, const cJSON *tree, struct release_spec *spec)
{
    static const char *const tags[] = { "ShortSHA", "FullSHA", NULL };
    static const char *const missing[] = { "Wait", "Skip", "Fail", NULL };
    static const char *const rollback[] = { "Auto", "Never", NULL };
    static const char *const on_failure[] = { "RollbackFailed", "RollbackAll", "Halt", NULL };
    int64_t ttl_s;

    spec->full_sha = read_choice(r, tree, "spec", "tag", tags, "ShortSHA, FullSHA");
    spec->missing_image = (enum missing_image)read_choice(r, tree, "spec", "missingImagePolicy",
                                                          missing, "Wait, Skip, Fail");
    spec->rollback_never = read_choice(r, tree, "spec", "rollback", rollback, "Auto, Never");
    spec->on_failure = (enum on_failure)read_choice(r, tree, "spec", "onFailure", on_failure,
                                                    "RollbackFailed, RollbackAll, Halt");
    if (spec->rollback_never && spec->on_failure == ON_FAILURE_ROLLBACK_ALL)
        complain(r, "spec.onFailure: RollbackAll needs rollback Auto");
    read_account(r, tree, spec);
    spec->pin_digest = read_bool(r, tree, "spec", "pinDigest", true);
    spec->enforce_rolling_update = read_bool(r, tree, "spec", "enforceRollingUpdate", true);
    spec->image_wait_ms =
        SECOND_MS * read_number(r, tree, "spec", "imageWaitSeconds", 0, 86400, 300);
    spec->max_concurrent = (int)read_number(r, tree, "spec", "maxConcurrent", 1, 64, 3);
    spec->history_limit = (int)read_number(r, tree, "spec", "historyLimit", 1, 50, 10);
    ttl_s = read_number(r, tree, "spec", "ttlSecondsAfterFinished", 0, 31536000, -1);
    spec->ttl_ms = ttl_s < 0 ? -1 : ttl_s * SECOND_MS;
    read_source(r, tree, spec);
}

const char *spec_decode(const cJSON *tree, struct arena *a, struct release_spec *ret)
{
    struct reader r = { .a = a };

    *ret = (struct release_spec){ 0 };
    if (!cJSON_IsObject(tree))
        complain(&r, "spec: is required");
    ret->commit = read_text(&r, tree, "spec", "commit", &SHAPE_COMMIT);
    if (!ret->commit)
        complain(&r, "spec.commit: is required: %s", SHAPE_COMMIT.rule);
    read_policy(&r, tree, ret);
    ret->service_account_wrong |= !cJSON_IsObject(tree);
    read_health(&r, tree, &ret->health);
    read_holds(&r, tree, ret);
    read_pull_secrets(&r, tree, ret);
    if (!r.problem)
        read_apps(&r, tree, ret);
    return r.problem;
}
