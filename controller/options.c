#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "base/yaml.h"
#include "kube/client.h"
#include "registry/origin.h"
#include "registry/ref.h"

#define FILE_BYTES (1 * MIB)

const char OPTIONS_HELP[] =
    "btc-shopflow-deployer: rolls the apps of an AppRelease, and back when they fail\n"
    "\n"
    "  --kubeconfig FILE         kubeconfig to use; default: the pod's ServiceAccount,\n"
    "                            else $KUBECONFIG, else ~/.kube/config\n"
    "  --context NAME            context of the kubeconfig\n"
    "  --watch-namespaces A,B    only these namespaces (default: all)\n"
    "  --default-service-account NAME\n"
    "                            impersonated for writes to Deployments where a spec names\n"
    "                            no serviceAccountName; default: the controller's own rights\n"
    "  --config FILE             registries, allowedRegistries, trustedRealms,\n"
    "                            defaultServiceAccount (YAML)\n"
    "  --listen ADDRESS:PORT     /livez /readyz /metrics (default 0.0.0.0:8080)\n"
    "  --log-level LEVEL         debug, info (default), warn, error\n"
    "  --log-format FORMAT       json (default), text\n"
    "  --version, --help\n";

enum {
    OPT_KUBECONFIG = 1,
    OPT_CONTEXT,
    OPT_NAMESPACES,
    OPT_ACCOUNT,
    OPT_CONFIG,
    OPT_LISTEN,
    OPT_LEVEL,
    OPT_FORMAT,
    OPT_VERSION,
    OPT_HELP
};

static const struct option LONG[] = {
    { "kubeconfig", required_argument, NULL, OPT_KUBECONFIG },
    { "context", required_argument, NULL, OPT_CONTEXT },
    { "watch-namespaces", required_argument, NULL, OPT_NAMESPACES },
    { "default-service-account", required_argument, NULL, OPT_ACCOUNT },
    { "config", required_argument, NULL, OPT_CONFIG },
    { "listen", required_argument, NULL, OPT_LISTEN },
    { "log-level", required_argument, NULL, OPT_LEVEL },
    { "log-format", required_argument, NULL, OPT_FORMAT },
    { "version", no_argument, NULL, OPT_VERSION },
    { "help", no_argument, NULL, OPT_HELP },
    { NULL, 0, NULL, 0 },
};

/* "a,b" → { "a", "b", NULL }; an empty text gives NULL: all. */
static const char **split_names(const char *text, struct arena *a)
{
    const char **names = arena_array(a, strlen(text) + 2, sizeof *names);
    size_t n = 0;

    while (*text) {
        size_t len = strcspn(text, ",");

        if (len)
            names[n++] = arena_strndup(a, text, len);
        text += len + (text[len] == ',');
    }
    return n ? names : NULL;
}

static int read_argv(int argc, char **argv, struct arena *a, struct options *o, struct err *e)
{
    int c, at; /* the option that is read; inside "-abc" optind does not move */

    optind = 0; /* start anew (GNU) */
    opterr = 0;
    while (at = optind ? optind : 1, (c = getopt_long(argc, argv, "+:", LONG, NULL)) != -1) {
        switch (c) {
        case OPT_KUBECONFIG:
            o->kubeconfig = optarg;
            break;
        case OPT_CONTEXT:
            o->context = optarg;
            break;
        case OPT_NAMESPACES:
            o->namespaces = split_names(optarg, a);
            break;
        case OPT_ACCOUNT:
            o->default_account = optarg;
            break;
        case OPT_CONFIG:
            o->config = optarg;
            break;
        case OPT_LISTEN:
            o->listen = optarg;
            break;
        case OPT_LEVEL:
            o->log_level = optarg;
            break;
        case OPT_FORMAT:
            o->log_format = optarg;
            break;
        case OPT_VERSION:
            o->version = true;
            break;
        case OPT_HELP:
            o->help = true;
            break;
        case ':':
            return err_set(e, ERR_INVALID, 0, "%s needs a value; --help", argv[at]);
        default:
            return err_set(e, ERR_INVALID, 0, "'%s' is not an option; --help", argv[at]);
        }
    }
    if (optind < argc)
        return err_set(e, ERR_INVALID, 0, "'%s' is not expected; --help", argv[optind]);
    return 0;
}

/* --- the file --- */

static int check_keys(const cJSON *object, const char *path, const char *const *known,
                      struct err *e)
{
    if (!cJSON_IsObject(object))
        return err_set(e, ERR_INVALID, 0, "%s: must be a mapping", path);
    JSON_EACH_MEMBER(item, object) {
        size_t i = 0;

        while (known[i] && strcmp(known[i], item->string))
            i++;
        if (!known[i])
            return err_set(e, ERR_INVALID, 0, "%s: unknown key '%.60s'", path, item->string);
    }
    return 0;
}

static int read_strings(const cJSON *tree, const char *key, struct arena *a, const char ***ret,
                        size_t *ret_n, struct err *e)
{
    const cJSON *list = json_get(tree, key);

    if (!list || cJSON_IsNull(list))
        return 0;
    if (!cJSON_IsArray(list))
        return err_set(e, ERR_INVALID, 0, "%s: must be a list of strings", key);
    *ret = arena_array(a, (size_t)cJSON_GetArraySize(list) + 1, sizeof **ret);
    JSON_EACH(item, list) {
        if (!cJSON_IsString(item))
            return err_set(e, ERR_INVALID, 0, "%s[%zu]: must be a string", key, *ret_n);
        (*ret)[(*ret_n)++] = arena_strdup(a, item->valuestring);
    }
    return 0;
}

/* "registry.example.com" or "10.0.0.1:5000", as references say it. */
static bool is_host(const char *host)
{
    struct err ignored = { 0 };
    struct image_ref ref;
    char image[300];

    snprintf(image, sizeof image, "%s/x", host);
    return !image_ref_parse(image, &ref, &ignored) && !strcmp(ref.host, host);
}

static int read_host(const cJSON *item, struct arena *a, struct registry_host *host, struct err *e)
{
    static const char *const known[] = { "host", "plainHTTP", "caFile", NULL };
    const cJSON *plain = json_get(item, "plainHTTP"), *ca_file = json_get(item, "caFile");
    char *pem;

    if (check_keys(item, "registries[]", known, e))
        return -1;
    host->host = arena_strdup(a, json_str(item, "host"));
    if (!host->host || !is_host(host->host))
        return err_set(e, ERR_INVALID, 0, "registries[].host: must be host or host:port");
    if (plain && !cJSON_IsBool(plain))
        return err_set(e, ERR_INVALID, 0, "registries[].plainHTTP of %.60s: must be true or false",
                       host->host);
    host->plain_http = cJSON_IsTrue(plain);
    if (!ca_file)
        return 0;
    if (!cJSON_IsString(ca_file))
        return err_set(e, ERR_INVALID, 0, "registries[].caFile of %.60s: must be a file's path",
                       host->host);
    pem = file_read(ca_file->valuestring, FILE_BYTES, e);
    if (!pem)
        return err_ctx(e, "registries[].caFile of %.60s", host->host);
    host->ca_pem = arena_strdup(a, pem);
    free(pem);
    return 0;
}

static int check_account(const char *what, const char *name, struct err *e)
{
    char user[KUBE_USER_BYTES];
    struct err ignored = { 0 };

    if (kube_account_user(user, sizeof user, "default", name, &ignored))
        return err_set(e, ERR_INVALID, 0, "%s '%.64s': must be the name of a ServiceAccount", what,
                       name);
    return 0;
}

static int check_realms(const struct options *o, struct err *e)
{
    char origin[300];

    for (size_t i = 0; i < o->n_trusted_realms; i++)
        if (origin_of(o->trusted_realms[i], origin, sizeof origin))
            return err_set(e, ERR_INVALID, 0, "trustedRealms[%zu]: must be https://host[:port]", i);
    return 0;
}

/* The flag wins. An empty name would mean the controller's own rights: it is no way to say so. */
static int read_account(const cJSON *tree, struct arena *a, struct options *o, struct err *e)
{
    const cJSON *item = json_get(tree, "defaultServiceAccount");

    if (!item || cJSON_IsNull(item) || o->default_account)
        return 0;
    if (!cJSON_IsString(item))
        return err_set(e, ERR_INVALID, 0, "defaultServiceAccount: must be a string");
    o->default_account = arena_strdup(a, item->valuestring);
    return check_account("defaultServiceAccount", o->default_account, e);
}

static int read_tree(const cJSON *tree, struct arena *a, struct options *o, struct err *e)
{
    static const char *const known[] = { "registries", "allowedRegistries", "trustedRealms",
                                         "defaultServiceAccount", NULL };
    const cJSON *list = json_get(tree, "registries");

    if (cJSON_IsNull(tree)) /* an empty file */
        return 0;
    if (check_keys(tree, "the file", known, e))
        return -1;
    if (list && !cJSON_IsNull(list) && !cJSON_IsArray(list))
        return err_set(e, ERR_INVALID, 0, "registries: must be a list");
    o->hosts = arena_array(a, (size_t)cJSON_GetArraySize(list) + 1, sizeof *o->hosts);
    JSON_EACH(item, list)
        if (read_host(item, a, &o->hosts[o->n_hosts++], e))
            return -1;
    if (read_strings(tree, "allowedRegistries", a, &o->allowed, &o->n_allowed, e) ||
        read_strings(tree, "trustedRealms", a, &o->trusted_realms, &o->n_trusted_realms, e) ||
        read_account(tree, a, o, e))
        return -1;
    return check_realms(o, e);
}

static int read_file(struct arena *a, struct options *o, struct err *e)
{
    char *bytes = file_read(o->config, FILE_BYTES, e);
    AUTO(json) cJSON *tree = bytes ? yaml_parse(bytes, strlen(bytes), FILE_BYTES, e) : NULL;

    if (!bytes)
        return err_set(e, e->kind, e->code, "--config %s", e->text);
    free(bytes);
    return tree && !read_tree(tree, a, o, e) ? 0 : err_ctx(e, "--config %s", o->config);
}

int options_read(int argc, char **argv, struct arena *a, struct options *ret, struct err *e)
{
    struct options o = { .listen = "0.0.0.0:8080", .log_level = "info", .log_format = "json" };

    if (read_argv(argc, argv, a, &o, e))
        return -1;
    if (o.default_account && check_account("--default-service-account", o.default_account, e))
        return -1;
    if (o.config && read_file(a, &o, e))
        return -1;
    *ret = o;
    return 0;
}
