/* controller/registry/client.h — What digest does a tag have? (OCI distribution specification 1.1)
 *
 * HEAD /v2/<name>/manifests/<tag>; GET and hash when the answer names no digest. Credentials are
 * sent only after the registry's own challenge, only to its own origin. */
#ifndef REGISTRY_CLIENT_H
#define REGISTRY_CLIENT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct loop;
struct registry_client;
struct registry_call;

struct registry_host { /* the admin's settings of one host */
    const char *host;  /* "10.0.0.1:5000" */
    bool plain_http;
    const char *ca_pem; /* NULL = the system's roots */
};

struct registry_opts {
    const struct registry_host *hosts;
    size_t n_hosts;
    const char *const *allowed; /* host[/prefix] that may be asked; NULL = all */
    size_t n_allowed;
    const char *const *trusted_realms; /* "https://auth.example.com": token services elsewhere */
    size_t n_trusted_realms;
    /* For the command-line tool, whose user chose the registry: */
    bool any_https_realm;      /* its token service is its own word */
    const char *roots_pem;     /* where a host has no ca_pem; NULL = the system's */
    const char *apiserver_url; /* a realm must not resolve to it */
};

struct registry_client *registry_client_new(struct loop *l, const struct registry_opts *o,
                                            struct err *e); /* copies the options */
void registry_client_free(struct registry_client *c);

/* A pull secret's content: .dockerconfigjson or .dockercfg, as the Secret's decoded bytes. */
struct registry_secret {
    const char *name; /* of the Secret, for messages */
    bool legacy;      /* .dockercfg */
    const char *json;
    size_t len;
};

struct registry_answer {
    char digest[136];       /* "sha256:…" */
    bool missing;           /* the registry says 404: repository or tag is not there */
    int64_t retry_after_ms; /* with ERR_THROTTLED; -1 = not said */
    bool used_credentials;
    /* Of registry/transfer.h; NULL when there is none. They live during on_done only. */
    const char *type, *body;
    size_t body_len;
};

/* Ask for the digest of image ("host/name:tag" or "host/name@digest": is it there?). Secrets in
 * order of preference; copied, and wiped afterwards. on_done comes once, on a later turn: err NULL
 * with an answer (missing counts as one), else ERR_DENIED (401/403: "unauthorized"), ERR_THROTTLED,
 * ERR_NET, ERR_TIMEOUT, ERR_SERVER, ERR_INVALID; its text is for people and carries no foreign
 * body. */
typedef void registry_done_fn(const struct registry_answer *answer, const struct err *err,
                              void *ctx);
struct registry_call *registry_resolve(struct registry_client *c, const char *image,
                                       const struct registry_secret *secrets, size_t n_secrets,
                                       registry_done_fn *on_done, void *ctx);
void registry_cancel(struct registry_call *call); /* no callback will come; NULL is fine */

#endif
