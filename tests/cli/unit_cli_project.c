/* shopflow.yaml: what it may say; everything else is an error with line and column. */
#include "project.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "unit.h"

static void all_fields_are_read(void)
{
    static const char TEXT[] = "mainline: main\n"
                               "registry: ghcr.io/acme\n"
                               "namespace: shop\n"
                               "context: prod\n"
                               "shared: [tools/]\n"
                               "ignore: ['*.txt', notes/]\n"
                               "platforms: [linux/amd64, linux/arm64]\n"
                               "release: {onFailure: Halt, health: {soak: 10s}}\n"
                               "apps:\n"
                               "  e2e: false\n"
                               "  api:\n"
                               "    dir: services/api\n"
                               "    dockerfile: docker/api.Dockerfile\n"
                               "    target: run\n"
                               "    args: {NODE: 20, FAST: true, NONE: ''}\n"
                               "    inputs: [proto/]\n"
                               "    secrets: ['id=npmrc,src=.npmrc']\n"
                               "    ssh: [default]\n"
                               "    repository: ghcr.io/acme/the-api\n"
                               "    deployment: api\n"
                               "    containers: [web]\n"
                               "    dependsOn: [db]\n"
                               "    platforms: [linux/amd64]\n";
    AUTO(arena) struct arena *a = arena_new(1024);
    struct project p;
    struct err e = { 0 };
    const struct project_app *api;

    CASE("is taken", !project_parse(TEXT, a, &p, &e));
    CASE("texts", !strcmp(p.mainline, "main") && !strcmp(p.registry, "ghcr.io/acme") &&
                      !strcmp(p.namespace_, "shop") && !strcmp(p.context, "prod"));
    CASE("lists", !strcmp(p.shared[0], "tools/") && !p.shared[1] &&
                      !strcmp(p.ignore[1], "notes/") && !p.ignore[2] && !p.platforms[2]);
    CASE("release", !strcmp(p.release, "{\"onFailure\":\"Halt\",\"health\":{\"soak\":\"10s\"}}"));
    CASE("excluded", project_app(&p, "e2e") && project_app(&p, "e2e")->excluded);
    CASE("not named", !project_app(&p, "web"));
    api = project_app(&p, "api");
    CASE("an app", api && !api->excluded && !strcmp(api->dir, "services/api"));
    CASE("its build", !strcmp(api->dockerfile, "docker/api.Dockerfile") &&
                          !strcmp(api->target, "run") && !strcmp(api->args[0], "NODE=20") &&
                          !strcmp(api->args[1], "FAST=true") && !strcmp(api->args[2], "NONE=") &&
                          !api->args[3] && !strcmp(api->inputs[0], "proto/"));
    CASE("its secrets",
         !strcmp(api->secrets[0], "id=npmrc,src=.npmrc") && !strcmp(api->ssh[0], "default"));
    CASE("its release", !strcmp(api->repository, "ghcr.io/acme/the-api") &&
                            !strcmp(api->deployment, "api") && !strcmp(api->containers[0], "web") &&
                            !strcmp(api->depends_on[0], "db") && !api->platforms[1]);
}

static void nothing_is_fine(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    struct project p = { .mainline = "x" };
    struct err e = { 0 };

    CASE("empty", !project_parse("", a, &p, &e) && !p.mainline && p.n_apps == 0);
    CASE("a comment", !project_parse("# nothing yet\n", a, &p, &e));
    CASE("an app of which nothing is said",
         !project_parse("apps: {api: {}}", a, &p, &e) && p.n_apps == 1 && !p.apps[0].dir);
}

static void what_is_wrong_has_a_place(void)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        { "a: [", "shopflow.yaml: YAML: line " },
        { "- a\n", "shopflow.yaml: line 1, column 1: the file: must be a mapping" },
        { "ignored: []\n",
          "shopflow.yaml: line 1, column 1: ignored: is not a field of this file" },
        { "mainline: [x]\n", "shopflow.yaml: line 1, column 1: mainline: must be a text" },
        { "mainline: ''\n", "shopflow.yaml: line 1, column 1: mainline: must be a text" },
        { "# x\nshared: packages/\n",
          "shopflow.yaml: line 2, column 1: shared: must be a list of texts" },
        { "shared:\n- a\n- 1\n", "shopflow.yaml: line 3, column 3: 1: must be a text" },
        { "apps: [api]\n",
          "shopflow.yaml: line 1, column 1: apps: must be a mapping of names to apps" },
        { "apps:\n  api: true\n",
          "shopflow.yaml: line 2, column 3: api: must be false, or a mapping" },
        { "apps:\n  web: {}\n  api:\n    dirr: x\n",
          "shopflow.yaml: line 4, column 5: dirr: is not a field of an app" },
        { "apps:\n  api:\n    args: [A]\n",
          "shopflow.yaml: line 3, column 5: args: must be a mapping of names to texts" },
        { "apps:\n  api:\n    args:\n      A: {}\n",
          "shopflow.yaml: line 4, column 7: A: must be a text" },
        { "apps:\n  api:\n    dir: ../x\n",
          "shopflow.yaml: line 3, column 5: dir: must be a path" },
        { "apps:\n  api:\n    dir: /x\n", "shopflow.yaml: line 3, column 5: dir: must be a path" },
        { "apps:\n  api:\n    dir: a//x\n",
          "shopflow.yaml: line 3, column 5: dir: must be a path" },
        { "apps:\n  api:\n    dockerfile: ./x\n",
          "shopflow.yaml: line 3, column 5: dockerfile: must be a path" },
        { "release: Halt\n", "shopflow.yaml: line 1, column 1: release: must be a mapping" },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        struct project p;
        struct err e = { 0 };

        CASE(rows[i].error, project_parse(rows[i].text, a, &p, &e) && e.kind == ERR_INVALID &&
                                !strncmp(e.text, rows[i].error, strlen(rows[i].error)));
    }
}

UNIT_MAIN(UNIT_TEST(all_fields_are_read), UNIT_TEST(nothing_is_fine),
          UNIT_TEST(what_is_wrong_has_a_place))
