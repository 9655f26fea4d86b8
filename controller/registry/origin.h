/* controller/registry/origin.h — URLs' origins, and which of them may hear what. Pure.
 *
 * An origin is "scheme://host[:port]" in lower case, default ports left out (RFC 6454). */
#ifndef REGISTRY_ORIGIN_H
#define REGISTRY_ORIGIN_H
#include <stdbool.h>
#include <stddef.h>

struct image_ref;
struct registry_opts;
struct sockaddr;

/* The origin of an absolute http(s) URL. -1 when it is none, has userinfo, or does not fit. */
int origin_of(const char *url, char *ret, size_t size);

/* May a token be asked for at this realm, for a registry at this origin? Its own host, a built-in
 * pair, or the admin's list; https unless the registry itself is plain http. */
bool realm_is_trusted(const char *realm, const char *registry_origin, const struct registry_opts *o,
                      bool *ret_is_foreign);

/* Where a redirect leads: an absolute URL, or a path on the same origin. -1 when we do not go
 * there: from https to http, to another scheme, with userinfo, or nowhere (location may be NULL).
 */
int redirect_target(const char *from, const char *location, char *ret, size_t size);

/* Is the image among the hosts and prefixes that the admin allows? */
bool image_is_allowed(const struct registry_opts *o, const struct image_ref *ref);

/* What an address reaches, as bits. */
enum reach {
    REACH_PUBLIC = 1,
    REACH_PRIVATE = 2,  /* RFC 1918, RFC 6598, fc00::/7 */
    REACH_LOOPBACK = 4, /* this machine */
    REACH_SPECIAL =
        8, /* link-local (cloud metadata), multicast, unspecified, no internet address */
};
enum reach address_reach(const struct sockaddr *addr);

/* Is it the address and port of a URL whose host is an address? url may be NULL. */
bool address_is_of(const struct sockaddr *addr, const char *url);

#endif
