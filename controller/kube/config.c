#include "kube/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/base64.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/yaml.h"

#define ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"
#define ADVICE "give --kubeconfig, set KUBECONFIG, or run in a pod"
#define MAX_FILE (1 * MIB)
#define MAX_TOKEN (64 * KIB)

/* What a kubeconfig may say and we will not do: each would be a silent hole if it were ignored. */
struct refused {
    const char *key;
    const char *why;
};

static const struct refused REFUSED_OF_CLUSTER[] = {
    { "insecure-skip-tls-verify", "the server is always verified: give certificate-authority" },
    { "proxy-url", "proxies are not supported: use a server address that is reached directly" },
    { "tls-server-name", "not supported: use a server address that is in the certificate" },
};

static const struct refused REFUSED_OF_USER[] = {
    { "auth-provider", "removed from Kubernetes in 1.26: use exec, a token or a certificate" },
    { "username", "removed from Kubernetes in 1.19: use a token or a certificate" },
    { "password", "removed from Kubernetes in 1.19: use a token or a certificate" },
    { "as", "impersonation is not supported here: use that user's own credentials" },
    { "as-uid", "impersonation is not supported here: use that user's own credentials" },
    { "as-groups", "impersonation is not supported here: use that user's own credentials" },
    { "as-user-extra", "impersonation is not supported here: use that user's own credentials" },
};

static void free_texts(char **texts)
{
    for (char **text = texts; text && *text; text++)
        secret_free(*text);
    free(texts);
}

void kube_config_release(struct kube_config *c)
{
    free(c->server);
    free(c->namespace_);
    free(c->ca_pem);
    free(c->ca_file);
    free(c->cert_pem);
    secret_free(c->key_pem);
    secret_free(c->token);
    free(c->token_file);
    free(c->exec_command);
    free(c->exec_version);
    free_texts(c->exec_args);
    free_texts(c->exec_env);
    *c = (struct kube_config){ 0 };
}

/* --- pieces of a kubeconfig --- */

static bool is_set(const cJSON *v)
{
    return v && !cJSON_IsNull(v) && !cJSON_IsFalse(v) && !(cJSON_IsString(v) && !*v->valuestring) &&
           !((cJSON_IsArray(v) || cJSON_IsObject(v)) && !v->child);
}

static int refuse(const cJSON *object, const struct refused *list, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++)
        if (is_set(json_get(object, list[i].key)))
            return err_set(e, ERR_INVALID, 0, "%s: %s", list[i].key, list[i].why);
    return 0;
}

/* A copy of the member's text; NULL when absent or empty. */
static int read_text(const cJSON *object, const char *key, char **ret, struct err *e)
{
    const cJSON *v = json_get(object, key);

    if (!is_set(v))
        return 0;
    if (!cJSON_IsString(v))
        return err_set(e, ERR_INVALID, 0, "%s: must be text: put it in quotes", key);
    secret_free(*ret);
    *ret = xstrdup(v->valuestring);
    return 0;
}

/* Paths in a kubeconfig are relative to its folder. */
static char *resolve_path(const char *kubeconfig, const char *path)
{
    const char *slash = strrchr(kubeconfig, '/');

    if (*path == '/' || !slash)
        return xstrdup(path);
    return xasprintf("%.*s/%s", (int)(slash - kubeconfig), kubeconfig, path);
}

static int read_path(const cJSON *object, const char *key, const char *kubeconfig, char **ret,
                     struct err *e)
{
    char *path = NULL;

    if (read_text(object, key, &path, e))
        return -1;
    if (path)
        *ret = resolve_path(kubeconfig, path);
    free(path);
    return 0;
}

static int check_pem(const char *pem, const char *key, struct err *e)
{
    if (strstr(pem, "-----BEGIN "))
        return 0;
    return err_set(e, ERR_INVALID, 0, "%s: is not PEM (no '-----BEGIN')", key);
}

/* "<key>-data", base64 of PEM, wins over "<key>", a file. ret_file may be NULL. */
static int read_pem(const cJSON *object, const char *key, const char *kubeconfig, char **ret_pem,
                    char **ret_file, struct err *e)
{
    char data_key[64];
    char *data = NULL, *path = NULL;
    size_t n;

    snprintf(data_key, sizeof data_key, "%s-data", key);
    if (read_text(object, data_key, &data, e))
        return -1;
    if (data) {
        *ret_pem = base64_decode(data, &n);
        secret_free(data);
        if (!*ret_pem)
            return err_set(e, ERR_INVALID, 0, "%s: is not base64", data_key);
        return check_pem(*ret_pem, data_key, e);
    }
    if (read_path(object, key, kubeconfig, &path, e))
        return -1;
    if (!path)
        return 0;
    *ret_pem = file_read(path, MAX_FILE, e);
    if (ret_file)
        *ret_file = path;
    else
        free(path);
    return *ret_pem ? check_pem(*ret_pem, key, e) : err_ctx(e, "%s", key);
}

/* The item of a kubeconfig's list that has this name: its member `what`. */
static const cJSON *find_named(const cJSON *tree, const char *list, const char *what,
                               const char *name, struct err *e)
{
    JSON_EACH(item, json_get(tree, list)) {
        const char *has = json_str(item, "name");

        if (has && !strcmp(has, name)) {
            const cJSON *found = json_get(item, what);

            if (cJSON_IsObject(found))
                return found;
            err_set(e, ERR_INVALID, 0, "%s '%s' has no '%s:'", list, name, what);
            return NULL;
        }
    }
    err_set(e, ERR_NOT_FOUND, 0, "no %s '%s' under '%s:'", what, name, list);
    return NULL;
}

static bool is_loopback(const char *host)
{
    size_t n = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");

    if (!strncmp(host, "127.", 4))
        return strspn(host, "0123456789.") == n;
    return (n == 5 && !strncmp(host, "[::1]", n)) || (n == 9 && !strncmp(host, "localhost", n));
}

/* https://host:port; plain http only on this machine (kubectl proxy). */
static int check_server(char *server, struct err *e)
{
    const char *host;
    size_t n;

    if (!server)
        return err_set(e, ERR_INVALID, 0, "server: is missing");
    n = strlen(server);
    while (n && server[n - 1] == '/')
        server[--n] = '\0';
    host = strstr(server, "://");
    host = host ? host + 3 : server;
    if (!*host || strpbrk(host, "@?# "))
        return err_set(e, ERR_INVALID, 0, "server: '%.100s' is not https://host:port", server);
    if (!strncmp(server, "https://", 8) || (!strncmp(server, "http://", 7) && is_loopback(host)))
        return 0;
    return err_set(e, ERR_INVALID, 0, "server: '%.100s' must start with https://", server);
}

static int load_cluster(const cJSON *cluster, const char *kubeconfig, struct kube_config *c,
                        struct err *e)
{
    if (refuse(cluster, REFUSED_OF_CLUSTER, ARRAY_LEN(REFUSED_OF_CLUSTER), e) ||
        read_text(cluster, "server", &c->server, e) || check_server(c->server, e) ||
        read_pem(cluster, "certificate-authority", kubeconfig, &c->ca_pem, &c->ca_file, e))
        return -1;
    return 0;
}

static char **room_for(const cJSON *array)
{
    return xcalloc((array ? (size_t)cJSON_GetArraySize(array) : 0) + 1, sizeof(char *));
}

static int load_exec_env(const cJSON *env, struct kube_config *c, struct err *e)
{
    size_t n = 0;

    c->exec_env = room_for(env);
    JSON_EACH(item, env) {
        const char *name = json_str(item, "name"), *value = json_str(item, "value");

        if (!name || !*name || strchr(name, '=') || !value)
            return err_set(e, ERR_INVALID, 0, "env: must be a list of name and value");
        c->exec_env[n++] = xasprintf("%s=%s", name, value);
    }
    return 0;
}

static int load_exec(const cJSON *exec, const char *kubeconfig, struct kube_config *c,
                     struct err *e)
{
    const cJSON *args = json_get(exec, "args");
    size_t n = 0;

    if (read_text(exec, "command", &c->exec_command, e) ||
        read_text(exec, "apiVersion", &c->exec_version, e) ||
        load_exec_env(json_get(exec, "env"), c, e))
        return -1;
    if (!c->exec_command)
        return err_set(e, ERR_INVALID, 0, "command: is missing");
    if (strchr(c->exec_command, '/')) { /* a bare word is searched in PATH, a path is a path */
        char *command = resolve_path(kubeconfig, c->exec_command);

        free(c->exec_command);
        c->exec_command = command;
    }
    c->exec_args = room_for(args);
    JSON_EACH(arg, args) {
        if (!cJSON_IsString(arg))
            return err_set(e, ERR_INVALID, 0, "args: must be a list of texts");
        c->exec_args[n++] = xstrdup(arg->valuestring);
    }
    return 0;
}

static int load_user(const cJSON *user, const char *kubeconfig, struct kube_config *c,
                     struct err *e)
{
    const cJSON *exec = json_get(user, "exec");

    if (refuse(user, REFUSED_OF_USER, ARRAY_LEN(REFUSED_OF_USER), e) ||
        read_pem(user, "client-certificate", kubeconfig, &c->cert_pem, NULL, e) ||
        read_pem(user, "client-key", kubeconfig, &c->key_pem, NULL, e) ||
        read_text(user, "token", &c->token, e) ||
        read_path(user, "tokenFile", kubeconfig, &c->token_file, e))
        return -1;
    if (!c->cert_pem != !c->key_pem)
        return err_set(e, ERR_INVALID, 0, "client-certificate and client-key must come together");
    if (is_set(exec) && load_exec(exec, kubeconfig, c, e))
        return err_ctx(e, "exec");
    return 0;
}

static int load_tree(const cJSON *tree, const char *file, const char *context,
                     struct kube_config *c, struct err *e)
{
    const char *name = context ?: json_str(tree, "current-context");
    const cJSON *ctx, *cluster, *user;
    const char *cluster_name, *user_name;

    if (!name || !*name)
        return err_set(e, ERR_INVALID, 0, "current-context is empty: give --context");
    ctx = find_named(tree, "contexts", "context", name, e);
    if (!ctx)
        return -1;
    cluster_name = json_str(ctx, "cluster");
    user_name = json_str(ctx, "user");
    if (!cluster_name || !*cluster_name)
        return err_set(e, ERR_INVALID, 0, "context '%s' names no cluster", name);
    cluster = find_named(tree, "clusters", "cluster", cluster_name, e);
    if (!cluster)
        return -1;
    if (load_cluster(cluster, file, c, e))
        return err_ctx(e, "cluster '%s'", cluster_name);
    if (user_name && *user_name) {
        user = find_named(tree, "users", "user", user_name, e);
        if (!user)
            return -1;
        if (load_user(user, file, c, e))
            return err_ctx(e, "user '%s'", user_name);
    }
    if (read_text(ctx, "namespace", &c->namespace_, e))
        return err_ctx(e, "context '%s'", name);
    return 0;
}

static int load_file(const char *file, const char *context, struct kube_config *c, struct err *e)
{
    AUTO(json) cJSON *tree = NULL;
    char *text = file_read(file, MAX_FILE, e);

    if (!text)
        return err_ctx(e, "kubeconfig");
    tree = yaml_parse(text, strlen(text), MAX_FILE, e);
    secret_free(text);
    if (!tree || load_tree(tree, file, context, c, e))
        return err_ctx(e, "kubeconfig %s", file);
    return 0;
}

/* --- a pod's own account --- */

static int load_account(const struct kube_config_source *src, struct kube_config *c, struct err *e)
{
    const char *dir = src->account_dir ?: ACCOUNT_DIR;
    const char *host = src->service_host;
    char *ns_file = xasprintf("%s/namespace", dir);
    struct err ignored = { 0 };

    c->namespace_ = file_read(ns_file, 4 * KIB, &ignored);
    free(ns_file);
    if (!src->service_port || !*src->service_port)
        return err_set(e, ERR_INVALID, 0,
                       "KUBERNETES_SERVICE_HOST is set, KUBERNETES_SERVICE_PORT is not");
    c->server =
        xasprintf(strchr(host, ':') ? "https://[%s]:%s" : "https://%s:%s", host, src->service_port);
    c->token_file = xasprintf("%s/token", dir);
    c->ca_file = xasprintf("%s/ca.crt", dir);
    c->ca_pem = file_read(c->ca_file, MAX_FILE, e);
    c->token = c->ca_pem ? file_read(c->token_file, MAX_TOKEN, e) : NULL;
    if (!c->token)
        return err_ctx(e, "ServiceAccount of this pod (is automountServiceAccountToken false?)");
    c->token[strcspn(c->token, "\r\n")] = '\0';
    return check_pem(c->ca_pem, c->ca_file, e);
}

static int load_any(const struct kube_config_source *src, struct kube_config *c, struct err *e)
{
    char *file;
    int r;

    if (src->kubeconfig && *src->kubeconfig)
        return load_file(src->kubeconfig, src->context, c, e);
    if (src->service_host && *src->service_host && !src->context)
        return load_account(src, c, e);
    if (src->env_kubeconfig && *src->env_kubeconfig) {
        if (strchr(src->env_kubeconfig, ':'))
            return err_set(e, ERR_INVALID, 0, "KUBECONFIG '%.120s' is a list: name one file",
                           src->env_kubeconfig);
        return load_file(src->env_kubeconfig, src->context, c, e);
    }
    if (!src->home || !*src->home)
        return err_set(e, ERR_NOT_FOUND, 0, "no API server: no home folder to look in; " ADVICE);
    file = xasprintf("%s/.kube/config", src->home);
    r = access(file, F_OK) ?
            err_set(e, ERR_NOT_FOUND, 0, "no API server: there is no %s; " ADVICE, file) :
            load_file(file, src->context, c, e);
    free(file);
    return r;
}

int kube_config_load(const struct kube_config_source *src, struct kube_config *ret, struct err *e)
{
    AUTO(kube_config) struct kube_config c = { 0 };

    if (load_any(src, &c, e))
        return -1;
    if (!c.namespace_ || !*c.namespace_) {
        free(c.namespace_);
        c.namespace_ = xstrdup("default");
    }
    c.namespace_[strcspn(c.namespace_, "\r\n")] = '\0';
    *ret = c;
    c = (struct kube_config){ 0 };
    return 0;
}
