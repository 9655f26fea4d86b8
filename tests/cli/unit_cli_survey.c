/* What changed against what an AppRelease says, in a real repository. */
#include "survey.h"

#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "cli.h"
#include "io/loop.h"
#include "marks.h"
#include "options.h"
#include "unit.h"

#define UNKNOWN "1234567890123456789012345678901234567890"

static struct arena *arena;
static struct options options;
static struct cli cli = { .options = &options };

static const char *git(const char *const *args)
{
    struct child_result r = { .out = "" };
    struct err e = { 0 };
    const struct child_spec spec = { .argv = args };

    if (child_run(&cli, &spec, &r, &e) || r.status)
        fprintf(stderr, "%s %s: %s%s\n", args[0], args[1], e.text, r.err ? r.err : "");
    return arena_strndup(arena, r.out, strcspn(r.out, "\n"));
}

#define RUN(...) git((const char *const[]){ __VA_ARGS__, NULL })

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(arena_printf(arena, "%s/%s", cli.dir, path), "w");

    CASE(path, f != NULL);
    if (!f)
        return;
    fputs(text, f);
    fclose(f);
}

static const char *commit(void)
{
    RUN("git", "add", "-A");
    RUN("git", "-c", "user.name=Ann", "-c", "user.email=a@b", "commit", "-q", "-m", "x");
    return RUN("git", "rev-parse", "HEAD");
}

/* asked NULL: no cluster. */
static struct changed decide(const struct mark *asked, size_t n)
{
    struct marks marks = { .apps = (struct mark *)asked, .n = n };
    struct survey s = { 0 };
    struct err e = { 0 };
    int failed =
        survey_make(&cli, asked != NULL, &s, &e) || survey_decide(&s, asked ? &marks : NULL, &e);

    CASE("is decided", !failed);
    if (failed)
        fprintf(stderr, "%s\n", e.text);
    return s.changed;
}

static bool is(const struct changed *c, size_t i, const char *app, const char *reason)
{
    return i < c->n && !strcmp(c->apps[i].app->name, app) && !strcmp(c->apps[i].reasons[0], reason);
}

static void each_app_against_its_last_good_commit(void)
{
    const char *one, *two;
    struct changed c;

    RUN("git", "init", "-q", "-b", "develop");
    RUN("mkdir", "-p", "apps/a", "apps/b", "apps/c");
    write_file("apps/a/Dockerfile", "1");
    write_file("apps/b/Dockerfile", "1");
    write_file("apps/c/Dockerfile", "1");
    one = commit();
    write_file("apps/a/x", "1");
    two = commit();
    write_file("apps/b/x", "1");
    commit();
    c = decide((struct mark[]){ { .app = "a", .good = one }, { .app = "b", .good = two } }, 2);
    CASE("one that changed since", is(&c, 0, "a", "apps/a/x"));
    CASE("another since another", is(&c, 1, "b", "apps/b/x"));
    CASE("one that is not listed", is(&c, 2, "c", "it has never run well there"));
    c = decide((struct mark[]){ { .app = "a", .good = two },
                                { .app = "b", .good = UNKNOWN },
                                { .app = "c", .good = one } },
               3);
    CASE("only what changed since its own",
         c.n == 1 && is(&c, 0, "b", "its last good commit 1234567 is not known here"));
    CASE("none is gone", !c.removed[0]);
    c = decide((struct mark[]){ { .app = "c", .good = one }, { .app = "old", .good = one } }, 2);
    CASE("one that is gone", !strcmp(c.removed[0], "old") && !c.removed[1]);
    CASE("two that never ran", c.n == 2);
    c = decide(NULL, 0);
    CASE("no cluster", c.n == 3 && is(&c, 2, "c", "what runs is not known: no cluster was asked"));
}

static void work_leaves_others_alone(void)
{
    const char *head = RUN("git", "rev-parse", "HEAD");
    struct changed c;

    write_file("apps/c/new", "1");
    c = decide(
        (struct mark[]){
            { .app = "a", .good = UNKNOWN },
            { .app = "b", .good = head, .is_work = true, .branch = "develop", .commit = head } },
        2);
    CASE("only what it changed", c.n == 1 && is(&c, 0, "c", "apps/c/new"));
    c = decide(
        (struct mark[]){
            { .app = "a",
              .good = UNKNOWN,
              .is_work = true,
              .branch = "develop",
              .commit = UNKNOWN },
            { .app = "b", .good = head, .is_work = true, .branch = "develop", .commit = head } },
        2);
    CASE("and what it released before", is(&c, 0, "a", "this branch released it before"));
    CASE("not what is there as it is here", c.n == 2 && is(&c, 1, "c", "apps/c/new"));
}

int main(void)
{
    static const struct unit_test tests[] = { UNIT_TEST(each_app_against_its_last_good_commit),
                                              UNIT_TEST(work_leaves_others_alone) };
    char dir[] = "/tmp/unit_survey.XXXXXX";
    struct err e = { 0 };
    int failed;

    arena = arena_new(64 * 1024);
    cli.arena = arena;
    cli.loop = loop_new(&e);
    cli.dir = mkdtemp(dir);
    cli.env =
        (const char *[]){ arena_printf(arena, "PATH=%s", getenv("PATH")),
                          arena_printf(arena, "HOME=%s", dir), "GIT_CONFIG_NOSYSTEM=1", NULL };
    failed = !cli.loop || !cli.dir || unit_run(tests, ARRAY_LEN(tests));
    RUN("rm", "-rf", dir);
    loop_free(cli.loop);
    arena_free(arena);
    return failed;
}
