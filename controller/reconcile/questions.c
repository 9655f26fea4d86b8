#include "reconcile/questions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "deploy/image.h"
#include "deploy/plan.h"
#include "io/loop.h"
#include "kube/client.h"
#include "kube/workload.h"
#include "reconcile/cluster.h"
#include "reconcile/facts.h"
#include "reconcile/release.h"
#include "registry/client.h"

#define PATH_BYTES 1024
#define SECRETS 24
#define LOG_TIMEOUT_MS 1000
#define LOG_BYTES 1024
#define LOG_QUERY "container=%s&tailLines=10&limitBytes=8192%s"

/* One exchange, or a short chain of them. */
struct question {
    struct question *prev, *next;
    struct questions *all;
    char *key, *ns;
    struct kube_call *call;
    char *image, *account; /* resolve: whose pull secrets count too */
    struct registry_call *resolving;
    struct secret {
        struct question *q;
        struct kube_call *call;
        char *name, *json; /* json NULL = none usable */
        size_t len;
        bool legacy;
    } secrets[SECRETS];
    size_t n_secrets, to_come;
    struct err unread;     /* of the last secret or account that could not be read for now */
    char *pod, *container; /* log */
    char *set;             /* live read: the newest ReplicaSet; may be NULL */
    size_t hash_at;        /* where its pod-template-hash begins */
    struct kube_object *object;
};

struct questions {
    struct questions_opts o;
    struct question *first;
};

/* --- life --- */

static struct question *question_new(struct questions *all, const char *key, const char *ns)
{
    struct question *q = xcalloc(1, sizeof *q);

    q->all = all;
    q->key = xstrdup(key);
    q->ns = xstrdup(ns);
    q->next = all->first;
    if (q->next)
        q->next->prev = q;
    all->first = q;
    return q;
}

static void question_free(struct question *q)
{
    if (q->prev)
        q->prev->next = q->next;
    else
        q->all->first = q->next;
    if (q->next)
        q->next->prev = q->prev;
    kube_cancel(q->call);
    registry_cancel(q->resolving);
    for (size_t i = 0; i < q->n_secrets; i++) {
        kube_cancel(q->secrets[i].call);
        free(q->secrets[i].name);
        secret_free(q->secrets[i].json);
    }
    kube_object_free(q->object);
    free(q->image);
    free(q->account);
    free(q->pod);
    free(q->container);
    free(q->set);
    free(q->key);
    free(q->ns);
    free(q);
}

/* The facts of the release that asked; NULL when it is gone. */
static struct facts *facts_of(const struct question *q)
{
    return map_get(q->all->o.facts, q->key);
}

static void question_done(struct question *q)
{
    char *key = take(q->key);
    const struct questions_opts o = q->all->o;

    question_free(q);
    o.on_answer(key, o.ctx);
    free(key);
}

struct questions *questions_new(const struct questions_opts *o)
{
    struct questions *all = xcalloc(1, sizeof *all);

    all->o = *o;
    return all;
}

void questions_free(struct questions *all)
{
    if (!all)
        return;
    while (all->first)
        question_free(all->first);
    free(all);
}

static int64_t now_ms(const struct question *q)
{
    return kube_now_ms(q->all->o.kube);
}

/* --- what digest has an image? --- */

static void on_digest(const struct registry_answer *answer, const struct err *err, void *ctx)
{
    struct question *q = ctx;
    struct facts *f = facts_of(q);

    q->resolving = NULL;
    if (q->unread.kind && (err ? err->kind == ERR_DENIED : answer->missing))
        err = &q->unread; /* to whom it may be ours: it has not seen all we have */
    if (f)
        facts_image_answered(f, q->image, answer, err, now_ms(q));
    question_done(q);
}

static void resolve_now(struct question *q)
{
    struct registry_secret usable[SECRETS];
    size_t n = 0;

    for (size_t i = 0; i < q->n_secrets; i++)
        if (q->secrets[i].json)
            usable[n++] = (struct registry_secret){ .name = q->secrets[i].name,
                                                    .legacy = q->secrets[i].legacy,
                                                    .json = q->secrets[i].json,
                                                    .len = q->secrets[i].len };
    q->resolving = registry_resolve(q->all->o.registry, q->image, usable, n, on_digest, q);
}

/* What is not there, or not for us to read, is answered; anything else is trouble that passes, and
 * without what was not read a registry's refusal says nothing. */
static void note_unread(struct question *q, const char *what, const char *name,
                        const struct err *err)
{
    log_warn("not readable", F("release", q->key), F("what", what), F("name", name),
             F("err", err->text));
    if (err->code != 403 && err->code != 404)
        err_set(&q->unread, ERR_SERVER, err->code, "%s '%s' is not readable: %s", what, name,
                err->text);
}

static void on_secret(const cJSON *tree, const char *text, const struct err *err,
                      int64_t retry_after_ms, void *ctx)
{
    struct secret *s = ctx;
    const cJSON *data = json_get(tree, "data");
    const char *encoded = json_str(data, ".dockerconfigjson");

    (void)text;
    (void)retry_after_ms;
    s->call = NULL;
    if (err)
        note_unread(s->q, "pull secret", s->name, err);
    s->legacy = !encoded;
    if (!encoded)
        encoded = json_str(data, ".dockercfg");
    if (encoded)
        s->json = base64_decode(encoded, &s->len);
    if (--s->q->to_come == 0)
        resolve_now(s->q);
}

/* Read all named secrets at once; their order is kept. */
static void read_secrets(struct question *q)
{
    char path[PATH_BYTES];
    struct err e = { 0 };

    q->to_come = 1;
    for (size_t i = 0; i < q->n_secrets; i++) {
        struct secret *s = &q->secrets[i];
        struct kube_request req = { .method = "GET", .path = path, .on_done = on_secret, .ctx = s };

        s->q = q;
        if (kube_path(path, sizeof path, &KUBE_SECRETS, q->ns, s->name, NULL, NULL, &e))
            continue;
        q->to_come++;
        s->call = kube_send(q->all->o.kube, &req);
    }
    if (--q->to_come == 0)
        resolve_now(q);
}

static void name_secret(struct question *q, const char *name)
{
    for (size_t i = 0; i < q->n_secrets; i++)
        if (!strcmp(q->secrets[i].name, name))
            return;
    if (q->n_secrets < SECRETS)
        q->secrets[q->n_secrets++].name = xstrdup(name);
}

static void on_account(const cJSON *tree, const char *text, const struct err *err,
                       int64_t retry_after_ms, void *ctx)
{
    struct question *q = ctx;

    (void)text;
    (void)retry_after_ms;
    q->call = NULL;
    if (err && err->kind != ERR_NOT_FOUND)
        note_unread(q, "service account", q->account, err);
    JSON_EACH(item, json_get(tree, "imagePullSecrets"))
        if (json_str(item, "name"))
            name_secret(q, json_str(item, "name"));
    read_secrets(q);
}

/* The Deployment whose app uses the image's repository. */
static const struct kube_deployment *deployment_of_image(const struct questions *all,
                                                         const struct release *r, const char *image)
{
    char key[PATH_BYTES];

    for (size_t i = 0; !r->spec_problem && i < r->spec.n_apps; i++) {
        if (!image_is_from(image, r->spec.apps[i].repository))
            continue;
        snprintf(key, sizeof key, "%s/%s", r->meta.ns, r->spec.apps[i].deployment);
        return cluster_deployment(all->o.cluster, key);
    }
    return NULL;
}

/* Secrets in the order of preference: the release's, the pod template's, the ServiceAccount's. */
static void ask_image(struct questions *all, const char *key, const struct release *r,
                      const char *image)
{
    struct question *q = question_new(all, key, r->meta.ns);
    const struct kube_deployment *d = deployment_of_image(all, r, image);
    char path[PATH_BYTES];
    struct kube_request req = { .method = "GET", .path = path, .on_done = on_account, .ctx = q };
    struct err e = { 0 };

    q->image = xstrdup(image);
    q->account = xstrdup(d && d->tmpl.service_account ? d->tmpl.service_account : "default");
    facts_image_asked(facts_of(q), image);
    for (size_t i = 0; i < r->spec.n_pull_secrets; i++)
        name_secret(q, r->spec.pull_secrets[i]);
    for (size_t i = 0; d && i < d->tmpl.n_pull_secrets; i++)
        name_secret(q, d->tmpl.pull_secrets[i]);
    if (kube_path(path, sizeof path, &KUBE_SERVICEACCOUNTS, q->ns, q->account, NULL, NULL, &e))
        read_secrets(q);
    else
        q->call = kube_send(all->o.kube, &req);
}

/* --- the last log lines --- */

/* Make foreign text fit for status: its last bytes, valid UTF-8, no control characters but lines,
 * no credentials. Changes text in place; returns where it starts. */
static char *clean_log(char *text)
{
    size_t len = strlen(text), n;

    while (len && (text[len - 1] == '\n' || text[len - 1] == ' '))
        text[--len] = '\0';
    for (char *s = text; *s; s += n ? n : 1) {
        n = utf8_len(s);
        if (n == 0)
            *s = '?';
        else if (((unsigned char)*s < ' ' && *s != '\n') || *s == 0x7f)
            *s = ' ';
    }
    text_scrub(text);
    len = strlen(text);
    if (len > LOG_BYTES)
        text += len - LOG_BYTES;
    while ((*text & 0xc0) == 0x80) /* the rest of a character that was cut */
        text++;
    return text;
}

static void on_log(const cJSON *tree, const char *text, const struct err *err,
                   int64_t retry_after_ms, void *ctx)
{
    struct question *q = ctx;
    struct facts *f = facts_of(q);
    char *copy = xstrdup(err || !text ? "" : text);
    char *tail = clean_log(copy);

    (void)tree;
    (void)retry_after_ms;
    q->call = NULL;
    if (f)
        facts_log_answered(f, q->pod, q->container, *tail ? tail : NULL);
    free(copy);
    question_done(q);
}

static void ask_log(struct questions *all, const char *key, const struct release *r,
                    const struct action *act)
{
    struct question *q = question_new(all, key, r->meta.ns);
    char path[PATH_BYTES], query[320];
    struct kube_request req = { .method = "GET",
                                .path = path,
                                .accept = "*/*",
                                .timeout_ms = LOG_TIMEOUT_MS,
                                .on_done = on_log,
                                .ctx = q };
    struct err e = { 0 };

    q->pod = xstrdup(act->pod);
    q->container = xstrdup(act->container);
    facts_log_asked(facts_of(q), act->pod, act->container, now_ms(q));
    snprintf(query, sizeof query, LOG_QUERY, act->container, act->previous ? "&previous=true" : "");
    if (kube_path(path, sizeof path, &KUBE_PODS, q->ns, q->pod, "log", query, &e)) {
        facts_log_answered(facts_of(q), q->pod, q->container, NULL);
        question_done(q);
        return;
    }
    q->call = kube_send(all->o.kube, &req);
}

/* --- a Deployment and its pods, live --- */

static void live_done(struct question *q, void **pods, size_t n)
{
    struct facts *f = facts_of(q);
    int64_t mono_ms = loop_now_ms(q->all->o.loop);

    if (f) {
        facts_put_deployment(f, take(q->object), mono_ms, now_ms(q));
        if (pods)
            facts_put_pods(f, q->set, pods, n, mono_ms);
    }
    question_done(q);
}

static void on_live_pods(const cJSON *tree, const char *text, const struct err *err,
                         int64_t retry_after_ms, void *ctx)
{
    struct question *q = ctx;
    const cJSON *items = json_get(tree, "items");
    size_t n = 0;
    void **pods;

    (void)text;
    (void)retry_after_ms;
    q->call = NULL;
    if (err) { /* no verdict without it: the plan asks again */
        question_done(q);
        return;
    }
    pods = xcalloc((size_t)cJSON_GetArraySize(items) + 1, sizeof *pods);
    JSON_EACH(item, items) {
        struct err e = { 0 };
        void *pod = kube_pod_decode(item, &e);

        if (pod)
            pods[n++] = pod;
    }
    live_done(q, pods, n);
    free(pods);
}

static void on_live_deployment(const cJSON *tree, const char *text, const struct err *err,
                               int64_t retry_after_ms, void *ctx)
{
    struct question *q = ctx;
    char path[PATH_BYTES], query[160];
    struct kube_request req = {
        .method = "GET", .path = path, .max_body = 32 * MIB, .on_done = on_live_pods, .ctx = q
    };
    struct err e = { 0 };

    (void)text;
    (void)retry_after_ms;
    q->call = NULL;
    q->object = err ? NULL : kube_deployment_decode(tree, &e);
    if (!q->object) {
        question_done(q);
        return;
    }
    if (!q->set) {
        live_done(q, NULL, 0);
        return;
    }
    snprintf(query, sizeof query, "labelSelector=pod-template-hash%%3D%s", q->set + q->hash_at);
    if (kube_path(path, sizeof path, &KUBE_PODS, q->ns, NULL, NULL, query, &e))
        live_done(q, NULL, 0);
    else
        q->call = kube_send(q->all->o.kube, &req);
}

/* The name of the newest ReplicaSet, "<deployment>-<hash>"; a new string or NULL. */
static char *newest_set(const struct questions *all, const struct kube_deployment *d)
{
    const struct kube_replicaset *set, *best = NULL;
    struct map_iter it = { 0 };
    size_t n = strlen(d->meta.name);

    while ((set = cluster_next_set(all->o.cluster, d->meta.ns, d->meta.uid, &it)))
        if (!best || set->revision > best->revision)
            best = set;
    if (!best || strncmp(best->meta.name, d->meta.name, n) || best->meta.name[n] != '-')
        return NULL;
    return xstrdup(best->meta.name);
}

static void ask_live(struct questions *all, const char *key, const struct release *r,
                     const char *deployment)
{
    struct question *q;
    const struct kube_deployment *d;
    char path[PATH_BYTES], deployment_key[PATH_BYTES];
    struct kube_request req = { .method = "GET", .path = path, .on_done = on_live_deployment };
    struct err e = { 0 };

    if (kube_path(path, sizeof path, &KUBE_DEPLOYMENTS, r->meta.ns, deployment, NULL, NULL, &e))
        return;
    q = question_new(all, key, r->meta.ns);
    q->hash_at = strlen(deployment) + 1;
    snprintf(deployment_key, sizeof deployment_key, "%s/%s", r->meta.ns, deployment);
    d = cluster_deployment(all->o.cluster, deployment_key);
    q->set = d ? newest_set(all, d) : NULL;
    req.ctx = q;
    q->call = kube_send(all->o.kube, &req);
}

/* --- the release itself, live --- */

static void on_live_release(const cJSON *tree, const char *text, const struct err *err,
                            int64_t retry_after_ms, void *ctx)
{
    struct question *q = ctx;
    struct facts *f = facts_of(q);
    struct err e = { 0 };
    struct kube_object *o = err ? NULL : release_decode(tree, &e);

    (void)text;
    (void)retry_after_ms;
    q->call = NULL;
    if (o && f)
        facts_put_release(f, take(o));
    kube_object_free(o);
    question_done(q);
}

void questions_read_release(struct questions *all, const char *key, const struct release *r)
{
    struct question *q;
    char path[PATH_BYTES];
    struct kube_request req = { .method = "GET", .path = path, .on_done = on_live_release };
    struct err e = { 0 };

    if (kube_path(path, sizeof path, &KUBE_APPRELEASES, r->meta.ns, r->meta.name, NULL, NULL, &e))
        return;
    q = question_new(all, key, r->meta.ns);
    req.ctx = q;
    q->call = kube_send(all->o.kube, &req);
}

void questions_ask(struct questions *all, const char *key, const struct release *r,
                   const struct action *act)
{
    switch (act->kind) {
    case ACT_RESOLVE:
        ask_image(all, key, r, act->image);
        break;
    case ACT_FETCH_LOGS:
        ask_log(all, key, r, act);
        break;
    case ACT_READ_LIVE:
        ask_live(all, key, r, act->deployment);
        break;
    case ACT_PATCH_STATUS:
    case ACT_PATCH_DEPLOYMENT:
    case ACT_DELETE_RELEASE:
    case ACT_EVENT:
        break;
    }
}
