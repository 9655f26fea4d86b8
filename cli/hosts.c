#include "hosts.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli.h"
#include "io/http.h"
#include "io/loop.h"
#include "registry/origin.h"

#define FILE_BYTES (1 * MIB)
#define ANSWER_BYTES (64 * KIB)

/* --- what docker was told --- */

static const char *const *with_list(struct arena *a, const char *const *old, const cJSON *more)
{
    size_t n = 0, m = (size_t)(cJSON_IsArray(more) ? cJSON_GetArraySize(more) : 0);
    const char **list;

    while (old && old[n])
        n++;
    list = arena_array(a, n + m + 1, sizeof *list);
    if (n)
        memcpy(list, old, n * sizeof *list);
    JSON_EACH(item, more)
        if (cJSON_IsString(item))
            list[n++] = arena_strdup(a, item->valuestring);
    return list;
}

void hosts_add(struct arena *a, const char *json, struct hosts *ret)
{
    struct err ignored;
    AUTO(json) cJSON *root = json_parse(json, strlen(json), &ignored);

    ret->mirrors = with_list(a, ret->mirrors, json_get(root, "registry-mirrors"));
    ret->insecure = with_list(a, ret->insecure, json_get(root, "insecure-registries"));
}

static const char *home_file(const struct cli *c, const char *name)
{
    const char *config = cli_env(c, "XDG_CONFIG_HOME"), *home = cli_env(c, "HOME");

    if (config)
        return arena_printf(c->arena, "%s/%s", config, name);
    return home ? arena_printf(c->arena, "%s/.config/%s", home, name) : NULL;
}

void hosts_read(struct cli *c, struct hosts *ret)
{
    const char *const files[] = { home_file(c, "docker/daemon.json"), "/etc/docker/daemon.json" };

    *ret = (struct hosts){ 0 };
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct err ignored;
        char *text = files[i] ? file_read(files[i], FILE_BYTES, &ignored) : NULL;

        hosts_add(c->arena, text ? text : "{}", ret);
        free(text);
    }
}

/* --- plain HTTP: may it be? --- */

/* The bytes of a host before ":port", and of an IPv6 address within its brackets. */
static void name_of(const char *host, char *ret, size_t size)
{
    bool is_v6 = *host == '[';
    size_t n = is_v6 ? strcspn(host + 1, "]") : strcspn(host, ":");

    if (n >= size)
        n = size - 1;
    memcpy(ret, host + is_v6, n);
    ret[n] = '\0';
}

/* What a host that is an address reaches; 0 = it is a name. */
static unsigned reach_of(const char *host)
{
    char name[256];
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

    name_of(host, name, sizeof name);
    if (inet_pton(AF_INET, name, &v4.sin_addr) == 1)
        return address_reach((const struct sockaddr *)&v4);
    if (inet_pton(AF_INET6, name, &v6.sin6_addr) == 1)
        return address_reach((const struct sockaddr *)&v6);
    return strcmp(name, "localhost") ? 0 : REACH_LOOPBACK;
}

bool hosts_is_this_machine(const char *host)
{
    return reach_of(host) == REACH_LOOPBACK;
}

bool hosts_may_be_plain(const struct hosts *h, const char *host)
{
    for (const char *const *at = h->insecure; at && *at; at++)
        if (!strcmp(*at, host))
            return true;
    return reach_of(host) & (REACH_LOOPBACK | REACH_PRIVATE);
}

/* --- plain HTTP: is it? --- */

struct answer {
    bool done;
    int status;
    struct err err;
};

static void on_answer(struct http_call *call, const struct http_response *resp,
                      const struct err *err, void *ctx)
{
    struct answer *r = ctx;

    (void)call;
    r->done = true;
    r->status = err ? 0 : resp->status;
    if (err)
        r->err = *err;
}

/* The status of GET /v2/; 0 when none came, and *e says why. */
static int get(struct cli *c, const char *url, const char *ca_pem, int64_t timeout_ms,
               struct err *e)
{
    struct http_opts o = { .ca_pem = ca_pem };
    struct answer r = { 0 };
    struct http_request req = { .method = "GET",
                                .url = url,
                                .timeout_ms = timeout_ms,
                                .max_body = ANSWER_BYTES,
                                .on_done = on_answer,
                                .ctx = &r };
    struct http *h = http_new(c->loop, &o, e);
    struct http_call *call;

    if (!h)
        return 0;
    call = http_send(h, &req);
    while (!r.done && !c->signo)
        loop_turn(c->loop, -1);
    if (!r.done) {
        http_cancel(call);
        err_set(&r.err, ERR_TIMEOUT, 0, "interrupted");
    }
    http_free(h);
    if (!r.status)
        *e = r.err;
    return r.status;
}

int hosts_ask(struct cli *c, const char *host, const char *ca_pem, int64_t timeout_ms,
              bool *ret_plain, struct err *e)
{
    struct err why = { 0 };
    int status = get(c, arena_printf(c->arena, "https://%s/v2/", host), ca_pem, timeout_ms, e);

    if (!status && (c->signo || e->kind != ERR_NET))
        return -1;
    *ret_plain = !status;
    if (status)
        return 0;
    /* A TLS server says 400 here, and a redirect leads to one: neither is a registry. */
    status = get(c, arena_printf(c->arena, "http://%s/v2/", host), NULL, timeout_ms, &why);
    if (status == 200 || status == 401)
        return 0;
    if (why.kind == ERR_TIMEOUT)
        *e = why;
    return -1;
}

/* --- certificates --- */

const char *hosts_ca(struct cli *c, const char *host)
{
    const char *const folders[] = { home_file(c, "docker/certs.d"),
                                    home_file(c, "containers/certs.d"), "/etc/docker/certs.d",
                                    "/etc/containers/certs.d" };

    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        const char *path =
            folders[i] ? arena_printf(c->arena, "%s/%s/ca.crt", folders[i], host) : NULL;
        struct err ignored;
        char *pem = path ? file_read(path, FILE_BYTES, &ignored) : NULL;
        const char *kept = pem ? arena_strdup(c->arena, pem) : NULL;

        free(pem);
        if (kept)
            return kept;
    }
    return NULL;
}

int hosts_roots(struct cli *c, const char **ret, struct err *e)
{
    const char *path = cli_env(c, "SSL_CERT_FILE");
    char *pem = path ? file_read(path, 4 * FILE_BYTES, e) : NULL;

    if (path && !pem)
        return err_ctx(e, "SSL_CERT_FILE");
    *ret = pem ? arena_strdup(c->arena, pem) : NULL;
    free(pem);
    return 0;
}
