#include "ask.h"

#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "cli.h"
#include "cluster.h"
#include "marks.h"

#define TRIES 10
#define PAUSE_MS 100 /* times the try: who lost the race lets the other pass */

void ask_release(struct ask *ask)
{
    cJSON_Delete(ask->was);
    cJSON_Delete(ask->is);
    ask->was = ask->is = NULL;
}

/* The object, or NULL with e->kind ERR_NONE when there is none; a missing kind is an error. */
static cJSON *look(struct cluster *k, struct err *e)
{
    struct err why = { 0 };
    cJSON *object = cluster_get(k, &APPRELEASES, cluster_name(k), NULL, &why);

    if (object)
        return object;
    if (why.kind != ERR_NOT_FOUND)
        *e = why;
    else
        cluster_check(k, e);
    return NULL;
}

cJSON *ask_object(struct cli *c, struct cluster *k, struct err *e)
{
    cJSON *object = look(k, e);

    (void)c;
    if (!object && !e->kind)
        err_set(e, ERR_NOT_FOUND, 404,
                "there is no AppRelease %s in namespace %s: shopflow up or shopflow deploy makes "
                "it; another one is named by --name and --namespace",
                cluster_name(k), cluster_namespace(k));
    return object;
}

static int refuse_owned(struct cli *c, const cJSON *object, const char *name, struct err *e)
{
    const char *owner = release_owner(object, c->arena);

    if (!owner)
        return 0;
    return err_set(e, ERR_DENIED, 0,
                   "AppRelease %s belongs to %s, which would undo this: change it in its "
                   "repository (shopflow deploy -o yaml prints it)",
                   name, owner);
}

/* A Deployment that is gone or not to be read tells nothing. */
static int look_at_deployments(struct cli *c, struct cluster *k, struct marks *m, struct err *e)
{
    for (size_t i = 0; m->has_drifted && i < m->n; i++) {
        struct err why = { 0 };
        AUTO(json) cJSON *deployment = NULL;

        if (!m->apps[i].deployment || !m->apps[i].good_image)
            continue;
        deployment = cluster_get(k, &DEPLOYMENTS, m->apps[i].deployment, NULL, &why);
        if (deployment)
            marks_add_deployment(&m->apps[i], deployment, c->arena);
        else if (why.kind != ERR_NOT_FOUND && why.kind != ERR_DENIED) {
            *e = why;
            return -1;
        }
    }
    return 0;
}

static bool is_meant(const struct wanted *w, const char *app)
{
    for (size_t i = 0; i < w->n_apps; i++)
        if (!strcmp(w->apps[i].name, app))
            return true;
    return release_drops(w, app);
}

/* What a person put back by hand stands until the spec is written (R16): it is asked for. */
static int keep_by_hand(struct cli *c, struct cluster *k, const cJSON *object, struct wanted *w,
                        struct err *e)
{
    struct wanted_app *apps;
    struct marks m;

    marks_read(object, c->arena, &m);
    if (look_at_deployments(c, k, &m, e))
        return -1;
    apps = arena_array(c->arena, w->n_apps + m.n + 1, sizeof *apps);
    for (size_t i = 0; i < w->n_apps; i++)
        apps[i] = w->apps[i];
    w->apps = apps;
    for (size_t i = 0; i < m.n; i++)
        if (m.apps[i].by_hand_commit && !is_meant(w, m.apps[i].app))
            apps[w->n_apps++] = (struct wanted_app){ .name = m.apps[i].app,
                                                     .commit = m.apps[i].by_hand_commit,
                                                     .left = m.apps[i].good };
    return 0;
}

/* Read and compose: what is to be written, or NULL. */
static cJSON *compose(struct cli *c, struct cluster *k, struct ask *ask, bool first, struct err *e)
{
    ask_release(ask);
    ask->was = look(k, e);
    if (!ask->was && e->kind)
        return NULL;
    if (refuse_owned(c, ask->was, cluster_name(k), e))
        return NULL;
    ask->meant = (struct wanted){ 0 };
    if (ask->wanted(c, ask->was, &ask->meant, ask->ctx, e))
        return NULL;
    ask->followed = (struct followed){ .apps = ask->meant.apps, .n_apps = ask->meant.n_apps };
    if (keep_by_hand(c, k, ask->was, &ask->meant, e))
        return NULL;
    if (first && ask->before)
        ask->before(c, ask->was, &ask->meant, ask->ctx);
    return release_compose(ask->was, &ask->meant, cluster_namespace(k), cluster_name(k), c->arena,
                           e);
}

static int write_once(struct cluster *k, struct ask *ask, const cJSON *patch, struct err *e)
{
    const char *query = ask->dry_run ? "dryRun=All" : NULL;

    if (ask->was)
        return cluster_patch(k, &APPRELEASES, cluster_name(k), patch, query, &ask->is, e);
    return cluster_create(k, &APPRELEASES, patch, query, &ask->is, e);
}

/* One try. *ret_raced: it failed because somebody was faster. */
static int try_once(struct cli *c, struct cluster *k, struct ask *ask, bool first, bool *ret_raced,
                    struct err *e)
{
    AUTO(json) cJSON *patch = compose(c, k, ask, first, e);

    *ret_raced = false;
    if (!patch || c->signo)
        return c->signo ? err_set(e, ERR_TIMEOUT, 0, "interrupted: nothing was released") : -1;
    if (write_once(k, ask, patch, e) == 0)
        return 0;
    *ret_raced = e->kind == ERR_CONFLICT || (e->kind == ERR_NOT_FOUND && ask->was);
    return -1;
}

int ask_write(struct cli *c, struct cluster *k, struct ask *ask, struct err *e)
{
    bool raced;

    for (int i = 1; try_once(c, k, ask, i == 1, &raced, e); i++) {
        if (!raced)
            return -1;
        if (i == TRIES)
            return err_set(e, ERR_CONFLICT, 409,
                           "somebody else changed AppRelease %s each of %d times: run it again",
                           cluster_name(k), TRIES);
        *e = (struct err){ 0 };
        cluster_sleep(k, PAUSE_MS * i);
    }
    ask->followed.generation = json_int(json_get(ask->is, "metadata"), "generation", 0);
    return release_check(ask->is, &ask->meant, e);
}

int ask_patch(struct cli *c, struct cluster *k, const cJSON *patch, cJSON **ret, struct err *e)
{
    AUTO(json) cJSON *object = ask_object(c, k, e);

    if (!object || refuse_owned(c, object, cluster_name(k), e))
        return -1;
    return cluster_patch(k, &APPRELEASES, cluster_name(k), patch, NULL, ret, e);
}

int ask_marks(struct cli *c, struct cluster *k, struct marks *ret, cJSON **ret_object,
              struct err *e)
{
    AUTO(json) cJSON *object = look(k, e);
    struct marks m;

    if (!object && e->kind)
        return -1;
    marks_read(object, c->arena, &m);
    if (look_at_deployments(c, k, &m, e))
        return -1;
    *ret = m;
    *ret_object = take(object);
    return 0;
}
