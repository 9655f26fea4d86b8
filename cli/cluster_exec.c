#include "cluster_exec.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "child.h"
#include "cli.h"
#include "kube/config.h"

#define VERSION "client.authentication.k8s.io/v1"
#define SAID_BYTES 120 /* of what it said, in an error */
#define ANSWER_BYTES (256 * KIB)

static void put_secret(char **at, const char *value)
{
    secret_free(*at);
    *at = value ? xstrdup(value) : NULL;
}

int cluster_exec_read(const char *text, const char *version, struct kube_config *config,
                      struct err *e)
{
    AUTO(json) cJSON *tree = json_parse(text, strlen(text), e);
    const cJSON *status = json_get(tree, "status");
    const char *cert = json_str(status, "clientCertificateData");
    const char *key = json_str(status, "clientKeyData");
    const char *kind = json_str(tree, "kind"), *says = json_str(tree, "apiVersion");

    if (!tree || !kind || strcmp(kind, "ExecCredential"))
        return err_set(e, ERR_DENIED, 0, "its output is no ExecCredential");
    if (!says || strcmp(says, version))
        return err_set(e, ERR_DENIED, 0, "its output is of %s, not %s", says ? says : "no version",
                       version);
    if (!cert != !key || (!cert && !json_str(status, "token")))
        return err_set(e, ERR_DENIED, 0, "its output holds no credentials");
    put_secret(&config->token, json_str(status, "token"));
    if (cert) {
        put_secret(&config->cert_pem, cert);
        put_secret(&config->key_pem, key);
    }
    return 0;
}

/* Ours, then what the kubeconfig sets, then what it is asked for. */
static const char **environment(struct cli *c, const struct kube_config *config,
                                const char *version)
{
    size_t n = 0, m = 0;
    const char **env;

    while (c->env[n])
        n++;
    while (config->exec_env && config->exec_env[m])
        m++;
    env = arena_array(c->arena, n + m + 2, sizeof *env);
    m = 0;
    for (char **at = config->exec_env; at && *at; at++)
        env[m++] = *at;
    env[m++] = arena_printf(c->arena,
                            "KUBERNETES_EXEC_INFO={\"apiVersion\":\"%s\",\"kind\":"
                            "\"ExecCredential\",\"spec\":{\"interactive\":false}}",
                            version);
    for (size_t i = 0; i < n; i++) {
        size_t len = strcspn(c->env[i], "="), j = 0;

        while (j < m && (strncmp(env[j], c->env[i], len) || env[j][len] != '='))
            j++;
        if (j == m) /* a name that is there already wins */
            env[m++] = c->env[i];
    }
    return env;
}

/* Its first line on stderr, for people. */
static const char *what_it_said(struct cli *c, const struct child_result *r)
{
    char *line = arena_alloc(c->arena, SAID_BYTES);

    text_clip(line, SAID_BYTES, arena_strndup(c->arena, r->err, strcspn(r->err, "\n")));
    text_scrub(line);
    return line;
}

int cluster_exec(struct cli *c, struct kube_config *config, struct err *e)
{
    const char *version = config->exec_version ? config->exec_version : VERSION;
    struct child_spec spec = { .max_bytes = ANSWER_BYTES };
    struct child_result r;
    const char **argv;
    size_t n = 0;

    if (strcmp(version, VERSION) && strcmp(version, VERSION "beta1"))
        return err_set(e, ERR_INVALID, 0, "kubeconfig: exec plugin %s: apiVersion %s: must be %s",
                       config->exec_command, version, VERSION);
    while (config->exec_args[n])
        n++;
    argv = arena_array(c->arena, n + 2, sizeof *argv);
    argv[0] = config->exec_command;
    memcpy(argv + 1, config->exec_args, n * sizeof *argv);
    spec.argv = argv;
    spec.env = environment(c, config, version);
    if (child_run(c, &spec, &r, e))
        return err_ctx(e, "the kubeconfig's credentials");
    if (r.status)
        return err_set(e, ERR_DENIED, 0, "the kubeconfig's '%s' failed (exit %d): %s",
                       config->exec_command, r.status, what_it_said(c, &r));
    if (cluster_exec_read(r.out, version, config, e))
        return err_ctx(e, "the kubeconfig's '%s'", config->exec_command);
    return 0;
}
