/* controller/registry/call.h — A question to a registry under way: what client.c (requests, and
 * what comes back) and client_auth.c (challenges, tokens, credentials) share. Theirs alone. */
#ifndef REGISTRY_CALL_H
#define REGISTRY_CALL_H
#include "base/err.h"
#include "registry/auth.h"
#include "registry/client.h"
#include "registry/ref.h"
#include "registry/transfer.h"

struct cache;
struct domain;
struct http;
struct http_call;
struct http_response;
struct loop;

#define REGISTRY_TIMEOUT_MS 30000

enum auth { AUTH_NONE, AUTH_BASIC, AUTH_BEARER };

struct registry_call {
    struct registry_client *c;
    struct loop *loop;
    struct cache *cache;
    const struct registry_opts *o;
    struct registry_call *prev, *next;
    enum transfer_kind kind;
    struct image_ref ref;
    char host[256], origin[300];
    const char *ca_pem;
    struct credential credentials[CREDENTIALS_MAX];
    size_t n_credentials, at;      /* the one in use; == n: anonymous */
    char identity[IDENTITY_BYTES]; /* of it: "anonymous" or a hash */
    enum auth auth;                /* of the request under way */
    char *bearer;
    bool token_was_cached;
    const char *method; /* of the request under way */
    int redirects;
    char *url;
    char *type, *body; /* TRANSFER_PUT */
    size_t body_len;
    unsigned reach;        /* enum reach: where the registry itself was found to be */
    struct domain *domain; /* in use */
    bool is_domain_home;   /* of the registry itself */
    struct http_call *http;
    struct err err;
    struct registry_answer answer;
    registry_done_fn *on_done;
    void *ctx;
};

/* --- client.c --- */

void call_begin(struct registry_call *call); /* the first request, or it anew */
void call_end(struct registry_call *call);   /* with err and answer; call is gone */
void call_end_later(struct registry_call *call);
void call_end_error(struct registry_call *call, enum err_kind kind, int code, const char *what);
void call_end_denied(struct registry_call *call, int status);

/* Go over to the trust domain of an origin for the call's identity, or for nobody's. allowed: which
 * addresses it may have (enum reach), those that the registry itself has always; 0 for the registry
 * itself: any. NULL: call->err says why. */
struct http *call_use_domain(struct registry_call *call, const char *origin, const char *identity,
                             unsigned allowed);
void call_count(const struct registry_call *call, const struct http_response *resp);

/* --- client_auth.c --- */

/* The first credential for which there still is a token; none: the first is in use. */
void call_use_cached_token(struct registry_call *call);
/* 401 or 403 from the registry itself. */
void call_on_refusal(struct registry_call *call, struct http_call *http, int status);

#endif
