/* What each decoder keeps of an object, as one line of text a row. */
#include "kube/workload.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include "unit.h"

#define META                                                                                       \
    "\"metadata\":{\"namespace\":\"shop\",\"name\":\"x\",\"uid\":\"u\",\"resourceVersion\":\"7\"}"
#define META_WITH(more)                                                                            \
    "\"metadata\":{\"namespace\":\"shop\",\"name\":\"x\",\"uid\":\"u\",\"resourceVersion\":"       \
    "\"7\"," more "}"

struct row {
    const char *name, *json, *want;
};

static const char *or_dash(const char *s)
{
    return s ? s : "-";
}

static void describe_meta(struct text *t, const struct kube_object *o)
{
    text_addf(t, NULL, "%s/%s %s v%s g%lld", or_dash(o->ns), o->name, o->uid, o->rv,
              (long long)o->generation);
    if (o->created_ms)
        text_addf(t, NULL, " created=%lld", (long long)o->created_ms);
    if (o->deleted_ms)
        text_addf(t, NULL, " deleted=%lld", (long long)o->deleted_ms);
    if (o->owner_uid)
        text_addf(t, NULL, " owner=%s:%s", o->owner_name, o->owner_uid);
}

static void describe_template(struct text *t, const struct kube_template *m)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct kube_container *c = &m->containers[i];

        text_addf(t, NULL, " %s=%s%s%s%s", c->name, c->image, c->init ? ",init" : "",
                  c->sidecar ? ",sidecar" : "", c->readiness ? ",ready" : "");
    }
    if (m->service_account)
        text_addf(t, NULL, " account=%s", m->service_account);
    for (size_t i = 0; i < m->n_pull_secrets; i++)
        text_addf(t, NULL, " secret=%s", m->pull_secrets[i]);
}

static void describe_deployment(struct text *t, const void *object)
{
    const struct kube_deployment *d = object;

    describe_meta(t, &d->meta);
    text_addf(t, NULL, " want=%d og=%lld have=%d/%d/%d", d->replicas,
              (long long)d->observed_generation, d->status_replicas, d->updated_replicas,
              d->available_replicas);
    text_addf(t, NULL, "%s%s%s%s", d->paused ? " paused" : "", d->recreate ? " recreate" : "",
              d->surge_is_1 ? " surge1" : "", d->unavailable_is_0 ? " unavailable0" : "");
    if (d->min_ready_s)
        text_addf(t, NULL, " minReady=%d", d->min_ready_s);
    describe_template(t, &d->tmpl);
    if (d->attempt || d->latch || d->owner)
        text_addf(t, NULL, " attempt=%s latch=%s owner=%s", or_dash(d->attempt), or_dash(d->latch),
                  or_dash(d->owner));
    if (d->image_manager)
        text_addf(t, NULL, " manager=%s", d->image_manager);
}

static void describe_replicaset(struct text *t, const void *object)
{
    const struct kube_replicaset *r = object;

    describe_meta(t, &r->meta);
    text_addf(t, NULL, " r%lld want=%d have=%d/%d", (long long)r->revision, r->replicas,
              r->status_replicas, r->available_replicas);
    describe_template(t, &r->tmpl);
    if (r->failure)
        text_addf(t, NULL, " failure='%s'@%lld", r->failure, (long long)r->failure_ms);
}

static void describe_pod(struct text *t, const void *object)
{
    const struct kube_pod *p = object;

    describe_meta(t, &p->meta);
    text_addf(t, NULL, " %s reason=%s message=%s node=%s hash=%s start=%lld", or_dash(p->phase),
              or_dash(p->reason), or_dash(p->message), or_dash(p->node), or_dash(p->template_hash),
              (long long)p->start_ms);
    if (p->ready || p->ready_ms)
        text_addf(t, NULL, " ready=%d@%lld", p->ready, (long long)p->ready_ms);
    if (p->unschedulable)
        text_addf(t, NULL, " unschedulable='%s'", p->unschedulable);
    if (p->disrupted)
        text_addf(t, NULL, " disrupted");
    for (size_t i = 0; i < p->n_runs; i++) {
        const struct kube_run *r = &p->runs[i];

        text_addf(t, NULL, " [%s%s%s%s%s x%d", r->name, r->init ? " init" : "",
                  r->ready ? " ready" : "", r->running ? " running" : "",
                  r->terminated ? " terminated" : "", r->restarts);
        if (r->image_id)
            text_addf(t, NULL, " id=%s", r->image_id);
        if (r->waiting)
            text_addf(t, NULL, " waits=%s:%s", r->waiting, or_dash(r->waiting_message));
        if (r->has_last)
            text_addf(t, NULL, " end=%s:%s:%d@%lld", or_dash(r->end_reason),
                      or_dash(r->end_message), r->exit_code, (long long)r->end_ms);
        text_addf(t, NULL, "]");
    }
}

static void check(const struct row *row, void *(*decode)(const cJSON *, struct err *),
                  void (*describe)(struct text *, const void *))
{
    AUTO(text) struct text got = TEXT_INIT(16 * KIB);
    struct err e = { 0 };
    AUTO(json) cJSON *tree = json_parse(row->json, strlen(row->json), &e);
    void *object;

    CASE(row->name, tree != NULL);
    object = decode(tree, &e);
    if (object)
        describe(&got, object);
    else
        text_puts(&got, e.text, NULL);
    if (strcmp(text_str(&got), row->want) != 0)
        fprintf(stderr, "%s\n  got  %s\n  want %s\n", row->name, text_str(&got), row->want);
    CASE(row->name, !strcmp(text_str(&got), row->want));
    kube_object_free(object);
}

static const struct row DEPLOYMENTS[] = {
    { "absent numbers have the API's defaults", "{" META ",\"spec\":{}}",
      "shop/x u v7 g0 want=1 og=0 have=0/0/0" },
    { "a whole Deployment",
      "{\"kind\":\"Deployment\"," META_WITH(
          "\"generation\":4,\"creationTimestamp\":\"1970-01-01T00:00:09Z\","
          "\"deletionTimestamp\":\"1970-01-01T00:00:10Z\","
          "\"annotations\":{\"deploy.btc-shopflow.io/attempt\":\"{}\","
          "\"deploy.btc-shopflow.io/latch\":\"l\",\"deploy.btc-shopflow.io/owner\":\"u/"
          "1\"}") ",\"spec\":{\"replicas\":0,\"minReadySeconds\":5,\"paused\":true,"
                  "\"strategy\":{\"type\":\"RollingUpdate\",\"rollingUpdate\":{"
                  "\"maxSurge\":1,\"maxUnavailable\":0}},"
                  "\"template\":{\"spec\":{\"serviceAccountName\":\"acc\","
                  "\"imagePullSecrets\":[{\"name\":\"a\"},{},{\"name\":\"b\"}],"
                  "\"containers\":[{\"name\":\"web\",\"image\":\"r/"
                  "web:1\",\"readinessProbe\":{}},{\"name\":\"log\",\"image\":\"r/log\"}],"
                  "\"initContainers\":[{\"name\":\"mig\",\"image\":\"r/"
                  "mig\"},{\"name\":\"proxy\",\"image\":\"r/"
                  "p\",\"restartPolicy\":\"Always\"}]}}},"
                  "\"status\":{\"observedGeneration\":3,\"replicas\":4,\"updatedReplicas\":"
                  "2,\"availableReplicas\":1}}",
      "shop/x u v7 g4 created=9000 deleted=10000 want=0 og=3 have=4/2/1 paused surge1 "
      "unavailable0 minReady=5"
      " mig=r/mig,init proxy=r/p,init,sidecar web=r/web:1,ready log=r/log account=acc "
      "secret=a secret=b"
      " attempt={} latch=l owner=u/1" },
    { "25% is not 1, 0% is 0",
      "{" META ",\"spec\":{\"strategy\":{\"rollingUpdate\":{\"maxSurge\":\"25%\","
      "\"maxUnavailable\":\"0%\"}}}}",
      "shop/x u v7 g0 want=1 og=0 have=0/0/0 unavailable0" },
    { "surge \"1\" as text is a percentage that lacks its sign: not 1; unavailable \"0\" "
      "is 0",
      "{" META ",\"spec\":{\"strategy\":{\"rollingUpdate\":{\"maxSurge\":\"1\","
      "\"maxUnavailable\":\"0\"}}}}",
      "shop/x u v7 g0 want=1 og=0 have=0/0/0 unavailable0" },
    { "absent maxUnavailable is 25%, not 0",
      "{" META ",\"spec\":{\"strategy\":{\"rollingUpdate\":{\"maxSurge\":2}}}}",
      "shop/x u v7 g0 want=1 og=0 have=0/0/0" },
    { "Recreate", "{" META ",\"spec\":{\"strategy\":{\"type\":\"Recreate\"}}}",
      "shop/x u v7 g0 want=1 og=0 have=0/0/0 recreate" },
    { "a container without an image is left out",
      "{" META ",\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"a\"},{"
      "\"image\":\"b\"},7,{\"name\":\"c\",\"image\":\"d\"}]}}}}",
      "shop/x u v7 g0 want=1 og=0 have=0/0/0 c=d" },
    { "the latest image manager wins, status and scale aside",
      "{" META_WITH("\"managedFields\":["
                    "{\"manager\":\"helm\",\"time\":\"2026-01-01T00:00:01Z\",\"fieldsV1\":{"
                    "\"f:spec\":{\"f:template\":{\"f:spec\":{\"f:containers\":{\"k:{}\":{"
                    "\"f:image\":{}}}}}}}},"
                    "{\"manager\":\"kubectl-set\",\"time\":\"2026-01-01T00:00:03Z\","
                    "\"fieldsV1\":{\"f:spec\":{\"f:template\":{\"f:spec\":{\"f:"
                    "initContainers\":{\"k:{}\":{\".\":{},\"f:image\":{}}}}}}}},"
                    "{\"manager\":\"older\",\"time\":\"2026-01-01T00:00:02Z\",\"fieldsV1\":"
                    "{\"f:spec\":{\"f:template\":{\"f:spec\":{\"f:containers\":{\"k:{}\":{"
                    "\"f:image\":{}}}}}}}},"
                    "{\"manager\":\"args\",\"time\":\"2026-01-01T00:00:05Z\",\"fieldsV1\":{"
                    "\"f:spec\":{\"f:template\":{\"f:spec\":{\"f:containers\":{\"k:{}\":{"
                    "\"f:args\":{}}}}}}}},"
                    "{\"manager\":\"sub\",\"subresource\":\"status\",\"time\":\"2026-01-"
                    "01T00:00:06Z\",\"fieldsV1\":{\"f:spec\":{\"f:template\":{\"f:spec\":{"
                    "\"f:containers\":{\"k:{}\":{\"f:image\":{}}}}}}}}]") ",\"spec\":{}}",
      "shop/x u v7 g0 want=1 og=0 have=0/0/0 manager=kubectl-set" },
    { "another kind", "{\"kind\":\"Pod\"," META ",\"spec\":{}}",
      "a Deployment was expected, not a Pod" },
    { "no uid", "{\"metadata\":{\"name\":\"x\",\"resourceVersion\":\"7\"},\"spec\":{}}",
      "Deployment 'x' lacks its spec, name, uid or resourceVersion" },
    { "no spec", "{" META "}", "Deployment 'x' lacks its spec, name, uid or resourceVersion" },
    { "not an object", "[]", "Deployment '' lacks its spec, name, uid or resourceVersion" },
};

static const struct row REPLICASETS[] = {
    { "defaults", "{" META ",\"spec\":{}}", "shop/x u v7 g0 r0 want=1 have=0/0" },
    { "owner, revision, counts, images",
      "{" META_WITH(
          "\"ownerReferences\":[{\"name\":\"o\",\"uid\":\"no\"},{\"name\":\"d\",\"uid\":\"du\","
          "\"controller\":true}],"
          "\"annotations\":{\"deployment.kubernetes.io/revision\":\"12\"}") ",\"spec\":{"
                                                                            "\"replicas\":3,"
                                                                            "\"template\":{"
                                                                            "\"spec\":{"
                                                                            "\"containers\":[{"
                                                                            "\"name\":\"a\","
                                                                            "\"image\":\"i\"}]}}},"
                                                                            "\"status\":{"
                                                                            "\"replicas\":2,"
                                                                            "\"availableReplicas\":"
                                                                            "1,"
                                                                            "\"conditions\":[{"
                                                                            "\"type\":"
                                                                            "\"ReplicaFailure\","
                                                                            "\"status\":\"False\","
                                                                            "\"message\":\"old\"}]}"
                                                                            "}",
      "shop/x u v7 g0 owner=d:du r12 want=3 have=2/1 a=i" },
    { "the quota's words",
      "{" META
      ",\"spec\":{},\"status\":{\"conditions\":[{\"type\":\"ReplicaFailure\",\"status\":\"True\","
      "\"lastTransitionTime\":\"1970-01-01T00:00:02Z\",\"message\":\"exceeded\\nquota\"}]}}",
      "shop/x u v7 g0 r0 want=1 have=0/0 failure='exceeded quota'@2000" },
    { "a failure without words",
      "{" META ",\"spec\":{},\"status\":{\"conditions\":[{\"type\":\"ReplicaFailure\",\"status\":"
      "\"True\"}]}}",
      "shop/x u v7 g0 r0 want=1 have=0/0 failure='ReplicaFailure without a message'@0" },
    { "another kind", "{\"kind\":\"Deployment\"," META ",\"spec\":{}}",
      "a ReplicaSet was expected, not a Deployment" },
};

static const struct row PODS[] = {
    { "a new pod", "{" META ",\"spec\":{}}",
      "shop/x u v7 g0 - reason=- message=- node=- hash=- start=0" },
    { "running and ready",
      "{" META_WITH(
          "\"labels\":{\"pod-template-hash\":\"h1\"}") ",\"spec\":{\"nodeName\":\"n1\"},"
                                                       "\"status\":{\"phase\":\"Running\","
                                                       "\"startTime\":\"1970-01-01T00:00:01Z\","
                                                       "\"conditions\":[{\"type\":\"Ready\","
                                                       "\"status\":\"True\",\"lastTransitionTime\":"
                                                       "\"1970-01-01T00:00:03Z\"},"
                                                       "{\"type\":\"PodScheduled\",\"status\":"
                                                       "\"True\"}],"
                                                       "\"containerStatuses\":[{\"name\":\"web\","
                                                       "\"imageID\":\"r/"
                                                       "web@sha256:1\",\"ready\":true,"
                                                       "\"restartCount\":1,"
                                                       "\"state\":{\"running\":{\"startedAt\":"
                                                       "\"1970-01-01T00:00:02Z\"}},"
                                                       "\"lastState\":{\"terminated\":{\"reason\":"
                                                       "\"OOMKilled\",\"exitCode\":137,"
                                                       "\"finishedAt\":\"1970-01-01T00:00:02Z\"}}}]"
                                                       "}}",
      "shop/x u v7 g0 Running reason=- message=- node=n1 hash=h1 start=1000 ready=1@3000"
      " [web ready running x1 id=r/web@sha256:1 end=OOMKilled:-:137@2000]" },
    { "not ready since",
      "{" META ",\"spec\":{},\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"False\","
      "\"lastTransitionTime\":\"1970-01-01T00:00:03Z\"}]}}",
      "shop/x u v7 g0 - reason=- message=- node=- hash=- start=0 ready=0@3000" },
    { "CrashLoopBackOff after an end",
      "{" META ",\"spec\":{},\"status\":{\"phase\":\"Running\",\"containerStatuses\":[{\"name\":"
      "\"a\",\"restartCount\":2,"
      "\"state\":{\"waiting\":{\"reason\":\"CrashLoopBackOff\",\"message\":\"back-off 10s\"}},"
      "\"lastState\":{\"terminated\":{\"reason\":\"Error\",\"exitCode\":1}}}]}}",
      "shop/x u v7 g0 Running reason=- message=- node=- hash=- start=0"
      " [a x2 waits=CrashLoopBackOff:back-off 10s end=Error:-:1@0]" },
    { "the terminated state of now hides the last one",
      "{" META ",\"spec\":{},\"status\":{\"containerStatuses\":[{\"name\":\"a\","
      "\"state\":{\"terminated\":{\"reason\":\"Completed\",\"exitCode\":0}},"
      "\"lastState\":{\"terminated\":{\"reason\":\"Error\",\"exitCode\":1}}}]}}",
      "shop/x u v7 g0 - reason=- message=- node=- hash=- start=0"
      " [a terminated x0 end=Completed:-:0@0]" },
    { "init containers first; one without a name is left out",
      "{" META ",\"spec\":{},\"status\":{\"containerStatuses\":[{\"name\":\"a\"},{}],"
      "\"initContainerStatuses\":[{\"name\":\"i\",\"state\":{\"waiting\":{}}}]}}",
      "shop/x u v7 g0 - reason=- message=- node=- hash=- start=0 [i init x0 waits=:-] [a x0]" },
    { "evicted, disrupted, unschedulable",
      "{" META ",\"spec\":{},\"status\":{\"phase\":\"Failed\",\"reason\":\"Evicted\",\"message\":"
      "\"low on memory\","
      "\"conditions\":[{\"type\":\"DisruptionTarget\",\"status\":\"True\"},"
      "{\"type\":\"PodScheduled\",\"status\":\"False\",\"message\":\"0/1 nodes\"}]}}",
      "shop/x u v7 g0 Failed reason=Evicted message=low on memory node=- hash=- start=0"
      " unschedulable='0/1 nodes' disrupted" },
    { "unschedulable without words",
      "{" META ",\"spec\":{},\"status\":{\"conditions\":[{\"type\":\"PodScheduled\",\"status\":"
      "\"False\"}]}}",
      "shop/x u v7 g0 - reason=- message=- node=- hash=- start=0"
      " unschedulable='PodScheduled is False'" },
    { "status of the wrong type is as good as none", "{" META ",\"spec\":{},\"status\":[1]}",
      "shop/x u v7 g0 - reason=- message=- node=- hash=- start=0" },
};

static void decodes_deployments(void)
{
    for (size_t i = 0; i < ARRAY_LEN(DEPLOYMENTS); i++)
        check(&DEPLOYMENTS[i], kube_deployment_decode, describe_deployment);
}

static void decodes_replicasets(void)
{
    for (size_t i = 0; i < ARRAY_LEN(REPLICASETS); i++)
        check(&REPLICASETS[i], kube_replicaset_decode, describe_replicaset);
}

static void decodes_pods(void)
{
    for (size_t i = 0; i < ARRAY_LEN(PODS); i++)
        check(&PODS[i], kube_pod_decode, describe_pod);
}

static void kubelet_messages_are_scrubbed(void)
{
    static const char JSON[] =
        "{" META
        ",\"spec\":{},\"status\":{\"containerStatuses\":[{\"name\":\"a\",\"state\":{\"waiting\":"
        "{\"reason\":\"ErrImagePull\",\"message\":\"GET https://bob:hunter2@reg.test/v2: "
        "denied\"}}}]}}";
    struct err e = { 0 };
    AUTO(json) cJSON *tree = json_parse(JSON, strlen(JSON), &e);
    struct kube_pod *p = kube_pod_decode(tree, &e);

    CASE("decoded", p != NULL);
    CASE("the password is gone", p && !strstr(p->runs[0].waiting_message, "hunter2"));
    CASE("the cause is not", p && strstr(p->runs[0].waiting_message, "denied"));
    kube_object_free(p);
}

UNIT_MAIN(UNIT_TEST(decodes_deployments), UNIT_TEST(decodes_replicasets), UNIT_TEST(decodes_pods),
          UNIT_TEST(kubelet_messages_are_scrubbed))
