#include "registry/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/text.h"
#include "io/http.h"
#include "io/loop.h"
#include "registry/cache.h"
#include "registry/call.h"
#include "registry/digest.h"
#include "registry/origin.h"
#include "registry/ref.h"
#include "registry/transfer.h"

#define ANSWER_BYTES (4 * MIB)
#define LOCATION_BYTES 8192 /* signed addresses are long */
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
                                   .n_trusted_realms = o->n_trusted_realms,
                                   .any_https_realm = o->any_https_realm,
                                   .roots_pem = arena_strdup(c->arena, o->roots_pem) };
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
    free(call->url);
    free(call->type);
    free(call->body);
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

void call_end(struct registry_call *call)
{
    registry_done_fn *on_done = call->on_done;
    struct registry_answer answer = call->answer;
    struct err err = call->err;
    void *ctx = call->ctx;

    call_free(call);
    on_done(&answer, err.kind == ERR_NONE ? NULL : &err, ctx);
}

void call_end_error(struct registry_call *call, enum err_kind kind, int code, const char *what)
{
    err_set(&call->err, kind, code, "registry %s %s", call->host, what);
    call_end(call);
}

static void end_due(void *ctx)
{
    call_end(ctx);
}

void call_end_later(struct registry_call *call)
{
    loop_defer(call->c->loop, end_due, call);
}

void call_end_denied(struct registry_call *call, int status)
{
    err_set(&call->err, ERR_DENIED, status, "registry %s refused the %s %.100s (HTTP %d): %s",
            call->host, call->kind == TRANSFER_PUT ? "push to" : "pull of", call->ref.repository,
            status,
            call->n_credentials ? "check the pull secrets" :
                                  "it wants credentials: spec.pullSecrets");
    call_end(call);
}

/* --- connections --- */

struct http *call_use_domain(struct registry_call *call, const char *origin, const char *identity,
                             unsigned allowed)
{
    struct domain *d;

    if (call->domain && call->is_domain_home)
        call->reach |= domain_seen(call->domain);
    d = cache_domain(call->c->cache, origin, identity, allowed ? allowed | call->reach : 0,
                     strcmp(origin, call->origin) ? call->o->roots_pem : call->ca_pem, &call->err);
    if (!d)
        return NULL;
    domain_leave(call->domain);
    call->domain = d;
    call->is_domain_home = !allowed;
    return domain_http(d);
}

void call_count(const struct registry_call *call, const struct http_response *resp)
{
    char code[16];

    snprintf(code, sizeof code, "%d", resp->status);
    metric_add(&requests, 1, call->host, resp->status ? code : "error");
}

/* --- what comes back --- */

static void ask(struct registry_call *call, const char *method);

static bool is_manifest_type(const char *type)
{
    return type && (!strncmp(type, "application/vnd.oci.image.", 26) ||
                    !strncmp(type, "application/vnd.docker.distribution.manifest.", 45));
}

/* The answer is whole; its digest matches. */
static void end_found(struct registry_call *call, struct http_call *http,
                      const struct http_response *resp, const char *digest)
{
    snprintf(call->answer.digest, sizeof call->answer.digest, "%s", digest);
    call->answer.type = http_header(http, "Content-Type");
    call->answer.body = resp->body;
    call->answer.body_len = resp->body_len;
    call_end(call);
}

/* 200: the digest is the header's; without one the body is read and hashed. */
static void take_manifest(struct registry_call *call, struct http_call *http,
                          const struct http_response *resp)
{
    const char *digest = http_header(http, "Docker-Content-Digest");
    const char *type = http_header(http, "Content-Type");
    const char *wanted = call->ref.digest;
    bool has_body = !strcmp(call->method, "GET");
    char computed[DIGEST_BYTES];

    if (!has_body && !digest_is_valid(digest) && (digest || !type || is_manifest_type(type))) {
        ask(call, "GET");
        return;
    }
    if (has_body ? !is_manifest_type(type) : !digest_is_valid(digest)) {
        call_end_error(call, ERR_INVALID, 200, "answers with no manifest: is it a registry?");
        return;
    }
    if (has_body) {
        if (!digest_is_valid(digest))
            digest = NULL;
        digest_of(resp->body, resp->body_len, *wanted ? wanted : digest, computed);
        if (digest && !*wanted && strcmp(digest, computed)) {
            call_end_error(call, ERR_INVALID, 200,
                           "sent a manifest that does not match its digest");
            return;
        }
        digest = computed;
    }
    if (*wanted && strcmp(wanted, digest)) {
        call_end_error(call, ERR_INVALID, 200, "answered for another digest than was asked for");
        return;
    }
    end_found(call, http, resp, digest);
}

static void take_blob(struct registry_call *call, struct http_call *http,
                      const struct http_response *resp)
{
    char computed[DIGEST_BYTES];

    digest_of(resp->body, resp->body_len, call->ref.digest, computed);
    if (strcmp(computed, call->ref.digest))
        call_end_error(call, ERR_INVALID, 200, "sent a blob that does not match its digest");
    else
        end_found(call, http, resp, computed);
}

/* 2xx for a write: what is stored must be what was sent. */
static void take_stored(struct registry_call *call, struct http_call *http,
                        const struct http_response *resp)
{
    const char *digest = http_header(http, "Docker-Content-Digest");
    char computed[DIGEST_BYTES];

    digest_of(call->body, call->body_len, digest_is_valid(digest) ? digest : NULL, computed);
    if (digest && strcmp(digest, computed))
        call_end_error(call, ERR_INVALID, resp->status, "stored something else than was sent");
    else
        end_found(call, http, resp, computed);
}

/* Is what answered the registry itself, not one that it sent us to? */
static bool is_at_home(const struct registry_call *call)
{
    char here[300];

    return !origin_of(call->url, here, sizeof here) && !strcmp(here, call->origin);
}

/* Follow by hand: another origin hears no credentials, and nothing is written there. */
static void redirect(struct registry_call *call, struct http_call *http)
{
    char url[LOCATION_BYTES];
    bool is_lost = redirect_target(call->url, http_header(http, "Location"), url, sizeof url);

    if (!is_lost) {
        free(call->url);
        call->url = xstrdup(url);
    }
    if (is_lost || ++call->redirects > REDIRECTS ||
        (call->kind == TRANSFER_PUT && !is_at_home(call))) {
        call_end_error(call, ERR_INVALID, 0, "redirects to where we do not go");
        return;
    }
    if (!is_at_home(call))
        call->auth = AUTH_NONE;
    ask(call, call->method);
}

/* Any other 4xx. Of a write it is the registry's word on this write, which is not told apart here:
 * an immutable tag is a 400, 403, 405, 409 or 412, as each likes. */
static void end_refused(struct registry_call *call, int status)
{
    bool is_write = call->kind == TRANSFER_PUT;
    bool is_taken = status == 405 || status == 409 || status == 412;

    err_set(&call->err,
            status >= 500 ? ERR_SERVER :
            !is_write     ? ERR_INVALID :
            is_taken      ? ERR_CONFLICT :
                            ERR_REFUSED,
            status, "registry %s answers %sHTTP %d", call->host, is_write ? "a push with " : "",
            status);
    call_end(call);
}

static void on_found(struct registry_call *call, struct http_call *http,
                     const struct http_response *resp)
{
    switch (call->kind) {
    case TRANSFER_DIGEST:
    case TRANSFER_MANIFEST:
        take_manifest(call, http, resp);
        break;
    case TRANSFER_BLOB:
        take_blob(call, http, resp);
        break;
    case TRANSFER_PUT:
        take_stored(call, http, resp);
        break;
    }
}

static void on_answer(struct http_call *http, const struct http_response *resp,
                      const struct err *err, void *ctx)
{
    struct registry_call *call = ctx;
    bool is_write = call->kind == TRANSFER_PUT;

    call->http = NULL;
    call_count(call, resp);
    if (err) {
        call->err = *err;
        err_ctx(&call->err, "registry %s", call->host);
        call_end(call);
    } else if (resp->status == 200 || (is_write && resp->status / 100 == 2)) {
        on_found(call, http, resp);
    } else if (resp->status == 404 && !is_write) {
        call->answer.missing = true;
        call_end(call);
    } else if ((resp->status == 401 || resp->status == 403) && is_at_home(call)) {
        call_on_refusal(call, http, resp->status);
    } else if (resp->status == 401 || resp->status == 403) {
        call_end_denied(call, resp->status);
    } else if (resp->status >= 301 && resp->status <= 308 && resp->status != 304) {
        redirect(call, http);
    } else if (resp->status == 429) {
        call->answer.retry_after_ms = resp->retry_after_ms;
        call_end_error(call, ERR_THROTTLED, 429, "limits our requests (HTTP 429)");
    } else {
        end_refused(call, resp->status);
    }
}

/* --- a request --- */

static const char *const ACCEPT[] = { "Accept: application/vnd.oci.image.index.v1+json, "
                                      "application/vnd.docker.distribution.manifest.list.v2+json, "
                                      "application/vnd.oci.image.manifest.v1+json, "
                                      "application/vnd.docker.distribution.manifest.v2+json",
                                      NULL };

static void put_credentials(struct registry_call *call, struct http_request *req)
{
    if (call->auth == AUTH_BASIC) {
        req->basic_user = call->credentials[call->at].user;
        req->basic_password = call->credentials[call->at].password;
    } else if (call->auth == AUTH_BEARER) {
        req->bearer = call->bearer;
    }
    call->answer.used_credentials |= call->auth != AUTH_NONE && call->at < call->n_credentials;
}

static void ask(struct registry_call *call, const char *method)
{
    struct http_request req = { .method = method,
                                .url = call->url,
                                .headers = call->kind == TRANSFER_BLOB ? NULL : ACCEPT,
                                .content_type = call->type,
                                .body = call->body,
                                .body_len = call->body_len,
                                .timeout_ms = REGISTRY_TIMEOUT_MS,
                                .max_body = ANSWER_BYTES,
                                .on_done = on_answer,
                                .ctx = call };
    struct http *http;
    char origin[300];

    call->method = method;
    put_credentials(call, &req);
    origin_of(call->url, origin, sizeof origin);
    http = call_use_domain(call, origin, call->auth == AUTH_NONE ? "anonymous" : call->identity,
                           strcmp(origin, call->origin) ? REACH_PUBLIC : 0);
    if (http)
        call->http = http_send(http, &req);
    else
        call_end_later(call);
}

void call_begin(struct registry_call *call)
{
    static const char *const METHODS[] = { [TRANSFER_DIGEST] = "HEAD",
                                           [TRANSFER_MANIFEST] = "GET",
                                           [TRANSFER_BLOB] = "GET",
                                           [TRANSFER_PUT] = "PUT" };

    ask(call, METHODS[call->kind]);
}

/* --- begin --- */

static void begin(void *ctx)
{
    struct registry_call *call = ctx;

    call_use_cached_token(call);
    call_begin(call);
}

/* How its registry may be spoken to. */
static bool is_plain_http(struct registry_call *call)
{
    const struct registry_opts *o = call->o;
    bool plain = false;

    call->ca_pem = o->roots_pem;
    for (size_t i = 0; i < o->n_hosts; i++)
        if (!strcmp(o->hosts[i].host, call->host)) {
            plain = o->hosts[i].plain_http;
            call->ca_pem = o->hosts[i].ca_pem ? o->hosts[i].ca_pem : o->roots_pem;
        }
    return plain;
}

/* Where the reference's registry is. */
static int locate(struct registry_call *call, const char *image)
{
    const struct image_ref *ref = &call->ref;

    if (image_ref_parse(image, &call->ref, &call->err))
        return -1;
    snprintf(call->host, sizeof call->host, "%s", ref->host);
    if (!image_is_allowed(call->o, ref))
        return err_set(&call->err, ERR_DENIED, 0,
                       "registry %s is not in allowedRegistries: ask an admin", call->host);
    if (call->kind == TRANSFER_BLOB && !ref->digest[0])
        return err_set(&call->err, ERR_INVALID, 0, "'%.100s' names no blob", image);
    call->url = xasprintf("%s://%s/v2/%s/%s/%s", is_plain_http(call) ? "http" : "https",
                          strcmp(call->host, "docker.io") ? call->host : "registry-1.docker.io",
                          ref->repository, call->kind == TRANSFER_BLOB ? "blobs" : "manifests",
                          ref->digest[0] ? ref->digest :
                          ref->tag[0]    ? ref->tag :
                                           "latest");
    if (origin_of(call->url, call->origin, sizeof call->origin))
        return err_set(&call->err, ERR_INVALID, 0, "registry %s has no usable address", call->host);
    return 0;
}

/* Its place in the client's list. */
static struct registry_call *call_new(struct registry_client *c)
{
    struct registry_call *call = xcalloc(1, sizeof *call);

    *call = (struct registry_call){
        .c = c, .loop = c->loop, .cache = c->cache, .o = &c->o, .next = c->first
    };
    call->answer.retry_after_ms = -1;
    if (c->first)
        c->first->prev = call;
    c->first = call;
    return call;
}

struct registry_call *registry_send(struct registry_client *c, const struct registry_transfer *t)
{
    struct registry_call *call = call_new(c);

    call->kind = t->kind;
    call->on_done = t->on_done;
    call->ctx = t->ctx;
    if (t->kind == TRANSFER_PUT) {
        call->type = xstrdup(t->type);
        call->body = xmalloc(t->len + 1);
        memcpy(call->body, t->body, t->len);
        call->body_len = t->len;
    }
    if (locate(call, t->image)) {
        call_end_later(call);
        return call;
    }
    call->n_credentials = credentials_find(t->secrets, t->n_secrets, &call->ref, call->credentials);
    loop_defer(c->loop, begin, call);
    return call;
}

struct registry_call *registry_resolve(struct registry_client *c, const char *image,
                                       const struct registry_secret *secrets, size_t n_secrets,
                                       registry_done_fn *on_done, void *ctx)
{
    struct registry_transfer t = { .kind = TRANSFER_DIGEST,
                                   .image = image,
                                   .secrets = secrets,
                                   .n_secrets = n_secrets,
                                   .on_done = on_done,
                                   .ctx = ctx };

    return registry_send(c, &t);
}
