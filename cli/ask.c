#include "ask.h"

#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "cluster.h"

#define TRIES 10
#define PAUSE_MS 100 /* times the try: who lost the race lets the other pass */

void ask_release(struct ask *ask)
{
    cJSON_Delete(ask->was);
    cJSON_Delete(ask->is);
    ask->was = ask->is = NULL;
}

const char *ask_actor(const struct cli *c)
{
    static const char *const NAMES[] = { "GITHUB_ACTOR", "GITLAB_USER_LOGIN", "USER", "LOGNAME" };

    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
        if (cli_env(c, NAMES[i]))
            return cli_env(c, NAMES[i]);
    return NULL;
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

/* One try. ERR_CONFLICT: somebody was faster. */
static int try_once(struct cli *c, struct cluster *k, struct ask *ask, bool first, struct err *e)
{
    const char *query = ask->dry_run ? "dryRun=All" : NULL;
    AUTO(json) cJSON *patch = NULL;

    ask_release(ask);
    ask->was = look(k, e);
    if (!ask->was && e->kind)
        return -1;
    if (refuse_owned(c, ask->was, cluster_name(k), e))
        return -1;
    ask->meant = (struct wanted){ 0 };
    if (ask->wanted(c, ask->was, &ask->meant, ask->ctx, e))
        return -1;
    if (first && ask->before)
        ask->before(c, ask->was, &ask->meant, ask->ctx);
    patch =
        release_compose(ask->was, &ask->meant, cluster_namespace(k), cluster_name(k), c->arena, e);
    if (!patch)
        return -1;
    if (c->signo)
        return err_set(e, ERR_TIMEOUT, 0, "interrupted");
    if (ask->was)
        return cluster_patch(k, &APPRELEASES, cluster_name(k), patch, query, &ask->is, e);
    return cluster_create(k, &APPRELEASES, patch, query, &ask->is, e);
}

int ask_write(struct cli *c, struct cluster *k, struct ask *ask, struct err *e)
{
    for (int i = 1;; i++) {
        *e = (struct err){ 0 };
        if (try_once(c, k, ask, i == 1, e) == 0)
            break;
        if (c->signo)
            return err_set(e, ERR_TIMEOUT, 0, "interrupted: nothing was released");
        if (e->kind != ERR_CONFLICT && !(e->kind == ERR_NOT_FOUND && ask->was))
            return -1;
        if (i == TRIES)
            return err_set(e, ERR_CONFLICT, 409,
                           "somebody else changed AppRelease %s each of %d times: run it again",
                           cluster_name(k), TRIES);
        cluster_sleep(k, PAUSE_MS * i);
    }
    ask->followed = (struct followed){
        .apps = ask->meant.apps,
        .n_apps = ask->meant.n_apps,
        .generation = json_int(json_get(ask->is, "metadata"), "generation", 0),
    };
    return release_check(ask->is, &ask->meant, e);
}

int ask_patch(struct cli *c, struct cluster *k, const cJSON *patch, cJSON **ret, struct err *e)
{
    AUTO(json) cJSON *object = ask_object(c, k, e);

    if (!object || refuse_owned(c, object, cluster_name(k), e))
        return -1;
    return cluster_patch(k, &APPRELEASES, cluster_name(k), patch, NULL, ret, e);
}
