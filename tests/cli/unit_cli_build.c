/* Builds and the registry: what is asked when, and what becomes of the answers. The builder is
 * tests/cli/fake_engine.py's kind of program, in shell. */
#include "build.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps.h"
#include "base/arena.h"
#include "base/auto.h"
#include "child.h"
#include "cli.h"
#include "git.h"
#include "io/loop.h"
#include "settings.h"
#include "unit.h"

#define OURS "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define THEIRS "sha256:1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* A buildah that writes a digest when it pushes, and a repository. */
#define SET_UP                                                                                     \
    "set -e; cd \"$1\"; mkdir bin repo tmp; ln -s \"$(command -v git)\" bin/git; "                 \
    "printf '#!/bin/sh\\necho $1 >>%s/calls\\n[ \"$1\" != push ] || printf " OURS                  \
    " >\"$3\"\\n' \"$1\" >bin/buildah; chmod +x bin/buildah; cd repo; git init -q; "               \
    "echo FROM scratch >Dockerfile; git add .; git -c user.name=a -c user.email=a@b commit -qm x"

struct bench {
    struct arena *arena;
    struct cli c;
    struct git git;
    struct err e;
    const char *dir;
    struct app apps[2];
    struct build_app todo[2];
    struct registry_setting registry;
    struct build_images images;
    struct build_plan plan;
    /* what the registry says, and what it was asked */
    const char *found, *adopted;
    const char *refuse; /* "find", "adopt" or "tag" of the first app */
    char asked[256];
};

static void note(struct bench *b, const struct build_app *app, const char *what)
{
    size_t len = strlen(b->asked);

    snprintf(b->asked + len, sizeof b->asked - len, "%s %s\n", what, app->app->name);
}

static void refuse(const struct bench *b, struct build_app *app, const char *what)
{
    if (b->refuse && !strcmp(b->refuse, what) && app == b->todo)
        err_set(&app->why, ERR_DENIED, 403, "the registry refuses to %s", what);
}

static int find(void *ctx, struct build_app *const *apps, size_t n, struct err *e)
{
    struct bench *b = ctx;

    if (b->refuse && !strcmp(b->refuse, "all"))
        return err_set(e, ERR_TIMEOUT, 0, "interrupted");
    for (size_t i = 0; i < n; i++) {
        note(b, apps[i], "find");
        apps[i]->image.repository = "r.example/x";
        apps[i]->image.tag = "in-1";
        apps[i]->image.label = "l=1";
        apps[i]->image.digest = b->found;
        refuse(b, apps[i], "find");
    }
    return 0;
}

static int tag(void *ctx, struct build_app *const *apps, size_t n, struct err *e)
{
    struct bench *b = ctx;

    (void)e;
    for (size_t i = 0; i < n; i++) {
        note(b, apps[i], "tag");
        apps[i]->image.is_tagged = true;
        refuse(b, apps[i], "tag");
    }
    return 0;
}

static int adopt(void *ctx, struct build_app *app, const char *pushed, struct err *e)
{
    struct bench *b = ctx;

    (void)e;
    note(b, app, strcmp(pushed, OURS) ? "adopt?" : "adopt");
    app->image.digest = b->adopted;
    refuse(b, app, "adopt");
    return 0;
}

static void set_up(struct bench *b)
{
    char dir[] = "/tmp/shopflow-unit.XXXXXX";
    struct child_result r;
    const char **env;

    *b = (struct bench){ .arena = arena_new(4096), .adopted = OURS };
    b->dir = arena_strdup(b->arena, mkdtemp(dir));
    b->c = (struct cli){ .arena = b->arena, .dir = b->dir, .env = (const char *const *)environ };
    b->c.loop = loop_new(&b->e);
    child_run(
        &b->c,
        &(struct child_spec){ .argv = (const char *[]){ "sh", "-c", SET_UP, "sh", b->dir, NULL } },
        &r, &b->e);
    CASE("set up", r.status == 0);
    env = arena_array(b->arena, 5, sizeof *env);
    env[0] = arena_printf(b->arena, "PATH=%s/bin:/usr/bin:/bin", b->dir);
    env[1] = arena_printf(b->arena, "TMPDIR=%s/tmp", b->dir);
    env[2] = arena_printf(b->arena, "HOME=%s", b->dir);
    env[3] = "BUILDAH_ISOLATION=chroot";
    setenv("PATH", env[0] + strlen("PATH="), 1); /* programs are looked up in the process's own */
    b->c.env = env;
    b->c.dir = arena_printf(b->arena, "%s/repo", b->dir);
    CASE("a repository", !git_open(&b->c, &b->git, &b->e));
    b->registry = (struct registry_setting){ .base = "r.example" };
    b->images = (struct build_images){ find, tag, adopt, b };
    for (size_t i = 0; i < 2; i++) {
        b->apps[i] = (struct app){ .name = i ? "two" : "one", .dir = i ? "apps/two" : "apps/one" };
        b->todo[i] = (struct build_app){ .app = &b->apps[i],
                                         .tree = "HEAD^{tree}",
                                         .dockerfile = "Dockerfile" };
    }
    b->plan = (struct build_plan){ .git = &b->git,
                                   .commit = "1a2b3c4",
                                   .registry = &b->registry,
                                   .images = &b->images,
                                   .engine = "buildah",
                                   .parallel = 1,
                                   .todo = b->todo,
                                   .n = 2 };
}

/* Whether the builder was called with these first words, one a line; "info" is the question. */
static bool called(struct bench *b, const char *words)
{
    const char *path = arena_printf(b->arena, "%s/calls", b->dir);
    struct child_result r = { 0 };

    if (access(path, F_OK))
        return !*words;
    b->c.signo = 0;
    child_run(&b->c, &(struct child_spec){ .argv = (const char *[]){ "cat", path, NULL } }, &r,
              &b->e);
    return !strcmp(r.out, words);
}

static void tear_down(struct bench *b)
{
    struct child_result r;

    setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1);
    CASE("no login is left", !rmdir(arena_printf(b->arena, "%s/tmp", b->dir)));
    child_run(&b->c, &(struct child_spec){ .argv = (const char *[]){ "rm", "-rf", b->dir, NULL } },
              &r, &b->e);
    loop_free(b->c.loop);
    arena_free(b->arena);
}

static void what_is_not_there_is_built_and_adopted(void)
{
    struct bench b;

    set_up(&b);
    b.adopted = THEIRS;
    CASE("runs", !build_run(&b.c, &b.plan, &b.e));
    CASE("asked", !strcmp(b.asked, "find one\nfind two\nadopt one\ntag one\nadopt two\ntag two\n"));
    CASE("called", called(&b, "info\nbuild\npush\nbuild\npush\n"));
    CASE("both", build_count(&b.plan, BUILD_BUILT) == 2);
    CASE("what the registry has counts", !strcmp(b.todo[0].image.digest, THEIRS));
    tear_down(&b);
}

static void what_is_there_is_tagged_and_no_builder_asked(void)
{
    struct bench b;

    set_up(&b);
    b.found = THEIRS;
    CASE("runs", !build_run(&b.c, &b.plan, &b.e));
    CASE("asked", !strcmp(b.asked, "find one\nfind two\ntag one\ntag two\n"));
    CASE("called", called(&b, ""));
    CASE("both", build_count(&b.plan, BUILD_FOUND) == 2);
    tear_down(&b);
}

static void rebuild_builds_what_is_there(void)
{
    struct bench b;

    set_up(&b);
    b.found = THEIRS;
    b.todo[1].image.afresh = true;
    CASE("runs", !build_run(&b.c, &b.plan, &b.e));
    CASE("called", called(&b, "info\nbuild\npush\n"));
    CASE("ends", b.todo[0].end == BUILD_FOUND && b.todo[1].end == BUILD_BUILT);
    tear_down(&b);
}

static void a_refusal_fails_its_app_alone(void)
{
    static const char *const AT[] = { "find", "adopt", "tag" };

    for (size_t i = 0; i < ARRAY_LEN(AT); i++) {
        struct bench b;

        set_up(&b);
        b.refuse = AT[i];
        CASE(AT[i], !build_run(&b.c, &b.plan, &b.e));
        CASE(AT[i], b.todo[0].end == BUILD_FAILED && b.todo[0].why.kind == ERR_DENIED);
        CASE(AT[i], b.todo[1].end == BUILD_BUILT);
        CASE(AT[i], i == 2 || !strstr(b.asked, "tag one")); /* nothing after the refusal */
        tear_down(&b);
    }
    for (size_t i = 0; i < ARRAY_LEN(AT); i += 2) {
        struct bench b;

        set_up(&b);
        b.refuse = AT[i];
        b.found = THEIRS;
        CASE("it is there", !build_run(&b.c, &b.plan, &b.e));
        CASE(AT[i], b.todo[0].end == BUILD_FAILED && b.todo[1].end == BUILD_FOUND);
        CASE("no builder", called(&b, ""));
        CASE(AT[i], i == 2 || !strstr(b.asked, "tag one"));
        tear_down(&b);
    }
}

static void a_dry_run_only_asks(void)
{
    struct bench b;

    set_up(&b);
    b.plan.dry_run = true;
    CASE("runs", !build_run(&b.c, &b.plan, &b.e));
    CASE("asked", !strcmp(b.asked, "find one\nfind two\n"));
    CASE("called", called(&b, "info\n"));
    CASE("lines", b.todo[0].end == BUILD_PLANNED && strstr(b.todo[0].lines[1], "buildah push"));
    tear_down(&b);
    set_up(&b);
    b.plan.dry_run = true;
    b.found = OURS;
    CASE("runs", !build_run(&b.c, &b.plan, &b.e));
    CASE("what is there gets no tag", !strcmp(b.asked, "find one\nfind two\n"));
    tear_down(&b);
}

static void a_signal_ends_it(void)
{
    struct bench b;

    set_up(&b);
    b.c.signo = 2;
    CASE("interrupted", build_run(&b.c, &b.plan, &b.e) == -1 && b.e.kind == ERR_TIMEOUT);
    CASE("nothing was asked", !*b.asked && called(&b, ""));
    tear_down(&b);
    set_up(&b);
    b.refuse = "all";
    CASE("while asking", build_run(&b.c, &b.plan, &b.e) == -1 && b.e.kind == ERR_TIMEOUT);
    CASE("nothing is built", called(&b, ""));
    tear_down(&b);
}

UNIT_MAIN(UNIT_TEST(what_is_not_there_is_built_and_adopted),
          UNIT_TEST(what_is_there_is_tagged_and_no_builder_asked),
          UNIT_TEST(rebuild_builds_what_is_there), UNIT_TEST(a_refusal_fails_its_app_alone),
          UNIT_TEST(a_dry_run_only_asks), UNIT_TEST(a_signal_ends_it))
