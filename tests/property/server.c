/* The API server and a registry: what is stored, and everybody who writes it but us. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/json.h"
#include "property/model.h"
#include "reconcile/zones.h"

#define PREFIX "deploy.btc-shopflow.io/"
#define SIDECAR "reg.io/mesh:1"

int dep_index(const char *name)
{
    char buf[NAME_BYTES];

    for (int i = 0; name && i < DEPS; i++)
        if (!strcmp(name, deployment_text(buf, i % APPS, i >= APPS)))
            return i;
    return -1;
}

int app_index(const char *name)
{
    return name && !strncmp(name, "app", 3) ? (int)strtol(name + 3, NULL, 10) : -1;
}

void server_changed(struct model *m, enum kind kind)
{
    control_stale(m, kind);
}

/* --- the registry --- */

static const char *digest_text(struct model *m, int digest)
{
    return model_text(m, "sha256:%d", digest);
}

/* "reg.io/app1:abc0002…" → app and commit. */
const char *server_digest(struct model *m, const char *image)
{
    int app;
    unsigned commit;

    if (sscanf(image, "reg.io/app%d:%7x", &app, &commit) != 2 || app < 0 || app >= APPS)
        return NULL;
    commit -= 0xabc0000;
    if (commit >= COMMITS || m->tags[app][commit] < 0)
        return NULL;
    return digest_text(m, m->tags[app][commit]);
}

static const char *image_text(struct model *m, int app, int commit, bool pinned)
{
    const char *tag = model_text(m, "reg.io/app%d:%07x", app, 0xabc0000 + (unsigned)commit);
    const char *digest = server_digest(m, tag);

    return pinned && digest ? model_text(m, "%s@%s", tag, digest) : tag;
}

/* --- Deployments --- */

static void touch(struct model *m, int dep)
{
    m->truth.deps[dep].rv = ++m->rv;
    server_changed(m, KIND_DEPS);
    kubernetes_wake(m, dep, model_chance(m, 20, ++m->draws, 10, m->script->slow_ms));
}

static void change_template(struct model *m, int dep, const char *manager)
{
    struct dep *d = &m->truth.deps[dep];

    d->generation++;
    d->manager = manager;
    touch(m, dep);
}

static void set_images(struct model *m, struct tmpl *t, int app)
{
    int with = m->script->with[app], runs = m->script->runs[app];
    int other = with & WITH_ANOTHER ? (runs + 1) % COMMITS : runs;
    const char *image = image_text(m, app, other, m->script->pinned[app]);

    t->images[C_APP] = image_text(m, app, runs, m->script->pinned[app]);
    t->images[C_MESH] = SIDECAR;
    t->images[C_WORKER] = with & WITH_WORKER ? image : NULL;
    t->images[C_MIGRATE] = with & WITH_MIGRATE ? image : NULL;
    t->images[C_PROXY] = with & WITH_PROXY ? image : NULL;
}

static void make_dep(struct model *m, int dep)
{
    int app = dep % APPS;
    char name[NAME_BYTES];
    struct dep *d = &m->truth.deps[dep];

    *d = (struct dep){ .exists = true,
                       .app = app,
                       .name = model_text(m, "%s", deployment_text(name, app, dep >= APPS)),
                       .uid = ++m->uids,
                       .rv = ++m->rv,
                       .generation = 1,
                       .replicas = m->script->replicas[app],
                       .manager = "kubectl" };
    set_images(m, &d->tmpl, app);
    server_changed(m, KIND_DEPS);
}

void server_gone(struct model *m, int dep, int64_t uid)
{
    struct dep *d = &m->truth.deps[dep];

    if (!d->exists || d->uid != uid)
        return;
    for (int i = 0; i < SETS; i++)
        if (m->truth.sets[i].dep_uid == uid)
            m->truth.sets[i].used = false;
    for (int i = 0; i < PODS; i++)
        if (m->truth.pods[i].dep_uid == uid)
            m->truth.pods[i].used = false;
    d->exists = false;
    for (int k = KIND_DEPS; k < KINDS; k++)
        server_changed(m, (enum kind)k);
}

void server_return(struct model *m, int dep)
{
    if (m->truth.deps[dep].exists)
        return;
    make_dep(m, dep);
    kubernetes_wake(m, dep, 50);
}

static void delete_dep(struct model *m, int dep, int back_s)
{
    struct dep *d = &m->truth.deps[dep];

    if (!d->exists || d->deleting)
        return;
    check_truth(m, dep);
    d->deleting = true;
    d->generation++;
    touch(m, dep);
    check_touched(m, dep);
    model_at(m, m->now_ms + 1500, T_RETURN, dep, 0, d->uid, NULL);
    if (back_s >= 0)
        model_at(m, m->now_ms + 2000 + back_s * SECOND_MS, T_RETURN, dep, 1, 0, NULL);
}

/* Of its own container, or of all that run the app's image. */
static void set_image(struct model *m, int dep, int commit, int pinned)
{
    struct dep *d = &m->truth.deps[dep];
    const char *image = image_text(m, d->app, commit, pinned & 1);
    struct tmpl now = d->tmpl;

    for (int i = 0; i < CONTAINERS; i++)
        if (i == C_APP || (pinned & 2 && i != C_MESH && now.images[i]))
            now.images[i] = image;
    if (tmpl_same(&now, &d->tmpl))
        return;
    check_touched(m, dep);
    d->tmpl = now;
    change_template(m, dep, "kubectl-set");
}

/* kubectl rollout undo: the template and the annotations of the revision before. */
static void undo(struct model *m, int dep)
{
    struct dep *d = &m->truth.deps[dep];
    const struct set *newest = kubernetes_newest(&m->truth, d->uid), *before = NULL;

    for (int i = 0; i < SETS; i++) {
        const struct set *set = &m->truth.sets[i];

        if (set->used && set->dep_uid == d->uid && set != newest &&
            (!before || set->revision > before->revision))
            before = set;
    }
    if (!before || d->paused)
        return;
    check_touched(m, dep);
    d->tmpl = before->tmpl;
    d->attempt = before->attempt;
    d->latch = before->latch;
    d->owner = before->owner;
    change_template(m, dep, "kubectl-rollout");
}

static void annotate(struct model *m, int dep, int which)
{
    struct dep *d = &m->truth.deps[dep];

    check_touched(m, dep);
    if (which == 0 || which == 3)
        d->attempt = NULL;
    if (which == 1 || which == 3)
        d->latch = NULL;
    if (which == 2)
        d->attempt = "{\"id\":\"x\"";
    touch(m, dep);
}

static void change_dep(struct model *m, const struct event *e, int dep)
{
    struct dep *d = &m->truth.deps[dep];

    if (!d->exists || d->deleting)
        return;
    check_truth(m, dep);
    if (e->kind == EV_SCALE && d->replicas != e->b) {
        d->replicas = e->b;
        d->generation++;
        touch(m, dep);
    } else if (e->kind == EV_SET_IMAGE) {
        set_image(m, dep, e->b, e->c);
    } else if (e->kind == EV_UNDO) {
        undo(m, dep);
    } else if (e->kind == EV_SET_ENV) {
        check_touched(m, dep);
        d->tmpl.env++;
        change_template(m, dep, d->manager);
    } else if (e->kind == EV_ANNOTATE) {
        annotate(m, dep, e->b);
    } else if (e->kind == EV_PAUSE && d->paused != !!e->b) {
        d->paused = e->b;
        d->generation++;
        touch(m, dep);
    } else if (e->kind == EV_MIN_READY && d->min_ready_s != e->b) {
        d->min_ready_s = e->b;
        d->generation++;
        touch(m, dep);
    } else if (e->kind == EV_EVICT) {
        kubernetes_evict(m, dep);
    }
}

/* --- AppReleases --- */

static void read_spec(struct model *m, struct release *r)
{
    AUTO(json) cJSON *tree = spec_build(&r->wish, m->script);
    struct release_spec *spec = arena_alloc(m->arena, sizeof *spec);

    r->problem = spec_decode(tree, m->arena, spec);
    if (!r->problem)
        r->problem = zones_find(spec, m->arena);
    r->spec = spec;
    r->generation++;
}

static void release_changed(struct model *m, struct release *r)
{
    r->rv = ++m->rv;
    server_changed(m, KIND_RELEASES);
}

static const char *const NAMES[RELEASES] = { "first", "second", "third", "fourth" };

static void make_release(struct model *m, int release, const struct spec_model *wish)
{
    struct release *r = &m->truth.releases[release];
    struct release_status *none = arena_alloc(m->arena, sizeof *none);

    none->observed_generation = -1;
    *r = (struct release){ .exists = true,
                           .name = NAMES[release],
                           .uid = model_text(m, "%08llx-0000-4000-8000-000000000000",
                                             (unsigned long long)++m->uids + 0xa0000000),
                           .created_ms = m->now_ms,
                           .status = none,
                           .wish = *wish };
    read_spec(m, r);
    release_changed(m, r);
    if (release >= m->n_releases)
        m->n_releases = release + 1;
}

/* As CI does at each push: like the newest one, at another commit. */
static void create_release(struct model *m, int commit)
{
    struct spec_model wish;

    if (m->n_releases == RELEASES)
        return;
    wish = m->truth.releases[m->n_releases - 1].wish;
    wish.commit = commit;
    make_release(m, m->n_releases, &wish);
}

int server_delete_release(struct model *m, int release, const char *uid)
{
    struct release *r = &m->truth.releases[release];

    if (!r->exists)
        return 404;
    if (strcmp(r->uid, uid) != 0)
        return 409;
    check_deleted(m, release);
    r->exists = false;
    release_changed(m, r);
    return 200;
}

static const char *override_text(struct model *m, int commit)
{
    char buf[COMMIT_BYTES];

    return model_text(m, "%s", commit_text(buf, commit));
}

/* A user edits it. */
static void edit(struct model *m, const struct event *e)
{
    struct release *r = &m->truth.releases[e->a];
    struct spec_model was = r->wish;

    if (e->a >= m->n_releases || (!r->exists && e->kind != EV_REMAKE))
        return;
    if (e->kind == EV_COMMIT)
        r->wish.commit = e->b;
    else if (e->kind == EV_HOLD)
        r->wish.apps[e->b].commit = e->c;
    else if (e->kind == EV_LIST)
        r->wish.apps[e->b].listed = e->c;
    else if (e->kind == EV_RENAME)
        r->wish.apps[e->b].renamed = e->c;
    else if (e->kind == EV_FIELD)
        r->wish.fields[e->b] = e->c;
    else if (e->kind == EV_BAD_SPEC)
        r->wish.bad = e->b;
    else if (e->kind == EV_APPROVE)
        r->wish.approved = e->b < 0 ? r->wish.commit : e->b;
    else if (e->kind == EV_OVERRIDE)
        r->freeze_override = e->b == -2 ? NULL : override_text(m, e->b < 0 ? r->wish.commit : e->b);
    else if (e->kind == EV_RETRY)
        r->retry_at = model_text(m, "retry-%d", e->b);
    else if (e->kind == EV_RECONCILE)
        r->reconcile_at = model_text(m, "reconcile-%d", e->b);
    else if (e->kind == EV_REMAKE)
        make_release(m, e->a, &was), check_remade(m, e->a);
    if (memcmp(&was, &r->wish, sizeof was) != 0)
        read_spec(m, r);
    release_changed(m, r);
}

/* --- what goes wrong --- */

static void open_window(struct model *m, const struct event *e)
{
    int64_t until_ms = m->now_ms + e->a * SECOND_MS;

    if (e->kind == EV_LOSSY) {
        m->lossy_ms = until_ms;
        m->lossy = e->b;
    } else if (e->kind == EV_REGISTRY) {
        m->registry_ms = until_ms;
    } else if (e->kind == EV_REFUSE) {
        int at = e->c < 0 ? DEPS : e->c;

        m->refuse_ms[at] = until_ms;
        m->refuse_code[at] = e->b;
    } else {
        int64_t *window = e->kind == EV_QUOTA ? m->quota_ms : m->no_node_ms;

        until_ms = m->now_ms + e->b * SECOND_MS;
        window[e->a] = until_ms;
        model_at(m, until_ms, T_CALL, e->a, 0, 0, NULL);
    }
}

static void take_over(struct model *m, int old_for_s)
{
    int other = !m->leader;

    control_stop(m, other);
    model_at(m, m->now_ms + old_for_s * SECOND_MS, T_DIE, m->leader, 0, 0, NULL);
    m->leader = other;
    control_begin(m, other);
}

void server_event(struct model *m, const struct event *e)
{
    model_tell(m, "== %s %d %d %d", EVENT_WORDS[e->kind], e->a, e->b, e->c);
    switch (e->kind) {
    case EV_COMMIT:
    case EV_HOLD:
    case EV_LIST:
    case EV_RENAME:
    case EV_FIELD:
    case EV_APPROVE:
    case EV_OVERRIDE:
    case EV_RETRY:
    case EV_RECONCILE:
    case EV_REMAKE:
    case EV_BAD_SPEC:
        edit(m, e);
        break;
    case EV_CREATE:
        create_release(m, e->a);
        break;
    case EV_TAG:
        m->tags[e->a][e->b] = e->c;
        break;
    case EV_SCALE:
    case EV_SET_IMAGE:
    case EV_UNDO:
    case EV_SET_ENV:
    case EV_ANNOTATE:
    case EV_PAUSE:
    case EV_MIN_READY:
    case EV_EVICT:
        change_dep(m, e, e->a);
        break;
    case EV_DELETE:
        delete_dep(m, e->a, e->b);
        break;
    case EV_QUOTA:
    case EV_NO_NODE:
    case EV_LOSSY:
    case EV_REFUSE:
    case EV_REGISTRY:
        open_window(m, e);
        break;
    case EV_RESTART:
        control_stop(m, m->leader);
        control_begin(m, m->leader);
        break;
    case EV_SECOND:
        take_over(m, e->a);
        break;
    case EV_FREEZE:
        control_freeze(m, (enum kind)e->a, m->now_ms + e->b * SECOND_MS);
        break;
    case EV_END:
        break;
    }
}

void server_begin(struct model *m)
{
    const struct script *s = m->script;

    memcpy(m->tags, s->tags, sizeof m->tags);
    for (int a = 0; a < s->apps; a++) {
        make_dep(m, a);
        kubernetes_begin(m, a);
        if (chance(s->seed, 4, (uint64_t)a, 0, 1) == 0)
            continue;
        make_dep(m, a + APPS);
        kubernetes_begin(m, a + APPS);
    }
    for (int r = 0; r < s->releases; r++) {
        struct spec_model wish;

        spec_begin(&wish, s, r);
        make_release(m, r, &wish);
    }
}

/* --- our writes --- */

static int refused(const struct model *m, int which)
{
    return m->refuse_ms[which] > m->now_ms ? m->refuse_code[which] : 0;
}

int server_patch_status(struct model *m, int release, const char *uid, int64_t rv,
                        const struct release_status *status)
{
    struct release *r = &m->truth.releases[release];
    const struct release_status *was = r->status;

    if (refused(m, DEPS))
        return refused(m, DEPS);
    if (!r->exists)
        return 404;
    if (r->rv != rv || strcmp(r->uid, uid) != 0)
        return 409;
    r->status = status;
    release_changed(m, r);
    check_status(m, release, was, status);
    return 200;
}

static void apply_images(struct model *m, struct dep *d, const cJSON *containers, bool init)
{
    JSON_EACH(item, containers) {
        enum container which = container_named(&d->tmpl, d->app, json_str(item, "name"));

        if (which != C_MESH && container_kind(which)->init == init)
            d->tmpl.images[which] = model_text(m, "%s", json_str(item, "image"));
        else
            check_fail(m, "foreign-container", "the patch of %s names container %s", d->name,
                       json_str(item, "name"));
    }
}

static const char *annotation(struct model *m, const cJSON *all, const char *key, const char *was)
{
    const cJSON *item = json_get(all, key);

    if (!item)
        return was;
    return cJSON_IsNull(item) ? NULL : arena_strdup(m->arena, item->valuestring);
}

static void apply_patch(struct model *m, struct dep *d, const cJSON *patch)
{
    const cJSON *annotations = json_at(patch, "metadata", "annotations");
    const cJSON *spec = json_get(patch, "spec");
    struct dep was = *d;

    JSON_EACH_MEMBER(item, spec) {
        if (strcmp(item->string, "template") != 0 && strcmp(item->string, "strategy") != 0)
            check_fail(m, "foreign-field", "the patch of %s names spec.%s", d->name, item->string);
    }
    d->attempt = annotation(m, annotations, PREFIX "attempt", d->attempt);
    d->latch = annotation(m, annotations, PREFIX "latch", d->latch);
    d->owner = annotation(m, annotations, PREFIX "owner", d->owner);
    apply_images(m, d, json_at(spec, "template", "spec", "containers"), false);
    apply_images(m, d, json_at(spec, "template", "spec", "initContainers"), true);
    if (json_get(spec, "strategy"))
        d->soft = true;
    if (!tmpl_same(&was.tmpl, &d->tmpl))
        d->manager = "btc-shopflow-deployer";
    d->generation += !tmpl_same(&was.tmpl, &d->tmpl) || was.soft != d->soft;
}

int server_patch_deployment(struct model *m, int dep, const char *account, const char *body)
{
    struct err e = { 0 };
    AUTO(json) cJSON *patch = json_parse(body, strlen(body), &e);
    const cJSON *meta = json_get(patch, "metadata");
    struct dep *d = &m->truth.deps[dep], was = *d;
    char rv[24], uid[24];

    if (account && strcmp(account, "deployer") != 0) /* a guest has no rights */
        return 403;
    if (refused(m, dep))
        return refused(m, dep);
    if (!d->exists)
        return 404;
    snprintf(rv, sizeof rv, "%lld", (long long)d->rv);
    snprintf(uid, sizeof uid, "uid-%lld", (long long)d->uid);
    if (strcmp(json_str(meta, "resourceVersion"), rv) != 0 ||
        strcmp(json_str(meta, "uid"), uid) != 0)
        return 409;
    apply_patch(m, d, patch);
    check_patch(m, dep, &was, attempt_from_annotation(d->attempt, m->arena));
    touch(m, dep);
    return 200;
}
