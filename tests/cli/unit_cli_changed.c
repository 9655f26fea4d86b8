/* Which apps, whose inputs, and why: the decisions. */
#include "changed.h"

#include <string.h>

#include "apps.h"
#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "ci.h"
#include "cli.h"
#include "inputs.h"
#include "project.h"
#include "tree.h"
#include "unit.h"

#define APPS_MAX 5

/* --- package.json --- */

static void packages_are_read(void)
{
    static const struct {
        const char *name, *text, *package;
        const char *wants[6];
        bool is_unsure;
    } rows[] = {
        { "a name", "{\"name\": \"@x/a\"}", "@x/a", { NULL }, false },
        { "no name", "{}", NULL, { NULL }, false },
        { "a name that is no text", "{\"name\": 1}", NULL, { NULL }, false },
        { "dependencies of all kinds",
          "{\"dependencies\": {\"a\": \"1\"}, \"devDependencies\": {\"b\": \"workspace:*\"}, "
          "\"optionalDependencies\": {\"c\": {}}, \"peerDependencies\": {\"d\": null}}",
          NULL,
          { "a", "b", "c", "d", NULL },
          false },
        { "dependencies that are a list", "{\"dependencies\": [\"a\"]}", NULL, { NULL }, false },
        { "other names",
          "{\"dependencies\": {\"a\": \"workspace:@x/b@^1\", \"c\": \"workspace:d@*\", "
          "\"e\": \"workspace:^\", \"f\": \"npm:g@1\"}}",
          NULL,
          { "@x/b", "d", "e", "f", NULL },
          false },
        { "a folder", "{\"dependencies\": {\"a\": \"link:../b\"}}", NULL, { "a", NULL }, true },
        { "a folder of the workspace",
          "{\"dependencies\": {\"a\": \"workspace:../b\"}}",
          NULL,
          { "a", NULL },
          true },
        { "no JSON", "{", NULL, { NULL }, true },
        { "nothing", "", NULL, { NULL }, true },
        { "a list", "[]", NULL, { NULL }, true },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        struct app app = { 0 };
        size_t n = 0;

        apps_read_package(a, rows[i].text, &app);
        CASE(rows[i].name, !strcmp(app.packages ? app.packages[0] : "-", rows[i].package ?: "-") &&
                               app.is_unsure == rows[i].is_unsure);
        for (; rows[i].wants[n]; n++)
            CASE(rows[i].name,
                 app.wants && app.wants[n] && !strcmp(app.wants[n], rows[i].wants[n]));
        CASE(rows[i].name, !app.wants || !app.wants[n]);
    }
}

/* Four apps: a → b → c, and d, which stands alone. */
static struct apps four_apps(struct arena *a)
{
    static const char *const OF_A[] = { "left-pad", "@x/b", NULL }, *const OF_B[] = { "@x/c",
                                                                                      NULL };
    static const char *const PACKAGE_A[] = { "@x/a", NULL }, *const PACKAGE_B[] = { "@x/b", NULL },
                             *const PACKAGE_C[] = { "@x/y", "@x/c", NULL };
    struct apps apps = { .list = arena_array(a, APPS_MAX, sizeof *apps.list), .n = 4, .n_all = 4 };

    apps.list[0] = (struct app){ .name = "d", .dir = "apps/d" };
    apps.list[1] =
        (struct app){ .name = "c", .dir = "apps/c", .packages = (const char **)PACKAGE_C };
    apps.list[2] =
        (struct app){ .name = "b", .dir = "services/b", .packages = (const char **)PACKAGE_B };
    apps.list[3] =
        (struct app){ .name = "a", .dir = "apps/a", .packages = (const char **)PACKAGE_A };
    apps.list[3].wants = (const char **)OF_A;
    apps.list[2].wants = (const char **)OF_B;
    return apps;
}

static bool needs(const struct apps *apps, const char *names)
{
    for (size_t i = 0; i < apps->n; i++)
        for (size_t j = 0; j < apps->n; j++)
            if (apps->list[i].needs[j] != (names[i * apps->n + j] == '1'))
                return false;
    return true;
}

static void dependencies_are_transitive(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    struct apps apps = four_apps(a);

    apps_link(a, &apps);
    CASE("sorted", !strcmp(apps.list[0].name, "a") && !strcmp(apps.list[3].name, "d"));
    CASE("transitive", needs(&apps, "1110"
                                    "0110"
                                    "0010"
                                    "0001"));
    apps.list[2].is_unsure = true;
    apps_link(a, &apps);
    CASE("unsure: all, and so do those that need it", needs(&apps, "1111"
                                                                   "1111"
                                                                   "1111"
                                                                   "0001"));
    apps.list[2].is_unsure = false;
    apps.list[2].wants = (const char *[]){ "@x/a", NULL };
    apps_link(a, &apps);
    CASE("a circle", needs(&apps, "1110"
                                  "1110"
                                  "1110"
                                  "0001"));
    CASE("found", apps_get(&apps, "c") == &apps.list[2] && !apps_get(&apps, "e"));
}

/* --- inputs --- */

static void nested_folders_are_their_own(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    struct project p = { 0 };
    struct apps apps = { .list = arena_array(a, 2, sizeof *apps.list), .n = 2, .n_all = 2 };

    apps.list[0] = (struct app){ .name = "a", .dir = "apps/a" };
    apps.list[1] = (struct app){ .name = "b", .dir = "apps/a/b" };
    apps_link(a, &apps);
    CASE("the outer", inputs_place(&p, &apps, "apps/a/x").owner == &apps.list[0]);
    CASE("the inner", inputs_place(&p, &apps, "apps/a/b/x").owner == &apps.list[1]);
    apps.list[0].name = "c"; /* in the other order */
    apps_link(a, &apps);
    CASE("the inner, first", inputs_place(&p, &apps, "apps/a/b/x").owner == &apps.list[0]);
}

static void paths_have_takers(void)
{
    static const char *const SHARED[] = { "docs/api/", "keep.md", NULL };
    static const char *const IGNORE[] = { "*.txt", "scripts/", NULL };
    static const char *const ADDED[] = { "proto/", NULL };
    static const struct {
        const char *path;
        const char *takers; /* of a, b, c, d */
    } rows[] = {
        { "apps/a/x", "1000" },
        { "services/b/x", "1100" },
        { "apps/c/x.txt", "1110" },
        { "apps/d/README.md", "0001" },
        { "apps/d", "0000" },
        { "apps/dd/x", "0000" },
        { "services/x", "1111" },
        { "packages/x/y.md", "1111" },
        { "packages/x.txt", "0000" },
        { "scripts/x", "0000" },
        { "docs/api/x.txt", "1111" },
        { "docs/x", "0000" },
        { "keep.md", "1111" },
        { "x.md", "0000" },
        { "apps/keep.md", "1111" },
        { "proto/x.txt", "0001" },
        { "docs/d.Dockerfile", "0001" },
        { "unknown", "1111" },
        { "Dockerfile", "1111" },
        { "LICENSE", "0000" },
        { "apps/d/docs/api/x", "0001" },
    };
    AUTO(arena) struct arena *a = arena_new(1024);
    struct project_app said = { .inputs = (const char **)ADDED, .dockerfile = "docs/d.Dockerfile" };
    struct project p = { .shared = (const char **)SHARED, .ignore = (const char **)IGNORE };
    struct apps apps = four_apps(a);

    apps.list[0].said = &said;
    apps_link(a, &apps);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct changes one = { (const char *[]){ rows[i].path }, 1 };
        const struct app_changes *changed = inputs_changed(a, &p, &apps, &one);
        struct place place = inputs_place(&p, &apps, rows[i].path);

        for (size_t j = 0; j < apps.n; j++) {
            CASE(rows[i].path,
                 inputs_has(&apps, &apps.list[j], &place) == (rows[i].takers[j] == '1'));
            CASE(rows[i].path, (changed[j].n == 1) == (rows[i].takers[j] == '1'));
        }
    }
}

/* --- what changed --- */

static const struct app A = { .name = "a", .dir = "apps/a" };
static const char *PATHS[] = { "apps/a/x", NULL };
static const struct app_changes SOME = { PATHS, 1 }, NONE = { NULL, 0 };

static void apps_are_decided(void)
{
    static const struct asked NEVER = { 0 }, UNKNOWN = { .good = "1234567890" },
                              EQUAL = { .good = "1", .since = &NONE },
                              DIFFERENT = { .good = "1", .since = &SOME },
                              OURS = { .good = "1", .since = &SOME, .is_ours = true },
                              OURS_EQUAL = { .good = "1", .since = &NONE, .is_ours = true },
                              OURS_UNKNOWN = { .good = "1", .is_ours = true };
    static const char *const NAMES[] = { "a", NULL };
    static const struct {
        const char *name;
        struct changed_facts facts;
        struct app_facts app;
        const char *reason; /* NULL = it is left alone */
    } rows[] = {
        { "work: nothing differs",
          { .kind = RUN_WORK, .base = "b" },
          { .app = &A, .since = &NONE },
          NULL },
        { "work: something differs",
          { .kind = RUN_WORK, .base = "b" },
          { .app = &A, .since = &SOME },
          "apps/a/x" },
        { "work: the mainline has it",
          { .kind = RUN_WORK, .base = "b" },
          { .app = &A, .since = &SOME, .is_mainlines = true },
          NULL },
        { "work: a new app of old files",
          { .kind = RUN_WORK, .base = "b" },
          { .app = &A, .is_new = true, .since = &NONE },
          "it is a new app" },
        { "work: no base", { .kind = RUN_WORK, .why_no_base = "why" }, { .app = &A }, "why" },
        { "work: others' last good differs",
          { .kind = RUN_WORK, .base = "b" },
          { .app = &A, .since = &NONE, .asked = &DIFFERENT },
          NULL },
        { "work: ours, and taken back since",
          { .kind = RUN_WORK, .base = "b" },
          { .app = &A, .since = &NONE, .asked = &OURS },
          "apps/a/x" },
        { "work: ours, as it is there",
          { .kind = RUN_WORK, .base = "b" },
          { .app = &A, .since = &NONE, .asked = &OURS_EQUAL },
          NULL },
        { "work: ours, and that commit is gone",
          { .kind = RUN_WORK, .base = "b" },
          { .app = &A, .since = &NONE, .asked = &OURS_UNKNOWN },
          "this branch released it before" },
        { "mainline: no cluster",
          { .kind = RUN_MAINLINE },
          { .app = &A },
          "what runs is not known: no cluster was asked" },
        { "mainline: never good",
          { .kind = RUN_MAINLINE },
          { .app = &A, .asked = &NEVER },
          "it has never run well there" },
        { "mainline: an unknown commit",
          { .kind = RUN_MAINLINE },
          { .app = &A, .asked = &UNKNOWN },
          "its last good commit 1234567 is not known here" },
        { "mainline: as it is there",
          { .kind = RUN_MAINLINE },
          { .app = &A, .asked = &EQUAL },
          NULL },
        { "mainline: different",
          { .kind = RUN_MAINLINE },
          { .app = &A, .asked = &DIFFERENT },
          "apps/a/x" },
        { "--all",
          { .kind = RUN_WORK, .base = "b", .all = true },
          { .app = &A, .since = &NONE },
          "--all" },
        { "--apps",
          { .kind = RUN_WORK, .base = "b", .names = NAMES },
          { .app = &A, .since = &NONE },
          "--apps" },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        struct changed_facts facts = rows[i].facts;
        struct changed c = { 0 };
        struct err e = { 0 };

        facts.apps = &rows[i].app;
        facts.n_apps = 1;
        CASE(rows[i].name, !changed_decide(a, &facts, &c, &e) && c.n == (rows[i].reason != NULL));
        CASE(rows[i].name,
             c.n == 0 || (c.apps[0].app == &A && !strcmp(c.apps[0].reasons[0], rows[i].reason)));
    }
}

static void apps_are_named(void)
{
    static const struct app B = { .name = "b" };
    static const struct app_facts both[] = { { .app = &A, .since = &SOME },
                                             { .app = &B, .since = &SOME } };
    AUTO(arena) struct arena *a = arena_new(1024);
    struct changed_facts facts = { .base = "b", .apps = both, .n_apps = 2 };
    struct changed c;
    struct err e = { 0 };

    facts.names = (const char *const[]){ "b", NULL };
    CASE("only it", !changed_decide(a, &facts, &c, &e) && c.n == 1 && c.apps[0].app == &B);
    facts.names = (const char *const[]){ "b", "x", NULL };
    CASE("an unknown one", changed_decide(a, &facts, &c, &e) && e.kind == ERR_INVALID);
    CASE("and those there are",
         !strcmp(e.text, "--apps: 'x' is not an app of this commit; there are: a b"));
}

/* --- CI --- */

static void services_are_known(void)
{
    static const struct {
        const char *name;
        const char *env[6];
        struct ci ci;
    } rows[] = {
        { "none", { NULL }, { false, false, NULL, NULL } },
        { "any", { "CI=true" }, { true, false, NULL, NULL } },
        { "not", { "CI=false" }, { false, false, NULL, NULL } },
        { "empty", { "CI=" }, { false, false, NULL, NULL } },
        { "a push",
          { "GITHUB_ACTIONS=true", "GITHUB_REF=refs/heads/a/b" },
          { true, true, "a/b", NULL } },
        { "a tag",
          { "GITHUB_ACTIONS=true", "GITHUB_REF=refs/tags/v1", "GITHUB_BASE_REF=" },
          { true, true, NULL, NULL } },
        { "a pull request",
          { "GITHUB_ACTIONS=true", "GITHUB_REF=refs/pull/1/merge", "GITHUB_BASE_REF=main" },
          { true, true, NULL, "main" } },
        { "one whose workflow comes from the target",
          { "GITHUB_ACTIONS=true", "GITHUB_REF=refs/heads/main", "GITHUB_BASE_REF=main" },
          { true, true, NULL, "main" } },
        { "GitLab", { "GITLAB_CI=true", "CI_COMMIT_BRANCH=x" }, { true, true, "x", NULL } },
        { "GitLab's merge request",
          { "GITLAB_CI=true", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME=main" },
          { true, true, NULL, "main" } },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cli c = { .env = rows[i].env };
        struct ci ci = ci_read(&c);

        CASE(rows[i].name, ci.is_ci == rows[i].ci.is_ci &&
                               ci.knows_branch == rows[i].ci.knows_branch &&
                               !strcmp(ci.branch ?: "-", rows[i].ci.branch ?: "-") &&
                               !strcmp(ci.target ?: "-", rows[i].ci.target ?: "-"));
    }
}

UNIT_MAIN(UNIT_TEST(packages_are_read), UNIT_TEST(dependencies_are_transitive),
          UNIT_TEST(paths_have_takers), UNIT_TEST(nested_folders_are_their_own),
          UNIT_TEST(apps_are_decided), UNIT_TEST(apps_are_named), UNIT_TEST(services_are_known))
