/* Requests to the API server, and Events:
 *
 *     $ token-file abc                 the token is read from a file, which holds this from here on
 *     $ send PATCH /apis/… {"spec":{}} a request; $ small-send: its answer may have 1000 bytes
 *     $ as shop deployer               the next request impersonates this ServiceAccount
 *     = ok json {"kind":"Status"}      or: ok text …, or an error: conflict 409 HTTP 409 …
 *     $ cancel                         the last request
 *     $ stream /apis/…                 = bytes …, then = end or an error
 *     $ event Warning CrashLoop text   an Event about AppRelease shop/shopflow */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "kube/config.h"
#include "scene.h"

static void write_token(struct scene *s, const char *token)
{
    FILE *file;

    if (!s->token_file) {
        s->token_file = xstrdup("token.XXXXXX");
        close(mkstemp(s->token_file));
    }
    file = fopen(s->token_file, "w");
    if (!file || fprintf(file, "%s\n", token) < 0 || fclose(file))
        abort();
}

struct kube_client *scene_client(struct scene *s)
{
    char server[64];
    const struct kube_config c = { .server = server, .token_file = s->token_file };
    struct err e = { 0 };

    snprintf(server, sizeof server, "http://%s", fake_address(s->fake, 0));
    if (!s->kube)
        s->kube = kube_client_new(fake_loop(s->fake), &c, &e);
    return s->kube;
}

static void on_done(const struct cJSON *tree, const char *text, const struct err *err,
                    int64_t retry_after_ms, void *ctx)
{
    struct scene *s = ctx;

    if (err)
        scene_say_error(s, err, retry_after_ms);
    else
        fake_say(s->fake, "ok %s %s", tree ? "json" : "text", text);
}

static void send_request(struct scene *s, const char *words, size_t max_body, const char *accept)
{
    char *method = xstrdup(words), *path = method + strcspn(method, " "), *body;
    struct kube_request req = {
        .max_body = max_body, .on_done = on_done, .accept = accept, .ctx = s
    };

    *path++ = '\0';
    body = path + strcspn(path, " ");
    if (*body)
        *body++ = '\0';
    req.method = method;
    req.path = path;
    req.body = *body ? body : NULL;
    req.content_type = PATCH_MERGE;
    req.as = *s->as ? s->as : NULL;
    s->call = kube_send(scene_client(s), &req);
    free(method);
    *s->as = '\0';
}

static void impersonate(struct scene *s, const char *words)
{
    char ns[64] = "", account[64] = "";
    struct err e = { 0 };

    if (sscanf(words, "%63s %63s", ns, account) != 2 ||
        kube_account_user(s->as, sizeof s->as, ns, account, &e))
        abort();
}

static int on_data(const char *bytes, size_t n, void *ctx)
{
    const struct scene *s = ctx;

    fake_say(s->fake, "bytes %.*s", (int)n, bytes);
    return 0;
}

static void on_end(const struct err *err, int64_t retry_after_ms, void *ctx)
{
    struct scene *s = ctx;

    if (err)
        scene_say_error(s, err, retry_after_ms);
    else
        fake_say(s->fake, "end");
}

struct event_sink *scene_events(struct scene *s)
{
    if (!s->events)
        s->events = event_sink_new(fake_loop(s->fake), scene_client(s), "pod-1");
    return s->events;
}

static void send_event(struct scene *s, const char *words)
{
    char type[16] = "", reason[64] = "";
    int at = 0;
    struct event ev = { .ns = "shop",
                        .name = "shopflow",
                        .uid = "uid-shopflow",
                        .api_version = "deploy.btc-shopflow.io/v1alpha1",
                        .kind = "AppRelease",
                        .reason = reason,
                        .action = "Release" };

    if (sscanf(words, "%15s %63s %n", type, reason, &at) != 2)
        abort();
    ev.warning = !strcmp(type, "Warning");
    ev.note = words + at;
    event_send(scene_events(s), &ev);
}

int scene_kube(struct scene *s, const char *word, const char *rest)
{
    const struct kube_stream stream = {
        .path = rest, .idle_ms = 150000, .on_data = on_data, .on_end = on_end, .ctx = s
    };

    if (!strcmp(word, "token-file"))
        write_token(s, rest);
    else if (!strcmp(word, "send"))
        send_request(s, rest, 0, NULL);
    else if (!strcmp(word, "small-send"))
        send_request(s, rest, 1000, NULL);
    else if (!strcmp(word, "text-send"))
        send_request(s, rest, 0, "*/*");
    else if (!strcmp(word, "as"))
        impersonate(s, rest);
    else if (!strcmp(word, "stream"))
        s->call = kube_stream_open(scene_client(s), &stream);
    else if (!strcmp(word, "cancel"))
        kube_cancel(s->call);
    else if (!strcmp(word, "event"))
        send_event(s, rest);
    else
        return -1;
    return 0;
}
