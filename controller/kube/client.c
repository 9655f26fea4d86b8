#include "kube/client.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/text.h"
#include "io/http.h"
#include "io/loop.h"
#include "kube/config.h"
#include "kube/creds.h"
#include "kube/status.h"

#define MAX_RUNNING 16
#define DEFAULT_MAX_BODY (4 * MIB)
#define DEFAULT_TIMEOUT_MS 30000

static struct metric requests = {
    .name = "shopflow_deployer_kube_requests_total",
    .help = "Requests to the API server by verb and HTTP status (or kind of failure).",
    .type = METRIC_COUNTER,
    .labels = { "verb", "code" },
};

/* One trust domain. After a change of the CA bundle the old one lives until its calls are over. */
struct channel {
    struct http *http;
    size_t calls;
    struct channel *next; /* of those retired */
};

struct kube_call {
    TAILQ_ENTRY(kube_call) link;
    struct kube_client *k;
    struct channel *channel;
    struct http_call *http; /* NULL = waits its turn */
    char *method, *path, *content_type, *accept, *body;
    char *as; /* the header; NULL = none */
    size_t max_body;
    int64_t timeout_ms, idle_ms, sent_ms;
    bool is_stream;
    bool wants_json; /* any other answer is an error */
    bool is_retry;   /* after a 401 */
    void (*on_done)(const struct cJSON *tree, const char *text, const struct err *err,
                    int64_t retry_after_ms, void *ctx);
    int (*on_data)(const char *bytes, size_t n, void *ctx);
    void (*on_end)(const struct err *err, int64_t retry_after_ms, void *ctx);
    void *ctx;
};

TAILQ_HEAD(call_list, kube_call);

struct kube_client {
    struct loop *loop;
    char *server, *cert_pem, *key_pem;
    struct kube_creds creds;
    struct channel *channel, *retired;
    struct call_list waiting, running;
    size_t n_running; /* streams aside */
    bool clock_known;
    int64_t clock_ahead_ms; /* the server's wall clock minus our monotonic one */
};

/* --- channels --- */

static struct channel *channel_new(struct kube_client *k, struct err *e)
{
    const struct http_opts opts = {
        .ca_pem = k->creds.ca_pem,
        .cert_pem = k->cert_pem,
        .key_pem = k->key_pem,
    };
    struct http *http = http_new(k->loop, &opts, e);
    struct channel *ch;

    if (!http)
        return NULL;
    ch = xcalloc(1, sizeof *ch);
    ch->http = http;
    return ch;
}

static void channel_free(struct channel *ch)
{
    if (!ch)
        return;
    http_free(ch->http);
    free(ch);
}

static void free_idle_channels(void *client)
{
    struct kube_client *k = client;

    for (struct channel **at = &k->retired; *at;) {
        struct channel *ch = *at;

        if (ch->calls) {
            at = &ch->next;
            continue;
        }
        *at = ch->next;
        channel_free(ch);
    }
}

static void leave_channel(struct kube_call *call)
{
    struct channel *ch = call->channel;

    if (!ch)
        return;
    call->channel = NULL;
    /* Later: curl is still inside the handle whose callback this may be. */
    if (--ch->calls == 0 && ch != call->k->channel)
        loop_defer(call->k->loop, free_idle_channels, call->k);
}

static void renew_channel(struct kube_client *k)
{
    struct err e = { 0 };
    struct channel *ch = channel_new(k, &e);

    if (!ch) {
        log_warn("the new CA bundle cannot be used, the old one stays", F("err", e.text));
        return;
    }
    k->channel->next = k->retired;
    k->retired = k->channel;
    k->channel = ch;
    loop_defer(k->loop, free_idle_channels, k);
}

/* --- the client --- */

static char *copy(const char *s)
{
    return s ? xstrdup(s) : NULL;
}

struct kube_client *kube_client_new(struct loop *l, const struct kube_config *c, struct err *e)
{
    struct kube_client *k;

    if (c->exec_command) {
        err_set(e, ERR_INVALID, 0,
                "the kubeconfig's user runs '%s' (exec plugin), which is not supported here: use a "
                "token or a client certificate",
                c->exec_command);
        return NULL;
    }
    metric_register(&requests);
    k = xcalloc(1, sizeof *k);
    k->loop = l;
    k->server = xstrdup(c->server);
    k->cert_pem = copy(c->cert_pem);
    k->key_pem = copy(c->key_pem);
    kube_creds_init(&k->creds, c, loop_now_ms(l));
    TAILQ_INIT(&k->waiting);
    TAILQ_INIT(&k->running);
    k->channel = channel_new(k, e);
    if (!k->channel) {
        err_ctx(e, "API server %s", c->server);
        kube_client_free(k);
        return NULL;
    }
    return k;
}

static void call_free(struct kube_call *call)
{
    free(call->method);
    free(call->path);
    free(call->content_type);
    free(call->accept);
    free(call->body);
    free(call->as);
    free(call);
}

void kube_client_free(struct kube_client *k)
{
    struct kube_call *call;

    if (!k)
        return;
    while ((call = TAILQ_FIRST(&k->waiting)) || (call = TAILQ_FIRST(&k->running))) {
        TAILQ_REMOVE(call->http ? &k->running : &k->waiting, call, link);
        http_cancel(call->http);
        leave_channel(call);
        call_free(call);
    }
    free_idle_channels(k);
    loop_defer_cancel(k->loop, k);
    channel_free(k->channel);
    kube_creds_release(&k->creds);
    free(k->server);
    free(k->cert_pem);
    secret_free(k->key_pem);
    free(k);
}

/* --- the server's clock --- */

int64_t kube_now_ms(const struct kube_client *k)
{
    return k->clock_known ? loop_now_ms(k->loop) + k->clock_ahead_ms : clock_wall_ms();
}

/* Date has whole seconds, so the true difference lies up to 1 s above what a quick answer shows:
 * the highest of the last ones comes closest. Far below it, a clock was set back. */
static void learn_clock(struct kube_client *k, const struct kube_call *call, int64_t date_ms)
{
    int64_t now_ms = loop_now_ms(k->loop);
    int64_t ahead_ms = date_ms - now_ms;

    if (!date_ms || call->is_stream || (k->clock_known && now_ms - call->sent_ms > SECOND_MS))
        return;
    if (k->clock_known && ahead_ms <= k->clock_ahead_ms &&
        ahead_ms >= k->clock_ahead_ms - 2 * SECOND_MS)
        return;
    k->clock_ahead_ms = ahead_ms;
    k->clock_known = true;
}

/* --- one call --- */

static void on_http_done(struct http_call *http, const struct http_response *resp,
                         const struct err *err, void *ctx);

static int on_http_data(const char *bytes, size_t n, void *ctx)
{
    struct kube_call *call = ctx;

    return call->on_data(bytes, n, call->ctx);
}

/* Hand it to the wire; it is in the list of running calls. */
static void transmit(struct kube_call *call)
{
    struct kube_client *k = call->k;
    const char *const headers[] = { call->accept, call->as, NULL };
    char *url = xasprintf("%s%s", k->server, call->path);
    struct http_request req = {
        .method = call->method,
        .url = url,
        .headers = headers,
        .content_type = call->content_type,
        .body = call->body,
        .body_len = call->body ? strlen(call->body) : 0,
        .max_body = call->max_body,
        .timeout_ms = call->timeout_ms,
        .idle_ms = call->idle_ms,
        .on_data = call->is_stream ? on_http_data : NULL,
        .on_done = on_http_done,
        .ctx = call,
    };

    if (kube_creds_check(&k->creds, loop_now_ms(k->loop)))
        renew_channel(k);
    req.bearer = k->creds.token;
    call->channel = k->channel;
    call->channel->calls++;
    call->sent_ms = loop_now_ms(k->loop);
    call->http = http_send(k->channel->http, &req);
    free(url);
}

static void start(struct kube_call *call)
{
    TAILQ_INSERT_TAIL(&call->k->running, call, link);
    if (!call->is_stream)
        call->k->n_running++;
    transmit(call);
}

static void start_waiting(struct kube_client *k)
{
    while (k->n_running < MAX_RUNNING && !TAILQ_EMPTY(&k->waiting)) {
        struct kube_call *call = TAILQ_FIRST(&k->waiting);

        TAILQ_REMOVE(&k->waiting, call, link);
        start(call);
    }
}

static void leave_running(struct kube_call *call)
{
    TAILQ_REMOVE(&call->k->running, call, link);
    if (!call->is_stream)
        call->k->n_running--;
    leave_channel(call);
}

static void count(const struct kube_call *call, int status, const struct err *err)
{
    char code[16];

    if (status || !err)
        snprintf(code, sizeof code, "%d", status);
    else
        snprintf(code, sizeof code, "%s", err_name(err->kind));
    metric_add(&requests, 1, call->is_stream ? "WATCH" : call->method, code);
}

/* Pod logs are text, which may well look like JSON: the header decides. */
static bool is_json(const struct http_call *http, const char *body)
{
    const char *type = http_header(http, "content-type");

    return type ? !strncmp(type, "application/json", 16) : body[strspn(body, " \r\n\t")] == '{';
}

/* The answer as an error, or 0 and (when it is JSON) its tree. */
static int judge(const struct kube_call *call, const struct http_call *http,
                 const struct http_response *resp, const struct err *err, cJSON **ret_tree,
                 struct err *e)
{
    if (err) {
        *e = *err;
        return -1;
    }
    if (resp->status < 200 || resp->status > 299)
        return kube_error_from_answer(resp->status, resp->body, resp->body_len, e);
    if (call->is_stream || (!call->wants_json && !is_json(http, resp->body)))
        return 0;
    if (!is_json(http, resp->body))
        return err_set(e, ERR_INVALID, resp->status, "the API server's answer is no JSON");
    *ret_tree = json_parse(resp->body, resp->body_len, e);
    if (*ret_tree)
        return 0;
    e->code = resp->status;
    return err_ctx(e, "the API server's answer");
}

static void on_http_done(struct http_call *http, const struct http_response *resp,
                         const struct err *err, void *ctx)
{
    struct kube_call *call = ctx;
    struct kube_client *k = call->k;
    AUTO(json) cJSON *tree = NULL;
    struct err e = { 0 };

    count(call, resp->status, err);
    if (!err)
        learn_clock(k, call, resp->date_ms);
    if (!err && resp->status == 401 && k->creds.token_file && !call->is_retry) {
        call->is_retry = true;
        kube_creds_reread_token(&k->creds);
        leave_channel(call);
        transmit(call);
        return;
    }
    leave_running(call);
    judge(call, http, resp, err, &tree, &e);
    if (call->is_stream)
        call->on_end(e.kind ? &e : NULL, resp->retry_after_ms, call->ctx);
    else
        call->on_done(tree, resp->body, e.kind ? &e : NULL, resp->retry_after_ms, call->ctx);
    call_free(call);
    start_waiting(k);
}

struct kube_call *kube_send(struct kube_client *k, const struct kube_request *req)
{
    struct kube_call *call = xcalloc(1, sizeof *call);

    call->k = k;
    call->method = xstrdup(req->method);
    call->path = xstrdup(req->path);
    call->content_type = req->body ? xstrdup(req->content_type ?: "application/json") : NULL;
    call->accept = xasprintf("Accept: %s", req->accept ?: "application/json");
    call->wants_json = !req->accept;
    call->body = copy(req->body);
    call->as = req->as ? xasprintf("Impersonate-User: %s", req->as) : NULL;
    call->max_body = req->max_body ?: DEFAULT_MAX_BODY;
    call->timeout_ms = req->timeout_ms ?: DEFAULT_TIMEOUT_MS;
    call->on_done = req->on_done;
    call->ctx = req->ctx;
    TAILQ_INSERT_TAIL(&k->waiting, call, link);
    start_waiting(k);
    return call;
}

struct kube_call *kube_stream_open(struct kube_client *k, const struct kube_stream *s)
{
    struct kube_call *call = xcalloc(1, sizeof *call);

    call->k = k;
    call->method = xstrdup("GET");
    call->path = xstrdup(s->path);
    call->accept = xstrdup("Accept: application/json");
    call->max_body = DEFAULT_MAX_BODY; /* of an answer other than 200 */
    call->idle_ms = s->idle_ms;
    call->is_stream = true;
    call->on_data = s->on_data;
    call->on_end = s->on_end;
    call->ctx = s->ctx;
    start(call);
    return call;
}

void kube_cancel(struct kube_call *call)
{
    struct kube_client *k;

    if (!call)
        return;
    k = call->k;
    if (call->http) {
        http_cancel(call->http);
        leave_running(call);
    } else {
        TAILQ_REMOVE(&k->waiting, call, link);
    }
    call_free(call);
    start_waiting(k);
}

/* --- paths --- */

/* DNS-1123 subdomain, as far as a URL is concerned: nothing that could end the segment, no "..". */
static bool is_name(const char *s)
{
    size_t n = strlen(s);

    return n && n <= 253 && n == strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-.") &&
           isalnum((unsigned char)s[0]) && isalnum((unsigned char)s[n - 1]) && !strstr(s, "..");
}

int kube_path(char *buf, size_t size, const struct kube_resource *r, const char *ns,
              const char *name, const char *sub, const char *query, struct err *e)
{
    int n;

    if (ns && !is_name(ns))
        return err_set(e, ERR_INVALID, 0, "namespace '%.64s' is no DNS-1123 name", ns);
    if (name && !is_name(name))
        return err_set(e, ERR_INVALID, 0, "name '%.64s' of %s is no DNS-1123 subdomain", name,
                       r->plural);
    n = snprintf(buf, size, "/%s%s%s/%s%s%s%s%s%s%s", r->group_version, ns ? "/namespaces/" : "",
                 ns ?: "", r->plural, name ? "/" : "", name ?: "", sub ? "/" : "", sub ?: "",
                 query ? "?" : "", query ?: "");
    if (n < 0 || (size_t)n >= size)
        return err_set(e, ERR_INVALID, 0, "the path of %s '%.64s' is too long", r->plural,
                       name ?: "");
    return 0;
}

/* --- users --- */

int kube_account_user(char *buf, size_t size, const char *ns, const char *account, struct err *e)
{
    int n;

    if (!is_name(ns) || !is_name(account))
        return err_set(e, ERR_INVALID, 0, "'%.64s/%.64s' is no ServiceAccount's name", ns, account);
    n = snprintf(buf, size, "system:serviceaccount:%s:%s", ns, account);
    if (n < 0 || (size_t)n >= size)
        return err_set(e, ERR_INVALID, 0, "the name of ServiceAccount '%.64s' is too long",
                       account);
    return 0;
}
