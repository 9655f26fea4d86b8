#include "registry/auth.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "registry/client.h"
#include "registry/ref.h"

#define LIFE_MIN_S 60 /* also when the token service does not say */
#define LIFE_MAX_S 3600

/* --- challenges --- */

static const char *skip(const char *s)
{
    return s + strspn(s, " \t,");
}

static size_t token_len(const char *s)
{
    return strcspn(s, " \t,=\"");
}

/* The value after '=': a token or a quoted string. Returns what follows, NULL when it is broken;
 * *fits is false when it is longer than size - 1. */
static const char *read_value(const char *s, char *ret, size_t size, bool *fits)
{
    bool quoted = *s == '"';
    size_t n = 0;

    *fits = true;
    for (s += quoted; *s && (quoted ? *s != '"' : !strchr(" \t,", *s)); s++) {
        if (quoted && *s == '\\' && s[1])
            s++;
        if (n + 1 < size)
            ret[n++] = *s;
        else
            *fits = false;
    }
    ret[n] = '\0';
    if (quoted && *s != '"')
        return NULL;
    return s + quoted;
}

static bool is_word(const char *s, size_t n, const char *word)
{
    return n == strlen(word) && !strncasecmp(s, word, n);
}

/* One parameter of a Bearer challenge. Returns what follows it, NULL when it is broken. */
static const char *read_parameter(const char *s, size_t name_len, struct challenge *c, bool *usable)
{
    char other[8];
    char *value = other;
    size_t size = sizeof other;
    const char *rest;
    bool fits;

    if (is_word(s, name_len, "realm"))
        value = c->realm, size = sizeof c->realm;
    else if (is_word(s, name_len, "service"))
        value = c->service, size = sizeof c->service;
    else if (is_word(s, name_len, "scope"))
        value = c->scope, size = sizeof c->scope;
    rest = read_value(s + name_len + 1, value, size, &fits);
    if (value != other && !fits)
        *usable = false;
    return rest;
}

void challenge_parse(const char *header, struct challenge *c)
{
    bool in_bearer = false, usable = true;
    const char *s = skip(header);
    struct challenge other;

    while (s && *s) {
        size_t n = token_len(s);

        if (!n)
            break;
        if (s[n] == '=') {
            s = read_parameter(s, n, in_bearer ? c : &other, &usable);
        } else { /* a new challenge's scheme */
            in_bearer = is_word(s, n, "Bearer");
            c->basic |= is_word(s, n, "Basic");
            c->bearer |= in_bearer;
            s += n;
        }
        s = s ? skip(s) : NULL;
    }
    c->bearer = c->bearer && usable && s && c->realm[0];
}

/* --- tokens --- */

/* Visible characters: it becomes a header's value. */
static bool is_token(const char *s)
{
    const char *c = s;

    while (*c > ' ' && *c < 0x7f)
        c++;
    return c > s && !*c;
}

char *token_parse(const char *json, size_t len, int64_t *ret_life_s)
{
    struct err ignored = { 0 };
    AUTO(json) cJSON *tree = json_parse(json, len, &ignored);
    const char *text = json_str(tree, "token") ?: json_str(tree, "access_token");
    int64_t life_s = json_int(tree, "expires_in", LIFE_MIN_S);

    if (!text || !is_token(text))
        return NULL;
    *ret_life_s = life_s < LIFE_MIN_S ? LIFE_MIN_S : life_s > LIFE_MAX_S ? LIFE_MAX_S : life_s;
    return xstrdup(text);
}

/* --- which key fits --- */

/* '*' stands for any run of characters within one label. When the text after a star does not fit,
 * only the last star is tried again, one character further: no pattern takes long. */
static bool label_fits(const char *glob, size_t n, const char *label, size_t m)
{
    size_t g = 0, at = 0, star = SIZE_MAX, star_at = 0;

    while (at < m) {
        if (g < n && glob[g] == '*') {
            star = g++;
            star_at = at;
        } else if (g < n && tolower((unsigned char)glob[g]) == label[at]) {
            g++;
            at++;
        } else if (star != SIZE_MAX) {
            g = star + 1;
            at = ++star_at;
        } else {
            return false;
        }
    }
    while (g < n && glob[g] == '*')
        g++;
    return g == n;
}

static size_t label_len(const char *s, const char *end)
{
    const char *dot = memchr(s, '.', (size_t)(end - s));

    return (size_t)((dot ? dot : end) - s);
}

static bool name_fits(const char *glob, size_t n, const char *name, size_t m)
{
    const char *glob_end = glob + n, *name_end = name + m;

    for (;;) {
        size_t g = label_len(glob, glob_end), l = label_len(name, name_end);

        if (!label_fits(glob, g, name, l))
            return false;
        glob += g;
        name += l;
        if (glob == glob_end || name == name_end)
            return glob == glob_end && name == name_end;
        glob++;
        name++;
    }
}

/* The bytes of a host before its ":port". */
static size_t name_len(const char *host, size_t n)
{
    const char *colon = memrchr(host, ':', n);

    return colon && !memchr(colon, ']', (size_t)(host + n - colon)) ? (size_t)(colon - host) : n;
}

static bool host_fits(const char *glob, size_t n, const char *host)
{
    size_t g = name_len(glob, n), m = strlen(host), h = name_len(host, m);

    return n - g == m - h && !memcmp(glob + g, host + h, m - h) && name_fits(glob, g, host, h);
}

static bool is_hub(const char *host, size_t n)
{
    static const char *const names[] = { "docker.io", "index.docker.io", "registry-1.docker.io" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strlen(names[i]) == n && !strncmp(names[i], host, n))
            return true;
    return false;
}

/* A key of a docker config: [scheme://]host[:port][/v1|/v2][/path]. */
struct key {
    const char *host;
    size_t host_len;
    const char *path; /* "" = none */
};

static struct key read_key(const char *s)
{
    struct key k;

    if (!strncmp(s, "https://", 8))
        s += 8;
    else if (!strncmp(s, "http://", 7))
        s += 7;
    k.host = s;
    k.host_len = strcspn(s, "/");
    k.path = s + k.host_len;
    if ((!strncmp(k.path, "/v1", 3) || !strncmp(k.path, "/v2", 3)) &&
        (!k.path[3] || k.path[3] == '/'))
        k.path += 3;
    k.path += strspn(k.path, "/");
    return k;
}

bool credential_key_fits(const char *key, const char *host, const char *repository)
{
    struct key k = read_key(key);
    bool is_same_hub = is_hub(k.host, k.host_len) && is_hub(host, strlen(host));

    return (is_same_hub || host_fits(k.host, k.host_len, host)) &&
           !strncmp(repository, k.path, strlen(k.path));
}

/* --- docker configs --- */

/* auth = base64("user:password"). */
static void split_auth(const char *auth, struct credential *c)
{
    size_t n;
    char *text = base64_decode(auth, &n), *colon = text ? strchr(text, ':') : NULL;

    if (colon) {
        *colon = '\0';
        c->user = xstrdup(text);
        c->password = xstrdup(colon + 1);
        *colon = ':';
    }
    secret_free(text);
}

static char *copy_of(const cJSON *object, const char *key)
{
    const char *s = json_str(object, key);

    return s && *s ? xstrdup(s) : NULL;
}

/* As the kubelet: auth counts before username and password. */
static bool read_entry(const cJSON *entry, struct credential *c)
{
    const char *auth = json_str(entry, "auth");

    *c = (struct credential){ .identity_token = copy_of(entry, "identitytoken"),
                              .registry_token = copy_of(entry, "registrytoken") };
    if (c->registry_token && !is_token(c->registry_token)) {
        secret_free(c->registry_token);
        c->registry_token = NULL;
    }
    if (auth && *auth) {
        split_auth(auth, c);
    } else {
        c->user = copy_of(entry, "username");
        c->password = copy_of(entry, "password");
    }
    if ((c->user && c->password) || c->identity_token || c->registry_token)
        return true;
    credential_release(c);
    return false;
}

/* The kubelet's order, backwards by the alphabet: a longer path comes before a shorter one, a plain
 * host before a glob. */
static bool is_better(const cJSON *a, const cJSON *b)
{
    struct key x = read_key(a->string), y = read_key(b->string);
    size_t n = x.host_len < y.host_len ? x.host_len : y.host_len;
    int order = memcmp(x.host, y.host, n);

    if (order == 0 && x.host_len != y.host_len)
        order = x.host_len > y.host_len ? 1 : -1;
    if (order && !(is_hub(x.host, x.host_len) && is_hub(y.host, y.host_len)))
        return order > 0;
    return strcmp(x.path, y.path) > 0;
}

/* Entries of all secrets, best first. */
struct ranking {
    const cJSON *best[CREDENTIALS_MAX];
    size_t n;
};

static void rank(const cJSON *auths, const struct image_ref *ref, struct ranking *r)
{
    JSON_EACH_MEMBER(entry, auths) {
        size_t at = r->n;

        if (!credential_key_fits(entry->string, ref->host, ref->repository))
            continue;
        while (at > 0 && is_better(entry, r->best[at - 1]))
            at--;
        if (at == CREDENTIALS_MAX)
            continue;
        if (r->n == CREDENTIALS_MAX)
            r->n--;
        memmove(&r->best[at + 1], &r->best[at], (r->n - at) * sizeof r->best[0]);
        r->best[at] = entry;
        r->n++;
    }
}

size_t credentials_find(const struct registry_secret *secrets, size_t n_secrets,
                        const struct image_ref *ref, struct credential ret[CREDENTIALS_MAX])
{
    cJSON **trees = xcalloc(n_secrets, sizeof(cJSON *));
    struct ranking r = { .n = 0 };
    size_t n = 0;

    for (size_t i = 0; i < n_secrets; i++) {
        struct err ignored = { 0 };

        trees[i] = json_parse(secrets[i].json, secrets[i].len, &ignored);
        rank(secrets[i].legacy ? trees[i] : json_get(trees[i], "auths"), ref, &r);
    }
    for (size_t i = 0; i < r.n; i++)
        n += read_entry(r.best[i], &ret[n]);
    for (size_t i = 0; i < n_secrets; i++)
        cJSON_Delete(trees[i]);
    free(trees);
    return n;
}

void credential_release(struct credential *c)
{
    secret_free(c->user);
    secret_free(c->password);
    secret_free(c->identity_token);
    secret_free(c->registry_token);
    *c = (struct credential){ 0 };
}

void credential_identify(const struct credential *c, char ret[IDENTITY_BYTES])
{
    const char *const parts[] = { c->user ?: "", c->password ?: "", c->identity_token ?: "",
                                  c->registry_token ?: "" };
    char *all = xasprintf("%zu %zu %zu %s%s%s%s", strlen(parts[0]), strlen(parts[1]),
                          strlen(parts[2]), parts[0], parts[1], parts[2], parts[3]);

    digest_of(all, strlen(all), NULL, ret);
    secret_free(all);
}
