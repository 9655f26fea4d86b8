/* What an AppRelease says of its apps: what is decided of it, and how its marks are read. */
#include "marks.h"

#include <string.h>

#include "apps.h"
#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "base/json.h"
#include "changed.h"
#include "inputs.h"
#include "release.h"
#include "unit.h"

#define ONE "1111111111111111111111111111111111111111"
#define TWO "2222222222222222222222222222222222222222"

/* --- decided --- */

static const struct app A = { .name = "a" };
static const struct app_changes NONE = { .paths = (const char *[]){ NULL } };
static const struct app_changes SOME = { .paths = (const char *[]){ "apps/a/x", NULL }, .n = 1 };
static const struct app_changes OTHER = { .paths = (const char *[]){ "apps/a/y", NULL }, .n = 1 };

/* "build apps/a/x", "build apps/a/x back", … */
static const char *told(const struct changed *c, struct arena *a)
{
    if (c->n)
        return arena_printf(a, "build %s%s%s%s%s%s%s%s", c->apps[0].reasons[0],
                            c->apps[0].is_back ? " back" : "", c->apps[0].commit ? " to " : "",
                            c->apps[0].commit ? c->apps[0].commit : "",
                            c->apps[0].from ? " from " : "", c->apps[0].from ? c->apps[0].from : "",
                            c->behind[0] ? " behind" : "", c->asks_again ? " again" : "");
    if (c->n_kept)
        return arena_printf(a, "kept %s", c->kept[0].why);
    if (c->n_held)
        return arena_printf(a, "held %s", c->held[0].why);
    if (c->n_as_is)
        return "as it is";
    return c->superseded_by ? "superseded" : "nothing";
}

#define MAINLINE .kind = RUN_MAINLINE
#define BRANCH .kind = RUN_WORK, .base = "b"
#define DIFFERS .app = &A, .since = &SOME
#define SAME .app = &A, .since = &NONE
#define ASKED(...)                                                                                 \
    .asked = &(const struct asked)                                                                 \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define GOOD .good = "1", .since = &NONE
#define CHANGED .good = "1", .since = &OTHER
#define THEIRS .whose = "ann's x"
#define OURS .whose = "ann's x", .is_ours = true

static void what_is_asked_for_is_decided(void)
{
    static const char *const NAMES[] = { "a", NULL };
    const struct {
        const char *name;
        struct changed_facts facts;
        struct app_facts app;
        const char *told;
    } rows[] = {
        { "as it runs", { MAINLINE }, { .app = &A, ASKED(GOOD) }, "as it is" },
        { "it changed", { MAINLINE }, { .app = &A, ASKED(CHANGED) }, "build apps/a/y" },
        { "somebody's", { MAINLINE }, { .app = &A, ASKED(CHANGED, THEIRS) }, "kept ann's x" },
        { "somebody's, and the mainline has moved",
          { MAINLINE },
          { .app = &A, ASKED(CHANGED, THEIRS, .mainline_moved = true) },
          "build apps/a/y from ann's x" },
        { "somebody's, and it came to the same",
          { MAINLINE },
          { .app = &A, ASKED(GOOD, THEIRS, .mainline_moved = true) },
          "as it is" },
        { "of who runs the mainline",
          { MAINLINE },
          { .app = &A, ASKED(CHANGED, OURS) },
          "build apps/a/y" },
        { "somebody's, --all",
          { MAINLINE, .all = true },
          { .app = &A, ASKED(CHANGED, THEIRS) },
          "build --all from ann's x" },
        { "taken back", { MAINLINE }, { .app = &A, ASKED(CHANGED, .left = "L") }, "held L" },
        { "never good, taken back", { MAINLINE }, { .app = &A, ASKED(.left = "L") }, "held L" },
        { "taken back, and good since",
          { MAINLINE },
          { .app = &A, ASKED(GOOD, .left = "L") },
          "as it is" },
        { "taken back, --all",
          { MAINLINE, .all = true },
          { .app = &A, ASKED(CHANGED, .left = "L") },
          "build --all again" },
        { "good, --all",
          { MAINLINE, .all = true },
          { .app = &A, ASKED(GOOD, .left = "L") },
          "build --all" },
        { "put back by hand", { MAINLINE }, { .app = &A, ASKED(GOOD, .by_hand = "H") }, "held H" },
        { "put back by hand, new inputs",
          { MAINLINE },
          { .app = &A, ASKED(CHANGED, .by_hand = "H") },
          "build apps/a/y" },
        { "superseded",
          { MAINLINE, .superseded_by = "9" },
          { .app = &A, ASKED(CHANGED) },
          "superseded" },
        { "superseded, --all",
          { MAINLINE, .superseded_by = "9", .all = true },
          { .app = &A, ASKED(CHANGED) },
          "superseded" },
        { "work", { BRANCH }, { DIFFERS, ASKED(CHANGED) }, "build apps/a/x" },
        { "work on somebody's",
          { BRANCH },
          { DIFFERS, ASKED(CHANGED, THEIRS) },
          "build apps/a/x from ann's x" },
        { "work beside somebody's", { BRANCH }, { SAME, ASKED(CHANGED, THEIRS) }, "nothing" },
        { "work again", { BRANCH }, { DIFFERS, ASKED(GOOD, OURS) }, "build apps/a/x" },
        { "more work", { BRANCH }, { DIFFERS, ASKED(CHANGED, OURS) }, "build apps/a/y" },
        { "work that was taken back",
          { BRANCH },
          { DIFFERS, ASKED(CHANGED, OURS, .left = "L") },
          "held L" },
        { "work, and the mainline moved on",
          { BRANCH },
          { DIFFERS, .is_behind = true, ASKED(CHANGED) },
          "build apps/a/x behind" },
        { "not ours, and the mainline moved on",
          { BRANCH },
          { SAME, .is_behind = true, ASKED(CHANGED) },
          "nothing" },
        { "ours no longer",
          { BRANCH },
          { SAME, .is_behind = true, ASKED(CHANGED, OURS, .mainline = "m") },
          "build apps/a/y back to m" },
        { "ours no longer, the mainline is not known",
          { BRANCH },
          { SAME, ASKED(CHANGED, OURS) },
          "build apps/a/y back" },
        { "ours, though as the mainline has it",
          { BRANCH },
          { SAME, ASKED(GOOD, OURS, .mainline = "m") },
          "build this branch released it before back to m" },
        { "merged, and the mainline was not asked for since",
          { BRANCH },
          { DIFFERS, .is_mainlines = true, ASKED(GOOD, OURS, .mainline = "m") },
          "nothing" },
        { "merged, another runs",
          { BRANCH },
          { DIFFERS, .is_mainlines = true, ASKED(CHANGED, OURS, .mainline = "m") },
          "build apps/a/y back" },
        { "by name, taken back",
          { .kind = RUN_WORK, .names = NAMES },
          { .app = &A, ASKED(CHANGED, .left = "L") },
          "build --apps again" },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        struct changed_facts facts = rows[i].facts;
        struct changed c = { 0 };
        struct err e = { 0 };

        facts.apps = &rows[i].app;
        facts.n_apps = 1;
        CASE(rows[i].name, !changed_decide(a, &facts, &c, &e));
        if (strcmp(told(&c, a), rows[i].told) != 0)
            fprintf(stderr, "%s: %s\n", rows[i].name, told(&c, a));
        CASE(rows[i].name, !strcmp(told(&c, a), rows[i].told));
    }
}

static void what_is_gone_is_decided(void)
{
    static const struct {
        const char *name;
        struct gone_app gone;
        bool all, is_kept;
    } rows[] = {
        { "nobody's", { "g", NULL, false }, false, false },
        { "somebody's new app", { "g", "ann's x", false }, false, true },
        { "somebody's, dropped by the mainline", { "g", "ann's x", true }, false, false },
        { "somebody's, --all", { "g", "ann's x", false }, true, false },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        struct changed_facts facts = { MAINLINE, .all = rows[i].all, .gone = &rows[i].gone,
                                       .n_gone = 1 };
        struct changed c;
        struct err e = { 0 };

        CASE(rows[i].name, !changed_decide(a, &facts, &c, &e));
        CASE(rows[i].name, (c.n_kept == 1) == rows[i].is_kept && !c.removed[0] == rows[i].is_kept);
        facts.superseded_by = "9";
        CASE(rows[i].name, !changed_decide(a, &facts, &c, &e) && !c.n_kept && !c.removed[0]);
    }
}

/* --- read --- */

static struct marks read_marks(struct arena *a, const char *annotations, const char *status)
{
    const char *text =
        arena_printf(a,
                     "{\"metadata\":{\"annotations\":{%s}},\"spec\":{\"commit\":\"" ONE
                     "\",\"apps\":[{\"name\":\"a\"}]},\"status\":{%s}}",
                     annotations, status);
    struct err e = { 0 };
    AUTO(json) cJSON *object = json_parse(text, strlen(text), &e);
    struct marks m;

    CASE(text, object != NULL);
    marks_read(object, a, &m);
    return m;
}

#define WORK "\"deploy.btc-shopflow.io/work\":"
#define AT(commit)                                                                                 \
    WORK "\"{\\\"a\\\":{\\\"branch\\\":\\\"x\\\",\\\"actor\\\":\\\"ann\\\",\\\"commit\\\":"        \
         "\\\"" commit "\\\"}}\""

static void marks_that_make_no_sense_say_nothing(void)
{
    static const char *const rows[] = { "",
                                        WORK "\"\"",
                                        WORK "\"[]\"",
                                        WORK "\"{\\\"a\\\":1}\"",
                                        WORK "\"{\\\"a\\\":{}}\"",
                                        WORK "\"{\\\"b\\\":{\\\"commit\\\":\\\"" ONE "\\\"}}\"",
                                        "\"deploy.btc-shopflow.io/mainline\":\"--upload-pack=x\"" };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        struct marks m = read_marks(a, rows[i], "");

        CASE(rows[i], m.n == 1 && !m.apps[0].is_work && !m.mainline);
    }
}

static void what_it_left_is_a_commit(void)
{
    static const char BACK[] = "\"deploy.btc-shopflow.io/rolled-back\":\"{\\\"a\\\":"
                               "{\\\"commit\\\":\\\"%s\\\",\\\"by\\\":\\\"ann\\\"}}\"";
    AUTO(arena) struct arena *a = arena_new(1024);
    struct marks m = read_marks(a, arena_printf(a, BACK, TWO), "");

    CASE("it is", !strcmp(m.apps[0].left, TWO) && !strcmp(m.apps[0].left_by, "ann"));
    m = read_marks(a, arena_printf(a, BACK, "HEAD"), "");
    CASE("a name that git would read otherwise", !m.apps[0].left);
}

static void work_counts_while_the_app_is_at_it(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    struct marks m = read_marks(a, AT(ONE), "");

    CASE("asked for", m.apps[0].is_work && !strcmp(mark_whose(&m.apps[0], a), "ann's x"));
    m = read_marks(a, AT(TWO), "");
    CASE("something else was asked for since", !m.apps[0].is_work);
    m = read_marks(a, AT(TWO), "\"apps\":[{\"name\":\"a\",\"commit\":\"" TWO "\"}]");
    CASE("it runs still", m.apps[0].is_work);
    m.apps[0].branch = m.apps[0].actor = NULL;
    CASE("nobody knows whose", !strcmp(mark_whose(&m.apps[0], a), "somebody's work"));
}

static void images_by_hand_are_found(void)
{
    static const struct {
        const char *name, *image, *commit; /* NULL = it is the good one */
        const char *state;
    } rows[] = {
        { "the good one", "r:5/a:1111111@sha256:1", NULL, "Updated" },
        { "its digest under another tag", "r:5/a:x@sha256:1", NULL, "Updated" },
        { "its tag", "r:5/a:1111111", NULL, "Updated" },
        { "another tag", "r:5/a:2222222", "2222222", "Updated" },
        { "a longer tag", "r:5/a:11111112", "11111112", "Unchanged" },
        { "another digest", "r:5/a:2222222@sha256:2", "2222222", "RolledBack" },
        { "a tag that is no commit", "r:5/a:v2", "", "Updated" },
        { "no tag", "r:5/a", "", "Updated" },
        { "another repository", "r:5/b:2222222", NULL, "Updated" },
        { "while it rolls", "r:5/a:2222222", NULL, "Updating" },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        struct marks m =
            read_marks(a, "",
                       arena_printf(a,
                                    "\"apps\":[{\"name\":\"a\",\"deployment\":\"d\",\"state\":\"%"
                                    "s\",\"goodImage\":\"r:5/a:1111111@sha256:1\"}]",
                                    rows[i].state));
        const char *text = arena_printf(a,
                                        "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{"
                                        "\"image\":\"p:1\"},{\"image\":\"%s\"}]}}}}",
                                        rows[i].image);
        struct err e = { 0 };
        AUTO(json) cJSON *deployment = json_parse(text, strlen(text), &e);

        marks_add_deployment(&m.apps[0], deployment, a);
        CASE(rows[i].name, (m.apps[0].by_hand != NULL) == (rows[i].commit != NULL));
        CASE(rows[i].name,
             !rows[i].commit ||
                 !strcmp(m.apps[0].by_hand_commit ? m.apps[0].by_hand_commit : "", rows[i].commit));
    }
}

UNIT_MAIN(UNIT_TEST(what_is_asked_for_is_decided), UNIT_TEST(what_is_gone_is_decided),
          UNIT_TEST(marks_that_make_no_sense_say_nothing), UNIT_TEST(what_it_left_is_a_commit),
          UNIT_TEST(work_counts_while_the_app_is_at_it), UNIT_TEST(images_by_hand_are_found))
