/* Challenges answered: credentials in their order, tokens. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/http.h"
#include "registry/auth.h"
#include "registry/cache.h"
#include "registry/call.h"
#include "registry/client.h"
#include "registry/origin.h"
#include "registry/transfer.h"

#define TOKEN_BYTES (64 * KIB)

/* Take the credential at this place (n_credentials: none). */
static void use_credential(struct registry_call *call, size_t at)
{
    call->at = at;
    if (at < call->n_credentials)
        credential_identify(&call->credentials[at], call->identity);
    else
        snprintf(call->identity, sizeof call->identity, "anonymous");
}

/* --- tokens --- */

static char *token_key(const struct registry_call *call)
{
    return xasprintf("%s %s %s%s", call->origin, call->ref.repository, call->identity,
                     call->kind == TRANSFER_PUT ? " push" : "");
}

void call_use_cached_token(struct registry_call *call)
{
    for (size_t at = 0; at == 0 || at < call->n_credentials; at++) {
        const char *token;
        char *key;

        use_credential(call, at);
        key = token_key(call);
        token = cache_token(call->cache, key);
        free(key);
        if (!token)
            continue;
        secret_free(call->bearer);
        call->bearer = xstrdup(token);
        call->token_was_cached = true;
        call->auth = AUTH_BEARER;
        return;
    }
    use_credential(call, 0);
}

static void forget_token(struct registry_call *call)
{
    char *key = token_key(call);

    cache_forget_token(call->cache, key);
    free(key);
    call->token_was_cached = false;
}

static void keep_token(struct registry_call *call, const char *text, int64_t life_s)
{
    char *key = token_key(call);

    cache_keep_token(call->cache, key, text, life_s);
    free(key);
}

/* This one was refused: the next credential, from the challenge on. */
static void try_next_credential(struct registry_call *call, int status)
{
    if (call->at + 1 >= call->n_credentials) {
        call_end_denied(call, status);
        return;
    }
    use_credential(call, call->at + 1);
    call->auth = AUTH_NONE;
    call_begin(call);
}

static void on_token(struct http_call *http, const struct http_response *resp,
                     const struct err *err, void *ctx)
{
    struct registry_call *call = ctx;
    int64_t life_s;
    char *text;

    (void)http;
    call->http = NULL;
    call_count(call, resp);
    if (err) {
        call->err = *err;
        err_ctx(&call->err, "token service of registry %s", call->host);
        call_end(call);
        return;
    }
    text = resp->status == 200 ? token_parse(resp->body, resp->body_len, &life_s) : NULL;
    if (text) {
        keep_token(call, text, life_s);
        secret_free(call->bearer);
        call->bearer = text;
        call->auth = AUTH_BEARER;
        call_begin(call);
    } else if (resp->status == 429 || resp->status >= 500) {
        call->answer.retry_after_ms = resp->retry_after_ms;
        call_end_error(call, resp->status == 429 ? ERR_THROTTLED : ERR_SERVER, resp->status,
                       "gives no token now: its token service is overloaded or down");
    } else if (resp->status == 200) {
        call_end_error(call, ERR_INVALID, 200,
                       "gives no token: its token service answers with none");
    } else {
        try_next_credential(call, resp->status);
    }
}

/* GET realm?service=…&scope=repository:<name>:pull[,push] with Basic; with an identity token POST.
 */
static void ask_token(struct registry_call *call, const struct challenge *ch)
{
    const struct credential *cr =
        call->at < call->n_credentials ? &call->credentials[call->at] : NULL;
    struct text query = TEXT_INIT(16 * KIB), url = TEXT_INIT(32 * KIB);
    struct http_request req = {
        .timeout_ms = REGISTRY_TIMEOUT_MS, .max_body = TOKEN_BYTES, .on_done = on_token, .ctx = call
    };
    char origin[300];
    struct err ignored = { 0 };
    unsigned allowed = 0;
    struct http *http;
    bool is_foreign;

    if (!realm_is_trusted(ch->realm, call->origin, call->o, &is_foreign)) {
        call_end_error(call, ERR_DENIED, 0,
                       "sends us to another host for its token: an admin may list "
                       "it in trustedRealms");
        return;
    }
    origin_of(ch->realm, origin, sizeof origin);
    text_puts(&query, "service=", &ignored);
    text_add_escaped(&query, ch->service, &ignored);
    text_puts(&query, "&scope=repository%3A", &ignored);
    text_add_escaped(&query, call->ref.repository, &ignored);
    text_puts(&query, call->kind == TRANSFER_PUT ? "%3Apull%2Cpush" : "%3Apull", &ignored);
    if (cr && cr->identity_token) {
        text_puts(&query,
                  "&grant_type=refresh_token&client_id=btc-shopflow-deployer"
                  "&refresh_token=",
                  &ignored);
        text_add_escaped(&query, cr->identity_token, &ignored);
        req.method = "POST";
        req.url = ch->realm;
        req.content_type = "application/x-www-form-urlencoded";
        req.body = text_str(&query);
    } else {
        text_addf(&url, &ignored, "%s%c%s", ch->realm, strchr(ch->realm, '?') ? '&' : '?',
                  text_str(&query));
        req.method = "GET";
        req.url = text_str(&url);
        req.basic_user = cr ? cr->user : NULL;
        req.basic_password = cr ? cr->password : NULL;
    }
    call->answer.used_credentials = cr != NULL;
    if (strcmp(origin, call->origin) != 0) /* listed by the admin, it may be a private address */
        allowed = REACH_PUBLIC | (is_foreign ? 0 : REACH_PRIVATE);
    if ((http = call_use_domain(call, origin, call->identity, allowed)))
        call->http = http_send(http, &req);
    else
        call_end_later(call);
    secret_free(query.bytes); /* an identity token, perhaps */
    text_release(&url);
}

/* 401: answer the challenge with the credential in use; each is tried once. */
static void answer_challenge(struct registry_call *call, struct http_call *http)
{
    struct challenge ch = { 0 };
    bool has_credential = call->at < call->n_credentials;
    const char *value;

    for (size_t i = 0; (value = http_header_nth(http, "WWW-Authenticate", i)); i++)
        challenge_parse(value, &ch);
    if (has_credential && call->credentials[call->at].registry_token && ch.bearer) {
        secret_free(call->bearer);
        call->bearer = xstrdup(call->credentials[call->at].registry_token);
        call->auth = AUTH_BEARER;
        call_begin(call);
    } else if (ch.bearer) {
        ask_token(call, &ch);
    } else if (ch.basic && has_credential && call->credentials[call->at].user) {
        call->auth = AUTH_BASIC;
        call_begin(call);
    } else {
        try_next_credential(call, 401);
    }
}

void call_on_refusal(struct registry_call *call, struct http_call *http, int status)
{
    bool is_stale = status == 401 && call->token_was_cached;

    if (call->auth == AUTH_BEARER)
        forget_token(call);
    if (is_stale) { /* it was taken back: begin anew */
        use_credential(call, 0);
        answer_challenge(call, http);
    } else if (call->auth == AUTH_NONE && status == 401) {
        answer_challenge(call, http);
    } else if (call->auth == AUTH_NONE) {
        call_end_denied(call, status);
    } else {
        try_next_credential(call, status);
    }
}
