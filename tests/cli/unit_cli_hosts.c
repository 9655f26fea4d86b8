/* Which registries may be spoken to in plain HTTP, what daemon.json says, which helper is asked. */
#include "hosts.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "keyring.h"
#include "unit.h"

static void near_addresses_may_be_plain(void)
{
    static const struct {
        const char *host;
        bool may_be, is_this;
    } rows[] = {
        { "127.0.0.1:5000", true, true },
        { "127.9.9.9", true, true },
        { "localhost", true, true },
        { "localhost:5000", true, true },
        { "[::1]:5000", true, true },
        { "10.0.0.1:5000", true, false },
        { "192.168.1.100:5000", true, false },
        { "172.16.0.1", true, false },
        { "100.64.0.1:5000", true, false },
        { "[fd00::1]:5000", true, false },
        { "8.8.8.8:5000", false, false },
        { "172.32.0.1", false, false },
        { "169.254.169.254", false, false },
        { "0.0.0.0:5000", false, false },
        { "[2606:4700::1]:5000", false, false },
        { "ghcr.io", false, false },
        { "registry:5000", false, false },
        { "registry.example.com:5000", false, false },
        { "localhost.example.com", false, false },
        { "127.0.0.1.example.com", false, false },
        { "10.0.0.1.nip.io:5000", false, false },
        { "listed.example.com:5000", true, false },
        { "listed.example.com", false, false },
        { "listed.example.com:50000", false, false },
    };
    const struct hosts h = { .insecure = (const char *const[]){ "listed.example.com:5000", NULL } };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CASE(rows[i].host, hosts_may_be_plain(&h, rows[i].host) == rows[i].may_be);
        CASE(rows[i].host, hosts_is_this_machine(rows[i].host) == rows[i].is_this);
    }
    CASE("nothing is listed", !hosts_may_be_plain(&(struct hosts){ 0 }, "listed.example.com:5000"));
}

static void daemon_json_is_read(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    struct hosts h = { 0 };

    hosts_add(a, "{\"registry-mirrors\": [\"https://a.test\", 1, \"https://b.test\"]}", &h);
    CASE("mirrors", !strcmp(h.mirrors[0], "https://a.test") &&
                        !strcmp(h.mirrors[1], "https://b.test") && !h.mirrors[2]);
    CASE("the other list is empty", h.insecure && !h.insecure[0]);
    hosts_add(a, "{\"registry-mirrors\": [\"https://c.test\"], \"insecure-registries\": [\"x:1\"]}",
              &h);
    CASE("a second file adds", !strcmp(h.mirrors[2], "https://c.test") && !h.mirrors[3] &&
                                   !strcmp(h.insecure[0], "x:1") && !h.insecure[1]);
    hosts_add(a, "{\"registry-mirrors\": \"https://d.test\", \"insecure-registries\": {}}", &h);
    hosts_add(a, "[", &h);
    CASE("what makes no sense adds nothing", !h.mirrors[3] && !h.insecure[1]);
}

static void the_helper_is_found(void)
{
    static const struct {
        const char *name, *config, *host, *want;
    } rows[] = {
        { "none", "{}", "r.test", "" },
        { "the store", "{\"credsStore\":\"desktop.exe\"}", "r.test", "desktop.exe" },
        { "of this host", "{\"credsStore\":\"a\",\"credHelpers\":{\"r.test\":\"b\",\"x\":\"c\"}}",
          "r.test", "b" },
        { "of another", "{\"credsStore\":\"a\",\"credHelpers\":{\"x.test\":\"b\"}}", "r.test",
          "a" },
        { "with its port", "{\"credHelpers\":{\"r.test:5000\":\"b\"}}", "r.test:5000", "b" },
        { "another port", "{\"credHelpers\":{\"r.test:5000\":\"b\"}}", "r.test", "" },
        { "Docker Hub's name", "{\"credHelpers\":{\"https://index.docker.io/v1/\":\"b\"}}",
          "docker.io", "b" },
        { "the file again", "{\"credsStore\":\"a\",\"credHelpers\":{\"r.test\":\"\"}}", "r.test",
          "" },
        { "a path", "{\"credsStore\":\"../../x\"}", "r.test", NULL },
        { "a space", "{\"credsStore\":\"x y\"}", "r.test", NULL },
        { "no text", "{\"credsStore\":1,\"credHelpers\":{\"r.test\":2}}", "r.test", "" },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cJSON *config = cJSON_Parse(rows[i].config);
        const char *got = keyring_helper(config, rows[i].host);

        CASE(rows[i].name, !got == !rows[i].want && (!got || !strcmp(got, rows[i].want)));
        cJSON_Delete(config);
    }
}

UNIT_MAIN(UNIT_TEST(near_addresses_may_be_plain), UNIT_TEST(daemon_json_is_read),
          UNIT_TEST(the_helper_is_found))
