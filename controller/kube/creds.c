#include "kube/creds.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "kube/config.h"

#define CHECK_MS 60000
#define MAX_TOKEN (64 * KIB)
#define MAX_CA (1 * MIB)

static char *copy(const char *s)
{
    return s ? xstrdup(s) : NULL;
}

static struct timespec changed_at(const char *path)
{
    struct stat st = { 0 };

    if (path)
        stat(path, &st); /* not there: time 0, and the read will say so */
    return st.st_mtim;
}

void kube_creds_init(struct kube_creds *c, const struct kube_config *config, int64_t now_ms)
{
    *c = (struct kube_creds){
        .token = copy(config->token),
        .token_file = copy(config->token_file),
        .ca_pem = copy(config->ca_pem),
        .ca_file = copy(config->ca_file),
        .ca_changed = changed_at(config->ca_file),
        .checked_ms = now_ms,
    };
    kube_creds_reread_token(c);
}

void kube_creds_release(struct kube_creds *c)
{
    secret_free(c->token);
    free(c->token_file);
    free(c->ca_pem);
    free(c->ca_file);
    *c = (struct kube_creds){ 0 };
}

void kube_creds_reread_token(struct kube_creds *c)
{
    struct err e = { 0 };
    char *token;

    if (!c->token_file)
        return;
    token = file_read(c->token_file, MAX_TOKEN, &e);
    if (token)
        token[strcspn(token, " \t\r\n")] = '\0';
    if (!token || !*token) {
        log_warn("token file cannot be read, the last token stays in use", F("file", c->token_file),
                 F("err", token ? "it is empty" : e.text));
        free(token);
        return;
    }
    secret_free(c->token);
    c->token = token;
}

static bool reread_ca(struct kube_creds *c)
{
    struct timespec changed = changed_at(c->ca_file);
    struct err e = { 0 };
    char *pem;

    if (!c->ca_file ||
        (changed.tv_sec == c->ca_changed.tv_sec && changed.tv_nsec == c->ca_changed.tv_nsec))
        return false;
    pem = file_read(c->ca_file, MAX_CA, &e);
    if (!pem || !strstr(pem, "-----BEGIN ")) {
        log_warn("CA file cannot be used, the last one stays in use", F("file", c->ca_file),
                 F("err", pem ? "it is not PEM" : e.text));
        free(pem);
        return false;
    }
    c->ca_changed = changed;
    free(c->ca_pem);
    c->ca_pem = pem;
    return true;
}

bool kube_creds_check(struct kube_creds *c, int64_t now_ms)
{
    if (now_ms - c->checked_ms < CHECK_MS)
        return false;
    c->checked_ms = now_ms;
    kube_creds_reread_token(c);
    return reread_ca(c);
}
