/* The builders' command lines, what they tell, and the login that they are given. */
#include "engine.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "login.h"
#include "settings.h"
#include "unit.h"

#define CASE_STR(name, got, wanted) CASE(name, is_same((got), (wanted)))
#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static bool is_same(const char *got, const char *wanted)
{
    if (got && !strcmp(got, wanted))
        return true;
    fprintf(stderr, "got    %s\nwanted %s\n", got ? got : "(nothing)", wanted);
    return false;
}

static const struct engine_job JOB = {
    .context = "/t",
    .dockerfile = "Dockerfile",
    .app_dir = "apps/web",
    .commit = "1a2b3c4",
    .repository = "10.0.0.1:5000/web",
    .tag = "in-12",
    .label = "io.shopflow.inputs=12",
    .digest_file = "/d",
    .push = true,
};

/* All that shopflow.yaml may say. */
static void fill(struct engine_job *j)
{
    static const char *const PLATFORMS[] = { "linux/amd64", "linux/arm64", NULL };
    static const char *const ARGS[] = { "A=b", "C=d e", NULL };
    static const char *const SECRETS[] = { "id=a,src=b", NULL };
    static const char *const SSH[] = { "default", NULL };
    static const char *const PINS[] = { "node:22=node:22@sha256:1", NULL };

    j->platforms = PLATFORMS;
    j->args = ARGS;
    j->target = "run";
    j->secrets = SECRETS;
    j->ssh = SSH;
    j->pins = PINS;
}

static void lines_are_those_that_work(void)
{
    const struct {
        const char *name;
        struct engine engine;
        bool no_push, http, cache, afresh, is_full;
        const char *build, *push;
    } rows[] = {
        { "buildx pushes by itself",
          { .kind = ENGINE_BUILDX, .program = WORDS("docker", "buildx"), .cache = CACHE_NONE },
          .build = "docker buildx build --progress plain --provenance=false --sbom=false "
                   "--build-arg APP_DIR=apps/web --build-arg GIT_SHA=1a2b3c4 "
                   "--label io.shopflow.inputs=12 --file /t/Dockerfile "
                   "--output type=image,name=10.0.0.1:5000/web:in-12,push=true "
                   "--metadata-file /d /t" },
        { "plain HTTP and the registry's cache, written",
          { .kind = ENGINE_BUILDX, .program = WORDS("buildx"), .builder = "b" },
          .http = true,
          .cache = true,
          .build = "buildx build --builder b --progress plain --provenance=false --sbom=false "
                   "--build-arg APP_DIR=apps/web --build-arg GIT_SHA=1a2b3c4 "
                   "--label io.shopflow.inputs=12 --file /t/Dockerfile "
                   "--output "
                   "type=image,name=10.0.0.1:5000/web:in-12,push=true,registry.insecure=true "
                   "--cache-from "
                   "type=registry,ref=10.0.0.1:5000/web:buildcache,registry.insecure=true "
                   "--cache-to type=registry,ref=10.0.0.1:5000/web:buildcache,"
                   "registry.insecure=true,mode=max,image-manifest=true,oci-mediatypes=true,"
                   "ignore-error=true --metadata-file /d /t" },
        { "the cache is only read by work",
          { .kind = ENGINE_BUILDX, .program = WORDS("buildx") },
          .build = "buildx build --progress plain --provenance=false --sbom=false "
                   "--build-arg APP_DIR=apps/web --build-arg GIT_SHA=1a2b3c4 "
                   "--label io.shopflow.inputs=12 --file /t/Dockerfile "
                   "--output type=image,name=10.0.0.1:5000/web:in-12,push=true "
                   "--cache-from type=registry,ref=10.0.0.1:5000/web:buildcache "
                   "--metadata-file /d /t" },
        { "inline, afresh: nothing is read",
          { .kind = ENGINE_BUILDX, .program = WORDS("buildx"), .cache = CACHE_INLINE },
          .afresh = true,
          .build = "buildx build --progress plain --provenance=false --sbom=false "
                   "--build-arg APP_DIR=apps/web --build-arg GIT_SHA=1a2b3c4 "
                   "--label io.shopflow.inputs=12 --no-cache --file /t/Dockerfile "
                   "--output type=image,name=10.0.0.1:5000/web:in-12,push=true "
                   "--cache-to type=inline --metadata-file /d /t" },
        { "no push: nothing of the registry",
          { .kind = ENGINE_BUILDX, .program = WORDS("buildx") },
          .no_push = true,
          .cache = true,
          .build = "buildx build --progress plain --provenance=false --sbom=false "
                   "--build-arg APP_DIR=apps/web --build-arg GIT_SHA=1a2b3c4 "
                   "--label io.shopflow.inputs=12 --file /t/Dockerfile "
                   "--output type=cacheonly --metadata-file /d /t" },
        { "all that shopflow.yaml may say",
          { .kind = ENGINE_BUILDX, .program = WORDS("buildx"), .cache = CACHE_NONE },
          .is_full = true,
          .build = "buildx build --progress plain --provenance=false --sbom=false "
                   "--platform linux/amd64,linux/arm64 "
                   "--build-arg APP_DIR=apps/web --build-arg GIT_SHA=1a2b3c4 "
                   "--build-arg A=b --build-arg 'C=d e' --target run "
                   "--label io.shopflow.inputs=12 "
                   "--build-context node:22=docker-image://node:22@sha256:1 "
                   "--secret id=a,src=b --ssh default --file /t/Dockerfile "
                   "--output type=image,name=10.0.0.1:5000/web:in-12,push=true "
                   "--metadata-file /d /t" },
        { "buildah builds, then pushes",
          { .kind = ENGINE_BUILDAH, .program = WORDS("buildah"), .is_chroot = true },
          .http = true,
          .build = "buildah build --isolation chroot --layers --tls-verify=false "
                   "--build-arg APP_DIR=apps/web --build-arg GIT_SHA=1a2b3c4 "
                   "--label io.shopflow.inputs=12 --file /t/Dockerfile "
                   "--tag 10.0.0.1:5000/web:in-12 /t",
          .push = "buildah push --tls-verify=false --digestfile /d 10.0.0.1:5000/web:in-12 "
                  "docker://10.0.0.1:5000/web:in-12" },
        { "podman without a push",
          { .kind = ENGINE_PODMAN, .program = WORDS("podman") },
          .no_push = true,
          .build = "podman build --layers --build-arg APP_DIR=apps/web "
                   "--build-arg GIT_SHA=1a2b3c4 --label io.shopflow.inputs=12 "
                   "--file /t/Dockerfile --tag 10.0.0.1:5000/web:in-12 /t" },
        { "podman for two platforms",
          { .kind = ENGINE_PODMAN, .program = WORDS("podman") },
          .is_full = true,
          .build = "podman build --layers --platform linux/amd64,linux/arm64 "
                   "--build-arg APP_DIR=apps/web --build-arg GIT_SHA=1a2b3c4 "
                   "--build-arg A=b --build-arg 'C=d e' --target run "
                   "--label io.shopflow.inputs=12 "
                   "--build-context node:22=docker-image://node:22@sha256:1 "
                   "--secret id=a,src=b --ssh default --file /t/Dockerfile "
                   "--manifest 10.0.0.1:5000/web:in-12 /t",
          .push = "podman manifest push --all --digestfile /d 10.0.0.1:5000/web:in-12 "
                  "docker://10.0.0.1:5000/web:in-12" },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *a = arena_new(4096);
        struct engine_job j = JOB;
        const char **push;

        j.push = !rows[i].no_push;
        j.plain_http = rows[i].http;
        j.write_cache = rows[i].cache;
        j.afresh = rows[i].afresh;
        if (rows[i].is_full)
            fill(&j);
        CASE_STR(rows[i].name, engine_show_line(a, engine_build_line(a, &rows[i].engine, &j)),
                 rows[i].build);
        push = engine_push_line(a, &rows[i].engine, &j);
        CASE_STR(rows[i].name, push ? engine_show_line(a, push) : "",
                 rows[i].push ? rows[i].push : "");
    }
}

static void what_buildx_says_is_understood(void)
{
    static const struct {
        const char *text;
        bool ok;
    } versions[] = {
        { "github.com/docker/buildx v0.38.2 3f4c", true },
        { "github.com/docker/buildx v0.10.0", true },
        { "github.com/docker/buildx 0.11.2+azure-1 f2", true },
        { "github.com/docker/buildx v1.0.0 x", true },
        { "github.com/docker/buildx v0.9.1 x", false },
        { "docker: 'buildx' is not a docker command.", false },
        { "", false },
    };
    static const struct {
        const char *text;
        bool has_store;
        enum engine_cache cache;
    } drivers[] = {
        { "Name: a\nDriver: docker\n", false, CACHE_INLINE },
        { "Name: a\nDriver: docker\n", true, CACHE_REGISTRY },
        { "Name: a\nDriver:   docker-container\n", false, CACHE_REGISTRY },
        { "Name: a\nDriver: remote\n", false, CACHE_REGISTRY },
        { "Name: a\n", false, CACHE_NONE },
    };
    AUTO(arena) struct arena *a = arena_new(4096);

    for (size_t i = 0; i < ARRAY_LEN(versions); i++)
        CASE(versions[i].text, engine_is_new_enough(versions[i].text) == versions[i].ok);
    for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
        CASE(drivers[i].text,
             engine_cache_of(drivers[i].text, drivers[i].has_store) == drivers[i].cache);
    CASE_STR("a field", engine_field(a, "Name: a\nError:  not there\r\n", "Error"), "not there");
    CASE("no field", !engine_field(a, "Name: Error: a\n", "Error"));
}

static void the_pushed_digest_is_read(void)
{
    const struct engine buildx = { .kind = ENGINE_BUILDX }, podman = { .kind = ENGINE_PODMAN };
    static const char *const BAD[] = { "", "{}", "{\"containerimage.digest\": \"sha256:12\"}", "[",
                                       "{\"containerimage.config.digest\": \"" DIGEST "\"}" };
    AUTO(arena) struct arena *a = arena_new(4096);
    struct err e = { 0 };

    CASE_STR("buildx", engine_digest(a, &buildx, "{\"containerimage.digest\": \"" DIGEST "\"}", &e),
             DIGEST);
    CASE_STR("podman", engine_digest(a, &podman, DIGEST "\n", &e), DIGEST);
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        e = (struct err){ 0 };
        CASE(BAD[i], !engine_digest(a, &buildx, BAD[i], &e) && e.kind == ERR_INVALID);
        e = (struct err){ 0 };
        CASE(BAD[i], !engine_digest(a, &podman, BAD[i], &e) && e.kind == ERR_INVALID);
    }
}

static void our_login_stands_beside_the_users(void)
{
    static const struct {
        const char *name, *old, *base, *user, *dir, *text;
    } rows[] = {
        { "nothing before", NULL, "ghcr.io/acme/shop", "a", "/u",
          "{\"auths\":{\"ghcr.io\":{\"auth\":\"YTpw\"}},"
          "\"cliPluginsExtraDirs\":[\"/u/cli-plugins\"]}" },
        { "no user: the user's own", "{\"auths\":{\"b\":{\"auth\":\"x\"}}}", "ghcr.io/acme", NULL,
          "/u",
          "{\"auths\":{\"b\":{\"auth\":\"x\"}},\"cliPluginsExtraDirs\":[\"/u/cli-plugins\"]}" },
        { "Docker Hub's odd name", NULL, "docker.io/a", "a", "/u",
          "{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"YTpw\"}},"
          "\"cliPluginsExtraDirs\":[\"/u/cli-plugins\"]}" },
        { "which podman calls by its name", NULL, "docker.io/a", "a", NULL,
          "{\"auths\":{\"docker.io\":{\"auth\":\"YTpw\"}}}" },
        { "ours replaces theirs, and the helper's",
          "{\"auths\":{\"h\":{\"auth\":\"x\"}},"
          "\"credHelpers\":{\"h\":\"gcloud\",\"o\":\"ecr\"}}",
          "h/p", "a", NULL,
          "{\"auths\":{\"h\":{\"auth\":\"YTpw\"}},\"credHelpers\":{\"o\":\"ecr\"}}" },
        { "the store is not asked for ours", "{\"credsStore\":\"desktop\",\"auths\":7}", "h", "a",
          "/u",
          "{\"credsStore\":\"desktop\",\"auths\":{\"h\":{\"auth\":\"YTpw\"}},"
          "\"credHelpers\":{\"h\":\"\"},\"cliPluginsExtraDirs\":[\"/u/cli-plugins\"]}" },
        { "more folders of plug-ins", "{\"cliPluginsExtraDirs\":[\"/p\"]}", "h", NULL, "/u",
          "{\"cliPluginsExtraDirs\":[\"/p\",\"/u/cli-plugins\"]}" },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *a = arena_new(4096);
        struct registry_setting reg = { .base = rows[i].base,
                                        .username = rows[i].user,
                                        .password = "p" };
        struct err e = { 0 };

        CASE_STR(rows[i].name, login_text(a, rows[i].old, &reg, rows[i].dir, &e), rows[i].text);
    }
}

static void a_login_file_that_is_none_is_an_error(void)
{
    AUTO(arena) struct arena *a = arena_new(4096);
    struct registry_setting reg = { .base = "h" };
    struct err e = { 0 };

    CASE("no JSON", !login_text(a, "{", &reg, NULL, &e) && e.kind == ERR_INVALID);
    e = (struct err){ 0 };
    CASE("a list", !login_text(a, "[]", &reg, NULL, &e) && e.kind == ERR_INVALID);
}

UNIT_MAIN(UNIT_TEST(lines_are_those_that_work), UNIT_TEST(what_buildx_says_is_understood),
          UNIT_TEST(the_pushed_digest_is_read), UNIT_TEST(our_login_stands_beside_the_users),
          UNIT_TEST(a_login_file_that_is_none_is_an_error))
