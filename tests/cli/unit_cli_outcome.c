/* What became of a release: every reason in every end, whose status counts, who follows what. */
#include "outcome.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"
#include "deploy/reason.h"
#include "unit.h"

#define OLD "1111111111111111111111111111111111111111"
#define NEW "2222222222222222222222222222222222222222"

/* --- one app, settled: each reason of deploy/reason.h --- */

/* What stands here is the exception: all others that Failed are left for a person. */
static enum outcome_kind failed_with(const char *reason)
{
    return !strcmp(reason, "StillBad") ? OUTCOME_ROLLED_BACK : OUTCOME_LEFT;
}

static void every_reason_has_its_end(void)
{
    size_t n = 0;

    for (const char *reason; (reason = reason_at(n)); n++) {
        struct app_status app = { .name = "api", .reason = reason, .good_image = "r/api:1" };
        bool absent = !strcmp(reason, "ImageAbsent");

        app.state = APP_FAILED;
        CASE(reason, outcome_of_app(&app) == failed_with(reason));
        app.state = APP_ROLLED_BACK;
        CASE(reason, outcome_of_app(&app) == OUTCOME_ROLLED_BACK);
        app.state = APP_SKIPPED;
        CASE(reason, outcome_of_app(&app) == (absent ? OUTCOME_DONE : OUTCOME_ROLLED_BACK));
        app.state = APP_SUPERSEDED;
        CASE(reason, outcome_of_app(&app) == OUTCOME_SUPERSEDED);
        app.state = APP_UPDATED;
        CASE(reason, outcome_of_app(&app) == OUTCOME_DONE);
        app.state = APP_UNCHANGED;
        CASE(reason, outcome_of_app(&app) == OUTCOME_DONE);
        for (enum app_state s = APP_PENDING; s <= APP_SUPERSEDED; s++) {
            bool moves = s == APP_PENDING || s == APP_WAITING || s == APP_UPDATING ||
                         s == APP_SOAKING || s == APP_ROLLING_BACK;

            app.state = s;
            CASE(reason, (outcome_of_app(&app) == OUTCOME_GOES_ON) == moves);
        }
    }
    CASE("the table is read", n > 40);
}

static void a_bad_digest_with_nothing_good_is_left(void)
{
    struct app_status app = { .state = APP_FAILED, .reason = "StillBad" };

    CASE("no good image", outcome_of_app(&app) == OUTCOME_LEFT);
}

static void one_that_was_good_before_another_took_it_is_done(void)
{
    struct app_status app = { .state = APP_SUPERSEDED, .target_image = "r/api:1@sha256:1" };

    CASE("superseded afterwards", outcome_of_app(&app) == OUTCOME_DONE);
}

static void exit_codes_are_those_of_the_table(void)
{
    CASE("done", outcome_exit(OUTCOME_DONE) == 0);
    CASE("invalid", outcome_exit(OUTCOME_INVALID) == 2);
    CASE("rolled back", outcome_exit(OUTCOME_ROLLED_BACK) == 3);
    CASE("goes on", outcome_exit(OUTCOME_GOES_ON) == 4);
    CASE("superseded", outcome_exit(OUTCOME_SUPERSEDED) == 6);
    CASE("left", outcome_exit(OUTCOME_LEFT) == 7);
    CASE("held", outcome_exit(OUTCOME_HELD) == 7);
}

/* --- the whole object --- */

#define APP(name, state, reason, target)                                                           \
    "{\"name\":\"" name "\",\"deployment\":\"btc-" name "\",\"state\":\"" state                    \
    "\",\"reason\":\"" reason "\",\"targetCommit\":\"" target "\",\"failedCommit\":\"" target      \
    "\"}"
#define READY(status, reason)                                                                      \
    "{\"type\":\"Ready\",\"status\":\"" status "\",\"reason\":\"" reason                           \
    "\",\"message\":\"m\",\"observedGeneration\":5}"
#define MOVES                                                                                      \
    "{\"type\":\"Reconciling\",\"status\":\"True\",\"reason\":\"Progressing\","                    \
    "\"observedGeneration\":5}"
#define IMAGES                                                                                     \
    "{\"type\":\"ImagesResolved\",\"status\":\"True\",\"reason\":\"AllResolved\","                 \
    "\"observedGeneration\":5}"
#define BOTH "{\"name\":\"api\"},{\"name\":\"web\",\"commit\":\"" OLD "\"}"

/* An object of generation 5 whose spec asks for `apps`, and its status. */
#define OBJECT(apps, observed, status_apps, conditions)                                            \
    "{\"metadata\":{\"generation\":5},\"spec\":{\"commit\":\"" NEW "\",\"apps\":[" apps            \
    "]},\"status\":{\"observedGeneration\":" observed ",\"apps\":[" status_apps                    \
    "],\"conditions\":[" conditions "]}}"

static enum outcome_kind kind_of(const char *json, const struct followed *f, const char **ret_app)
{
    struct err e = { 0 };
    struct outcome o;
    struct seen seen;

    seen_decode(json ? json_parse(json, strlen(json), &e) : NULL, &seen);
    CASE("the object is JSON", !json || seen.tree);
    o = outcome_of(&seen, f);
    if (ret_app)
        *ret_app = o.app && !strcmp(o.app, "web") ? "web" : o.app ? "api" : NULL;
    seen_release(&seen);
    return o.kind;
}

static const struct wanted_app API = { .name = "api", .commit = NEW };

struct row {
    const char *name, *object;
    enum outcome_kind all, api; /* who follows everything, and who follows api at NEW */
};

static const struct row ROWS[] = {
    { "an old Ready is not ours",
      OBJECT(BOTH, "4", APP("api", "Updated", "Healthy", NEW) "," APP("web", "Updated", "x", OLD),
             READY("True", "ReleaseSucceeded")),
      OUTCOME_GOES_ON, OUTCOME_GOES_ON },
    { "good",
      OBJECT(BOTH, "5", APP("api", "Updated", "Healthy", NEW) "," APP("web", "Unchanged", "x", OLD),
             READY("True", "ReleaseSucceeded") "," IMAGES),
      OUTCOME_DONE, OUTCOME_DONE },
    { "ours is good, another still rolls",
      OBJECT(
          BOTH, "5",
          APP("api", "Updated", "Healthy", NEW) "," APP("web", "Waiting", "DeploymentPaused", OLD),
          READY("Unknown", "Progressing") "," MOVES "," IMAGES),
      OUTCOME_GOES_ON, OUTCOME_DONE },
    { "good at what was asked for before",
      OBJECT(BOTH, "5", APP("api", "Updated", "Healthy", OLD) "," APP("web", "Updated", "x", OLD),
             READY("Unknown", "Progressing") "," MOVES "," IMAGES),
      OUTCOME_GOES_ON, OUTCOME_GOES_ON },
    { "good at this commit, whose digest is asked for anew",
      OBJECT(BOTH, "5", APP("api", "Updated", "Healthy", NEW) "," APP("web", "Updated", "x", OLD),
             READY("Unknown", "Progressing") "," MOVES),
      OUTCOME_GOES_ON, OUTCOME_GOES_ON },
    { "another's app has failed",
      OBJECT(
          BOTH, "5",
          APP("api", "Updated", "Healthy", NEW) "," APP("web", "Failed", "NoRollbackTarget", OLD),
          READY("False", "NoRollbackTarget") "," IMAGES),
      OUTCOME_LEFT, OUTCOME_DONE },
    { "rolled back",
      OBJECT(BOTH, "5",
             APP("api", "RolledBack", "CrashLoop", NEW) "," APP("web", "Unchanged", "x", OLD),
             READY("False", "RolledBack") "," IMAGES),
      OUTCOME_ROLLED_BACK, OUTCOME_ROLLED_BACK },
    { "rolled back, while another still rolls",
      OBJECT(BOTH, "5",
             APP("api", "RolledBack", "CrashLoop", NEW) "," APP("web", "Waiting", "x", OLD),
             READY("Unknown", "Progressing") "," MOVES "," IMAGES),
      OUTCOME_GOES_ON, OUTCOME_ROLLED_BACK },
    { "rolled back from what was asked for before",
      OBJECT(BOTH, "5",
             APP("api", "RolledBack", "CrashLoop", OLD) "," APP("web", "Updated", "x", OLD),
             READY("Unknown", "Progressing") "," MOVES "," IMAGES),
      OUTCOME_GOES_ON, OUTCOME_GOES_ON },
    { "rolled back before, and not begun anew",
      OBJECT(BOTH, "5",
             "{\"name\":\"api\",\"deployment\":\"api\",\"state\":\"RolledBack\",\"reason\":"
             "\"CrashLoop\","
             "\"targetCommit\":\"" NEW "\",\"failedCommit\":\"" OLD
             "\"}," APP("web", "Updated", "x", OLD),
             READY("Unknown", "Progressing") "," MOVES "," IMAGES),
      OUTCOME_GOES_ON, OUTCOME_GOES_ON },
    { "the worst counts",
      OBJECT(BOTH, "5",
             APP("api", "RolledBack", "CrashLoop", NEW) "," APP("web", "Failed", "RollbackFailed",
                                                                OLD),
             READY("False", "RollbackFailed") "," IMAGES),
      OUTCOME_LEFT, OUTCOME_ROLLED_BACK },
    { "paused",
      OBJECT(BOTH, "5", APP("api", "Pending", "Paused", NEW) "," APP("web", "Unchanged", "x", OLD),
             READY("Unknown", "Paused") "," MOVES "," IMAGES),
      OUTCOME_HELD, OUTCOME_HELD },
    { "not approved",
      OBJECT(BOTH, "5",
             APP("api", "Waiting", "WaitingForApproval", NEW) "," APP("web", "Unchanged", "x", OLD),
             READY("Unknown", "WaitingForApproval") "," MOVES "," IMAGES),
      OUTCOME_HELD, OUTCOME_HELD },
    { "a freeze window ends by itself",
      OBJECT(BOTH, "5",
             APP("api", "Waiting", "WaitingForWindow", NEW) "," APP("web", "Unchanged", "x", OLD),
             READY("Unknown", "WaitingForWindow") "," MOVES "," IMAGES),
      OUTCOME_GOES_ON, OUTCOME_GOES_ON },
    { "an image may still come",
      OBJECT(BOTH, "5",
             APP("api", "Waiting", "ImageNotFound", NEW) "," APP("web", "Updated", "x", OLD),
             READY("Unknown", "WaitingForImage") "," MOVES),
      OUTCOME_GOES_ON, OUTCOME_GOES_ON },
    { "suspended",
      OBJECT(BOTH, "5", APP("api", "Pending", "x", OLD) "," APP("web", "Unchanged", "x", OLD),
             READY("Unknown", "Suspended")),
      OUTCOME_HELD, OUTCOME_HELD },
    { "invalid",
      OBJECT(BOTH, "5", APP("api", "Updated", "x", OLD) "," APP("web", "Updated", "x", OLD),
             READY("False", "InvalidSpec")),
      OUTCOME_INVALID, OUTCOME_INVALID },
    { "somebody asks for another commit of ours",
      OBJECT("{\"name\":\"api\",\"commit\":\"" OLD "\"},{\"name\":\"web\"}", "5",
             APP("api", "Updated", "Healthy", OLD) "," APP("web", "Updated", "x", NEW),
             READY("True", "ReleaseSucceeded") "," IMAGES),
      OUTCOME_DONE, OUTCOME_SUPERSEDED },
    { "somebody took ours off the list",
      OBJECT("{\"name\":\"web\"}", "5", APP("web", "Updated", "x", NEW),
             READY("True", "ReleaseSucceeded") "," IMAGES),
      OUTCOME_DONE, OUTCOME_SUPERSEDED },
    { "another AppRelease has the Deployment",
      OBJECT(BOTH, "5",
             APP("api", "Superseded", "Superseded", NEW) "," APP("web", "Unchanged", "x", OLD),
             READY("False", "Superseded") "," IMAGES),
      OUTCOME_SUPERSEDED, OUTCOME_SUPERSEDED },
    { "ours is not in the status yet",
      OBJECT(BOTH, "5", APP("web", "Unchanged", "x", OLD),
             READY("True", "ReleaseSucceeded") "," IMAGES),
      OUTCOME_DONE, OUTCOME_GOES_ON },
    { "deleted", NULL, OUTCOME_SUPERSEDED, OUTCOME_SUPERSEDED },
};

static void an_object_has_one_outcome(void)
{
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct followed all = { .generation = 5 };
        struct followed api = { .apps = &API, .n_apps = 1, .generation = 5 };

        CASE(ROWS[i].name, kind_of(ROWS[i].object, &all, NULL) == ROWS[i].all);
        CASE(ROWS[i].name, kind_of(ROWS[i].object, &api, NULL) == ROWS[i].api);
    }
}

static void a_retry_is_not_answered_by_what_was_before_it(void)
{
    static const char *const JSON = OBJECT(
        BOTH, "5", APP("api", "RolledBack", "CrashLoop", NEW) "," APP("web", "Updated", "x", OLD),
        READY("False", "RolledBack") "," IMAGES);
    struct followed f = { .generation = 5, .retry_at = "now" };

    CASE("the token is not handled", kind_of(JSON, &f, NULL) == OUTCOME_GOES_ON);
}

static void a_newer_generation_must_be_seen_too(void)
{
    static const char *const JSON =
        OBJECT(BOTH, "4", APP("api", "Updated", "Healthy", NEW) "," APP("web", "Updated", "x", OLD),
               READY("True", "ReleaseSucceeded"));
    struct followed f = { .apps = &API, .n_apps = 1, .generation = 3 };

    CASE("handled 4, is 5", kind_of(JSON, &f, NULL) == OUTCOME_GOES_ON);
}

static void the_cause_is_told_not_its_victim(void)
{
    static const char *const JSON = OBJECT(BOTH, "5",
                                           APP("api", "Skipped", "DependencyFailed",
                                               NEW) "," APP("web", "RolledBack", "OOMKilled", OLD),
                                           READY("False", "RolledBack") "," IMAGES);
    struct followed f = { .generation = 5 };
    const char *app;

    CASE("rolled back", kind_of(JSON, &f, &app) == OUTCOME_ROLLED_BACK);
    CASE("web is named", app && !strcmp(app, "web"));
}

/* --- wait --commit --- */

#define HISTORY(result)                                                                            \
    "{\"metadata\":{\"generation\":5},\"spec\":{\"commit\":\"" NEW "\",\"apps\":[{\"name\":"       \
    "\"api\"}]},\"status\":{\"observedGeneration\":5,\"history\":[{\"commit\":\"" OLD              \
    "\",\"result\":\"" result "\"}]}}"

static void a_commit_is_found_in_the_history(void)
{
    static const struct {
        const char *object;
        enum outcome_kind kind;
    } rows[] = {
        { HISTORY("Succeeded"), OUTCOME_DONE },
        { HISTORY("RolledBack"), OUTCOME_ROLLED_BACK },
        { HISTORY("StillBad"), OUTCOME_ROLLED_BACK },
        { HISTORY("Superseded"), OUTCOME_SUPERSEDED },
        { HISTORY("RollbackFailed"), OUTCOME_LEFT },
    };
    struct followed f = { .commit = "1111111" };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CASE(rows[i].object, kind_of(rows[i].object, &f, NULL) == rows[i].kind);
    f.commit = "3333333";
    CASE("never heard of: it may still come", kind_of(rows[0].object, &f, NULL) == OUTCOME_GOES_ON);
    f.was_asked = true;
    CASE("it was there, and is gone", kind_of(rows[0].object, &f, NULL) == OUTCOME_SUPERSEDED);
    CASE("no object yet", kind_of(NULL, &f, NULL) == OUTCOME_GOES_ON);
}

static void a_commit_stands_for_the_apps_at_it(void)
{
    static const char *const JSON = OBJECT(
        BOTH, "5",
        APP("api", "Updated", "Healthy", NEW) "," APP("web", "Failed", "NoRollbackTarget", OLD),
        READY("False", "NoRollbackTarget") "," IMAGES);
    struct followed f = { .commit = "2222222" };

    CASE("api is good", kind_of(JSON, &f, NULL) == OUTCOME_DONE);
    f.commit = OLD;
    CASE("web is not", kind_of(JSON, &f, NULL) == OUTCOME_LEFT);
}

UNIT_MAIN(UNIT_TEST(every_reason_has_its_end), UNIT_TEST(a_bad_digest_with_nothing_good_is_left),
          UNIT_TEST(one_that_was_good_before_another_took_it_is_done),
          UNIT_TEST(exit_codes_are_those_of_the_table), UNIT_TEST(an_object_has_one_outcome),
          UNIT_TEST(a_retry_is_not_answered_by_what_was_before_it),
          UNIT_TEST(a_newer_generation_must_be_seen_too),
          UNIT_TEST(the_cause_is_told_not_its_victim), UNIT_TEST(a_commit_is_found_in_the_history),
          UNIT_TEST(a_commit_stands_for_the_apps_at_it))
