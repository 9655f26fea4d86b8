#include "reconcile/crd.h"

#include <ctype.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/loop.h"
#include "kube/client.h"
#include "kube/workload.h"

#define BODY_BYTES (2 * MIB) /* 100 KiB in 2026, most of it paths; its tree is gone at once */
#define REVIEW_MS (5 * 60 * 1000)
/* After a 404, for what the server publishes comes a moment after what it serves; and the list that
 * is tried again in the first second has then said whether it was one. */
#define MISSING_MS 1500
#define KIND "AppRelease"
#define NAME "the CRD appreleases.deploy.btc-shopflow.io"
#define REMEDY                                                                                     \
    "run kubectl apply --server-side --force-conflicts -f crd/ (of the chart: helm show crds "     \
    "CHART | kubectl apply --server-side --force-conflicts -f -)"

static const struct backoff RETRY = { .first_ms = 800, .max_ms = 30000 };

struct crd {
    struct loop *loop;
    struct kube_client *kube;
    struct crd_opts o;
    struct kube_call *call; /* NULL = asleep */
    struct loop_timer timer;
    unsigned failures; /* in a row: no answer, or one that does not fit */
    char problem[480]; /* "" = it fits */
};

/* --- the answer --- */

static bool is_of_release(const cJSON *schema)
{
    JSON_EACH(item, json_get(schema, "x-kubernetes-group-version-kind"))
        if (json_str(item, "kind") && !strcmp(json_str(item, "kind"), KIND))
            return true;
    return false;
}

/* The number after the last "Schema "; 0 = none, as before there were numbers. */
static long number_in(const char *description)
{
    const char *at = description ?: "", *last = NULL;

    while ((at = strstr(at, "Schema ")))
        last = at += strlen("Schema ");
    return last && isdigit((unsigned char)*last) ? strtol(last, NULL, 10) : 0;
}

long crd_schema_in(const cJSON *tree)
{
    JSON_EACH_MEMBER(schema, json_at(tree, "components", "schemas"))
        if (is_of_release(schema))
            return number_in(json_str(schema, "description"));
    return -1;
}

/* --- what follows --- */

static void set_problem(struct crd *c, const char *problem)
{
    bool is_news = strcmp(c->problem, problem) != 0;

    snprintf(c->problem, sizeof c->problem, "%s", problem);
    if (is_news && *problem)
        log_error("nothing is released", F("problem", problem));
    else if (is_news)
        log_info("the CRD fits", F("schema", CRD_SCHEMA));
    if (is_news && !*problem)
        c->o.on_fit(c->o.ctx);
}

static void judge(struct crd *c, long schema)
{
    char problem[sizeof c->problem] = "";

    if (schema < 0)
        snprintf(problem, sizeof problem, NAME " is not installed: " REMEDY);
    else if (schema < CRD_SCHEMA)
        snprintf(problem, sizeof problem,
                 NAME
                 " is older (schema %ld) than this controller (schema %d) and drops fields: " REMEDY
                 "; AppReleases written meanwhile have lost some (the chart's README, Upgrade)",
                 schema, CRD_SCHEMA);
    set_problem(c, problem);
    if (schema >= 0 && *problem)
        c->o.on_older(c->o.ctx);
}

/* What the server did not say changes nothing of what it said before. */
static void on_no_answer(struct crd *c, const struct err *err)
{
    char problem[sizeof c->problem];

    log_warn("the schema of the CRD could not be read", F("err", err->text),
             F("failures", c->failures));
    if (!*c->problem || err->code != 403)
        return;
    snprintf(problem, sizeof problem,
             "grant get of /openapi/v3/* (ClusterRole system:discovery): without it the schema of "
             "the CRD is not known: %.150s",
             err->text);
    set_problem(c, problem);
}

static void give_back(void *ctx)
{
    (void)ctx;
    malloc_trim(0);
}

static void on_answer(const cJSON *tree, const char *text, const struct err *err,
                      int64_t retry_after_ms, void *ctx)
{
    struct crd *c = ctx;
    int64_t delay_ms = REVIEW_MS;

    (void)text;
    c->call = NULL;
    if (!err || err->code == 404)
        judge(c, err ? -1 : crd_schema_in(tree));
    if (*c->problem || err)
        delay_ms = backoff_ms(&RETRY, ++c->failures);
    else
        c->failures = 0;
    if (err && err->code != 404)
        on_no_answer(c, err);
    if (delay_ms < retry_after_ms)
        delay_ms = retry_after_ms;
    loop_timer_set(c->loop, &c->timer, loop_now_ms(c->loop) + delay_ms);
    loop_defer(c->loop, give_back, c); /* once the tree is freed */
}

static void ask(void *ctx)
{
    struct crd *c = ctx;
    char path[256];
    struct kube_request req = {
        .method = "GET", .path = path, .max_body = BODY_BYTES, .on_done = on_answer, .ctx = c
    };

    snprintf(path, sizeof path, "/openapi/v3/%s", KUBE_APPRELEASES.group_version);
    c->call = kube_send(c->kube, &req);
}

/* Where something is wrong already it is asked about again by itself: each 404 of each list would
 * put that off, and change what is said of it. */
void crd_missing(struct crd *c)
{
    if (*c->problem)
        return;
    judge(c, -1);
    if (c->call)
        return;
    loop_timer_set(c->loop, &c->timer, loop_now_ms(c->loop) + MISSING_MS);
}

struct crd *crd_new(struct loop *l, struct kube_client *k, const struct crd_opts *o)
{
    struct crd *c = xcalloc(1, sizeof *c);

    *c = (struct crd){ .loop = l, .kube = k, .o = *o };
    c->timer = (struct loop_timer){ .fn = ask, .ctx = c };
    snprintf(c->problem, sizeof c->problem, "the schema of the CRD is not known yet");
    ask(c);
    return c;
}

void crd_free(struct crd *c)
{
    if (!c)
        return;
    kube_cancel(c->call);
    loop_timer_stop(c->loop, &c->timer);
    loop_defer_cancel(c->loop, c);
    free(c);
}

const char *crd_problem(const struct crd *c)
{
    return *c->problem ? c->problem : NULL;
}
