/* The merge patch of an AppRelease: who is meant, who keeps what, whose it is, where to go back. */
#include "release.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "base/json.h"
#include "cluster_exec.h"
#include "kube/config.h"
#include "rollback.h"
#include "unit.h"

#define OLD "1111111111111111111111111111111111111111"
#define NEW "2222222222222222222222222222222222222222"
#define BAD "3333333333333333333333333333333333333333"

static cJSON *parse(const char *json)
{
    struct err e = { 0 };

    return json ? json_parse(json, strlen(json), &e) : NULL;
}

static const struct wanted_app API[] = { { .name = "api", .commit = NEW } };
static const struct wanted WANT = {
    .commit = NEW, .apps = API, .n_apps = 1, .registry = "reg:5000"
};

/* What is composed, as text; the error's where it is none. */
static bool composes(const char *object, const struct wanted *w, const char *expected)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    AUTO(json) cJSON *was = parse(object);
    struct err e = { 0 };
    AUTO(json) cJSON *patch = release_compose(was, w, "shop", "shopflow", a, &e);
    char *text = patch ? json_print(patch) : NULL;
    bool same = !strcmp(text ? text : e.text, expected);

    if (!same)
        fprintf(stderr, "is:       %s\nexpected: %s\n", text ? text : e.text, expected);
    cJSON_free(text);
    return same;
}

#define ROLLED_BACK "deploy.btc-shopflow.io/rolled-back"
#define META "\"metadata\":{\"resourceVersion\":\"7\"}"

static void the_first_release_makes_the_object(void)
{
    CASE(
        "no object",
        composes(NULL, &WANT,
                 "{\"apiVersion\":\"deploy.btc-shopflow.io/v1alpha1\",\"kind\":\"AppRelease\","
                 "\"metadata\":{\"name\":\"shopflow\",\"namespace\":\"shop\"},\"spec\":{\"commit\":"
                 "\"" NEW "\",\"registry\":\"reg:5000\",\"apps\":[{\"name\":\"api\"}]}}"));
}

static void who_is_not_meant_keeps_what_is_asked_for(void)
{
    CASE("the release's commit becomes its own",
         composes("{" META ",\"spec\":{\"commit\":\"" OLD "\",\"registry\":\"reg:5000\",\"apps\":["
                  "{\"name\":\"web\",\"containers\":[\"a\"]},{\"name\":\"api\",\"commit\":\"" BAD
                  "\"}]}}",
                  &WANT,
                  "{" META ",\"spec\":{\"commit\":\"" NEW "\",\"apps\":[{\"name\":\"web\","
                  "\"containers\":[\"a\"],\"commit\":\"" OLD "\"},{\"name\":\"api\"}]}}"));
    CASE("its own commit stays its own",
         composes("{" META ",\"spec\":{\"commit\":\"" OLD "\",\"registry\":\"reg:5000\",\"apps\":["
                  "{\"name\":\"web\",\"commit\":\"" BAD "\"}]}}",
                  &WANT,
                  "{" META ",\"spec\":{\"commit\":\"" NEW "\",\"apps\":[{\"name\":\"web\","
                  "\"commit\":\"" BAD "\"},{\"name\":\"api\"}]}}"));
    CASE("what is asked for failed: the last good one",
         composes("{" META ",\"spec\":{\"commit\":\"" BAD "\",\"registry\":\"reg:5000\",\"apps\":["
                  "{\"name\":\"web\"}]},\"status\":{\"apps\":[{\"name\":\"web\",\"commit\":\"" OLD
                  "\",\"failedCommit\":\"" BAD "\",\"reason\":\"CrashLoop\"}]}}",
                  &WANT,
                  "{\"metadata\":{\"resourceVersion\":\"7\",\"annotations\":{\"" ROLLED_BACK
                  "\":\"{\\\"web\\\":{\\\"commit\\\":\\\"" BAD
                  "\\\",\\\"by\\\":\\\"controller\\\",\\\"why\\\":\\\"CrashLoop\\\"}}\"}},\"spec\":"
                  "{\"commit\":\"" NEW "\",\"apps\":[{\"name\":\"web\","
                  "\"commit\":\"" OLD "\"},{\"name\":\"api\"}]}}"));
    CASE("another commit failed: no matter",
         composes("{" META ",\"spec\":{\"commit\":\"" BAD "\",\"registry\":\"reg:5000\",\"apps\":["
                  "{\"name\":\"web\"}]},\"status\":{\"apps\":[{\"name\":\"web\",\"commit\":\"" OLD
                  "\",\"failedCommit\":\"" NEW "\"}]}}",
                  &WANT,
                  "{" META ",\"spec\":{\"commit\":\"" NEW "\",\"apps\":[{\"name\":\"web\","
                  "\"commit\":\"" BAD "\"},{\"name\":\"api\"}]}}"));
}

static void another_registry_is_the_meant_apps_own(void)
{
    CASE("web's images stay where they are",
         composes("{" META ",\"spec\":{\"commit\":\"" NEW "\",\"registry\":\"old:5000\",\"apps\":["
                  "{\"name\":\"web\"},{\"name\":\"api\"}]}}",
                  &WANT,
                  "{" META ",\"spec\":{\"commit\":\"" NEW "\",\"apps\":[{\"name\":\"web\"},"
                  "{\"name\":\"api\",\"repository\":\"reg:5000/api\"}]}}"));
}

static void what_was_put_back_by_hand_keeps_its_repository(void)
{
    const struct wanted_app back[] = { { .name = "api", .commit = OLD, .left = BAD } };
    struct wanted w = WANT;

    w.apps = back;
    CASE("and is marked",
         composes("{" META ",\"spec\":{\"commit\":\"" NEW "\",\"registry\":\"old:5000\",\"apps\":["
                  "{\"name\":\"api\"}]}}",
                  &w,
                  "{\"metadata\":{\"resourceVersion\":\"7\",\"annotations\":{\"" ROLLED_BACK
                  "\":\"{\\\"api\\\":{\\\"commit\\\":\\\"" BAD
                  "\\\",\\\"by\\\":\\\"kubectl\\\"}}\"}},\"spec\":{\"commit\":\"" NEW
                  "\",\"apps\":[{\"name\":\"api\",\"commit\":\"" OLD "\"}]}}"));
}

static void more_of_the_spec_and_who_asks(void)
{
    struct wanted w = WANT;

    w.spec = "{\"paused\":true,\"commit\":\"no\"}";
    w.source = "{\"actor\":\"ann\"}";
    w.annotations = "{\"a/b\":\"c\"}";
    w.dropped = (const char *const[]){ "web", NULL };
    CASE("fields, source, annotations, no others",
         composes("{" META ",\"spec\":{\"commit\":\"" OLD "\",\"registry\":\"reg:5000\",\"apps\":["
                  "{\"name\":\"web\"}],\"source\":{\"actor\":\"bob\",\"ref\":\"x\"}}}",
                  &w,
                  "{\"metadata\":{\"resourceVersion\":\"7\",\"annotations\":{\"a/b\":\"c\"}},"
                  "\"spec\":{\"paused\":true,\"commit\":\"" NEW "\",\"apps\":[{\"name\":\"api\"}],"
                  "\"source\":{\"actor\":\"ann\",\"ref\":null}}}"));
}

static void what_apps_go_back_from_is_marked(void)
{
    struct wanted w = WANT;

    w.rolled_back = "ann";
    CASE("left BAD",
         composes(
             "{\"metadata\":{\"resourceVersion\":\"7\",\"annotations\":{\"deploy.btc-shopflow.io/"
             "rolled-back\":\"{\\\"web\\\":{\\\"commit\\\":\\\"x\\\"}}\"}},\"spec\":{\"commit\":"
             "\"" BAD "\",\"registry\":\"reg:5000\",\"apps\":[{\"name\":\"api\"}]}}",
             &w,
             "{\"metadata\":{\"resourceVersion\":\"7\",\"annotations\":{\"deploy.btc-shopflow.io/"
             "rolled-back\":\"{\\\"web\\\":{\\\"commit\\\":\\\"x\\\"},\\\"api\\\":{\\\"commit\\\":"
             "\\\"" BAD "\\\",\\\"by\\\":\\\"ann\\\"}}\"}},\"spec\":{\"commit\":\"" NEW
             "\",\"apps\":[{\"name\":\"api\"}]}}"));
    w.rolled_back = NULL;
    CASE("asked for anew: the mark goes, and the annotation with the last",
         composes(
             "{\"metadata\":{\"resourceVersion\":\"7\",\"annotations\":{\"deploy.btc-shopflow.io/"
             "rolled-back\":\"{\\\"api\\\":{\\\"commit\\\":\\\"x\\\"}}\"}},\"spec\":{\"commit\":"
             "\"" BAD "\",\"registry\":\"reg:5000\",\"apps\":[{\"name\":\"api\"}]}}",
             &w,
             "{\"metadata\":{\"resourceVersion\":\"7\",\"annotations\":{\"deploy.btc-shopflow.io/"
             "rolled-back\":null}},\"spec\":{\"commit\":\"" NEW
             "\",\"apps\":[{\"name\":\"api\"}]}}"));
}

static void an_app_must_be_listed_to_go_back(void)
{
    struct wanted w = WANT;

    w.listed_only = true;
    CASE("it is not", composes("{" META ",\"spec\":{\"commit\":\"" OLD "\",\"apps\":[]}}", &w,
                               "app 'api' is not in the AppRelease"));
}

static void the_answer_is_compared(void)
{
    AUTO(json)
    cJSON *kept = parse("{\"spec\":{\"commit\":\"" NEW "\",\"apps\":[{\"name\":\"api\"}]}}");
    AUTO(json)
    cJSON *changed = parse("{\"spec\":{\"commit\":\"" OLD "\",\"apps\":[{\"name\":\"api\"}]}}");
    struct err e = { 0 };

    CASE("as meant", release_check(kept, &WANT, &e) == 0);
    CASE("changed on its way", release_check(changed, &WANT, &e) && e.kind == ERR_CONFLICT);
}

static void commits_match_by_their_beginning(void)
{
    CASE("short and long", commit_matches("2222222", NEW) && commit_matches(NEW, "2222222"));
    CASE("too short", !commit_matches("222222", NEW));
    CASE("other", !commit_matches(OLD, NEW));
    CASE("valid", commit_is_valid(NEW) && !commit_is_valid("222222") &&
                      !commit_is_valid("222222G") && !commit_is_valid(NEW NEW));
}

static void owners_are_told_by_their_marks(void)
{
    static const struct {
        const char *meta, *owner;
    } rows[] = {
        { "{}", NULL },
        { "{\"labels\":{\"app.kubernetes.io/instance\":\"x\"}}", NULL },
        { "{\"annotations\":{\"argocd.argoproj.io/tracking-id\":\"shop:deploy/AppRelease:a/b\"}}",
          "Argo CD's application shop" },
        { "{\"labels\":{\"argocd.argoproj.io/instance\":\"shop\"}}", "Argo CD's application shop" },
        { "{\"labels\":{\"kustomize.toolkit.fluxcd.io/name\":\"apps\"}}",
          "Flux's Kustomization apps" },
        { "{\"labels\":{\"helm.toolkit.fluxcd.io/name\":\"apps\"}}", "Flux's HelmRelease apps" },
        { "{\"annotations\":{\"meta.helm.sh/release-name\":\"shop\"}}", "Helm's release shop" },
        { "{\"labels\":{\"app.kubernetes.io/managed-by\":\"Helm\"}}", "Helm" },
        { "{\"managedFields\":[{\"manager\":\"argocd-controller\",\"fieldsV1\":{\"f:spec\":{}}}]}",
          "Argo CD" },
        { "{\"managedFields\":[{\"manager\":\"kustomize-controller\",\"fieldsV1\":{\"f:spec\":{}}}]"
          "}",
          "Flux" },
        { "{\"managedFields\":[{\"manager\":\"helm\",\"fieldsV1\":{\"f:spec\":{}}}]}", "Helm" },
        { "{\"managedFields\":[{\"manager\":\"helm\",\"fieldsV1\":{\"f:metadata\":{}}}]}", NULL },
        { "{\"managedFields\":[{\"manager\":\"shopflow\",\"fieldsV1\":{\"f:spec\":{}}}]}", NULL },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        AUTO(json) cJSON *object = cJSON_CreateObject();
        const char *owner;

        cJSON_AddItemToObject(object, "metadata", parse(rows[i].meta));
        owner = release_owner(object, a);
        CASE(rows[i].meta, rows[i].owner ? owner && !strcmp(owner, rows[i].owner) : !owner);
    }
}

static void a_manifest_is_for_peoples_files(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    AUTO(json)
    cJSON *was =
        parse("{" META ",\"spec\":{\"commit\":\"" OLD "\",\"registry\":\"reg:5000\",\"health\":"
              "{\"soakSeconds\":1},\"source\":{\"ref\":\"x\"},\"apps\":[{\"name\":\"api\"}]},"
              "\"status\":{\"observedGeneration\":1}}");
    struct wanted w = WANT;
    struct err e = { 0 };
    AUTO(json) cJSON *whole = NULL;
    char *text;

    w.source = "{\"actor\":\"ann\"}";
    whole = release_manifest(was, &w, "shop", "shopflow", a, &e);
    text = json_print(whole);
    CASE("whole, and nothing of the cluster",
         !strcmp(text,
                 "{\"apiVersion\":\"deploy.btc-shopflow.io/v1alpha1\",\"kind\":\"AppRelease\","
                 "\"metadata\":{\"name\":\"shopflow\",\"namespace\":\"shop\"},\"spec\":{"
                 "\"registry\":\"reg:5000\",\"health\":{\"soakSeconds\":1},\"source\":{\"actor\":"
                 "\"ann\"},\"commit\":\"" NEW "\",\"apps\":[{\"name\":\"api\"}]}}") ||
             !fprintf(stderr, "%s\n", text));
    cJSON_free(text);
}

/* --- going back --- */

#define ENTRY(commit, result, changed, held)                                                       \
    "{\"commit\":\"" commit "\",\"result\":\"" result "\",\"changedApps\":[" changed               \
    "],\"held\":[" held "]}"
#define SHOP(api, history)                                                                         \
    "{\"metadata\":{},\"spec\":{\"commit\":\"" NEW "\",\"apps\":[{\"name\":\"api\"},{\"name\":"    \
    "\"web\"}]},\"status\":{\"apps\":[{\"name\":\"api\",\"deployment\":\"a\",\"commit\":\"" api    \
    "\"},{\"name\":\"web\",\"deployment\":\"w\",\"commit\":\"" OLD "\"}],\"history\":[" history    \
    "]}}"
#define HELD_WEB "{\"name\":\"web\",\"commit\":\"" OLD "\"}"

static void back_to_the_newest_with_another_image(void)
{
    static const struct {
        const char *name, *object, *to;
        const char *commit, *api, *web; /* or … */
        const char *error;
    } rows[] = {
        { "the one before",
          SHOP(NEW,
               ENTRY(NEW, "Succeeded", "\"api\"", HELD_WEB) "," ENTRY(OLD, "Succeeded", "", "")),
          NULL, OLD, OLD, OLD, NULL },
        { "one that failed is passed over",
          SHOP(NEW, ENTRY(NEW, "Succeeded", "\"api\"", HELD_WEB) "," ENTRY(
                        BAD, "RolledBack", "\"api\"", "") "," ENTRY(OLD, "Succeeded", "", "")),
          NULL, OLD, OLD, OLD, NULL },
        { "another commit with the same image is passed over",
          SHOP(NEW, ENTRY(NEW, "Succeeded", "", "") "," ENTRY(
                        BAD, "Succeeded", "\"api\"", "") "," ENTRY(OLD, "Succeeded", "", "")),
          NULL, OLD, OLD, OLD, NULL },
        { "a list of names that is cut may hold any",
          SHOP(NEW, "{\"commit\":\"" NEW "\",\"result\":\"Succeeded\",\"changedApps\":[\"x\"],"
                    "\"changedCount\":20}," ENTRY(OLD, "Succeeded", "", "")),
          NULL, OLD, OLD, OLD, NULL },
        { "nothing before", SHOP(NEW, ENTRY(NEW, "Succeeded", "\"api\"", "")), NULL, NULL, NULL,
          NULL, "the history has no good release" },
        { "to a release of the history: each app as it was",
          SHOP(OLD, ENTRY(OLD, "Succeeded", "\"api\"", "") "," ENTRY(NEW, "Succeeded", "\"api\"",
                                                                     HELD_WEB)),
          "2222222", NEW, NEW, OLD, NULL },
        { "to one that the history has forgotten", SHOP(OLD, ""), "3333333", "3333333", "3333333",
          "3333333", NULL },
        { "to no commit", SHOP(OLD, ""), "main", NULL, NULL, NULL, "--to 'main': must be 7" },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        struct wanted w = { 0 };
        struct err e = { 0 };
        struct seen seen;
        bool ok;

        seen_decode(parse(rows[i].object), &seen);
        ok = rollback_find(&seen, NULL, rows[i].to, a, &w, &e) == 0;
        if (rows[i].error)
            CASE(rows[i].name, !ok && !strncmp(e.text, rows[i].error, strlen(rows[i].error)));
        else
            CASE(rows[i].name, ok && !strcmp(w.commit, rows[i].commit) && w.n_apps == 2 &&
                                   !strcmp(w.apps[0].commit, rows[i].api) &&
                                   !strcmp(w.apps[1].commit, rows[i].web));
        seen_release(&seen);
    }
}

/* --- exec plugins --- */

static void what_a_plugin_prints_is_checked(void)
{
    static const char V1[] = "client.authentication.k8s.io/v1";
    static const struct {
        const char *name, *text, *error; /* error NULL = good */
    } rows[] = {
        { "a token",
          "{\"apiVersion\":\"client.authentication.k8s.io/"
          "v1\",\"kind\":\"ExecCredential\",\"status\":"
          "{\"token\":\"secret\"}}",
          NULL },
        { "no JSON", "Please log in", "its output is no ExecCredential" },
        { "another kind", "{\"kind\":\"Secret\"}", "its output is no ExecCredential" },
        { "another version",
          "{\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"kind\":\"ExecCredential\"}",
          "its output is of client.authentication.k8s.io/v1beta1, not "
          "client.authentication.k8s.io/v1" },
        { "no credentials",
          "{\"apiVersion\":\"client.authentication.k8s.io/"
          "v1\",\"kind\":\"ExecCredential\",\"status\":{}}",
          "its output holds no credentials" },
        { "half a certificate",
          "{\"apiVersion\":\"client.authentication.k8s.io/"
          "v1\",\"kind\":\"ExecCredential\",\"status\":"
          "{\"token\":\"t\",\"clientCertificateData\":\"x\"}}",
          "its output holds no credentials" },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(kube_config) struct kube_config config = { 0 };
        struct err e = { 0 };
        int failed = cluster_exec_read(rows[i].text, V1, &config, &e);

        CASE(rows[i].name, rows[i].error ? failed && !strcmp(e.text, rows[i].error) :
                                           !failed && !strcmp(config.token, "secret"));
    }
}

UNIT_MAIN(UNIT_TEST(the_first_release_makes_the_object),
          UNIT_TEST(who_is_not_meant_keeps_what_is_asked_for),
          UNIT_TEST(another_registry_is_the_meant_apps_own),
          UNIT_TEST(what_was_put_back_by_hand_keeps_its_repository),
          UNIT_TEST(more_of_the_spec_and_who_asks), UNIT_TEST(what_apps_go_back_from_is_marked),
          UNIT_TEST(an_app_must_be_listed_to_go_back), UNIT_TEST(the_answer_is_compared),
          UNIT_TEST(commits_match_by_their_beginning), UNIT_TEST(owners_are_told_by_their_marks),
          UNIT_TEST(a_manifest_is_for_peoples_files),
          UNIT_TEST(back_to_the_newest_with_another_image),
          UNIT_TEST(what_a_plugin_prints_is_checked))
