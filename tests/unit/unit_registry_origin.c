/* Origins, realms that may be asked for a token, and addresses that may be connected to. */
#include "registry/origin.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/auto.h"
#include "registry/client.h"
#include "unit.h"

static const struct {
    const char *name, *url;
    const char *want; /* NULL = none */
} ORIGINS[] = {
    { "https", "https://r.test/v2/", "https://r.test" },
    { "http and a port", "http://r.test:5000/v2/?x=1", "http://r.test:5000" },
    { "no path", "https://r.test", "https://r.test" },
    { "a query right behind", "https://r.test?x", "https://r.test" },
    { "a fragment right behind", "https://r.test#x", "https://r.test" },
    { "upper case", "HTTPS://R.Test/V2/", "https://r.test" },
    { "the default port", "https://r.test:443/", "https://r.test" },
    { "the other default port", "http://r.test:80/", "http://r.test" },
    { "default for the other one", "https://r.test:80/", "https://r.test:80" },
    { "a port that ends like it", "https://r.test:1443/", "https://r.test:1443" },
    { "IPv6", "https://[2001:DB8::1]:443/", "https://[2001:db8::1]" },
    { "userinfo", "https://r.test@evil.test/", NULL },
    { "a password", "https://a:b@r.test/", NULL },
    { "a backslash", "https://evil.test\\@r.test/", NULL },
    { "an @ behind the path is none", "https://r.test/a@b", "https://r.test" },
    { "another scheme", "ftp://r.test/", NULL },
    { "no scheme", "r.test/v2/", NULL },
    { "a relative one", "/v2/", NULL },
    { "no host", "https:///v2/", NULL },
    { "nothing", "", NULL },
    { "a scheme that is cut", "https:/", NULL },
};

static void knows_origins(void)
{
    for (size_t i = 0; i < ARRAY_LEN(ORIGINS); i++) {
        char origin[64] = "untouched";
        int r = origin_of(ORIGINS[i].url, origin, sizeof origin);

        CASE(ORIGINS[i].name, (r == 0) == (ORIGINS[i].want != NULL));
        if (ORIGINS[i].want)
            CASE(ORIGINS[i].name, !strcmp(origin, ORIGINS[i].want));
    }
}

static void an_origin_must_fit(void)
{
    char origin[15];

    CASE("just", !origin_of("https://r.test/x", origin, 15) && !strcmp(origin, "https://r.test"));
    CASE("not", origin_of("https://r.test/x", origin, 14) == -1);
}

#define HUB "https://registry-1.docker.io"

static const struct {
    const char *name, *realm, *registry;
    bool trusted, foreign;
} REALMS[] = {
    { "its own host", "https://r.test/token", "https://r.test", true, false },
    { "its own host and port", "http://r.test:5000/t", "http://r.test:5000", true, false },
    { "another port", "https://r.test:8443/t", "https://r.test", false, true },
    { "http where the registry is https", "http://r.test/t", "https://r.test", false, true },
    { "a host under it", "https://auth.r.test/t", "https://r.test", false, true },
    { "Docker Hub's", "https://auth.docker.io/token", HUB, true, true },
    { "Docker Hub's by http", "http://auth.docker.io/token", HUB, false, true },
    { "Docker Hub's for another registry", "https://auth.docker.io/token", "https://r.test", false,
      true },
    { "listed", "https://auth.test/token", "https://r.test", true, false },
    { "listed, another path", "https://AUTH.test:443/x", "https://r.test", true, false },
    { "listed with a port", "https://auth2.test:8443/x", "https://r.test", true, false },
    { "not with another", "https://auth2.test/x", "https://r.test", false, true },
    { "listed as http, and the registry is http", "http://plain.test/x", "http://r.test", true,
      false },
    { "listed as http, and the registry is https", "http://plain.test/x", "https://r.test", false,
      true },
    { "userinfo", "https://r.test@evil.test/", "https://r.test", false, false },
    { "no URL", "token", "https://r.test", false, false },
    { "a file", "file:///etc/passwd", "https://r.test", false, false },
};

static void trusts_few_realms(void)
{
    static const char *const LISTED[] = { "nonsense", "https://auth.test/token",
                                          "https://auth2.test:8443", "http://plain.test" };
    const struct registry_opts o = { .trusted_realms = LISTED,
                                     .n_trusted_realms = ARRAY_LEN(LISTED) };

    for (size_t i = 0; i < ARRAY_LEN(REALMS); i++) {
        bool foreign = !REALMS[i].foreign;

        CASE(REALMS[i].name, realm_is_trusted(REALMS[i].realm, REALMS[i].registry, &o, &foreign) ==
                                 REALMS[i].trusted);
        CASE(REALMS[i].name, foreign == REALMS[i].foreign);
    }
}

/* What the command-line tool adds: any token service, but by https. */
static void a_person_trusts_more(void)
{
    const struct registry_opts o = { .any_https_realm = true };
    bool foreign = false;

    CASE("another host",
         realm_is_trusted("https://gitlab.test/jwt/auth", "https://r.test", &o, &foreign));
    CASE("it is foreign: few addresses will do", foreign);
    CASE("its own", realm_is_trusted("https://r.test/t", "https://r.test", &o, &foreign));
    CASE("its own is not", !foreign);
    CASE("plain HTTP", !realm_is_trusted("http://gitlab.test/t", "https://r.test", &o, &foreign));
    CASE("plain HTTP, and the registry's too",
         !realm_is_trusted("http://gitlab.test/t", "http://r.test", &o, &foreign));
    CASE("a secure one for a plain registry",
         realm_is_trusted("https://gitlab.test/t", "http://r.test", &o, &foreign));
    CASE("userinfo", !realm_is_trusted("https://a@b.test/t", "https://r.test", &o, &foreign));
}

static const struct {
    const char *address;
    bool is_public;
} ADDRESSES[] = {
    { "8.8.8.8", true },
    { "9.255.255.255", true },
    { "10.0.0.1", false },
    { "11.0.0.1", true },
    { "0.0.0.0", false },
    { "0.1.2.3", false },
    { "127.0.0.1", false },
    { "127.255.255.254", false },
    { "169.254.169.254", false }, /* cloud metadata */
    { "169.253.0.1", true },
    { "172.15.0.1", true },
    { "172.16.0.1", false },
    { "172.31.255.255", false },
    { "172.32.0.1", true },
    { "192.168.1.1", false },
    { "192.169.0.1", true },
    { "100.63.255.255", true },
    { "100.64.0.1", false }, /* carrier-grade NAT, and pods of some clouds */
    { "100.127.255.255", false },
    { "100.128.0.1", true },
    { "224.0.0.1", false },
    { "240.0.0.1", false },
    { "255.255.255.255", false },
    { "2606:4700::1", true },
    { "::", false },
    { "::1", false },
    { "fe80::1", false },
    { "febf::1", false },
    { "fec0::1", false },
    { "fc00::1", false },
    { "fd00:ec2::254", false }, /* cloud metadata */
    { "ff02::1", false },
    { "::ffff:127.0.0.1", false },
    { "::ffff:169.254.169.254", false },
    { "::ffff:8.8.8.8", true },
    { "::127.0.0.1", false },
    { "64:ff9b::7f00:1", false }, /* NAT64 */
    { "64:ff9b::a9fe:a9fe", false },
    { "64:ff9b::808:808", true },
};

static void knows_public_addresses(void)
{
    const struct sockaddr_un local = { .sun_family = AF_UNIX };

    for (size_t i = 0; i < ARRAY_LEN(ADDRESSES); i++) {
        struct sockaddr_in v4 = { .sin_family = AF_INET };
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
        bool is_v6 = strchr(ADDRESSES[i].address, ':');

        CASE(ADDRESSES[i].address,
             inet_pton(is_v6 ? AF_INET6 : AF_INET, ADDRESSES[i].address,
                       is_v6 ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr) == 1);
        CASE(ADDRESSES[i].address,
             (address_reach(is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4) ==
              REACH_PUBLIC) == ADDRESSES[i].is_public);
    }
    CASE("no internet address", address_reach((const struct sockaddr *)&local) == REACH_SPECIAL);
}

static const struct {
    const char *from, *location, *want; /* NULL = not followed */
} REDIRECTS[] = {
    { "https://a/v2/x", "https://b/y", "https://b/y" },
    { "https://a/v2/x", "/y?z", "https://a/y?z" },
    { "http://a:5000/v2/x", "/y", "http://a:5000/y" },
    { "http://a/x", "https://a/x", "https://a/x" },
    { "https://a/x", "http://a/x", NULL },
    { "https://a/x", "HTTP://b/x", NULL },
    { "https://a/x", "//b/x", NULL },
    { "https://a/x", "y", NULL },
    { "https://a/x", "", NULL },
    { "https://a/x", NULL, NULL },
    { "https://a/x", "https://u:p@b/", NULL },
    { "https://a/x", "ftp://b/", NULL },
    { "https://a/x", "https://b/0123456789012345678901234567890123456789", NULL },
};

static void follows_few_redirects(void)
{
    for (size_t i = 0; i < ARRAY_LEN(REDIRECTS); i++) {
        const char *name = REDIRECTS[i].location ? REDIRECTS[i].location : "no Location";
        char url[40] = "";
        int r = redirect_target(REDIRECTS[i].from, REDIRECTS[i].location, url, sizeof url);

        CASE(name, (r == 0) == (REDIRECTS[i].want != NULL));
        CASE(name, r || !strcmp(url, REDIRECTS[i].want));
    }
}

static const struct {
    const char *address;
    enum reach want;
} REACHES[] = {
    { "8.8.8.8", REACH_PUBLIC },
    { "127.0.0.53", REACH_LOOPBACK },
    { "::1", REACH_LOOPBACK },
    { "::ffff:127.0.0.1", REACH_LOOPBACK },
    { "10.1.2.3", REACH_PRIVATE },
    { "172.16.0.1", REACH_PRIVATE },
    { "192.168.1.1", REACH_PRIVATE },
    { "100.64.0.1", REACH_PRIVATE },
    { "fd00::1", REACH_PRIVATE },
    { "::ffff:10.0.0.1", REACH_PRIVATE },
    { "169.254.169.254", REACH_SPECIAL },
    { "fe80::1", REACH_SPECIAL },
    { "0.0.0.0", REACH_SPECIAL },
    { "::", REACH_SPECIAL },
    { "224.0.0.1", REACH_SPECIAL },
    { "ff02::1", REACH_SPECIAL },
};

static void knows_what_an_address_reaches(void)
{
    for (size_t i = 0; i < ARRAY_LEN(REACHES); i++) {
        struct sockaddr_in v4 = { .sin_family = AF_INET };
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
        bool is_v6 = inet_pton(AF_INET6, REACHES[i].address, &v6.sin6_addr) == 1;

        CASE(REACHES[i].address,
             is_v6 || inet_pton(AF_INET, REACHES[i].address, &v4.sin_addr) == 1);
        CASE(REACHES[i].address, address_reach(is_v6 ? (struct sockaddr *)&v6 :
                                                       (struct sockaddr *)&v4) == REACHES[i].want);
    }
}

static void knows_the_api_servers_address(void)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(443) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(6443) };
    const struct sockaddr *a = (const struct sockaddr *)&v4, *b = (const struct sockaddr *)&v6;

    inet_pton(AF_INET, "10.96.0.1", &v4.sin_addr);
    inet_pton(AF_INET6, "fd00::1", &v6.sin6_addr);
    CASE("the default port", address_is_of(a, "https://10.96.0.1"));
    CASE("the port in full", address_is_of(a, "https://10.96.0.1:443/"));
    CASE("another port", !address_is_of(a, "https://10.96.0.1:6443"));
    CASE("another address", !address_is_of(a, "https://10.96.0.10"));
    CASE("IPv6", address_is_of(b, "https://[fd00::1]:6443"));
    CASE("another IPv6", !address_is_of(b, "https://[fd00::2]:6443"));
    CASE("a name says nothing", !address_is_of(a, "https://kubernetes.default.svc"));
    CASE("no API server", !address_is_of(a, NULL));
}

UNIT_MAIN(UNIT_TEST(knows_the_api_servers_address), UNIT_TEST(follows_few_redirects),
          UNIT_TEST(knows_what_an_address_reaches), UNIT_TEST(knows_origins),
          UNIT_TEST(an_origin_must_fit), UNIT_TEST(trusts_few_realms),
          UNIT_TEST(a_person_trusts_more), UNIT_TEST(knows_public_addresses))
