/* cli/settings.h — Where images and the cluster are, who we are there, and who said so.
 *
 * flag > environment > .k8s-config > shopflow.yaml > default. An empty value counts as unset, in
 * each of them. What is not needed is not checked: each question below is asked by those who need
 * its answer, and says what to set.
 *
 *     struct settings s;
 *     if (settings_load(c, &s, e) || settings_cluster(&s, &where, e))
 *         return -1;                        // ERR_INVALID: exit 2
 *     s.of[SET_NAMESPACE].value             // "btc-shopflow"
 *     s.of[SET_NAMESPACE].from              // "default", "--namespace", ".k8s-config line 3" */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H
#include <stdbool.h>
#include <stddef.h>

struct arena;
struct cli;
struct dotfile;
struct err;
struct project;

enum setting_key {
    SET_REGISTRY,
    SET_USERNAME, /* of the registry */
    SET_PASSWORD,
    SET_NAMESPACE,
    SET_SERVER, /* of the cluster, with SET_CA_CERT and SET_TOKEN */
    SET_CA_CERT,
    SET_TOKEN,
    SET_KUBECONFIG, /* the flag's; the environment's is kube/config.h's to read */
    SET_CONTEXT,
    SET_GIT_SHA, /* the commit to release instead of HEAD */
    SET_KEYS,
};

struct setting {
    const char *name;  /* the variable's, or the flag's: PRIVATE_REGISTRY, --context */
    const char *value; /* NULL = nobody says */
    const char *from;  /* for people; NULL when value is */
    bool is_secret;    /* not to be printed */
};

struct settings {
    struct setting of[SET_KEYS];
    const char *root;              /* folder of the project: nearest above with .git, else ours */
    const struct project *project; /* shopflow.yaml; NULL of settings_decide() */
    const char **unknown; /* lines of .k8s-config that mean nothing here; NULL-terminated */
};

/* Read .k8s-config and shopflow.yaml of the project's folder, and decide. The unknown lines are
 * said on stderr. */
int settings_load(struct cli *c, struct settings *ret, struct err *e);

/* The decision alone. */
int settings_decide(const struct cli *c, const struct dotfile *d, const struct project *p,
                    struct settings *ret, struct err *e);

enum registry_scheme { SCHEME_UNSAID, SCHEME_HTTPS, SCHEME_HTTP };

struct registry_setting {
    const char *base;     /* "192.168.1.100:5000", "ghcr.io/acme/shop": before "/<app>" */
    const char *username; /* NULL = as docker's config.json says */
    const char *password;
    const char *from;            /* for people */
    enum registry_scheme scheme; /* "http://" or "https://" stood before it */
};

/* Where images go. Nobody says: ERR_INVALID with what to set. */
int settings_registry(const struct cli *c, const struct settings *s, struct registry_setting *ret,
                      struct err *e);

struct cluster_setting {
    const char *server;     /* the three variables; NULL = kubeconfig rules (kube/config.h) */
    const char *ca_pem;     /* decoded */
    const char *token;      /* a secret */
    const char *kubeconfig; /* of the flags; NULL = not given */
    const char *context;
    const char *namespace_;
};

/* How the cluster is reached. The flags --kubeconfig and --context win over the three variables;
 * only some of these set is ERR_INVALID. */
int settings_cluster(const struct cli *c, const struct settings *s, struct cluster_setting *ret,
                     struct err *e);

/* The nearest folder at or above dir that has an entry .git; dir itself when none has. */
const char *settings_root(struct arena *a, const char *dir);

#endif
