/* controller/registry/cache.h — What outlives a question: the connections of each identity, and the
 * tokens of each repository. Nothing here is shared between identities.
 *
 * An identity is credential_identify()'s, or "anonymous". Connections that nobody has used for a
 * minute are closed; tokens are dropped before they expire. */
#ifndef REGISTRY_CACHE_H
#define REGISTRY_CACHE_H
#include <stdint.h>

struct cache;
struct domain;
struct err;
struct http;
struct loop;

/* apiserver_url (may be NULL; borrowed): where nothing but a registry itself may turn out to be. */
struct cache *cache_new(struct loop *l, const char *apiserver_url);
void cache_free(struct cache *c); /* NULL is fine; nobody may use a domain any more */

/* The trust domain of an identity at an origin; domain_leave() it. allowed: which addresses it may
 * have (enum reach), 0 = any. NULL with *e set when curl fails. */
struct domain *cache_domain(struct cache *c, const char *origin, const char *identity,
                            unsigned allowed, const char *ca_pem, struct err *e);
void domain_leave(struct domain *d); /* NULL is fine */
struct http *domain_http(const struct domain *d);
unsigned domain_seen(const struct domain *d); /* enum reach: where its connections went */

/* A token that is still good, or NULL; lives until the next turn. */
const char *cache_token(const struct cache *c, const char *key);
void cache_keep_token(struct cache *c, const char *key, const char *token, int64_t life_s);
void cache_forget_token(struct cache *c, const char *key);

#endif
