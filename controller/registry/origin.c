#include "registry/origin.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "registry/client.h"
#include "registry/ref.h"

int origin_of(const char *url, char *ret, size_t size)
{
    bool tls = !strncasecmp(url, "https://", 8);
    const char *host = url + (tls ? 8 : 7);
    size_t n;
    int written;

    if (!tls && strncasecmp(url, "http://", 7))
        return -1;
    n = strcspn(host, "/?#");
    if (n == 0 || memchr(host, '@', n) || memchr(host, '\\', n))
        return -1;
    if (tls && n > 4 && !strncmp(host + n - 4, ":443", 4))
        n -= 4;
    else if (!tls && n > 3 && !strncmp(host + n - 3, ":80", 3))
        n -= 3;
    written = snprintf(ret, size, "%s://%.*s", tls ? "https" : "http", (int)n, host);
    if (written < 0 || (size_t)written >= size)
        return -1;
    for (char *c = ret; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return 0;
}

int redirect_target(const char *from, const char *location, char *ret, size_t size)
{
    bool is_path = location && location[0] == '/' && location[1] != '/';
    char here[300] = "", there[300];
    int n;

    if (!location || origin_of(from, here, sizeof here))
        return -1;
    n = snprintf(ret, size, "%s%s", is_path ? here : "", location);
    if (n < 0 || (size_t)n >= size || origin_of(ret, there, sizeof there))
        return -1;
    return !strncmp(here, "https:", 6) && strncmp(there, "https:", 6) ? -1 : 0;
}

bool image_is_allowed(const struct registry_opts *o, const struct image_ref *ref)
{
    char name[600];

    snprintf(name, sizeof name, "%s/%s", ref->host, ref->repository);
    for (size_t i = 0; i < o->n_allowed; i++) {
        size_t n = strlen(o->allowed[i]);

        while (n && o->allowed[i][n - 1] == '/')
            n--;
        if (!strncmp(name, o->allowed[i], n) && (!name[n] || name[n] == '/'))
            return true;
    }
    return o->n_allowed == 0;
}

bool realm_is_trusted(const char *realm, const char *registry_origin, const struct registry_opts *o,
                      bool *ret_is_foreign)
{
    char origin[300], listed[300];

    *ret_is_foreign = false;
    if (origin_of(realm, origin, sizeof origin))
        return false;
    if (!strcmp(origin, registry_origin))
        return true;
    *ret_is_foreign = true;
    if (strncmp(origin, "https:", 6) && strncmp(registry_origin, "http:", 5))
        return false; /* a password must not go out in the clear, listed or not */
    for (size_t i = 0; i < o->n_trusted_realms; i++)
        if (!origin_of(o->trusted_realms[i], listed, sizeof listed) && !strcmp(origin, listed)) {
            *ret_is_foreign = false;
            return true;
        }
    if (o->any_https_realm && !strncmp(origin, "https:", 6))
        return true;
    return !strcmp(registry_origin, "https://registry-1.docker.io") &&
           !strcmp(origin, "https://auth.docker.io");
}

static enum reach v4_reach(uint32_t a)
{
    if (a >> 24 == 127)
        return REACH_LOOPBACK;
    if (a >> 24 == 10 || a >> 20 == 0xac1 || a >> 16 == 0xc0a8 || a >> 22 == (0x64400000u >> 22))
        return REACH_PRIVATE;
    if (a >> 24 == 0 || a >> 16 == 0xa9fe || a >> 28 >= 14)
        return REACH_SPECIAL;
    return REACH_PUBLIC;
}

/* ::ffff:a.b.c.d, ::a.b.c.d (and with it :: and ::1) and NAT64's 64:ff9b::a.b.c.d. */
static bool has_v4_inside(const struct in6_addr *a)
{
    static const uint8_t none[12], mapped[12] = { [10] = 0xff, [11] = 0xff },
                                   nat64[12] = { 0, 0x64, 0xff, 0x9b };

    return !memcmp(a, none, 12) || !memcmp(a, mapped, 12) || !memcmp(a, nat64, 12);
}

enum reach address_reach(const struct sockaddr *addr)
{
    const struct in6_addr *a;

    if (addr->sa_family == AF_INET)
        return v4_reach(ntohl(((const struct sockaddr_in *)addr)->sin_addr.s_addr));
    if (addr->sa_family != AF_INET6)
        return REACH_SPECIAL;
    a = &((const struct sockaddr_in6 *)addr)->sin6_addr;
    if (IN6_IS_ADDR_LOOPBACK(a))
        return REACH_LOOPBACK;
    if (has_v4_inside(a))
        return v4_reach((uint32_t)a->s6_addr[12] << 24 | (uint32_t)a->s6_addr[13] << 16 |
                        (uint32_t)a->s6_addr[14] << 8 | a->s6_addr[15]);
    if ((a->s6_addr[0] & 0xfe) == 0xfc)
        return REACH_PRIVATE;
    if (IN6_IS_ADDR_LINKLOCAL(a) || IN6_IS_ADDR_SITELOCAL(a) || IN6_IS_ADDR_MULTICAST(a))
        return REACH_SPECIAL;
    return REACH_PUBLIC;
}

bool address_is_of(const struct sockaddr *addr, const char *url)
{
    char ip[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 20], there[300], here[300];
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)addr;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)addr;
    bool is_v4 = addr->sa_family == AF_INET;

    if (!url || origin_of(url, there, sizeof there) || (!is_v4 && addr->sa_family != AF_INET6))
        return false;
    inet_ntop(addr->sa_family, is_v4 ? (const void *)&v4->sin_addr : (const void *)&v6->sin6_addr,
              ip, sizeof ip);
    snprintf(text, sizeof text, is_v4 ? "%s://%s:%u" : "%s://[%s]:%u",
             strncmp(there, "https:", 6) ? "http" : "https", ip,
             ntohs(is_v4 ? v4->sin_port : v6->sin6_port));
    return !origin_of(text, here, sizeof here) && !strcmp(here, there);
}
