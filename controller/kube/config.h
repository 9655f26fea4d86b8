/* controller/kube/config.h — Where the API server is and who we are.
 *
 * Sources, as client-go's rules: an explicit kubeconfig file; else the pod's ServiceAccount
 * (KUBERNETES_SERVICE_HOST and /var/run/secrets/kubernetes.io/serviceaccount); else $KUBECONFIG;
 * else ~/.kube/config. main reads the environment and passes it in: nothing here calls getenv. */
#ifndef KUBE_CONFIG_H
#define KUBE_CONFIG_H
struct err;

struct kube_config_source {
    const char *kubeconfig;     /* --kubeconfig; NULL = not given */
    const char *context;        /* --context; NULL = current-context */
    const char *service_host;   /* $KUBERNETES_SERVICE_HOST; NULL = not in a pod */
    const char *service_port;   /* $KUBERNETES_SERVICE_PORT */
    const char *account_dir;    /* the ServiceAccount's folder; NULL = the usual one */
    const char *env_kubeconfig; /* $KUBECONFIG; only one file (a list is refused by name) */
    const char *home;           /* $HOME */
};

struct kube_config {
    char *server;     /* https://host:port, no slash at the end */
    char *namespace_; /* default namespace; "default" when nothing says another */
    char *ca_pem;     /* NULL = the system's roots */
    char *ca_file;    /* read again when its modification time changes; NULL = ca_pem is fixed */
    char *cert_pem;   /* client certificate and key; NULL = none */
    char *key_pem;
    char *token;        /* NULL = none */
    char *token_file;   /* read again every 60 s and on 401; NULL = none */
    char *exec_command; /* a kubeconfig's exec plugin, as data: the controller refuses it by name */
    char **exec_args;   /* NULL-terminated */
    char **exec_env;    /* "NAME=value", NULL-terminated */
    char *exec_version; /* apiVersion of what it is asked for and answers */
};

/* exec plugins are returned as data, not run; legacy auth-provider, basic passwords, impersonation,
 * insecure-skip-tls-verify, tls-server-name and proxy-url are refused by name. Plain http only to
 * this machine (kubectl proxy). With --context the pod's account is not looked at. */
int kube_config_load(const struct kube_config_source *src, struct kube_config *ret, struct err *e);
void kube_config_release(struct kube_config *c); /* wipes secrets */

static inline void auto_kube_config(struct kube_config *c)
{
    kube_config_release(c);
}

#endif
