/* A registry client for which the scripted hosts are plain http:
 *
 *     $ tls                            $server is no plain host
 *     $ apiserver http://$other        where the API server is
 *     $ trust http://$auth             a trusted realm
 *     $ allow $server/acme             an allowed registry
 *     $ secret {"auths":{…}}           one more pull secret; $ legacy {…}: a .dockercfg
 *     $ no-secrets                     forget them
 *     $ resolve $server/acme/api:v1    = digest sha256:… (with credentials: "… authenticated"),
 *                                      = missing, or an error: denied 401 registry …
 *     $ cancel-resolve                 the last one
 *     $ manifest $server/acme/api:v1   GET: as resolve, and "… TYPE N bytes"; $ blob …@sha256:…
 *     $ put $server/acme/api:v2 {…}    write these bytes as an OCI manifest by that tag */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "fake/wire.h"
#include "registry/transfer.h"
#include "scene.h"

struct registry_client *scene_registries(struct scene *s)
{
    struct registry_host hosts[WIRE_HOSTS];
    const char *realms[] = { s->realm }, *allowed[] = { s->allowed };
    const struct registry_opts o = { .hosts = hosts,
                                     .n_hosts = WIRE_HOSTS,
                                     .allowed = allowed,
                                     .n_allowed = s->allowed != NULL,
                                     .trusted_realms = realms,
                                     .n_trusted_realms = s->realm != NULL,
                                     .apiserver_url = s->apiserver };
    struct err e = { 0 };

    for (size_t i = 0; i < WIRE_HOSTS; i++)
        hosts[i] = (struct registry_host){ .host = fake_address(s->fake, i),
                                           .plain_http = i > 0 || !s->is_tls };
    if (!s->registry)
        s->registry = registry_client_new(fake_loop(s->fake), &o, &e);
    return s->registry;
}

static void on_answer(const struct registry_answer *answer, const struct err *err, void *ctx)
{
    struct scene *s = ctx;

    s->resolving = NULL;
    if (err)
        scene_say_error(s, err, answer->retry_after_ms);
    else
        fake_say(s->fake, "%s%s%s", answer->missing ? "missing" : "digest ", answer->digest,
                 answer->used_credentials ? " authenticated" : "");
}

static void on_transfer(const struct registry_answer *answer, const struct err *err, void *ctx)
{
    struct scene *s = ctx;

    if (err || answer->missing)
        on_answer(answer, err, ctx);
    else
        fake_say(s->fake, "digest %s%s %s %zu bytes", answer->digest,
                 answer->used_credentials ? " authenticated" : "",
                 answer->type ? answer->type : "-", answer->body_len);
}

/* rest: "image", or for a write "image body". */
static void transfer(struct scene *s, enum transfer_kind kind, const char *rest)
{
    size_t n = strcspn(rest, " ");
    char *image = xstrndup(rest, n);
    const char *body = rest + n + (rest[n] == ' ');
    struct registry_transfer t = { .kind = kind,
                                   .image = image,
                                   .secrets = s->secrets,
                                   .n_secrets = s->n_secrets,
                                   .type = "application/vnd.oci.image.manifest.v1+json",
                                   .body = body,
                                   .len = strlen(body),
                                   .on_done = on_transfer,
                                   .ctx = s };

    registry_send(scene_registries(s), &t);
    free(image);
}

static void add_secret(struct scene *s, const char *json, bool legacy)
{
    if (s->n_secrets == SCENE_SECRETS)
        abort();
    s->secrets[s->n_secrets++] = (struct registry_secret){
        .name = "pull", .legacy = legacy, .json = xstrdup(json), .len = strlen(json)
    };
}

static void forget_secrets(struct scene *s)
{
    while (s->n_secrets)
        free((char *)s->secrets[--s->n_secrets].json);
}

int scene_registry(struct scene *s, const char *word, const char *rest)
{
    if (!strcmp(word, "tls"))
        s->is_tls = true;
    else if (!strcmp(word, "apiserver"))
        s->apiserver = xstrdup(rest);
    else if (!strcmp(word, "trust"))
        s->realm = xstrdup(rest);
    else if (!strcmp(word, "allow"))
        s->allowed = xstrdup(rest);
    else if (!strcmp(word, "secret"))
        add_secret(s, rest, false);
    else if (!strcmp(word, "legacy"))
        add_secret(s, rest, true);
    else if (!strcmp(word, "no-secrets"))
        forget_secrets(s);
    else if (!strcmp(word, "resolve"))
        s->resolving =
            registry_resolve(scene_registries(s), rest, s->secrets, s->n_secrets, on_answer, s);
    else if (!strcmp(word, "manifest"))
        transfer(s, TRANSFER_MANIFEST, rest);
    else if (!strcmp(word, "blob"))
        transfer(s, TRANSFER_BLOB, rest);
    else if (!strcmp(word, "put"))
        transfer(s, TRANSFER_PUT, rest);
    else if (!strcmp(word, "cancel-resolve"))
        registry_cancel(s->resolving);
    else
        return -1;
    return 0;
}
