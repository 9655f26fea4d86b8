#include "deploy/spec.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "unit.h"

#define SHA40 "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432"
#define X16 "aaaaaaaaaaaaaaaa"
#define X64 X16 X16 X16 X16
#define X256 X64 X64 X64 X64

static const char *decode(const char *json, struct arena *a, struct release_spec *ret)
{
    struct err e = { 0 };
    AUTO(json) cJSON *tree = json_parse(json, strlen(json), &e);

    if (!tree)
        printf("the row is no JSON: %s\n", e.text);
    return spec_decode(tree, a, ret);
}

/* A good spec with one more member before its end, or with the app replaced. */
#define WITH(member)                                                                               \
    "{\"commit\":\"1234567\",\"registry\":\"r.io\",\"apps\":[{\"name\":\"a\"}]," member "}"
#define ON(name, on) "{\"name\":\"" name "\",\"dependsOn\":[\"" on "\"]}"
#define APP(app) "{\"commit\":\"1234567\",\"registry\":\"r.io\",\"apps\":[" app "]}"
#define COMMIT(commit) "{\"commit\":" commit ",\"registry\":\"r.io\",\"apps\":[{\"name\":\"a\"}]}"

static const struct {
    const char *name, *json;
    const char *problem; /* how it begins; NULL = the spec is good */
} ROWS[] = {
    { "the least that is good", WITH("\"tag\":\"ShortSHA\""), NULL },
    { "a commit of 7 digits", COMMIT("\"1234567\""), NULL },
    { "a commit of 64 digits", COMMIT("\"" X64 "\""), NULL },
    { "no commit", "{\"registry\":\"r.io\",\"apps\":[{\"name\":\"a\"}]}",
      "spec.commit: is required: 7 to 64 lower-case hex digits, in quotes" },
    { "a commit that YAML made a number", COMMIT("1234567"),
      "spec.commit: must be a string: 7 to 64 lower-case hex digits, in quotes" },
    { "a commit of 6 digits", COMMIT("\"123456\""),
      "spec.commit: '123456' is not 7 to 64 lower-case hex digits, in quotes" },
    { "a commit of 65 digits", COMMIT("\"" X64 "a\""), "spec.commit: 'aaaa" },
    { "a commit in upper case", COMMIT("\"ABCDEF1\""), "spec.commit: 'ABCDEF1' is not" },
    { "a branch for a commit", COMMIT("\"develop\""), "spec.commit: 'develop' is not" },

    { "no apps", "{\"commit\":\"1234567\",\"registry\":\"r.io\"}",
      "spec.apps: is required: 1 to 64" },
    { "an empty list of apps", APP(""), "spec.apps: is required: 1 to 64 apps" },
    { "apps that are no list",
      "{\"commit\":\"1234567\",\"registry\":\"r.io\",\"apps\":{\"name\":\"a\"}}",
      "spec.apps: must be a list of at most 64 items" },
    { "an app without name", APP("{}"), "spec.apps[0].name: is required: a DNS-1123 label" },
    { "an app that is a string", APP("\"web\""), "spec.apps[0].name: is required" },
    { "an app's name in upper case", APP("{\"name\":\"Web\"}"),
      "spec.apps[0].name: 'Web' is not a DNS-1123 label (a-z, 0-9, '-')" },
    { "an app's name that begins with a dash", APP("{\"name\":\"-web\"}"),
      "spec.apps[0].name: '-web'" },
    { "an app's name that ends with a dash", APP("{\"name\":\"web-\"}"),
      "spec.apps[0].name: 'web-'" },
    { "an app's name of 63 bytes",
      APP("{\"name\":\"" X16 X16 X16 "aaaaaaaaaaaaaaa\","
          "\"deployment\":\"d\"}"),
      NULL },
    { "an app's name of 64 bytes", APP("{\"name\":\"" X64 "\"}"), "spec.apps[0].name: 'aaaa" },
    { "a default Deployment's name that is too long",
      APP("{\"name\":\"" X16 X16 X16 "aaaaaaaaaaaaaaa\"}"), "spec.apps[0].deployment: 'btc-aaaa" },
    { "two apps of one name", APP("{\"name\":\"a\"},{\"name\":\"a\",\"deployment\":\"b\"}"),
      "spec.apps[1].name: 'a' is there twice" },
    { "two apps on one Deployment",
      APP("{\"name\":\"a\"},{\"name\":\"b\",\"deployment\":\"btc-a\"}"),
      "spec.apps[1].deployment: 'btc-a' is named by app 'a' too" },
    { "a Deployment's name with dots", APP("{\"name\":\"a\",\"deployment\":\"shop.v1\"}"), NULL },
    { "a Deployment's name with an empty label",
      APP("{\"name\":\"a\",\"deployment\":\"shop..v1\"}"),
      "spec.apps[0].deployment: 'shop..v1' is not a DNS-1123 subdomain" },
    { "a Deployment's name with a slash", APP("{\"name\":\"a\",\"deployment\":\"x/y\"}"),
      "spec.apps[0].deployment: 'x/y' is not" },
    { "a repository with a tag", APP("{\"name\":\"a\",\"repository\":\"r.io/a:v1\"}"),
      "spec.apps[0].repository: 'r.io/a:v1' is not [host[:port]/]path" },
    { "a repository with a scheme", APP("{\"name\":\"a\",\"repository\":\"https://r.io/a\"}"),
      "spec.apps[0].repository: 'https://r.io/a' is not" },
    { "a repository with a user", APP("{\"name\":\"a\",\"repository\":\"me@r.io/a\"}"),
      "spec.apps[0].repository: 'me@r.io/a' is not" },
    { "a repository in upper case", APP("{\"name\":\"a\",\"repository\":\"r.io/Shop\"}"),
      "spec.apps[0].repository: 'r.io/Shop' is not" },
    { "a repository with an empty part", APP("{\"name\":\"a\",\"repository\":\"r.io//a\"}"),
      "spec.apps[0].repository: 'r.io//a' is not" },
    { "a repository with port and path",
      APP("{\"name\":\"a\",\"repository\":\"10.0.0.1:5000/x/y_z/a\"}"), NULL },
    { "an app's commit that is no commit", APP("{\"name\":\"a\",\"commit\":\"v1\"}"),
      "spec.apps[0].commit: 'v1' is not 7 to 64" },
    { "five containers", APP("{\"name\":\"a\",\"containers\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}"),
      "spec.apps[0].containers: must be a list of at most 4 items" },
    { "a container that is a number", APP("{\"name\":\"a\",\"containers\":[\"a\",7]}"),
      "spec.apps[0].containers[1]: must be a DNS-1123 label" },
    { "a container twice", APP("{\"name\":\"a\",\"containers\":[\"b\",\"a\",\"b\"]}"),
      "spec.apps[0].containers[2]: 'b' is there twice" },
    { "a container with an underscore", APP("{\"name\":\"a\",\"containers\":[\"a_b\"]}"),
      "spec.apps[0].containers[0]: must be" },
    { "an app that depends on one that is not there", APP("{\"name\":\"a\",\"dependsOn\":[\"b\"]}"),
      "spec.apps[0].dependsOn[0]: 'b' is not another app of this list" },
    { "an app that depends on itself", APP("{\"name\":\"a\",\"dependsOn\":[\"a\"]}"),
      "spec.apps[0].dependsOn[0]: 'a' is not another app of this list" },
    { "a dependency twice", APP("{\"name\":\"a\",\"dependsOn\":[\"b\",\"b\"]},{\"name\":\"b\"}"),
      "spec.apps[0].dependsOn[1]: 'b' is there twice" },
    { "a dependency that comes later",
      APP("{\"name\":\"a\",\"dependsOn\":[\"b\"]},{\"name\":\"b\"}"), NULL },
    { "a circle of two", APP(ON("a", "b") "," ON("b", "a")),
      "spec.apps[0].dependsOn: a -> b -> a is a circle" },
    { "a circle that others lead to",
      APP(ON("x", "a") "," ON("b", "c") "," ON("a", "b") "," ON("c", "a")),
      "spec.apps[2].dependsOn: a -> b -> c -> a is a circle" },
    { "two ways to one app are no circle",
      APP(ON("a", "b\",\"c") "," ON("b", "d") "," ON("c", "d") ",{\"name\":\"d\"}"), NULL },
    { "RollbackAll without rollback", WITH("\"onFailure\":\"RollbackAll\",\"rollback\":\"Never\""),
      "spec.onFailure: RollbackAll needs rollback Auto" },
    { "an unknown onFailure", WITH("\"onFailure\":\"Panic\""),
      "spec.onFailure: 'Panic' is not one of RollbackFailed, RollbackAll, Halt" },
    { "an unknown mode", WITH("\"mode\":\"Dry\""), "spec.mode: 'Dry' is not one of Apply, Plan" },
    { "suspend that is no truth", WITH("\"suspend\":\"yes\""),
      "spec.suspend: must be true or false" },
    { "an approval of nothing", WITH("\"approval\":{\"required\":true,\"approvedCommit\":\"\"}"),
      NULL },
    { "an approval of a branch", WITH("\"approval\":{\"approvedCommit\":\"main\"}"),
      "spec.approval.approvedCommit: 'main' is not 7 to 64 lower-case hex digits, or empty" },
    { "an empty service account", WITH("\"serviceAccountName\":\"\""),
      "spec.serviceAccountName: '' is not a DNS-1123 subdomain" },
    { "a window without schedule", WITH("\"freezeWindows\":[{\"durationSeconds\":60}]"),
      "spec.freezeWindows[0].schedule: is required: five fields of cron" },
    { "a window without end", WITH("\"freezeWindows\":[{\"schedule\":\"0 18 * * 5\"}]"),
      "spec.freezeWindows[0].durationSeconds: is required: 60 to 31536000" },
    { "a window of 59 s",
      WITH("\"freezeWindows\":[{\"schedule\":\"0 18 * * 5\",\"durationSeconds\":59}]"),
      "spec.freezeWindows[0].durationSeconds: must be a whole number from 60 to 31536000" },
    { "a time zone that climbs",
      WITH("\"freezeWindows\":[{\"schedule\":\"0 18 * * "
           "5\",\"durationSeconds\":60,\"timeZone\":\"Europe/../x\"}]"),
      "spec.freezeWindows[0].timeZone: 'Europe/../x' is not an IANA time zone" },
    { "neither registry nor repository", "{\"commit\":\"1234567\",\"apps\":[{\"name\":\"a\"}]}",
      "spec.registry: is required unless every app has a repository: 'a' has none" },
    { "no registry, a repository each",
      "{\"commit\":\"1234567\",\"apps\":[{\"name\":\"a\",\"repository\":\"r.io/a\"}]}", NULL },

    { "a registry with a scheme",
      "{\"commit\":\"1234567\",\"registry\":\"http://r.io\",\"apps\":[{\"name\":\"a\"}]}",
      "spec.registry: 'http://r.io' is not host[:port][/path]" },
    { "an empty registry", "{\"commit\":\"1234567\",\"registry\":\"\",\"apps\":[{\"name\":\"a\"}]}",
      "spec.registry: '' is not" },
    { "a registry of 256 bytes",
      "{\"commit\":\"1234567\",\"registry\":\"" X256 "\",\"apps\":[{\"name\":\"a\"}]}",
      "spec.registry: 'aaaa" },
    { "a prefix that cannot begin a name", WITH("\"deploymentPrefix\":\"-x\""),
      "spec.deploymentPrefix: '-x' is not the start of a DNS-1123 subdomain, or empty" },
    { "a prefix in upper case", WITH("\"deploymentPrefix\":\"Btc-\""),
      "spec.deploymentPrefix: 'Btc-'" },
    { "no prefix", WITH("\"deploymentPrefix\":\"\""), NULL },

    { "a tag rule that is not known", WITH("\"tag\":\"Branch\""),
      "spec.tag: 'Branch' is not one of ShortSHA, FullSHA" },
    { "FullSHA of a short commit", WITH("\"tag\":\"FullSHA\""),
      "spec.commit: tag FullSHA needs a commit of at least 40 digits" },
    { "FullSHA of a short commit of an app",
      "{\"commit\":\"" SHA40 "\",\"tag\":\"FullSHA\",\"registry\":\"r.io\","
      "\"apps\":[{\"name\":\"a\"},{\"name\":\"b\",\"commit\":\"1234567\"}]}",
      "spec.apps[1].commit: tag FullSHA needs a commit of at least 40 digits" },
    { "a missing-image policy that is not known", WITH("\"missingImagePolicy\":\"Ignore\""),
      "spec.missingImagePolicy: 'Ignore' is not one of Wait, Skip, Fail" },
    { "a rollback rule that is not known", WITH("\"rollback\":\"Maybe\""),
      "spec.rollback: 'Maybe' is not one of Auto, Never" },
    { "a bool that is text", WITH("\"pinDigest\":\"yes\""),
      "spec.pinDigest: must be true or false" },
    { "a bool that is a number", WITH("\"enforceRollingUpdate\":1"),
      "spec.enforceRollingUpdate: must be true or false" },
    { "failFast that is text", WITH("\"health\":{\"failFast\":\"no\"}"),
      "spec.health.failFast: must be true or false" },

    { "imageWaitSeconds below", WITH("\"imageWaitSeconds\":-1"),
      "spec.imageWaitSeconds: must be a whole number from 0 to 86400" },
    { "imageWaitSeconds above", WITH("\"imageWaitSeconds\":86401"),
      "spec.imageWaitSeconds: must be" },
    { "imageWaitSeconds in part", WITH("\"imageWaitSeconds\":1.5"),
      "spec.imageWaitSeconds: must be" },
    { "imageWaitSeconds as text", WITH("\"imageWaitSeconds\":\"9\""),
      "spec.imageWaitSeconds: must be" },
    { "maxConcurrent below", WITH("\"maxConcurrent\":0"),
      "spec.maxConcurrent: must be a whole number from 1 to 64" },
    { "maxConcurrent above", WITH("\"maxConcurrent\":65"), "spec.maxConcurrent: must be" },
    { "deadlineSeconds below", WITH("\"health\":{\"deadlineSeconds\":9}"),
      "spec.health.deadlineSeconds: must be a whole number from 10 to 86400" },
    { "deadlineSeconds above", WITH("\"health\":{\"deadlineSeconds\":86401}"),
      "spec.health.deadlineSeconds: must" },
    { "soakSeconds above", WITH("\"health\":{\"soakSeconds\":3601}"),
      "spec.health.soakSeconds: must be a whole number from 0 to 3600" },
    { "restartThreshold below", WITH("\"health\":{\"restartThreshold\":0}"),
      "spec.health.restartThreshold: must be a whole number from 1 to 20" },
    { "restartThreshold above", WITH("\"health\":{\"restartThreshold\":21}"),
      "spec.health.restartThreshold: must" },
    { "historyLimit below", WITH("\"historyLimit\":0"),
      "spec.historyLimit: must be a whole number from 1 to 50" },
    { "historyLimit above", WITH("\"historyLimit\":51"), "spec.historyLimit: must" },
    { "a ttl below", WITH("\"ttlSecondsAfterFinished\":-1"),
      "spec.ttlSecondsAfterFinished: must be a whole number from 0 to 31536000" },
    { "a ttl that is null", WITH("\"ttlSecondsAfterFinished\":null"), NULL },
    { "a number that is not finite in int", WITH("\"maxConcurrent\":1e300"),
      "spec.maxConcurrent: must" },

    { "a pull secret without name", WITH("\"pullSecrets\":[{}]"),
      "spec.pullSecrets[0].name: is required" },
    { "a pull secret that is a string", WITH("\"pullSecrets\":[\"regcred\"]"),
      "spec.pullSecrets[0].name: is required" },
    { "a pull secret of another namespace",
      WITH("\"pullSecrets\":[{\"name\":\"x\"},{\"name\":\"other/cred\"}]"),
      "spec.pullSecrets[1].name: 'other/cred' is not a DNS-1123 subdomain" },
    { "an actor that is a list", WITH("\"source\":{\"actor\":[]}"),
      "spec.source.actor: must be a string" },
};

/* What the CRD's patterns take and refuse. */
static const struct {
    const char *text;
    bool registry, repository;
} PLACES[] = {
    { "r.io", true, true },
    { "r.io:5000", true, false },
    { "r.io:5000/shop", true, true },
    { "192.168.1.100:5000", true, false },
    { "[fd00::1]:5000/shop", true, true },
    { "[fd00::1]", true, false },
    { "localhost/a.b_c__d---e", true, true },
    { "library/nginx", true, true },
    { "my_team/web", false, true },
    { "r.io/shop-", false, false },
    { "r.io/-shop", false, false },
    { "r.io/a..b", false, false },
    { "r.io/a___b", false, false },
    { "r.io/a/", false, false },
    { "r.io/", false, false },
    { "r.io-", false, false },
    { "-r.io", false, false },
    { "r.io:", false, false },
    { "r.io:http/a", false, false },
    { "r.io:123456/a", false, false },
    { "r.io:5000:5000/a", false, false },
    { "[fd00::1/a", false, false },
    { "[]/a", false, false },
    { "r.io/a@sha256:12", false, false },
    { "r.io/a b", false, false },
    { "r.io/\u00e4", false, false },
};

static void takes_registries_and_repositories_as_the_crd_does(void)
{
    for (size_t i = 0; i < ARRAY_LEN(PLACES); i++) {
        AUTO(arena) struct arena *a = arena_new(4096);
        struct release_spec spec;
        const char *registry = arena_printf(
            a, "{\"commit\":\"1234567\",\"registry\":\"%s\",\"apps\":[{\"name\":\"a\"}]}",
            PLACES[i].text);
        const char *repository =
            arena_printf(a, APP("{\"name\":\"a\",\"repository\":\"%s\"}"), PLACES[i].text);

        CASE(PLACES[i].text, (decode(registry, a, &spec) == NULL) == PLACES[i].registry);
        CASE(PLACES[i].text, (decode(repository, a, &spec) == NULL) == PLACES[i].repository);
    }
}

static void names_the_field_and_the_rule(void)
{
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(arena) struct arena *a = arena_new(4096);
        struct release_spec spec;
        const char *problem = decode(ROWS[i].json, a, &spec), *want = ROWS[i].problem;

        CASE(ROWS[i].name,
             want ? problem && !strncmp(problem, want, strlen(want)) : problem == NULL);
    }
}

static void refuses_what_is_no_object(void)
{
    AUTO(arena) struct arena *a = arena_new(512);
    struct release_spec spec;

    CASE("a list", !strcmp(decode("[]", a, &spec), "spec: is required"));
    CASE("nothing", !strcmp(spec_decode(NULL, a, &spec), "spec: is required"));
}

static void counts_apps(void)
{
    char json[8192] = "{\"commit\":\"1234567\",\"registry\":\"r.io\",\"apps\":[";
    AUTO(arena) struct arena *a = arena_new(4096);
    struct release_spec spec;
    size_t len = strlen(json);

    for (int i = 0; i < 64; i++)
        len += (size_t)snprintf(json + len, sizeof json - len, "%s{\"name\":\"a%d\"}", i ? "," : "",
                                i);
    snprintf(json + len, sizeof json - len, "]}");
    CASE("64 apps are good", decode(json, a, &spec) == NULL && spec.n_apps == 64);
    snprintf(json + len, sizeof json - len, ",{\"name\":\"b\"}]}");
    CASE("65 are not",
         !strcmp(decode(json, a, &spec), "spec.apps: must be a list of at most 64 items"));
}

/* Each app depends on the next one of the list; the last on the app of the index back, if any. */
static const char *chain(char *json, size_t room, int back)
{
    size_t len =
        (size_t)snprintf(json, room, "{\"commit\":\"1234567\",\"registry\":\"r.io\",\"apps\":[");

    for (int i = 0; i < 64; i++) {
        int on = i < 63 ? i + 1 : back;

        len += (size_t)snprintf(json + len, room - len, "%s{\"name\":\"a%d\"", i ? "," : "", i);
        if (on >= 0)
            len += (size_t)snprintf(json + len, room - len, ",\"dependsOn\":[\"a%d\"]", on);
        len += (size_t)snprintf(json + len, room - len, "}");
    }
    snprintf(json + len, room - len, "]}");
    return json;
}

static void orders_apps_by_what_they_depend_on(void)
{
    AUTO(arena) struct arena *a = arena_new(16384);
    static char json[16384];
    struct release_spec spec;
    const char *problem;

    CASE("a chain of 64 is good", !decode(chain(json, sizeof json, -1), a, &spec));
    CASE("the last of the list comes first", spec.order[0] == 63 && spec.order[63] == 0);
    CASE("the first needs all others", spec.apps[0].needs == ~(uint64_t)1);
    CASE("the last needs none", !spec.apps[63].needs);
    problem = decode(chain(json, sizeof json, 0), a, &spec);
    CASE("a circle of 64", problem && strstr(problem, "spec.apps[0].dependsOn: a0 -> a1 -> ") &&
                               strstr(problem, " -> a63 -> a0 is a circle"));
    CASE("two ways",
         !decode(APP(ON("a", "b\",\"c") "," ON("b", "d") "," ON("c", "d") ",{\"name\":\"d\"}"), a,
                 &spec));
    CASE("each after all of its own",
         spec.order[0] == 3 && spec.order[1] == 1 && spec.order[2] == 2 && spec.order[3] == 0);
    CASE("without dependencies it is the list's",
         !decode(APP("{\"name\":\"b\"},{\"name\":\"a\"}"), a, &spec) && spec.order[0] == 0 &&
             spec.order[1] == 1);
}

static void counts_characters_as_the_crd_does(void)
{
    AUTO(arena) struct arena *a = arena_new(4096);
    char actor[2 * 1025 + 1] = "", json[4096];

    for (int n = 1024; n <= 1025; n++) {
        struct release_spec spec;

        for (int i = 0; i < n; i++)
            memcpy(actor + 2 * i, "\xc3\xa9", 3);
        snprintf(json, sizeof json, WITH("\"source\":{\"actor\":\"%s\"}"), actor);
        CASE(n == 1024 ? "the longest actor" : "one too long",
             !decode(json, a, &spec) == (n == 1024));
    }
}

static const char *problem_of(int n_apps, int repository_bytes, const char *containers,
                              struct arena *a)
{
    static char json[65536];
    struct release_spec spec;
    size_t len = (size_t)snprintf(json, sizeof json, "{\"commit\":\"1234567\",\"apps\":[");

    for (int i = 0; i < n_apps; i++)
        len += (size_t)snprintf(json + len, sizeof json - len,
                                "%s{\"name\":\"a%d\",\"repository\":\"r.io/%0*d\"%s}", i ? "," : "",
                                i, repository_bytes, i, containers);
    snprintf(json + len, sizeof json - len, "]}");
    return decode(json, a, &spec);
}

/* A status that does not fit could never be written, and nothing would be said. */
static void refuses_what_status_has_no_room_for(void)
{
    AUTO(arena) struct arena *a = arena_new(65536);
    const char *four = ",\"containers\":[\"a\",\"b\",\"c\",\"d\"]", *problem;

    CASE("64 apps with long names", !problem_of(64, 70, "", a));
    CASE("12 apps of four containers, the longest names", !problem_of(12, 250, four, a));
    problem = problem_of(64, 250, four, a);
    CASE("64 of them", problem && strstr(problem, "spec.apps: the status of 64 apps could take"));
    CASE("the sum and the limit", problem && strstr(problem, "of 188416 that it may"));
}

static void cuts_quoted_text(void)
{
    AUTO(arena) struct arena *a = arena_new(4096);
    struct release_spec spec;
    const char *problem = decode(COMMIT("\"" X256 X256 "\""), a, &spec);

    CASE("a long value is quoted in part", problem && strlen(problem) < 160);
}

static void fills_in_defaults(void)
{
    AUTO(arena) struct arena *a = arena_new(4096);
    struct release_spec s;
    const char *problem = decode(APP("{\"name\":\"web\"}"), a, &s);

    if (problem)
        printf("%s\n", problem);
    CASE("it is good", !problem);
    CASE("deployment", !strcmp(s.apps[0].deployment, "btc-web"));
    CASE("repository", !strcmp(s.apps[0].repository, "r.io/web"));
    CASE("image", !strcmp(s.apps[0].image, "r.io/web:1234567"));
    CASE("commit", !strcmp(s.apps[0].commit, "1234567") && !s.apps[0].held);
    CASE("policies", !s.full_sha && s.pin_digest && s.enforce_rolling_update && !s.rollback_never &&
                         s.missing_image == MISSING_WAIT);
    CASE("numbers", s.image_wait_ms == 300000 && s.max_concurrent == 3 && s.history_limit == 10 &&
                        s.ttl_ms == -1);
    CASE("health", s.health.deadline_ms == 300000 && s.health.soak_ms == 10000 &&
                       s.health.restart_threshold == 3 && s.health.fail_fast);
    CASE("nothing else", !s.n_pull_secrets && !s.actor && !s.apps[0].n_containers);
}

static void reads_all_there_is(void)
{
    AUTO(arena) struct arena *a = arena_new(4096);
    struct release_spec s;
    const char *problem;

    problem =
        decode("{\"commit\":\"" SHA40 "\",\"registry\":\"r.io/shop\",\"tag\":\"FullSHA\","
               "\"pinDigest\":false,\"deploymentPrefix\":\"\",\"missingImagePolicy\":\"Skip\","
               "\"imageWaitSeconds\":0,\"pullSecrets\":[{\"name\":\"one\"},{\"name\":\"two\"}],"
               "\"maxConcurrent\":64,\"enforceRollingUpdate\":false,\"rollback\":\"Never\","
               "\"historyLimit\":1,\"ttlSecondsAfterFinished\":60,\"source\":{\"actor\":\"ann\"},"
               "\"health\":{\"deadlineSeconds\":10,\"soakSeconds\":0,\"restartThreshold\":20,"
               "\"failFast\":false},\"apps\":[{\"name\":\"web\",\"repository\":\"x.io/w\","
               "\"deployment\":\"d\",\"containers\":[\"c1\",\"c2\"]},"
               "{\"name\":\"api\",\"commit\":\"" X64 "\"}]}",
               a, &s);
    CASE("it is good", !problem);
    CASE("the whole commit is the tag", !strcmp(s.apps[0].image, "x.io/w:" SHA40));
    CASE("an app's own commit holds it", s.apps[1].held && !strcmp(s.apps[1].commit, X64) &&
                                             !strcmp(s.apps[1].image, "r.io/shop/api:" X64));
    CASE("no prefix", !strcmp(s.apps[1].deployment, "api") && !strcmp(s.apps[0].deployment, "d"));
    CASE("containers", s.apps[0].n_containers == 2 && !strcmp(s.apps[0].containers[1], "c2"));
    CASE("secrets", s.n_pull_secrets == 2 && !strcmp(s.pull_secrets[1], "two"));
    CASE("policies", s.full_sha && !s.pin_digest && !s.enforce_rolling_update && s.rollback_never &&
                         s.missing_image == MISSING_SKIP);
    CASE("numbers", s.image_wait_ms == 0 && s.max_concurrent == 64 && s.history_limit == 1 &&
                        s.ttl_ms == 60000 && !strcmp(s.actor, "ann"));
    CASE("health", s.health.deadline_ms == 10000 && s.health.soak_ms == 0 &&
                       s.health.restart_threshold == 20 && !s.health.fail_fast);
}

UNIT_MAIN(UNIT_TEST(names_the_field_and_the_rule), UNIT_TEST(refuses_what_is_no_object),
          UNIT_TEST(refuses_what_status_has_no_room_for),
          UNIT_TEST(counts_characters_as_the_crd_does),
          UNIT_TEST(takes_registries_and_repositories_as_the_crd_does), UNIT_TEST(counts_apps),
          UNIT_TEST(orders_apps_by_what_they_depend_on), UNIT_TEST(cuts_quoted_text),
          UNIT_TEST(fills_in_defaults), UNIT_TEST(reads_all_there_is))
