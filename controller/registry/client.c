#include "registry/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/text.h"
#include "io/http.h"
#include "io/loop.h"
#include "registry/auth.h"
#include "registry/cache.h"
#include "registry/digest.h"
#include "registry/origin.h"
#include "registry/ref.h"

#define TIMEOUT_MS 30000
#define MANIFEST_BYTES (4 * MIB)
#define TOKEN_BYTES (64 * KIB)
#define URL_BYTES 2048
#define REDIRECTS 5

static struct metric requests = { .name = "shopflow_deployer_registry_requests_total",
                                  .help = "Requests to registries and token services.",
                                  .type = METRIC_COUNTER,
                                  .labels = { "host", "code" } };

struct registry_client {
    struct loop *loop;
    struct arena *arena;
    struct registry_opts o;
    struct cache *cache;
    struct registry_call *first;
};

enum auth { AUTH_NONE, AUTH_BASIC, AUTH_BEARER };

struct registry_call {
    struct registry_client *c;
    struct registry_call *prev, *next;
    struct image_ref ref;
    char host[256], origin[300];
    const char *ca_pem;
    struct credential credentials[CREDENTIALS_MAX];
    size_t n_credentials, at;      /* the one in use; == n: anonymous */
    char identity[IDENTITY_BYTES]; /* of it: "anonymous" or a hash */
    enum auth auth;                /* of the request under way */
    char *bearer;
    bool token_was_cached, tried_get;
    int redirects;
    char url[URL_BYTES];
    unsigned reach;        /* enum reach: where the registry itself was found to be */
    struct domain *domain; /* in use */
    bool is_domain_home;   /* of the registry itself */
    struct http_call *http;
    struct err err;
    struct registry_answer answer;
    registry_done_fn *on_done;
    void *ctx;
};

static void ask_manifest(struct registry_call *call, const char *method);

/* --- life --- */

static const char **copy_list(struct arena *a, const char *const *list, size_t n)
{
    const char **copy = arena_array(a, n + 1, sizeof *copy);

    for (size_t i = 0; i < n; i++)
        copy[i] = arena_strdup(a, list[i]);
    return copy;
}

struct registry_client *registry_client_new(struct loop *l, const struct registry_opts *o,
                                            struct err *e)
{
    struct registry_client *c = xcalloc(1, sizeof *c);
    struct registry_host *hosts;

    (void)e;
    metric_register(&requests);
    c->loop = l;
    c->arena = arena_new(1024);
    hosts = arena_array(c->arena, o->n_hosts + 1, sizeof *hosts);
    for (size_t i = 0; i < o->n_hosts; i++)
        hosts[i] = (struct registry_host){ .host = arena_strdup(c->arena, o->hosts[i].host),
                                           .plain_http = o->hosts[i].plain_http,
                                           .ca_pem = arena_strdup(c->arena, o->hosts[i].ca_pem) };
    c->o = (struct registry_opts){ .hosts = hosts,
                                   .n_hosts = o->n_hosts,
                                   .allowed = copy_list(c->arena, o->allowed, o->n_allowed),
                                   .n_allowed = o->n_allowed,
                                   .trusted_realms =
                                       copy_list(c->arena, o->trusted_realms, o->n_trusted_realms),
                                   .n_trusted_realms = o->n_trusted_realms };
    c->cache = cache_new(l, o->apiserver_url);
    return c;
}

static void call_free(struct registry_call *call)
{
    if (call->prev)
        call->prev->next = call->next;
    else
        call->c->first = call->next;
    if (call->next)
        call->next->prev = call->prev;
    http_cancel(call->http);
    domain_leave(call->domain);
    loop_defer_cancel(call->c->loop, call);
    for (size_t i = 0; i < call->n_credentials; i++)
        credential_release(&call->credentials[i]);
    secret_free(call->bearer);
    free(call);
}

void registry_client_free(struct registry_client *c)
{
    if (!c)
        return;
    while (c->first)
        call_free(c->first);
    cache_free(c->cache);
    arena_free(c->arena);
    free(c);
}

void registry_cancel(struct registry_call *call)
{
    if (call)
        call_free(call);
}

/* --- ends --- */

static void end(struct registry_call *call)
{
    registry_done_fn *on_done = call->on_done;
    struct registry_answer answer = call->answer;
    struct err err = call->err;
    void *ctx = call->ctx;

    call_free(call);
    on_done(&answer, err.kind == ERR_NONE ? NULL : &err, ctx);
}

static void end_error(struct registry_call *call, enum err_kind kind, int code, const char *what)
{
    err_set(&call->err, kind, code, "registry %s %s", call->host, what);
    end(call);
}

static void end_later(void *ctx)
{
    end(ctx);
}

static void end_denied(struct registry_call *call, int status)
{
    err_set(&call->err, ERR_DENIED, status, "registry %s refused the pull of %.100s (HTTP %d): %s",
            call->host, call->ref.repository, status,
            call->n_credentials ? "check the pull secrets" :
                                  "it wants credentials: spec.pullSecrets");
    end(call);
}

/* --- connections --- */

/* Go over to the trust domain of an origin for the call's identity, or for nobody's. allowed: which
 * addresses it may have (enum reach), those that the registry itself has always; 0 for the registry
 * itself: any. NULL: call->err says why. */
static struct http *use_domain(struct registry_call *call, const char *origin, const char *identity,
                               unsigned allowed)
{
    struct domain *d;

    if (call->is_domain_home)
        call->reach |= domain_seen(call->domain);
    d = cache_domain(call->c->cache, origin, identity, allowed ? allowed | call->reach : 0,
                     strcmp(origin, call->origin) ? NULL : call->ca_pem, &call->err);
    if (!d)
        return NULL;
    domain_leave(call->domain);
    call->domain = d;
    call->is_domain_home = !allowed;
    return domain_http(d);
}

/* Take the credential at this place (n_credentials: none). */
static void use_credential(struct registry_call *call, size_t at)
{
    call->at = at;
    if (at < call->n_credentials)
        credential_identify(&call->credentials[at], call->identity);
    else
        snprintf(call->identity, sizeof call->identity, "anonymous");
}

static void count(const char *host, const struct http_response *resp)
{
    char code[16];

    snprintf(code, sizeof code, "%d", resp->status);
    metric_add(&requests, 1, host, resp->status ? code : "error");
}

/* --- tokens --- */

static char *token_key(const struct registry_call *call)
{
    return xasprintf("%s %s %s", call->origin, call->ref.repository, call->identity);
}

/* The first credential for which there still is a token; false: none, and the first is in use. */
static bool use_cached_token(struct registry_call *call)
{
    for (size_t at = 0; at == 0 || at < call->n_credentials; at++) {
        const char *token;
        char *key;

        use_credential(call, at);
        key = token_key(call);
        token = cache_token(call->c->cache, key);
        free(key);
        if (!token)
            continue;
        secret_free(call->bearer);
        call->bearer = xstrdup(token);
        call->token_was_cached = true;
        call->auth = AUTH_BEARER;
        return true;
    }
    use_credential(call, 0);
    return false;
}

static void forget_token(struct registry_call *call)
{
    char *key = token_key(call);

    cache_forget_token(call->c->cache, key);
    free(key);
    call->token_was_cached = false;
}

static void keep_token(struct registry_call *call, const char *text, int64_t life_s)
{
    char *key = token_key(call);

    cache_keep_token(call->c->cache, key, text, life_s);
    free(key);
}

/* This one was refused: the next credential, from the challenge on. */
static void try_next_credential(struct registry_call *call, int status)
{
    if (call->at + 1 >= call->n_credentials) {
        end_denied(call, status);
        return;
    }
    use_credential(call, call->at + 1);
    call->auth = AUTH_NONE;
    ask_manifest(call, "HEAD");
}

static void on_token(struct http_call *http, const struct http_response *resp,
                     const struct err *err, void *ctx)
{
    struct registry_call *call = ctx;
    int64_t life_s;
    char *text;

    (void)http;
    call->http = NULL;
    count(call->host, resp);
    if (err) {
        call->err = *err;
        err_ctx(&call->err, "token service of registry %s", call->host);
        end(call);
        return;
    }
    text = resp->status == 200 ? token_parse(resp->body, resp->body_len, &life_s) : NULL;
    if (text) {
        keep_token(call, text, life_s);
        secret_free(call->bearer);
        call->bearer = text;
        call->auth = AUTH_BEARER;
        ask_manifest(call, "HEAD");
    } else if (resp->status == 429 || resp->status >= 500) {
        call->answer.retry_after_ms = resp->retry_after_ms;
        end_error(call, resp->status == 429 ? ERR_THROTTLED : ERR_SERVER, resp->status,
                  "gives no token now: its token service is overloaded or down");
    } else if (resp->status == 200) {
        end_error(call, ERR_INVALID, 200, "gives no token: its token service answers with none");
    } else {
        try_next_credential(call, resp->status);
    }
}

/* GET realm?service=…&scope=repository:<name>:pull with Basic; with an identity token POST. */
static void ask_token(struct registry_call *call, const struct challenge *ch)
{
    const struct credential *cr =
        call->at < call->n_credentials ? &call->credentials[call->at] : NULL;
    struct text query = TEXT_INIT(16 * KIB), url = TEXT_INIT(32 * KIB);
    struct http_request req = {
        .timeout_ms = TIMEOUT_MS, .max_body = TOKEN_BYTES, .on_done = on_token, .ctx = call
    };
    char origin[300];
    struct err ignored = { 0 };
    unsigned allowed = 0;
    struct http *http;
    bool is_foreign;

    if (!realm_is_trusted(ch->realm, call->origin, &call->c->o, &is_foreign)) {
        end_error(call, ERR_DENIED, 0,
                  "sends us to another host for its token: an admin may list "
                  "it in trustedRealms");
        return;
    }
    origin_of(ch->realm, origin, sizeof origin);
    text_puts(&query, "service=", &ignored);
    text_add_escaped(&query, ch->service, &ignored);
    text_puts(&query, "&scope=repository%3A", &ignored);
    text_add_escaped(&query, call->ref.repository, &ignored);
    text_puts(&query, "%3Apull", &ignored);
    if (cr && cr->identity_token) {
        text_puts(&query,
                  "&grant_type=refresh_token&client_id=btc-shopflow-deployer"
                  "&refresh_token=",
                  &ignored);
        text_add_escaped(&query, cr->identity_token, &ignored);
        req.method = "POST";
        req.url = ch->realm;
        req.content_type = "application/x-www-form-urlencoded";
        req.body = text_str(&query);
    } else {
        text_addf(&url, &ignored, "%s%c%s", ch->realm, strchr(ch->realm, '?') ? '&' : '?',
                  text_str(&query));
        req.method = "GET";
        req.url = text_str(&url);
        req.basic_user = cr ? cr->user : NULL;
        req.basic_password = cr ? cr->password : NULL;
    }
    call->answer.used_credentials = cr != NULL;
    if (strcmp(origin, call->origin) != 0) /* listed by the admin, it may be a private address */
        allowed = REACH_PUBLIC | (is_foreign ? 0 : REACH_PRIVATE);
    if ((http = use_domain(call, origin, call->identity, allowed)))
        call->http = http_send(http, &req);
    else
        loop_defer(call->c->loop, end_later, call);
    secret_free(query.bytes); /* an identity token, perhaps */
    text_release(&url);
}

/* --- the manifest --- */

static bool is_manifest_type(const char *type)
{
    return type && (!strncmp(type, "application/vnd.oci.image.", 26) ||
                    !strncmp(type, "application/vnd.docker.distribution.manifest.", 45));
}

/* 200: the digest is the header's; without one the body is read and hashed. */
static void take_digest(struct registry_call *call, struct http_call *http,
                        const struct http_response *resp)
{
    const char *digest = http_header(http, "Docker-Content-Digest");
    const char *type = http_header(http, "Content-Type");
    const char *wanted = call->ref.digest;
    char computed[DIGEST_BYTES];

    if (!call->tried_get && !digest_is_valid(digest) &&
        (digest || !type || is_manifest_type(type))) {
        ask_manifest(call, "GET");
        return;
    }
    if (call->tried_get ? !is_manifest_type(type) : !digest_is_valid(digest)) {
        end_error(call, ERR_INVALID, 200, "answers with no manifest: is it a registry?");
        return;
    }
    if (call->tried_get) {
        if (!digest_is_valid(digest))
            digest = NULL;
        digest_of(resp->body, resp->body_len, *wanted ? wanted : digest, computed);
        if (digest && !*wanted && strcmp(digest, computed)) {
            end_error(call, ERR_INVALID, 200, "sent a manifest that does not match its digest");
            return;
        }
        digest = computed;
    }
    if (*wanted && strcmp(wanted, digest)) {
        end_error(call, ERR_INVALID, 200, "answered for another digest than was asked for");
        return;
    }
    snprintf(call->answer.digest, sizeof call->answer.digest, "%s", digest);
    end(call);
}

/* 401: answer the challenge with the credential in use; each is tried once. */
static void answer_challenge(struct registry_call *call, struct http_call *http)
{
    struct challenge ch = { 0 };
    bool has_credential = call->at < call->n_credentials;
    const char *value;

    for (size_t i = 0; (value = http_header_nth(http, "WWW-Authenticate", i)); i++)
        challenge_parse(value, &ch);
    if (has_credential && call->credentials[call->at].registry_token && ch.bearer) {
        secret_free(call->bearer);
        call->bearer = xstrdup(call->credentials[call->at].registry_token);
        call->auth = AUTH_BEARER;
        ask_manifest(call, "HEAD");
    } else if (ch.bearer) {
        ask_token(call, &ch);
    } else if (ch.basic && has_credential && call->credentials[call->at].user) {
        call->auth = AUTH_BASIC;
        ask_manifest(call, "HEAD");
    } else {
        try_next_credential(call, 401);
    }
}

/* 401 or 403 from the registry itself. */
static void on_refusal(struct registry_call *call, struct http_call *http, int status)
{
    bool is_stale = status == 401 && call->token_was_cached;

    if (call->auth == AUTH_BEARER)
        forget_token(call);
    if (is_stale) { /* it was taken back: begin anew */
        use_credential(call, 0);
        answer_challenge(call, http);
    } else if (call->auth == AUTH_NONE && status == 401) {
        answer_challenge(call, http);
    } else if (call->auth == AUTH_NONE) {
        end_denied(call, status);
    } else {
        try_next_credential(call, status);
    }
}

/* Is what answered the registry itself, not one that it sent us to? */
static bool is_at_home(const struct registry_call *call)
{
    char here[300];

    return !origin_of(call->url, here, sizeof here) && !strcmp(here, call->origin);
}

/* Follow by hand: another origin hears no credentials. */
static void redirect(struct registry_call *call, struct http_call *http)
{
    char url[URL_BYTES];

    if (++call->redirects > REDIRECTS ||
        redirect_target(call->url, http_header(http, "Location"), url, sizeof url)) {
        end_error(call, ERR_INVALID, 0, "redirects to where we do not go");
        return;
    }
    snprintf(call->url, sizeof call->url, "%s", url);
    if (!is_at_home(call))
        call->auth = AUTH_NONE;
    ask_manifest(call, call->tried_get ? "GET" : "HEAD");
}

static void on_manifest(struct http_call *http, const struct http_response *resp,
                        const struct err *err, void *ctx)
{
    struct registry_call *call = ctx;

    call->http = NULL;
    count(call->host, resp);
    if (err) {
        call->err = *err;
        err_ctx(&call->err, "registry %s", call->host);
        end(call);
    } else if (resp->status == 200) {
        take_digest(call, http, resp);
    } else if (resp->status == 404) {
        call->answer.missing = true;
        end(call);
    } else if ((resp->status == 401 || resp->status == 403) && is_at_home(call)) {
        on_refusal(call, http, resp->status);
    } else if (resp->status == 401 || resp->status == 403) {
        end_denied(call, resp->status);
    } else if (resp->status >= 301 && resp->status <= 308 && resp->status != 304) {
        redirect(call, http);
    } else if (resp->status == 429) {
        call->answer.retry_after_ms = resp->retry_after_ms;
        end_error(call, ERR_THROTTLED, 429, "limits our requests (HTTP 429)");
    } else {
        err_set(&call->err, resp->status >= 500 ? ERR_SERVER : ERR_INVALID, resp->status,
                "registry %s answers HTTP %d", call->host, resp->status);
        end(call);
    }
}

static void ask_manifest(struct registry_call *call, const char *method)
{
    static const char *const accept[] = {
        "Accept: application/vnd.oci.image.index.v1+json, "
        "application/vnd.docker.distribution.manifest.list.v2+json, "
        "application/vnd.oci.image.manifest.v1+json, "
        "application/vnd.docker.distribution.manifest.v2+json",
        NULL
    };
    const struct credential *cr = &call->credentials[call->at];
    struct http_request req = { .method = method,
                                .url = call->url,
                                .headers = accept,
                                .timeout_ms = TIMEOUT_MS,
                                .max_body = MANIFEST_BYTES,
                                .on_done = on_manifest,
                                .ctx = call };
    struct http *http;
    char origin[300];

    call->tried_get = !strcmp(method, "GET");
    if (call->auth == AUTH_BASIC) {
        req.basic_user = cr->user;
        req.basic_password = cr->password;
    } else if (call->auth == AUTH_BEARER) {
        req.bearer = call->bearer;
    }
    call->answer.used_credentials |= call->auth != AUTH_NONE && call->at < call->n_credentials;
    origin_of(call->url, origin, sizeof origin);
    http = use_domain(call, origin, call->auth == AUTH_NONE ? "anonymous" : call->identity,
                      strcmp(origin, call->origin) ? REACH_PUBLIC : 0);
    if (http)
        call->http = http_send(http, &req);
    else
        loop_defer(call->c->loop, end_later, call);
}

/* --- begin --- */

static void begin(void *ctx)
{
    struct registry_call *call = ctx;

    use_cached_token(call);
    ask_manifest(call, "HEAD");
}

/* Where the reference's registry is, and how it may be spoken to. */
static int locate(struct registry_call *call, const char *image)
{
    const struct registry_opts *o = &call->c->o;
    bool plain = false;

    if (image_ref_parse(image, &call->ref, &call->err))
        return -1;
    snprintf(call->host, sizeof call->host, "%s", call->ref.host);
    if (!image_is_allowed(o, &call->ref))
        return err_set(&call->err, ERR_DENIED, 0,
                       "registry %s is not in allowedRegistries: ask an admin", call->host);
    for (size_t i = 0; i < o->n_hosts; i++)
        if (!strcmp(o->hosts[i].host, call->host)) {
            plain = o->hosts[i].plain_http;
            call->ca_pem = o->hosts[i].ca_pem;
        }
    snprintf(call->url, sizeof call->url, "%s://%s/v2/%s/manifests/%s", plain ? "http" : "https",
             strcmp(call->host, "docker.io") ? call->host : "registry-1.docker.io",
             call->ref.repository,
             call->ref.digest[0] ? call->ref.digest :
             call->ref.tag[0]    ? call->ref.tag :
                                   "latest");
    if (origin_of(call->url, call->origin, sizeof call->origin))
        return err_set(&call->err, ERR_INVALID, 0, "registry %s has no usable address", call->host);
    return 0;
}

struct registry_call *registry_resolve(struct registry_client *c, const char *image,
                                       const struct registry_secret *secrets, size_t n_secrets,
                                       registry_done_fn *on_done, void *ctx)
{
    struct registry_call *call = xcalloc(1, sizeof *call);

    *call = (struct registry_call){ .c = c, .next = c->first, .on_done = on_done, .ctx = ctx };
    call->answer.retry_after_ms = -1;
    if (c->first)
        c->first->prev = call;
    c->first = call;
    if (locate(call, image)) {
        loop_defer(c->loop, end_later, call);
        return call;
    }
    call->n_credentials = credentials_find(secrets, n_secrets, &call->ref, call->credentials);
    loop_defer(c->loop, begin, call);
    return call;
}
