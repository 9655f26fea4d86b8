#include "cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli.h"
#include "cluster_exec.h"
#include "io/loop.h"
#include "kube/config.h"
#include "options.h"
#include "settings.h"

#define PATH_BYTES 1024
#define TRIES 5 /* of a read, while the server is in trouble */
#define PAUSE_MS 500
#define PAUSE_MAX_MS 5000
#define MANAGER "fieldManager=shopflow&fieldValidation=Strict"
#define NAME "shopflow"

const struct kube_resource APPRELEASES = { "apis/" APPRELEASE_API, "appreleases" };
const struct kube_resource DEPLOYMENTS = { "apis/apps/v1", "deployments" };
const struct kube_resource REPLICASETS = { "apis/apps/v1", "replicasets" };
const struct kube_resource PODS = { "api/v1", "pods" };

struct cluster {
    struct cli *c;
    struct kube_config config;
    struct kube_client *client;
    const char *ns, *name;
    struct settings settings;
};

/* --- who and where --- */

static int load_three(struct cluster *k, const struct cluster_setting *w)
{
    k->config = (struct kube_config){ .server = xstrdup(w->server),
                                      .namespace_ = xstrdup(w->namespace_),
                                      .ca_pem = xstrdup(w->ca_pem),
                                      .token = xstrdup(w->token) };
    for (size_t n = strlen(k->config.server); n && k->config.server[n - 1] == '/';)
        k->config.server[--n] = '\0';
    return 0;
}

/* Never a pod's own account: a CI job that runs in a cluster need not mean that cluster. */
static int load_kubeconfig(struct cluster *k, const struct cluster_setting *w, struct err *e)
{
    const char *home = cli_env(k->c, "HOME");
    struct kube_config_source src = { .kubeconfig = w->kubeconfig,
                                      .context = w->context,
                                      .env_kubeconfig = cli_env(k->c, "KUBECONFIG"),
                                      .home = home };

    if (!src.kubeconfig && !src.env_kubeconfig &&
        (!home || access(arena_printf(k->c->arena, "%s/.kube/config", home), F_OK)))
        return err_set(e, ERR_NOT_FOUND, 0,
                       "no cluster is configured: set K8S_SERVER, K8S_CA_CERT and K8S_TOKEN, or "
                       "KUBECONFIG, or give --kubeconfig");
    if (kube_config_load(&src, &k->config, e) == 0)
        return 0;
    e->kind = ERR_INVALID; /* it is configured, wrongly */
    return -1;
}

static int make_client(struct cluster *k, struct err *e)
{
    struct kube_config config = k->config;

    if (config.exec_command && cluster_exec(k->c, &k->config, e)) {
        e->kind = e->kind == ERR_NOT_FOUND ? ERR_DENIED : e->kind; /* the plugin, not the cluster */
        return -1;
    }
    config = k->config;
    config.exec_command = NULL; /* it has run */
    k->client = kube_client_new(k->c->loop, &config, e);
    return k->client ? 0 : -1;
}

static struct cluster *open_configured(struct cli *c, struct err *e)
{
    AUTO(cluster) struct cluster *k = xcalloc(1, sizeof *k);
    struct cluster_setting w;

    log_set_level("error"); /* what goes wrong is told by us */
    k->c = c;
    if (settings_load(c, &k->settings, e) || settings_cluster(c, &k->settings, &w, e))
        return NULL;
    k->ns = w.namespace_;
    k->name = c->options->name ? c->options->name : NAME;
    if ((w.server ? load_three(k, &w) : load_kubeconfig(k, &w, e)) || make_client(k, e))
        return NULL;
    return take(k);
}

struct cluster *cluster_open(struct cli *c, struct err *e)
{
    struct cluster *k = open_configured(c, e);

    if (!k && e->kind == ERR_NOT_FOUND)
        e->kind = ERR_INVALID;
    return k;
}

int cluster_open_any(struct cli *c, struct cluster **ret, struct err *e)
{
    struct err why = { 0 };
    struct cluster *k = open_configured(c, &why);

    if (!k && why.kind != ERR_NOT_FOUND) {
        *e = why;
        return -1;
    }
    *ret = k;
    return 0;
}

void cluster_close(struct cluster *k)
{
    if (!k)
        return;
    kube_client_free(k->client);
    kube_config_release(&k->config);
    free(k);
}

const char *cluster_namespace(const struct cluster *k)
{
    return k->ns;
}

const char *cluster_name(const struct cluster *k)
{
    return k->name;
}

const struct settings *cluster_settings(const struct cluster *k)
{
    return &k->settings;
}

struct kube_client *cluster_client(const struct cluster *k)
{
    return k->client;
}

static int refuse_credentials(struct err *e)
{
    return err_set(e, ERR_DENIED, 401,
                   "the cluster does not accept the credentials (HTTP 401): renew K8S_TOKEN or "
                   "the kubeconfig's user");
}

int cluster_renew(struct cluster *k, struct err *e)
{
    if (!k->config.exec_command)
        return refuse_credentials(e);
    kube_client_free(k->client);
    k->client = NULL;
    return make_client(k, e);
}

/* --- one call --- */

struct answer {
    bool done;
    cJSON *tree;
    char *text;
    struct err err;
    int64_t retry_after_ms;
};

static void on_done(const cJSON *tree, const char *text, const struct err *err,
                    int64_t retry_after_ms, void *ctx)
{
    struct answer *r = ctx;

    r->done = true;
    r->retry_after_ms = retry_after_ms;
    if (err) {
        r->err = *err;
        return;
    }
    r->tree = tree ? cJSON_Duplicate(tree, true) : NULL;
    r->text = tree ? NULL : xstrdup(text);
}

static bool is_write(const struct kube_request *req)
{
    return strcmp(req->method, "GET") != 0;
}

static void call_once(struct cluster *k, struct kube_request *req, struct answer *r)
{
    struct kube_call *call;

    *r = (struct answer){ 0 };
    req->on_done = on_done;
    req->ctx = r;
    call = kube_send(k->client, req);
    while (!r->done) {
        if (k->c->signo && !is_write(req)) {
            kube_cancel(call);
            err_set(&r->err, ERR_TIMEOUT, 0, "interrupted");
            return;
        }
        loop_turn(k->c->loop, -1);
    }
}

static void wake(void *ctx)
{
    *(bool *)ctx = true;
}

void cluster_sleep(struct cluster *k, int64_t ms)
{
    bool is_over = false;
    struct loop_timer t = { .fn = wake, .ctx = &is_over };

    loop_timer_set(k->c->loop, &t, loop_now_ms(k->c->loop) + ms);
    while (!is_over && !k->c->signo)
        loop_turn(k->c->loop, -1);
    loop_timer_stop(k->c->loop, &t);
}

static bool is_in_trouble(const struct err *e)
{
    return e->kind == ERR_SERVER || e->kind == ERR_THROTTLED;
}

/* "patch appreleases": what a Role must allow. */
static const char *verb_of(const struct kube_request *req)
{
    if (strcmp(req->method, "GET") == 0)
        return strchr(req->path, '?') && strstr(req->path, "labelSelector") ? "list" : "get";
    return strcmp(req->method, "POST") == 0  ? "create" :
           strcmp(req->method, "PATCH") == 0 ? "patch" :
                                               "delete";
}

/* What to do next, in front of what the server says. */
static int explain(const struct cluster *k, const struct kube_request *req, const char *plural,
                   const struct err *why, struct err *e)
{
    *e = *why;
    if (why->kind == ERR_DENIED && why->code == 401)
        return refuse_credentials(e);
    if (why->kind == ERR_DENIED)
        return err_set(e, ERR_DENIED, why->code,
                       "no right to %s %s in namespace %s: let a Role give it (%s)", verb_of(req),
                       plural, k->ns, why->text);
    if ((why->kind == ERR_NET || why->kind == ERR_TIMEOUT) && !k->c->signo)
        return err_set(e, why->kind, 0,
                       "the cluster at %s cannot be reached: is the address right, is it up? (%s)",
                       k->config.server, why->text);
    if (why->kind == ERR_REFUSED)
        return err_set(e, ERR_INVALID, why->code, "the cluster refuses it: %s", why->text);
    return -1;
}

/* Free what r holds with free() and cJSON_Delete(). */
static int call(struct cluster *k, struct kube_request *req, const struct kube_resource *res,
                struct answer *r, struct err *e)
{
    int64_t pause_ms = PAUSE_MS;
    bool renewed = false;

    for (int i = 1;; i++) {
        call_once(k, req, r);
        if (!r->err.kind)
            return 0;
        if (r->err.code == 401 && k->config.exec_command && !renewed) {
            renewed = true;
            if (cluster_renew(k, e))
                return -1;
            continue;
        }
        if (!is_in_trouble(&r->err) || is_write(req) || i == TRIES || k->c->signo)
            return explain(k, req, res->plural, &r->err, e);
        cluster_sleep(k, r->retry_after_ms > 0 ? r->retry_after_ms : pause_ms);
        pause_ms = pause_ms * 2 < PAUSE_MAX_MS ? pause_ms * 2 : PAUSE_MAX_MS;
    }
}

static int call_tree(struct cluster *k, struct kube_request *req, const struct kube_resource *res,
                     cJSON **ret, struct err *e)
{
    struct answer r;

    if (call(k, req, res, &r, e))
        return -1;
    free(r.text);
    if (ret)
        *ret = r.tree;
    else
        cJSON_Delete(r.tree);
    return 0;
}

/* --- the calls --- */

cJSON *cluster_get(struct cluster *k, const struct kube_resource *r, const char *name,
                   const char *query, struct err *e)
{
    char path[PATH_BYTES];
    struct kube_request req = { .method = "GET", .path = path, .max_body = 64UL << 20 };
    cJSON *tree = NULL;

    if (kube_path(path, sizeof path, r, k->ns, name, NULL, query, e) ||
        call_tree(k, &req, r, &tree, e))
        return NULL;
    return tree;
}

static const char *write_query(struct cluster *k, const char *query)
{
    return query ? arena_printf(k->c->arena, MANAGER "&%s", query) : MANAGER;
}

static int write_object(struct cluster *k, struct kube_request *req, const struct kube_resource *r,
                        const cJSON *object, cJSON **ret, struct err *e)
{
    char *body = json_print(object);
    int failed;

    req->body = body;
    failed = call_tree(k, req, r, ret, e);
    free(body);
    return failed;
}

/* A namespace that is not there looks like an object that is not there. */
static int explain_create(const struct cluster *k, struct err *e)
{
    if (e->kind == ERR_NOT_FOUND && strstr(e->text, "namespaces \""))
        return err_set(e, ERR_INVALID, 404,
                       "there is no namespace %s: kubectl create namespace %s, or give --namespace",
                       k->ns, k->ns);
    return -1;
}

int cluster_create(struct cluster *k, const struct kube_resource *r, const cJSON *object,
                   const char *query, cJSON **ret, struct err *e)
{
    char path[PATH_BYTES];
    struct kube_request req = { .method = "POST", .path = path };

    if (kube_path(path, sizeof path, r, k->ns, NULL, NULL, write_query(k, query), e))
        return -1;
    return write_object(k, &req, r, object, ret, e) ? explain_create(k, e) : 0;
}

int cluster_patch(struct cluster *k, const struct kube_resource *r, const char *name,
                  const cJSON *patch, const char *query, cJSON **ret, struct err *e)
{
    char path[PATH_BYTES];
    struct kube_request req = { .method = "PATCH", .path = path, .content_type = PATCH_MERGE };

    if (kube_path(path, sizeof path, r, k->ns, name, NULL, write_query(k, query), e))
        return -1;
    return write_object(k, &req, r, patch, ret, e);
}

int cluster_delete(struct cluster *k, const struct kube_resource *r, const char *name,
                   struct err *e)
{
    char path[PATH_BYTES];
    struct kube_request req = { .method = "DELETE", .path = path };

    if (kube_path(path, sizeof path, r, k->ns, name, NULL, NULL, e))
        return -1;
    return call_tree(k, &req, r, NULL, e);
}

const char *cluster_log(struct cluster *k, const char *pod, const char *query, struct err *e)
{
    char path[PATH_BYTES];
    struct kube_request req = { .method = "GET", .path = path, .accept = "*/*" };
    struct answer r;
    const char *text;

    if (kube_path(path, sizeof path, &PODS, k->ns, pod, "log", query, e) ||
        call(k, &req, &PODS, &r, e))
        return NULL;
    text = arena_strdup(k->c->arena, r.text ? r.text : "");
    free(r.text);
    cJSON_Delete(r.tree);
    return text;
}

int cluster_check(struct cluster *k, struct err *e)
{
    struct kube_request req = { .method = "GET", .path = "/apis/" APPRELEASE_API };

    if (call_tree(k, &req, &APPRELEASES, NULL, e) == 0)
        return 0;
    if (e->kind != ERR_NOT_FOUND)
        return -1;
    return err_set(
        e, ERR_INVALID, 404,
        "the cluster has no AppRelease: its administrator installs btc-shopflow-deployer "
        "first: helm install btc-shopflow-deployer charts/btc-shopflow-deployer");
}
