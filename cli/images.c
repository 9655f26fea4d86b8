#include "images.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "cli.h"
#include "images_job.h"

static const char *host_of(struct arena *a, const char *base, struct err *e)
{
    struct image_ref ref;

    if (image_ref_parse(arena_printf(a, "%s/app", base), &ref, e))
        return NULL;
    return arena_strdup(a, ref.host);
}

/* --- one registry --- */

static void host_free(struct host *h)
{
    registry_client_free(h->client);
    keyring_close(&h->keyring);
    free(h);
}

static int find_scheme(struct images *images, struct host *h, const char *ca_pem,
                       enum registry_scheme scheme, int64_t due_ms, struct err *e)
{
    int64_t left_ms = due_ms - loop_now_ms(images->c->loop);
    struct err why = { 0 };

    h->plain_http = scheme == SCHEME_HTTP;
    if (scheme != SCHEME_UNSAID || !hosts_may_be_plain(&images->hosts, h->name) ||
        !hosts_ask(images->c, h->name, ca_pem, left_ms > 0 ? left_ms : 1, &h->plain_http, &why))
        return 0;
    if (images->c->signo)
        return err_set(e, ERR_TIMEOUT, 0, "interrupted");
    return err_set(e, why.kind, 0,
                   "registry %s cannot be reached: is the address right, is it up? (%.120s)",
                   h->name, why.text);
}

static int open_host(struct images *images, struct host *h, enum registry_scheme scheme,
                     int64_t due_ms, struct err *e)
{
    struct cli *c = images->c;
    bool is_own = !strcmp(h->name, images->own_host);
    const char *ca_pem = hosts_ca(c, h->name);
    struct registry_host host = { .host = h->name, .ca_pem = ca_pem };
    struct registry_opts o = {
        .hosts = &host, .n_hosts = 1, .any_https_realm = true, .roots_pem = images->roots_pem
    };

    if (is_own)
        scheme = images->own.scheme;
    if (find_scheme(images, h, ca_pem ? ca_pem : images->roots_pem, scheme, due_ms, e) ||
        keyring_open(c, h->name, is_own ? &images->own : NULL, due_ms, &h->keyring, e))
        return -1;
    host.plain_http = h->plain_http;
    h->client = registry_client_new(c->loop, &o, e);
    return h->client ? 0 : -1;
}

struct host *images_host(struct images *images, const char *name, enum registry_scheme scheme,
                         int64_t due_ms, struct err *e)
{
    struct host *h = images->first;

    while (h && strcmp(h->name, name))
        h = h->next;
    if (!h) {
        h = xcalloc(1, sizeof *h);
        *h = (struct host){ .next = images->first, .name = arena_strdup(images->c->arena, name) };
        images->first = h;
        open_host(images, h, scheme, due_ms, &h->why);
    }
    if (h->why.kind == ERR_NONE)
        return h;
    *e = h->why;
    return NULL;
}

/* --- all of them --- */

struct images *images_open(struct cli *c, const struct registry_setting *r, struct err *e)
{
    AUTO(images) struct images *images = xcalloc(1, sizeof *images);
    const struct host *own;

    log_set_level("error"); /* what goes wrong is told by us */
    *images = (struct images){ .c = c, .own = *r, .bases = map_new() };
    images->own_host = host_of(c->arena, r->base, e);
    if (!images->own_host || hosts_roots(c, &images->roots_pem, e))
        return NULL;
    hosts_read(c, &images->hosts);
    own = images_host(images, images->own_host, r->scheme, loop_now_ms(c->loop) + BATCH_HOST_MS, e);
    if (!own)
        return NULL;
    if (own->plain_http && r->username && !hosts_is_this_machine(own->name))
        cli_say(c, "registry %s has no TLS: the password crosses the network as it is", own->name);
    return take(images);
}

void images_close(struct images *images)
{
    if (!images)
        return;
    while (images->first) {
        struct host *h = images->first;

        images->first = h->next;
        host_free(h);
    }
    map_free(images->bases, NULL);
    free(images);
}

bool images_are_plain_http(const struct images *images)
{
    const struct host *h = images->first;

    while (strcmp(h->name, images->own_host))
        h = h->next;
    return h->plain_http;
}
