#include "registry/cache.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "io/http.h"
#include "io/loop.h"
#include "registry/origin.h"

#define CONNECTIONS 4 /* to one host */
#define IDLE_MS 60000 /* a trust domain that nobody uses is dropped */

struct domain {
    struct cache *cache;
    struct http *http;
    int users;
    int64_t used_ms;
    unsigned allowed, seen; /* enum reach */
};

struct token {
    char *text;
    int64_t until_ms; /* monotonic */
};

struct cache {
    struct loop *loop;
    const char *apiserver_url;
    struct map *domains; /* "origin allowed identity" → struct domain */
    struct map *tokens;
    struct loop_timer sweep;
};

static void domain_free(void *value)
{
    struct domain *d = value;

    http_free(d->http);
    free(d);
}

static void token_free(void *value)
{
    struct token *t = value;

    if (t)
        secret_free(t->text);
    free(t);
}

static void on_sweep(void *ctx)
{
    struct cache *c = ctx;
    int64_t now_ms = loop_now_ms(c->loop);

    MAP_EACH(c->domains, it) {
        const struct domain *d = it.value;

        if (d->users == 0 && now_ms - d->used_ms >= IDLE_MS)
            domain_free(map_del(c->domains, it.key));
    }
    MAP_EACH(c->tokens, it) {
        const struct token *t = it.value;

        if (now_ms >= t->until_ms)
            token_free(map_del(c->tokens, it.key));
    }
    loop_timer_set(c->loop, &c->sweep, now_ms + IDLE_MS);
}

struct cache *cache_new(struct loop *l, const char *apiserver_url)
{
    struct cache *c = xcalloc(1, sizeof *c);

    c->loop = l;
    c->apiserver_url = apiserver_url;
    c->domains = map_new();
    c->tokens = map_new();
    c->sweep = (struct loop_timer){ .fn = on_sweep, .ctx = c };
    loop_timer_set(l, &c->sweep, loop_now_ms(l) + IDLE_MS);
    return c;
}

void cache_free(struct cache *c)
{
    if (!c)
        return;
    loop_timer_stop(c->loop, &c->sweep);
    map_free(c->domains, domain_free);
    map_free(c->tokens, token_free);
    free(c);
}

/* --- connections --- */

static bool allow_address(const struct sockaddr *addr, void *ctx)
{
    struct domain *d = ctx;
    enum reach reach = address_reach(addr);

    d->seen |= reach;
    if (!d->allowed)
        return true; /* the registry itself: the admin's word, or the network's */
    return d->allowed & reach && !address_is_of(addr, d->cache->apiserver_url);
}

struct domain *cache_domain(struct cache *c, const char *origin, const char *identity,
                            unsigned allowed, const char *ca_pem, struct err *e)
{
    char *key = xasprintf("%s %u %s", origin, allowed, identity);
    struct domain *d = map_get(c->domains, key);

    if (!d) {
        struct http_opts o = { .max_connections = CONNECTIONS,
                               .ca_pem = ca_pem,
                               .allow_address = allow_address };

        d = xcalloc(1, sizeof *d);
        *d = (struct domain){ .cache = c, .allowed = allowed };
        o.allow_ctx = d;
        d->http = http_new(c->loop, &o, e);
        if (!d->http) {
            free(d);
            free(key);
            return NULL;
        }
        map_put(c->domains, key, d);
    }
    free(key);
    d->users++;
    return d;
}

void domain_leave(struct domain *d)
{
    if (!d)
        return;
    d->users--;
    d->used_ms = loop_now_ms(d->cache->loop);
}

struct http *domain_http(const struct domain *d)
{
    return d->http;
}

unsigned domain_seen(const struct domain *d)
{
    return d->seen;
}

/* --- tokens --- */

const char *cache_token(const struct cache *c, const char *key)
{
    const struct token *t = map_get(c->tokens, key);

    return t && loop_now_ms(c->loop) < t->until_ms ? t->text : NULL;
}

void cache_keep_token(struct cache *c, const char *key, const char *token, int64_t life_s)
{
    struct token *t = xcalloc(1, sizeof *t);

    t->text = xstrdup(token);
    t->until_ms = loop_now_ms(c->loop) + life_s * 1000 * 4 / 5;
    token_free(map_put(c->tokens, key, t));
}

void cache_forget_token(struct cache *c, const char *key)
{
    token_free(map_del(c->tokens, key));
}
