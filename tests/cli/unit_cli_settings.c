/* Settings: who wins, what an empty value means, and what is missing is said. */
#include "settings.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "cli.h"
#include "dotfile.h"
#include "options.h"
#include "project.h"
#include "unit.h"

#define VARIABLES_MAX 8
/* "-----BEGIN CERTIFICATE-----" in base64 */
#define CA "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t"

static struct cli cli_with(struct arena *a, const struct options *o, const char *const *env)
{
    return (struct cli){ .arena = a, .options = o, .env = env, .dir = "/" };
}

static int decide(struct cli *c, const char *dotfile, const char *project, struct settings *ret,
                  struct err *e)
{
    struct dotfile d;
    struct project p;

    *e = (struct err){ 0 };
    if (dotfile_parse(dotfile, c->arena, &d, e) || project_parse(project, c->arena, &p, e))
        return -1;
    return settings_decide(c, &d, &p, ret, e);
}

static void the_nearest_wins(void)
{
    static const struct {
        const char *name, *flag, *env, *dotfile, *project, *value, *from;
    } rows[] = {
        { "the flag", "f", "K8S_NAMESPACE=e", "K8S_NAMESPACE=d", "namespace: p", "f",
          "--namespace" },
        { "the environment", NULL, "K8S_NAMESPACE=e", "K8S_NAMESPACE=d", "namespace: p", "e",
          "the environment" },
        { "an empty variable is none", NULL, "K8S_NAMESPACE=", "K8S_NAMESPACE=d", "namespace: p",
          "d", ".k8s-config line 1" },
        { "the dotfile", NULL, "X=", "\nK8S_NAMESPACE=d", "namespace: p", "d",
          ".k8s-config line 2" },
        { "an empty line is none", NULL, "X=", "K8S_NAMESPACE=", "namespace: p", "p",
          "shopflow.yaml" },
        { "the file of the project", NULL, "X=", "", "namespace: p", "p", "shopflow.yaml" },
        { "the default", NULL, "X=", "", "", "btc-shopflow", "default" },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        struct options o = { .namespace_ = rows[i].flag };
        struct cli c = cli_with(a, &o, (const char *const[]){ rows[i].env, NULL });
        struct settings s;
        struct err e;

        CASE(rows[i].name, !decide(&c, rows[i].dotfile, rows[i].project, &s, &e) &&
                               !strcmp(s.of[SET_NAMESPACE].value, rows[i].value) &&
                               !strcmp(s.of[SET_NAMESPACE].from, rows[i].from));
        CASE("what nobody says", !s.of[SET_TOKEN].value && !s.of[SET_TOKEN].from);
    }
}

static void the_registry_is_found(void)
{
    static const struct {
        const char *name, *flag;
        const char *env[VARIABLES_MAX];
        const char *base, *username, *password; /* or … */
        const char *error;
    } rows[] = {
        { "a private one",
          NULL,
          { "PRIVATE_REGISTRY=192.168.1.100:5000" },
          "192.168.1.100:5000",
          NULL,
          NULL,
          NULL },
        { "with a slash at its end", "reg:5000/x/", { NULL }, "reg:5000/x", NULL, NULL, NULL },
        { "with a user",
          "reg:5000",
          { "PRIVATE_REGISTRY_USERNAME=u", "PRIVATE_REGISTRY_PASSWORD=p" },
          "reg:5000",
          "u",
          "p",
          NULL },
        { "GHCR in Actions",
          NULL,
          { "GITHUB_ACTIONS=true", "GITHUB_REPOSITORY=Acme/Shop", "GITHUB_ACTOR=Ann",
            "GITHUB_TOKEN=t", "PRIVATE_REGISTRY=", "PRIVATE_REGISTRY_USERNAME=" },
          "ghcr.io/acme/shop",
          "Ann",
          "t",
          NULL },
        { "GHCR by name in Actions",
          "ghcr.io",
          { "GITHUB_ACTIONS=true", "GITHUB_REPOSITORY=a/b", "GITHUB_ACTOR=c", "GITHUB_TOKEN=t" },
          "ghcr.io/a/b",
          "c",
          "t",
          NULL },
        { "GHCR as docker is logged in",
          NULL,
          { "GITHUB_ACTIONS=true", "GITHUB_REPOSITORY=a/b", "GITHUB_ACTOR=c" },
          "ghcr.io/a/b",
          NULL,
          NULL,
          NULL },
        { "GHCR with a user of one's own",
          "ghcr.io",
          { "GITHUB_ACTIONS=true", "GITHUB_REPOSITORY=a/b", "GITHUB_ACTOR=c", "GITHUB_TOKEN=t",
            "PRIVATE_REGISTRY_USERNAME=u", "PRIVATE_REGISTRY_PASSWORD=p" },
          "ghcr.io/a/b",
          "u",
          "p",
          NULL },
        { "Docker Hub",
          "docker.io",
          { "PRIVATE_REGISTRY_USERNAME=Me", "PRIVATE_REGISTRY_PASSWORD=p" },
          "docker.io/me",
          "Me",
          "p",
          NULL },
        { "Docker Hub by its user alone",
          NULL,
          { "PRIVATE_REGISTRY_USERNAME=me", "PRIVATE_REGISTRY_PASSWORD=p" },
          "docker.io/me",
          "me",
          "p",
          NULL },
        { "Docker Hub by its user in Actions",
          NULL,
          { "GITHUB_ACTIONS=true", "GITHUB_REPOSITORY=a/b", "PRIVATE_REGISTRY_USERNAME=me",
            "PRIVATE_REGISTRY_PASSWORD=p" },
          "docker.io/me",
          "me",
          "p",
          NULL },
        { "nobody says",
          NULL,
          { NULL },
          NULL,
          NULL,
          NULL,
          "no registry: give --registry HOST:PORT, or set PRIVATE_REGISTRY in the environment or "
          "in "
          ".k8s-config" },
        { "GHCR at home",
          "ghcr.io",
          { NULL },
          NULL,
          NULL,
          NULL,
          "registry 'ghcr.io' (--registry): whose? write ghcr.io/<owner>" },
        { "Docker Hub without a user",
          "docker.io",
          { NULL },
          NULL,
          NULL,
          NULL,
          "registry 'docker.io' (--registry): whose? write docker.io/<owner>" },
        { "in plain HTTP", "http://reg:5000", { NULL }, "reg:5000", NULL, NULL, NULL },
        { "with TLS", "https://reg:5000/x/", { NULL }, "reg:5000/x", NULL, NULL, NULL },
        { "GHCR with its scheme",
          "https://ghcr.io",
          { "GITHUB_ACTIONS=true", "GITHUB_REPOSITORY=a/b", "GITHUB_ACTOR=c", "GITHUB_TOKEN=t" },
          "ghcr.io/a/b",
          "c",
          "t",
          NULL },
        { "another scheme",
          "docker://reg:5000",
          { NULL },
          NULL,
          NULL,
          NULL,
          "registry 'docker://reg:5000' (--registry): write it without docker://" },
        { "a scheme alone",
          "http://",
          { NULL },
          NULL,
          NULL,
          NULL,
          "registry 'http:/' (--registry): " },
        { "a tag", "reg:5000/x@sha256:1", { NULL }, NULL, NULL, NULL, "registry 'reg:5000/x@" },
        { "a space", "reg 5000", { NULL }, NULL, NULL, NULL, "registry 'reg 5000' (--registry): " },
        { "a password alone",
          "reg:5000",
          { "PRIVATE_REGISTRY_PASSWORD=p" },
          NULL,
          NULL,
          NULL,
          "PRIVATE_REGISTRY_PASSWORD is set, but not PRIVATE_REGISTRY_USERNAME" },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        struct options o = { .registry = rows[i].flag };
        struct cli c = cli_with(a, &o, rows[i].env);
        struct settings s;
        struct registry_setting r = { 0 };
        struct err e;
        bool found = !decide(&c, "", "", &s, &e) && !settings_registry(&c, &s, &r, &e);

        CASE(rows[i].name, found == !rows[i].error);
        if (rows[i].error) {
            CASE(rows[i].name,
                 e.kind == ERR_INVALID && !strncmp(e.text, rows[i].error, strlen(rows[i].error)));
            continue;
        }
        CASE(rows[i].name, found && !strcmp(r.base, rows[i].base) && r.from);
        CASE(rows[i].name, !strcmp(r.username ?: "-", rows[i].username ?: "-") &&
                               !strcmp(r.password ?: "-", rows[i].password ?: "-"));
        CASE(rows[i].name, r.scheme == (!rows[i].flag                         ? SCHEME_UNSAID :
                                        !strncmp(rows[i].flag, "http://", 7)  ? SCHEME_HTTP :
                                        !strncmp(rows[i].flag, "https://", 8) ? SCHEME_HTTPS :
                                                                                SCHEME_UNSAID));
    }
}

static void the_cluster_is_found(void)
{
    static const struct {
        const char *name;
        struct options o;
        const char *env[VARIABLES_MAX];
        const char *project;
        const char *server, *context; /* or … */
        const char *error;
    } rows[] = {
        { "kubeconfig rules", { 0 }, { NULL }, "", NULL, NULL, NULL },
        { "the three",
          { 0 },
          { "K8S_SERVER=https://k:6443", "K8S_CA_CERT=" CA, "K8S_TOKEN=t" },
          "context: p",
          "https://k:6443",
          NULL,
          NULL },
        { "a flag wins over them",
          { .context = "x" },
          { "K8S_SERVER=https://k", "K8S_CA_CERT=" CA, "K8S_TOKEN=t" },
          "",
          NULL,
          "x",
          NULL },
        { "and over some of them",
          { .kubeconfig = "/k" },
          { "K8S_SERVER=https://k" },
          "",
          NULL,
          NULL,
          NULL },
        { "the project's context", { 0 }, { NULL }, "context: p", NULL, "p", NULL },
        { "the flag's context", { .context = "x" }, { NULL }, "context: p", NULL, "x", NULL },
        { "without a token",
          { 0 },
          { "K8S_SERVER=https://k", "K8S_CA_CERT=" CA, "K8S_TOKEN=" },
          "",
          NULL,
          NULL,
          "K8S_CA_CERT is set (the environment), but not K8S_TOKEN: set all of" },
        { "without a server",
          { 0 },
          { "K8S_CA_CERT=" CA, "K8S_TOKEN=t" },
          "",
          NULL,
          NULL,
          "K8S_TOKEN is set (the environment), but not K8S_SERVER: set all of" },
        { "http",
          { 0 },
          { "K8S_SERVER=http://k", "K8S_CA_CERT=" CA, "K8S_TOKEN=t" },
          "",
          NULL,
          NULL,
          "K8S_SERVER 'http://k' (the environment): must begin with https://" },
        { "a CA that is not base64",
          { 0 },
          { "K8S_SERVER=https://k", "K8S_CA_CERT=-----BEGIN", "K8S_TOKEN=t" },
          "",
          NULL,
          NULL,
          "K8S_CA_CERT (the environment): must be a PEM certificate in base64" },
        { "a CA that is no certificate",
          { 0 },
          { "K8S_SERVER=https://k", "K8S_CA_CERT=aGk=", "K8S_TOKEN=t" },
          "",
          NULL,
          NULL,
          "K8S_CA_CERT (the environment): must be a PEM certificate in base64" },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        struct cli c = cli_with(a, &rows[i].o, rows[i].env);
        struct settings s;
        struct cluster_setting w = { 0 };
        struct err e;
        bool found = !decide(&c, "", rows[i].project, &s, &e) && !settings_cluster(&c, &s, &w, &e);

        CASE(rows[i].name, found == !rows[i].error);
        if (rows[i].error)
            CASE(rows[i].name,
                 e.kind == ERR_INVALID && !strncmp(e.text, rows[i].error, strlen(rows[i].error)));
        else
            CASE(rows[i].name, !strcmp(w.server ?: "-", rows[i].server ?: "-") &&
                                   !strcmp(w.context ?: "-", rows[i].context ?: "-"));
        CASE("the certificate is decoded",
             !w.server || !strcmp(w.ca_pem, "-----BEGIN CERTIFICATE-----"));
    }
}

static void what_is_odd_is_said(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    struct options o = { .namespace_ = "Shop" };
    struct cli c = cli_with(a, &o, (const char *const[]){ NULL });
    struct settings s;
    struct err e;

    CASE("a namespace", decide(&c, "", "", &s, &e) && e.kind == ERR_INVALID &&
                            !strncmp(e.text, "namespace 'Shop' (--namespace): must be", 39));
    o.namespace_ = NULL;
    CASE("an unknown line", !decide(&c, "K8S_TOKEN=t\nPRIVATE_REGSITRY=x\n", "", &s, &e) &&
                                s.unknown[0] && !s.unknown[1] &&
                                !strcmp(s.unknown[0], ".k8s-config line 2: PRIVATE_REGSITRY means "
                                                      "nothing to shopflow"));
}

static void the_folder_is_that_of_git(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    char dir[] = "/tmp/unit_settings.XXXXXX";
    const char *inner, *git;

    CASE("a folder for it", mkdtemp(dir) != NULL);
    inner = arena_printf(a, "%s/apps", dir);
    git = arena_printf(a, "%s/.git", dir);
    mkdir(inner, 0700);
    CASE("no git above", !strcmp(settings_root(a, inner), inner));
    mkdir(git, 0700);
    CASE("from below", !strcmp(settings_root(a, inner), dir));
    CASE("from itself", !strcmp(settings_root(a, dir), dir));
    rmdir(git);
    rmdir(inner);
    rmdir(dir);
}

UNIT_MAIN(UNIT_TEST(the_nearest_wins), UNIT_TEST(the_registry_is_found),
          UNIT_TEST(the_cluster_is_found), UNIT_TEST(what_is_odd_is_said),
          UNIT_TEST(the_folder_is_that_of_git))
