/* controller/reconcile/claims.h — Which AppReleases name which Deployment: "ns/deployment" → keys.
 */
#ifndef RECONCILE_CLAIMS_H
#define RECONCILE_CLAIMS_H

struct claims;
struct release;

struct claims *claims_new(void);
void claims_free(struct claims *c); /* NULL is fine */

/* The release "ns/name" names these Deployments now (spec and status); NULL: it is gone. fn is told
 * of each Deployment whose claims changed, before and after. */
void claims_set(struct claims *c, const char *release_key, const struct release *r,
                void (*fn)(const char *deployment_key, void *ctx), void *ctx);

/* Walk the Deployments that a release names. */
void claims_of(const struct claims *c, const char *release_key,
               void (*fn)(const char *deployment_key, void *ctx), void *ctx);

/* Walk the releases that name a Deployment. */
void claims_each(const struct claims *c, const char *deployment_key,
                 void (*fn)(const char *release_key, void *ctx), void *ctx);

#endif
