/* The client's pure parts: paths, and errors from Status objects. */
#include "kube/client.h"

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/json.h"
#include "kube/status.h"
#include "kube/workload.h"
#include "unit.h"

static const struct {
    const char *name;
    const struct kube_resource *resource;
    const char *ns, *object, *sub, *query;
    const char *want; /* NULL = refused */
    const char *err;
} PATHS[] = {
    { "all namespaces", &KUBE_APPRELEASES, NULL, NULL, NULL, NULL,
      "/apis/deploy.btc-shopflow.io/v1alpha1/appreleases", NULL },
    { "one namespace and a query", &KUBE_DEPLOYMENTS, "shop", NULL, NULL, "limit=1",
      "/apis/apps/v1/namespaces/shop/deployments?limit=1", NULL },
    { "the core group", &KUBE_PODS, "shop", "api-1", "log", "tailLines=20",
      "/api/v1/namespaces/shop/pods/api-1/log?tailLines=20", NULL },
    { "events", &KUBE_EVENTS, "shop", NULL, NULL, NULL,
      "/apis/events.k8s.io/v1/namespaces/shop/events", NULL },
    { "a name with dots", &KUBE_PODS, "shop", "a.b-c.d", NULL, NULL,
      "/api/v1/namespaces/shop/pods/a.b-c.d", NULL },
    { "a way out of the namespace", &KUBE_SECRETS, "shop", "../../x", NULL, NULL, NULL,
      "name '../../x' of secrets" },
    { "only dots", &KUBE_SECRETS, "shop", "..", NULL, NULL, NULL, "name '..'" },
    { "two dots inside", &KUBE_SECRETS, "shop", "a..b", NULL, NULL, NULL, "name 'a..b'" },
    { "a query in a name", &KUBE_SECRETS, "shop", "a?watch=1", NULL, NULL, NULL, "name 'a?watch" },
    { "an escape", &KUBE_SECRETS, "shop", "a%2e", NULL, NULL, NULL, "name 'a%2e'" },
    { "upper case", &KUBE_SECRETS, "shop", "A", NULL, NULL, NULL, "name 'A'" },
    { "an empty name", &KUBE_SECRETS, "shop", "", NULL, NULL, NULL, "name ''" },
    { "a bad namespace", &KUBE_SECRETS, "a/b", "x", NULL, NULL, NULL, "namespace 'a/b'" },
};

static void builds_paths(void)
{
    for (size_t i = 0; i < ARRAY_LEN(PATHS); i++) {
        char path[256];
        struct err e = { 0 };
        int r = kube_path(path, sizeof path, PATHS[i].resource, PATHS[i].ns, PATHS[i].object,
                          PATHS[i].sub, PATHS[i].query, &e);

        CASE(PATHS[i].name, (r == 0) == (PATHS[i].want != NULL));
        if (r)
            CASE(PATHS[i].name, strstr(e.text, PATHS[i].err));
        else
            CASE(PATHS[i].name, !strcmp(path, PATHS[i].want));
    }
}

static void an_account_is_a_user(void)
{
    static const char *const BAD[][2] = {
        { "shop", "" },     { "", "x" },       { "shop", "a:b" }, { "shop", "a\r\nb" },
        { "shop", "../x" }, { "shop:x", "a" }, { "shop", "A" },   { "shop", "a b" },
    };
    char user[KUBE_USER_BYTES], small[30], longest[254] = "";
    struct err e = { 0 };

    memset(longest, 'a', 253);
    CASE("a user", !kube_account_user(user, sizeof user, "shop", "deploy.er", &e));
    CASE("its name", !strcmp(user, "system:serviceaccount:shop:deploy.er"));
    CASE("the longest", !kube_account_user(user, sizeof user, "shop", longest, &e));
    CASE("too long", kube_account_user(small, sizeof small, "shop", "deployer", &e) == -1);
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        CASE(BAD[i][1], kube_account_user(user, sizeof user, BAD[i][0], BAD[i][1], &e) == -1);
}

static void refuses_a_path_that_does_not_fit(void)
{
    char path[20];
    struct err e = { 0 };

    CASE("refused", kube_path(path, sizeof path, &KUBE_PODS, "shop", "x", NULL, NULL, &e) == -1);
    CASE("says so", strstr(e.text, "too long"));
}

#define STATUS(more) "{\"kind\":\"Status\"" more "}"

static const struct {
    const char *name;
    int code;
    const char *body;
    enum err_kind kind;
    const char *text;
} ANSWERS[] = {
    { "conflict", 409, STATUS(",\"reason\":\"Conflict\",\"message\":\"it has been modified\""),
      ERR_CONFLICT, "HTTP 409 Conflict: it has been modified" },
    { "a body that is no Status is not repeated", 502, "<html>secret</html>", ERR_SERVER,
      "HTTP 502" },
    { "nor is other JSON", 500, "{\"message\":\"secret\"}", ERR_SERVER, "HTTP 500" },
    { "no body", 404, "", ERR_NOT_FOUND, "HTTP 404" },
    { "no message", 403, STATUS(",\"reason\":\"Forbidden\""), ERR_DENIED, "HTTP 403 Forbidden" },
    { "no reason", 422, STATUS(",\"message\":\"spec.x: Invalid value\""), ERR_REFUSED,
      "HTTP 422: spec.x: Invalid value" },
    { "not logged in", 401, "", ERR_DENIED, "HTTP 401" },
    { "bad request", 400, "", ERR_REFUSED, "HTTP 400" },
    { "gone", 410, "", ERR_GONE, "HTTP 410" },
    { "too many", 429, "", ERR_THROTTLED, "HTTP 429" },
    { "unavailable", 503, "", ERR_SERVER, "HTTP 503" },
    { "too large", 413, "", ERR_REFUSED, "HTTP 413" },
    { "a redirect makes no sense", 302, "", ERR_INVALID, "HTTP 302" },
    { "credentials are scrubbed", 500, STATUS(",\"message\":\"get https://a:hunter2@r.test/\""),
      ERR_SERVER, NULL },
};

static void turns_answers_into_errors(void)
{
    for (size_t i = 0; i < ARRAY_LEN(ANSWERS); i++) {
        struct err e = { 0 };

        CASE(ANSWERS[i].name, kube_error_from_answer(ANSWERS[i].code, ANSWERS[i].body,
                                                     strlen(ANSWERS[i].body), &e) == -1);
        CASE(ANSWERS[i].name, e.kind == ANSWERS[i].kind && e.code == ANSWERS[i].code);
        CASE(ANSWERS[i].name,
             ANSWERS[i].text ? !strcmp(e.text, ANSWERS[i].text) : !strstr(e.text, "hunter2"));
    }
}

static void turns_error_events_into_errors(void)
{
    static const char EXPIRED[] = "{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\","
                                  "\"message\":\"too old resource version\"}";
    struct err e = { 0 };
    AUTO(json) cJSON *tree = json_parse(EXPIRED, strlen(EXPIRED), &e);

    CASE("an error", kube_error_from_status(tree, &e) == -1);
    CASE("gone", e.kind == ERR_GONE);
    CASE("in words", !strcmp(e.text, "HTTP 410 Expired: too old resource version"));
    kube_error_from_status(NULL, &e);
    CASE("nothing at all is the server's fault", e.kind == ERR_SERVER && e.code == 500);
}

static void knows_what_admission_denied(void)
{
    static const struct {
        const char *name, *text;
        bool denied;
    } ROWS[] = {
        { "a policy",
          "deployments.apps \"x\" is forbidden: ValidatingAdmissionPolicy 'p' with "
          "binding 'b' denied request: no",
          true },
        { "a policy without binding", "ValidatingAdmissionPolicy 'p' denied request: no", true },
        { "a webhook", "admission webhook \"w.io\" denied the request: no", true },
        { "a webhook in a body",
          "{\"message\":\"admission webhook \\\"w.io\\\" denied the "
          "request without explanation\"}",
          true },
        { "a webhook that cannot be called", "failed calling webhook \"w.io\": timeout", false },
        { "a right", "User \"u\" cannot patch resource \"deployments\"", false },
        { "the words alone", "spec.x: Invalid value: denied the request", false },
        { "the words before", "denied the request, admission webhook w", false },
        { "a policy that is only named", "ValidatingAdmissionPolicy 'p' is odd", false },
        { "nothing", NULL, false },
    };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        CASE(ROWS[i].name, kube_denied_by_admission(ROWS[i].text) == ROWS[i].denied);
}

UNIT_MAIN(UNIT_TEST(builds_paths), UNIT_TEST(an_account_is_a_user),
          UNIT_TEST(refuses_a_path_that_does_not_fit), UNIT_TEST(turns_answers_into_errors),
          UNIT_TEST(turns_error_events_into_errors), UNIT_TEST(knows_what_admission_denied))
