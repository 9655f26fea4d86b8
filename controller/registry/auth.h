/* controller/registry/auth.h — Challenges and credentials. Pure.
 *
 * Challenges: RFC 9110, section 11; the token flow: distribution's "Token Authentication".
 * Credentials are matched like the kubelet does (pkg/credentialprovider): per-label globs, the port
 * must match, the path is a prefix, docker.io's aliases; the most specific first. */
#ifndef REGISTRY_AUTH_H
#define REGISTRY_AUTH_H
#include <stdbool.h>
#include <stddef.h>

#include "registry/digest.h"
#include <stdint.h>

struct image_ref;
struct registry_secret;

struct challenge {
    bool basic, bearer;
    char realm[512], service[256], scope[512]; /* of the Bearer challenge */
};

/* One WWW-Authenticate value, which may hold several challenges. What is not understood is left
 * out; values that are too long make the challenge unusable (bearer stays false). */
void challenge_parse(const char *header, struct challenge *c);

/* The token in a token service's answer, and how long it may be used: 60 s to an hour. NULL when
 * there is none. The caller frees with secret_free. */
char *token_parse(const char *json, size_t len, int64_t *ret_life_s);

struct credential {
    char *user, *password; /* Basic, or for the token service; NULL = none */
    char *identity_token;  /* an OAuth2 refresh token; NULL = none */
    char *registry_token;  /* to be sent as Bearer as it is; NULL = none */
};

#define CREDENTIALS_MAX 8

/* All that fit the image, best first; of equal keys the earlier secret's. Returns how many. Secrets
 * that make no sense are passed over. Each is released with credential_release(). */
size_t credentials_find(const struct registry_secret *secrets, size_t n_secrets,
                        const struct image_ref *ref, struct credential ret[CREDENTIALS_MAX]);
void credential_release(struct credential *c); /* wipes */

/* Who asks: a hash of the whole credential, for keys. By the user's name alone, one tenant's wrong
 * password would be answered with the token that another's right one was given. */
#define IDENTITY_BYTES DIGEST_BYTES
void credential_identify(const struct credential *c, char ret[IDENTITY_BYTES]);

/* Does a key of a docker config ("*.example.com:5000/team") fit this host and path? */
bool credential_key_fits(const char *key, const char *host, const char *repository);

#endif
