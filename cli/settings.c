#include "settings.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli.h"
#include "dotfile.h"
#include "options.h"
#include "project.h"
#include "deploy/spec_shape.h"
#include "registry/ref.h"

#define DOTFILE ".k8s-config"
#define DOTFILE_MAX_BYTES (64 * 1024)
#define DEFAULT_NAMESPACE "btc-shopflow"

#define NONE SIZE_MAX
#define OF_OPTIONS(field) offsetof(struct options, field)
#define OF_PROJECT(field) offsetof(struct project, field)

/* Where each setting may be said. */
static const struct source {
    const char *variable; /* in the environment and .k8s-config; NULL = there it cannot */
    const char *flag;
    size_t option, project; /* const char * members; NONE = there it cannot */
    const char *fallback;
    bool is_secret;
} SOURCES[SET_KEYS] = {
    [SET_REGISTRY] = { "PRIVATE_REGISTRY", "--registry", OF_OPTIONS(registry), OF_PROJECT(registry),
                       NULL, false },
    [SET_USERNAME] = { "PRIVATE_REGISTRY_USERNAME", NULL, NONE, NONE, NULL, false },
    [SET_PASSWORD] = { "PRIVATE_REGISTRY_PASSWORD", NULL, NONE, NONE, NULL, true },
    [SET_NAMESPACE] = { "K8S_NAMESPACE", "--namespace", OF_OPTIONS(namespace_),
                        OF_PROJECT(namespace_), DEFAULT_NAMESPACE, false },
    [SET_SERVER] = { "K8S_SERVER", NULL, NONE, NONE, NULL, false },
    [SET_CA_CERT] = { "K8S_CA_CERT", NULL, NONE, NONE, NULL, false },
    [SET_TOKEN] = { "K8S_TOKEN", NULL, NONE, NONE, NULL, true },
    [SET_KUBECONFIG] = { NULL, "--kubeconfig", OF_OPTIONS(kubeconfig), NONE, NULL, false },
    [SET_CONTEXT] = { NULL, "--context", OF_OPTIONS(context), OF_PROJECT(context), NULL, false },
    [SET_GIT_SHA] = { "GIT_SHA", NULL, NONE, NONE, NULL, false },
};

/* --- the decision --- */

static const char *member_at(const void *object, size_t offset)
{
    const char *value;

    if (!object || offset == NONE)
        return NULL;
    value = *(const char *const *)((const char *)object + offset);
    return value && *value ? value : NULL;
}

static struct setting decide_one(const struct cli *c, const struct source *source,
                                 const struct dotfile *d, const struct project *p)
{
    const struct dotfile_entry *line =
        d && source->variable ? dotfile_find(d, source->variable) : NULL;
    struct setting s = { .name = source->variable ? source->variable : source->flag,
                         .is_secret = source->is_secret };

    s.value = member_at(c->options, source->option);
    s.from = source->flag;
    if (!s.value && source->variable) {
        s.value = cli_env(c, source->variable);
        s.from = "the environment";
    }
    if (!s.value && line && *line->value) {
        s.value = line->value;
        s.from = arena_printf(c->arena, "%s line %zu", DOTFILE, line->line);
    }
    if (!s.value) {
        s.value = member_at(p, source->project);
        s.from = PROJECT_FILE;
    }
    if (!s.value) {
        s.value = source->fallback;
        s.from = source->fallback ? "default" : NULL;
    }
    return s;
}

static bool is_variable(const char *key)
{
    for (size_t i = 0; i < SET_KEYS; i++)
        if (SOURCES[i].variable && !strcmp(SOURCES[i].variable, key))
            return true;
    return false;
}

static const char **find_unknown(struct arena *a, const struct dotfile *d)
{
    const char **unknown = arena_array(a, (d ? d->n : 0) + 1, sizeof *unknown);
    size_t n = 0;

    for (size_t i = 0; d && i < d->n; i++)
        if (!is_variable(d->entries[i].key))
            unknown[n++] = arena_printf(a, "%s line %zu: %s means nothing to shopflow", DOTFILE,
                                        d->entries[i].line, d->entries[i].key);
    return unknown;
}

int settings_decide(const struct cli *c, const struct dotfile *d, const struct project *p,
                    struct settings *ret, struct err *e)
{
    struct settings s = { .root = c->dir, .unknown = find_unknown(c->arena, d) };
    const struct setting *namespace_ = &s.of[SET_NAMESPACE];

    for (size_t i = 0; i < SET_KEYS; i++)
        s.of[i] = decide_one(c, &SOURCES[i], d, p);
    if (!shape_fits(&SHAPE_LABEL, namespace_->value))
        return err_set(e, ERR_INVALID, 0,
                       "namespace '%s' (%s): must be lower case letters, digits and -, at most 63",
                       namespace_->value, namespace_->from);
    *ret = s;
    return 0;
}

/* --- the files --- */

const char *settings_root(struct arena *a, const char *dir)
{
    for (size_t len = strlen(dir); len > 0;) {
        if (access(arena_printf(a, "%.*s/.git", (int)len, dir), F_OK) == 0)
            return arena_strndup(a, dir, len);
        while (len > 0 && dir[len - 1] != '/')
            len--;
        while (len > 0 && dir[len - 1] == '/')
            len--;
    }
    return dir;
}

/* The file's text in the arena; "" when it is not there. */
static const char *read_file(struct arena *a, const char *root, const char *name, size_t max_bytes,
                             struct err *e)
{
    struct err why = { 0 };
    char *bytes = file_read(arena_printf(a, "%s/%s", root, name), max_bytes, &why);
    const char *text;

    if (!bytes && why.kind == ERR_NOT_FOUND)
        return "";
    if (!bytes) {
        *e = why;
        return NULL;
    }
    text = arena_strdup(a, bytes);
    secret_free(bytes);
    return text;
}

int settings_load(struct cli *c, struct settings *ret, struct err *e)
{
    const char *root = settings_root(c->arena, c->dir);
    const char *dotfile_text = read_file(c->arena, root, DOTFILE, DOTFILE_MAX_BYTES, e);
    const char *project_text;
    struct dotfile d;
    struct project *p = arena_alloc(c->arena, sizeof *p);

    if (!dotfile_text)
        return -1;
    if (dotfile_parse(dotfile_text, c->arena, &d, e))
        return err_ctx(e, "%s", DOTFILE);
    project_text = read_file(c->arena, root, PROJECT_FILE, PROJECT_MAX_BYTES, e);
    if (!project_text || project_parse(project_text, c->arena, p, e) ||
        settings_decide(c, &d, p, ret, e))
        return -1;
    ret->root = root;
    ret->project = p;
    for (const char **line = ret->unknown; *line; line++)
        cli_say(c, "%s: ignored", *line);
    return 0;
}

/* --- the registry --- */

static const char *lower(struct arena *a, const char *text)
{
    char *copy = arena_strdup(a, text);

    for (char *at = copy; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    return copy;
}

/* GHCR in GitHub Actions: the repository's own packages, with the job's own token. */
static int github_registry(const struct cli *c, struct registry_setting *ret, struct err *e)
{
    const char *repository = cli_env(c, "GITHUB_REPOSITORY");
    const char *token = cli_env(c, "GITHUB_TOKEN");

    if (!repository)
        return err_set(e, ERR_INVALID, 0, "ghcr.io: GITHUB_REPOSITORY is not set");
    ret->base = arena_printf(c->arena, "ghcr.io/%s", lower(c->arena, repository));
    if (!ret->from)
        ret->from = "GitHub Actions";
    if (ret->username || !token)
        return 0;
    ret->username = cli_env(c, "GITHUB_ACTOR");
    ret->password = ret->username ? token : NULL;
    return 0;
}

static int check_registry(const struct cli *c, const struct registry_setting *r, struct err *e)
{
    struct image_ref ref;

    if (strstr(r->base, "://"))
        return err_set(e, ERR_INVALID, 0, "registry '%s' (%s): write it without %.*s", r->base,
                       r->from, (int)(strstr(r->base, "://") - r->base + 3), r->base);
    if (image_ref_parse(arena_printf(c->arena, "%s/app", r->base), &ref, e))
        return err_ctx(e, "registry '%s' (%s)", r->base, r->from);
    if (ref.tag[0] || ref.digest[0])
        return err_set(e, ERR_INVALID, 0, "registry '%s' (%s): must be HOST[:PORT][/PATH]", r->base,
                       r->from);
    return 0;
}

/* HOST; http://HOST: in plain HTTP wherever it is; https://HOST: never. */
static const char *cut_scheme(const char *base, enum registry_scheme *ret)
{
    static const char *const MARKS[] = { [SCHEME_HTTPS] = "https://", [SCHEME_HTTP] = "http://" };

    *ret = SCHEME_UNSAID;
    for (int i = SCHEME_HTTPS; base && i <= SCHEME_HTTP; i++) {
        size_t len = strlen(MARKS[i]);

        if (strncmp(base, MARKS[i], len) || !base[len])
            continue;
        *ret = (enum registry_scheme)i;
        return base + len;
    }
    return base;
}

int settings_registry(const struct cli *c, const struct settings *s, struct registry_setting *ret,
                      struct err *e)
{
    struct registry_setting r = { .base = s->of[SET_REGISTRY].value,
                                  .from = s->of[SET_REGISTRY].from,
                                  .username = s->of[SET_USERNAME].value,
                                  .password = s->of[SET_PASSWORD].value };
    bool in_actions = cli_env(c, "GITHUB_ACTIONS") != NULL;
    bool is_ghcr, is_hub;

    r.base = cut_scheme(r.base, &r.scheme);
    is_ghcr = r.base && !strcmp(r.base, "ghcr.io");
    is_hub = r.base && !strcmp(r.base, "docker.io");
    if (r.password && !r.username)
        return err_set(e, ERR_INVALID, 0, "%s is set, but not %s", s->of[SET_PASSWORD].name,
                       s->of[SET_USERNAME].name);
    if (in_actions && (is_ghcr || (!r.base && !r.username))) {
        if (github_registry(c, &r, e))
            return -1;
    } else if (r.username && (is_hub || !r.base)) {
        r.base = arena_printf(c->arena, "docker.io/%s", lower(c->arena, r.username));
        r.from = r.from ? r.from : s->of[SET_USERNAME].from;
    }
    if (!r.base)
        return err_set(e, ERR_INVALID, 0,
                       "no registry: give --registry HOST:PORT, or set PRIVATE_REGISTRY in the "
                       "environment or in %s",
                       DOTFILE);
    if (!strcmp(r.base, "ghcr.io") || !strcmp(r.base, "docker.io"))
        return err_set(e, ERR_INVALID, 0, "registry '%s' (%s): whose? write %s/<owner>", r.base,
                       r.from, r.base);
    r.base = arena_strndup(c->arena, r.base, strlen(r.base) - (r.base[strlen(r.base) - 1] == '/'));
    if (check_registry(c, &r, e))
        return -1;
    *ret = r;
    return 0;
}

/* --- the cluster --- */

static int decode_ca(const struct cli *c, const struct setting *s, const char **ret, struct err *e)
{
    size_t len;
    char *pem = base64_decode(s->value, &len);

    if (!pem || strlen(pem) != len || !strstr(pem, "-----BEGIN CERTIFICATE-----")) {
        free(pem);
        return err_set(e, ERR_INVALID, 0, "%s (%s): must be a PEM certificate in base64", s->name,
                       s->from);
    }
    *ret = arena_strdup(c->arena, pem);
    free(pem);
    return 0;
}

int settings_cluster(const struct cli *c, const struct settings *s, struct cluster_setting *ret,
                     struct err *e)
{
    static const enum setting_key THREE[] = { SET_SERVER, SET_CA_CERT, SET_TOKEN };
    struct cluster_setting w = { .namespace_ = s->of[SET_NAMESPACE].value,
                                 .kubeconfig = s->of[SET_KUBECONFIG].value,
                                 .context = c->options->context };
    const struct setting *there = NULL, *missing = NULL;

    for (size_t i = 0; i < sizeof THREE / sizeof *THREE; i++)
        *(s->of[THREE[i]].value ? &there : &missing) = &s->of[THREE[i]];
    if (there && !w.kubeconfig && !w.context) {
        if (missing)
            return err_set(e, ERR_INVALID, 0,
                           "%s is set (%s), but not %s: set all of K8S_SERVER, "
                           "K8S_CA_CERT and K8S_TOKEN, or none",
                           there->name, there->from, missing->name);
        w.server = s->of[SET_SERVER].value;
        w.token = s->of[SET_TOKEN].value;
        if (strncmp(w.server, "https://", 8))
            return err_set(e, ERR_INVALID, 0, "%s '%s' (%s): must begin with https://",
                           s->of[SET_SERVER].name, w.server, s->of[SET_SERVER].from);
        if (decode_ca(c, &s->of[SET_CA_CERT], &w.ca_pem, e))
            return -1;
    } else if (!w.context) {
        w.context = s->of[SET_CONTEXT].value; /* shopflow.yaml's */
    }
    *ret = w;
    return 0;
}
