/* Where the API server is: every source, and every way a kubeconfig can be wrong. */
#include "kube/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/mem.h"
#include "unit.h"

static char dir[64]; /* made anew for each test, with what write_file() put there */

static char *in_dir(const char *name)
{
    return xasprintf("%s/%s", dir, name);
}

static void write_file(const char *name, const char *text)
{
    char *path = in_dir(name);
    FILE *f = fopen(path, "w");

    CASE(name, f && fputs(text, f) >= 0 && !fclose(f));
    free(path);
}

static void make_dir(void)
{
    snprintf(dir, sizeof dir, "/tmp/unit_kube_config.XXXXXX");
    CASE("a folder of its own", mkdtemp(dir) != NULL);
}

static void remove_dir(void)
{
    static const char *const NAMES[] = { ".kube/config", ".kube", "config",    "ca.pem", "cert.pem",
                                         "key.pem",      "token", "namespace", "ca.crt" };

    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        char *path = in_dir(NAMES[i]);

        remove(path);
        free(path);
    }
    CASE("nothing left behind", rmdir(dir) == 0);
}

static const char *or_dash(const char *s)
{
    return s ? s : "-";
}

/* The files a kubeconfig names, so that they can all be told apart. */
static void write_files(void)
{
    write_file("ca.pem", "-----BEGIN CERTIFICATE-----\nca\n");
    write_file("cert.pem", "-----BEGIN CERTIFICATE-----\ncert\n");
    write_file("key.pem", "-----BEGIN PRIVATE KEY-----\nkey\n");
    write_file("token", "file-token\n");
}

#define HEAD "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
#define CONTEXT "contexts: [{name: c, context: {cluster: k, user: u, namespace: shop}}]\n"
#define CLUSTER(more) "clusters: [{name: k, cluster: {server: 'https://h:6443'" more "}}]\n"
#define USER(fields) "users: [{name: u, user: {" fields "}}]\n"
/* "-----BEGIN X-----" */
#define PEM64 "LS0tLS1CRUdJTiBYLS0tLS0="

static const struct {
    const char *name, *text;
    /* "server namespace ca cert key token token-file? exec", "-" = none; or … */
    const char *want;
    const char *err; /* … a piece of the error */
} KUBECONFIGS[] = {
    { "certificates by file",
      HEAD CONTEXT CLUSTER(", certificate-authority: ca.pem")
          USER("client-certificate: cert.pem, client-key: key.pem"),
      "https://h:6443 shop ca cert key - - -", NULL },
    { "certificates by data",
      HEAD CONTEXT CLUSTER(", certificate-authority-data: " PEM64)
          USER("client-certificate-data: " PEM64 ", client-key-data: " PEM64),
      "https://h:6443 shop X X X - - -", NULL },
    { "data wins over a file",
      HEAD CONTEXT CLUSTER(", certificate-authority: nowhere, certificate-authority-data: " PEM64)
          USER("token: t"),
      "https://h:6443 shop X - - t - -", NULL },
    { "a token", HEAD CONTEXT CLUSTER("") USER("token: t"), "https://h:6443 shop - - - t - -",
      NULL },
    { "a token file", HEAD CONTEXT CLUSTER("") USER("tokenFile: token"),
      "https://h:6443 shop - - - - token -", NULL },
    { "an exec plugin, as data",
      HEAD CONTEXT CLUSTER("") USER("exec: {command: aws, args: [eks, get-token]}"),
      "https://h:6443 shop - - - - - aws,eks,get-token", NULL },
    { "no user", HEAD "contexts: [{name: c, context: {cluster: k}}]\n" CLUSTER(""),
      "https://h:6443 default - - - - - -", NULL },
    { "a slash at the end",
      HEAD CONTEXT "clusters: [{name: k, cluster: {server: 'https://h:1//'}}]\n" USER(""),
      "https://h:1 shop - - - - - -", NULL },
    { "kubectl proxy",
      HEAD CONTEXT "clusters: [{name: k, cluster: {server: 'http://127.0.0.1:8001'}}]\n" USER(""),
      "http://127.0.0.1:8001 shop - - - - - -", NULL },
    { "a switch that is off is not refused",
      HEAD CONTEXT CLUSTER(", insecure-skip-tls-verify: false, proxy-url: ''") USER(""),
      "https://h:6443 shop - - - - - -", NULL },
    { "no current context", "apiVersion: v1\nkind: Config\n", NULL,
      "current-context is empty: give --context" },
    { "an unknown context", HEAD "contexts: [{name: d, context: {}}]\n", NULL,
      "no context 'c' under 'contexts:'" },
    { "a context without a body", HEAD "contexts: [{name: c}]\n", NULL,
      "contexts 'c' has no 'context:'" },
    { "a context without a cluster", HEAD "contexts: [{name: c, context: {user: u}}]\n", NULL,
      "context 'c' names no cluster" },
    { "an unknown cluster", HEAD CONTEXT "clusters: []\n", NULL,
      "no cluster 'k' under 'clusters:'" },
    { "an unknown user", HEAD CONTEXT CLUSTER(""), NULL, "no user 'u' under 'users:'" },
    { "no server", HEAD CONTEXT "clusters: [{name: k, cluster: {x: y}}]\n", NULL,
      "cluster 'k': server: is missing" },
    { "a server without https", HEAD CONTEXT "clusters: [{name: k, cluster: {server: 'h:6443'}}]\n",
      NULL, "server: 'h:6443' must start with https://" },
    { "plain http to somewhere",
      HEAD CONTEXT "clusters: [{name: k, cluster: {server: 'http://h:80'}}]\n", NULL,
      "must start with https://" },
    { "plain http to a host that looks local",
      HEAD CONTEXT "clusters: [{name: k, cluster: {server: 'http://localhost.evil:80'}}]\n", NULL,
      "must start with https://" },
    { "plain http to a name that starts like an address",
      HEAD CONTEXT "clusters: [{name: k, cluster: {server: 'http://127.evil.test:80'}}]\n", NULL,
      "must start with https://" },
    { "a password in the server's address",
      HEAD CONTEXT "clusters: [{name: k, cluster: {server: 'https://u:p@h'}}]\n", NULL,
      "is not https://host:port" },
    { "insecure-skip-tls-verify", HEAD CONTEXT CLUSTER(", insecure-skip-tls-verify: true"), NULL,
      "cluster 'k': insecure-skip-tls-verify: the server is always verified" },
    { "proxy-url", HEAD CONTEXT CLUSTER(", proxy-url: 'http://p'"), NULL, "proxy-url: " },
    { "tls-server-name", HEAD CONTEXT CLUSTER(", tls-server-name: x"), NULL, "tls-server-name: " },
    { "auth-provider", HEAD CONTEXT CLUSTER("") USER("auth-provider: {name: gcp}"), NULL,
      "user 'u': auth-provider: removed" },
    { "a password", HEAD CONTEXT CLUSTER("") USER("username: a, password: b"), NULL,
      "username: removed" },
    { "impersonation", HEAD CONTEXT CLUSTER("") USER("as: root"), NULL, "as: impersonation" },
    { "CA data that is not base64", HEAD CONTEXT CLUSTER(", certificate-authority-data: '%%%'"),
      NULL, "certificate-authority-data: is not base64" },
    { "CA data that is not PEM", HEAD CONTEXT CLUSTER(", certificate-authority-data: aGVsbG8="),
      NULL, "certificate-authority-data: is not PEM" },
    { "a CA file that is not there", HEAD CONTEXT CLUSTER(", certificate-authority: nowhere"), NULL,
      "/nowhere: No such file" },
    { "a CA file that is not PEM", HEAD CONTEXT CLUSTER(", certificate-authority: token"), NULL,
      "certificate-authority: is not PEM" },
    { "a key that is not there", HEAD CONTEXT CLUSTER("") USER("client-certificate: cert.pem"),
      NULL, "client-certificate and client-key must come together" },
    { "a token that is a number", HEAD CONTEXT CLUSTER("") USER("token: 12345"), NULL,
      "user 'u': token: must be text: put it in quotes" },
    { "exec without a command", HEAD CONTEXT CLUSTER("") USER("exec: {args: [a]}"), NULL,
      "exec: command: is missing" },
    { "exec with an odd environment",
      HEAD CONTEXT CLUSTER("") USER("exec: {command: a, env: [{name: A}]}"), NULL,
      "exec: env: must be a list of name and value" },
    { "exec with odd arguments", HEAD CONTEXT CLUSTER("") USER("exec: {command: a, args: [1]}"),
      NULL, "exec: args: must be a list of texts" },
    { "not YAML", "a: [", NULL, "kubeconfig " },
};

/* The word of a test PEM: the line after BEGIN, or what BEGIN names. */
static const char *pem_word(const char *pem)
{
    if (!pem)
        return "-";
    if (strstr(pem, "BEGIN X"))
        return "X";
    return strstr(pem, "\nca") ? "ca" : strstr(pem, "\ncert") ? "cert" : "key";
}

static char *describe(const struct kube_config *c)
{
    const char *file = c->token_file ? strrchr(c->token_file, '/') + 1 : "-";
    char *text = xasprintf("%s %s %s %s %s %s %s %s", c->server, c->namespace_, pem_word(c->ca_pem),
                           pem_word(c->cert_pem), pem_word(c->key_pem), or_dash(c->token), file,
                           or_dash(c->exec_command));

    for (char **arg = c->exec_args; arg && *arg; arg++) {
        char *longer = xasprintf("%s,%s", text, *arg);

        free(text);
        text = longer;
    }
    return text;
}

static void reads_kubeconfigs(void)
{
    char *path;

    make_dir();
    write_files();
    path = in_dir("config");
    for (size_t i = 0; i < ARRAY_LEN(KUBECONFIGS); i++) {
        struct kube_config_source src = { .kubeconfig = path };
        AUTO(kube_config) struct kube_config c = { 0 };
        struct err e = { 0 };
        char *got;

        write_file("config", KUBECONFIGS[i].text);
        if (kube_config_load(&src, &c, &e)) {
            if (!KUBECONFIGS[i].err || !strstr(e.text, KUBECONFIGS[i].err))
                fprintf(stderr, "%s\n  got  %s\n", KUBECONFIGS[i].name, e.text);
            CASE(KUBECONFIGS[i].name, KUBECONFIGS[i].err && strstr(e.text, KUBECONFIGS[i].err));
            CASE(KUBECONFIGS[i].name, strstr(e.text, path)); /* the file is named */
            CASE(KUBECONFIGS[i].name, !c.server);            /* outputs only on success */
            continue;
        }
        got = describe(&c);
        if (!KUBECONFIGS[i].want || strcmp(got, KUBECONFIGS[i].want) != 0)
            fprintf(stderr, "%s\n  got  %s\n", KUBECONFIGS[i].name, got);
        CASE(KUBECONFIGS[i].name, KUBECONFIGS[i].want && !strcmp(got, KUBECONFIGS[i].want));
        free(got);
    }
    free(path);
    remove_dir();
}

static void paths_are_relative_to_the_kubeconfig(void)
{
    AUTO(kube_config) struct kube_config c = { 0 };
    struct kube_config_source src = { 0 };
    struct err e = { 0 };
    char *path, *ca;

    make_dir();
    write_files();
    write_file("config", HEAD CONTEXT CLUSTER(", certificate-authority: ca.pem")
                             USER("exec: {command: ./bin/get-token}"));
    path = in_dir("config");
    ca = in_dir("ca.pem");
    src.kubeconfig = path;
    CASE("loads", kube_config_load(&src, &c, &e) == 0);
    CASE("the CA file is remembered", c.ca_file && !strcmp(c.ca_file, ca));
    CASE("a command with a slash is a path", c.exec_command && c.exec_command[0] == '/');
    free(path);
    free(ca);
    remove_dir();
}

static void another_context_may_be_asked_for(void)
{
    struct kube_config_source src = { .context = "d" };
    AUTO(kube_config) struct kube_config c = { 0 };
    struct err e = { 0 };
    char *path;

    make_dir();
    write_file("config", HEAD "contexts: [{name: c, context: {cluster: x}},"
                              " {name: d, context: {cluster: k}}]\n" CLUSTER(""));
    path = in_dir("config");
    src.kubeconfig = path;
    CASE("loads", kube_config_load(&src, &c, &e) == 0);
    src.context = "e";
    CASE("unknown", kube_config_load(&src, &c, &e) == -1 && strstr(e.text, "no context 'e'"));
    free(path);
    remove_dir();
}

static void in_a_pod_the_account_is_taken(void)
{
    struct kube_config_source src = {
        .service_host = "fd00::1",
        .service_port = "443",
        .env_kubeconfig = "/nowhere",
    };
    AUTO(kube_config) struct kube_config c = { 0 };
    struct err e = { 0 };

    make_dir();
    src.account_dir = dir;
    CASE("no CA", kube_config_load(&src, &c, &e) == -1 && strstr(e.text, "ca.crt"));
    CASE("a hint", strstr(e.text, "automountServiceAccountToken"));
    write_file("ca.crt", "-----BEGIN CERTIFICATE-----\nca\n");
    CASE("no token", kube_config_load(&src, &c, &e) == -1 && strstr(e.text, "token"));
    write_file("token", "pod-token\n");
    write_file("namespace", "shop");
    src.service_port = NULL;
    CASE("no port",
         kube_config_load(&src, &c, &e) == -1 && strstr(e.text, "KUBERNETES_SERVICE_PORT"));
    src.service_port = "443";
    CASE("loads", kube_config_load(&src, &c, &e) == 0);
    CASE("IPv6 in brackets", c.server && !strcmp(c.server, "https://[fd00::1]:443"));
    CASE("namespace", c.namespace_ && !strcmp(c.namespace_, "shop"));
    CASE("token, without its newline", c.token && !strcmp(c.token, "pod-token"));
    CASE("files to read again", c.token_file && c.ca_file);
    remove_dir();
}

static void elsewhere_the_environment_says(void)
{
    struct kube_config_source src = { 0 };
    AUTO(kube_config) struct kube_config c = { 0 };
    struct err e = { 0 };
    char *kube, *path;

    CASE("nothing at all",
         kube_config_load(&src, &c, &e) == -1 && strstr(e.text, "give --kubeconfig"));
    src.env_kubeconfig = "/a:/b";
    CASE("a list", kube_config_load(&src, &c, &e) == -1 && strstr(e.text, "name one file"));
    make_dir();
    src.env_kubeconfig = NULL;
    src.home = dir;
    CASE("no file at home", kube_config_load(&src, &c, &e) == -1 &&
                                strstr(e.text, "/.kube/config; give --kubeconfig"));
    kube = in_dir(".kube");
    CASE(".kube", mkdir(kube, 0700) == 0);
    write_file(".kube/config", HEAD CONTEXT CLUSTER("") USER("token: t"));
    CASE("from home", kube_config_load(&src, &c, &e) == 0 && !strcmp(c.token, "t"));
    kube_config_release(&c);
    path = in_dir(".kube/config");
    src.env_kubeconfig = path;
    src.home = "/nowhere";
    CASE("KUBECONFIG wins", kube_config_load(&src, &c, &e) == 0);
    kube_config_release(&c);
    src.service_host = "10.0.0.1";
    src.context = "c";
    CASE("a context is no pod's account", kube_config_load(&src, &c, &e) == 0);
    free(kube);
    free(path);
    remove_dir();
}

UNIT_MAIN(UNIT_TEST(reads_kubeconfigs), UNIT_TEST(paths_are_relative_to_the_kubeconfig),
          UNIT_TEST(another_context_may_be_asked_for), UNIT_TEST(in_a_pod_the_account_is_taken),
          UNIT_TEST(elsewhere_the_environment_says))
