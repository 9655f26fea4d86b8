/* controller/registry/origin.h — URLs' origins, and which of them may hear what. Pure.
 *
 * An origin is "scheme://host[:port]" in lower case, default ports left out (RFC 6454). */
#ifndef REGISTRY_ORIGIN_H
#define REGISTRY_ORIGIN_H
#include <stdbool.h>
#include <stddef.h>

struct registry_opts;
struct sockaddr;

/* The origin of an absolute http(s) URL. -1 when it is none, has userinfo, or does not fit. */
int origin_of(const char *url, char *ret, size_t size);

/* May a token be asked for at this realm, for a registry at this origin? Its own host, a built-in
 * pair, or the admin's list; https unless the registry itself is plain http. */
bool realm_is_trusted(const char *realm, const char *registry_origin, const struct registry_opts *o,
                      bool *ret_is_foreign);

/* What an address reaches, as bits. */
enum reach {
    REACH_PUBLIC = 1,
    REACH_PRIVATE = 2,  /* RFC 1918, RFC 6598, fc00::/7 */
    REACH_LOOPBACK = 4, /* this machine */
    REACH_SPECIAL =
        8, /* link-local (cloud metadata), multicast, unspecified, no internet address */
};
enum reach address_reach(const struct sockaddr *addr);

#endif
