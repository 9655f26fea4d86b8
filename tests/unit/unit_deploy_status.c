#include "deploy/status.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "unit.h"

/* Every field there is, as the API server stores it. */
static const char FULL[] =
    "{\"observedGeneration\":12,\"startTime\":\"2026-11-24T10:00:00.000Z\","
    "\"commit\":\"2222222\",\"shortCommit\":\"2222222\",\"lastSucceededCommit\":\"1111111\","
    "\"shortLastSucceededCommit\":\"1111111\","
    "\"lastHandledRetryAt\":\"r\",\"lastHandledReconcileAt\":\"c\",\"progress\":\"1/2\","
    "\"apps\":[{\"name\":\"web\",\"deployment\":\"btc-web\",\"unlisted\":true,"
    "\"state\":\"RollingBack\",\"reason\":\"CrashLoop\",\"message\":\"m\","
    "\"stateTime\":\"2026-11-24T10:00:01.234Z\",\"commit\":\"1111111\",\"goodImage\":\"g\","
    "\"targetCommit\":\"2222222\",\"targetImage\":\"t\",\"failedCommit\":\"2222222\","
    "\"failedImage\":\"t\",\"attempt\":{\"id\":\"3f2a91c0-7\",\"kind\":\"PutBack\","
    "\"commit\":\"2222222\",\"images\":[{\"container\":\"web\",\"image\":\"i\"}],"
    "\"previousImages\":[{\"container\":\"web\",\"image\":\"p\"}],\"previousAvailable\":3,"
    "\"startTime\":\"2026-11-24T10:00:02.000Z\",\"generation\":11,\"deploymentUID\":\"u\","
    "\"accepted\":41,\"previousGood\":{\"commit\":\"0000000\",\"image\":\"pg\"},"
    "\"progressTime\":\"2026-11-24T10:00:03.000Z\",\"availableMax\":2,"
    "\"completeTime\":\"2026-11-24T10:00:04.000Z\",\"soakTime\":\"2026-11-24T10:00:05.000Z\","
    "\"clockStopped\":\"2026-11-24T10:00:06.000Z\",\"putBacks\":1},"
    "\"replicas\":{\"desired\":3,\"updated\":2,\"available\":1},"
    "\"finishTime\":\"2026-11-24T10:00:07.000Z\",\"failure\":{\"pod\":\"p\","
    "\"container\":\"web\",\"reason\":\"Error\",\"exitCode\":1,\"restarts\":3,"
    "\"logTail\":\"l\"}}],\"history\":[{\"commit\":\"1111111\",\"result\":\"Succeeded\","
    "\"startTime\":\"2026-11-24T10:00:08.000Z\",\"finishTime\":\"2026-11-24T10:00:09.000Z\","
    "\"changedApps\":[\"web\"],\"changedCount\":1,\"held\":[{\"name\":\"api\",\"commit\":"
    "\"3333333\"}],"
    "\"actor\":\"ann\"}],\"conditions\":[{\"type\":\"Ready\",\"status\":\"Unknown\","
    "\"reason\":\"Progressing\",\"message\":\"x\","
    "\"lastTransitionTime\":\"2026-11-24T10:00:00Z\",\"observedGeneration\":12}]}";

static void decode(const char *json, struct arena *a, struct release_status *ret)
{
    struct err e = { 0 };
    AUTO(json) cJSON *tree = json_parse(json, strlen(json), &e);

    if (!tree)
        printf("the text is no JSON: %s\n", e.text);
    status_decode(tree, a, ret);
}

static void keeps_every_field(void)
{
    AUTO(arena) struct arena *a = arena_new(4096);
    struct err e = { 0 };
    AUTO(json) cJSON *want = json_parse(FULL, strlen(FULL), &e);
    AUTO(json) cJSON *got = NULL;
    struct release_status s;

    status_decode(want, a, &s);
    got = status_encode(&s);
    CASE("what was read is what is written", cJSON_Compare(want, got, true));
}

static void starts_from_nothing(void)
{
    AUTO(arena) struct arena *a = arena_new(512);
    struct release_status s;

    status_decode(NULL, a, &s);
    CASE("no status", s.observed_generation == -1 && !s.n_apps && !s.n_history && !s.n_conditions);
    decode("{\"observedGeneration\":-1}", a, &s);
    CASE("the CRD's default", s.observed_generation == -1 && s.start_ms == 0 && !s.commit);
}

#define APP "\"name\":\"a\",\"deployment\":\"btc-a\","
#define ATTEMPT                                                                                    \
    "\"id\":\"x-1\",\"kind\":\"Roll\",\"commit\":\"1111111\",\"images\":[{\"container\":\"a\","    \
    "\"image\":\"i\"}]"

static void tells_absent_from_zero(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    struct release_status s;
    const struct attempt *at;

    decode("{\"apps\":[{" APP "\"attempt\":{" ATTEMPT "}}]}", a, &s);
    at = s.apps[0].attempt;
    CASE("previousAvailable", at->previous_available == -1);
    CASE("availableMax", at->available_max == -1);
    CASE("accepted", at->accepted == 0);
    CASE("replicas", s.apps[0].desired == -1);
    decode("{\"apps\":[{" APP "\"replicas\":{\"desired\":0},\"attempt\":{" ATTEMPT
           ",\"previousAvailable\":0,\"availableMax\":0}}]}",
           a, &s);
    at = s.apps[0].attempt;
    CASE("zeroes", at->previous_available == 0 && at->available_max == 0 && !s.apps[0].desired);
}

#define C(type) "{\"type\":\"" type "\",\"status\":\"True\",\"reason\":\"R\"}"

/* Status is ours, but somebody may have spoiled it: what makes no sense is left out. */
static void leaves_out_what_makes_no_sense(void)
{
    AUTO(arena) struct arena *a = arena_new(4096);
    struct release_status s;

    decode("{\"observedGeneration\":\"x\",\"apps\":7,\"history\":{},\"conditions\":\"\"}", a, &s);
    CASE("wrong types", s.observed_generation == -1 && !s.n_apps && !s.n_history);
    decode("{\"apps\":[{},7,null,{" APP "\"state\":\"Dancing\",\"stateTime\":\"noon\","
           "\"attempt\":{\"kind\":\"Roll\"},\"failure\":[]}],\"history\":[{}],"
           "\"conditions\":[{\"status\":\"True\"}]}",
           a, &s);
    CASE("an app without name", s.n_apps == 1);
    CASE("an unknown state is Pending", s.apps[0].state == APP_PENDING);
    CASE("a time that is none", s.apps[0].state_ms == 0);
    CASE("an attempt without id", s.apps[0].attempt == NULL && s.apps[0].failure == NULL);
    CASE("empty entries", !s.n_history && !s.n_conditions);
    decode("{\"conditions\":[" C("1") "," C("2") "," C("3") "," C("4") "," C("5") "," C("6") "," C(
               "7") "," C("8") "," C("9") "]}",
           a, &s);
    CASE("more conditions than there are", s.n_conditions == STATUS_CONDITIONS);
}

static void names_all_states_and_kinds(void)
{
    AUTO(arena) struct arena *a = arena_new(4096);
    struct release_status s = { .observed_generation = 1 }, again;
    struct app_status app = { .name = "a", .deployment = "btc-a", .desired = -1 };
    struct image_of image = { "a", "i" };
    struct attempt at = { .id = "x-1",
                          .commit = "1111111",
                          .images = { &image, 1 },
                          .previous_available = -1,
                          .available_max = -1 };

    s.apps = &app;
    s.n_apps = 1;
    app.attempt = &at;
    for (int i = APP_PENDING; i <= APP_SUPERSEDED; i++) {
        AUTO(json) cJSON *tree = NULL;

        app.state = (enum app_state)i;
        at.kind = (enum attempt_kind)(i % (ATTEMPT_PUT_BACK + 1));
        tree = status_encode(&s);
        status_decode(tree, a, &again);
        CASE(app_state_name(app.state), again.apps[0].state == app.state);
        CASE(attempt_kind_name(at.kind), again.apps[0].attempt->kind == at.kind);
    }
}

/* --- what is written at once (R20) --- */

static const struct {
    const char *name, *from, *to; /* replaced in FULL */
    bool equal, urgent;
} CHANGES[] = {
    { "nothing", "", "", true, false },
    { "a count of pods", "\"available\":1", "\"available\":2", false, false },
    { "the high-water mark", "\"availableMax\":2", "\"availableMax\":3", false, false },
    { "a message", "\"message\":\"m\"", "\"message\":\"n\"", false, false },
    { "a condition's message", "\"message\":\"x\"", "\"message\":\"y\"", false, false },
    { "the progress", "1/2", "2/2", false, false },
    { "a state", "RollingBack", "RolledBack", false, true },
    { "a reason", "\"reason\":\"CrashLoop\"", "\"reason\":\"OOMKilled\"", false, true },
    { "a target", "\"targetImage\":\"t\"", "\"targetImage\":\"u\"", false, true },
    { "an attempt", "3f2a91c0-7", "3f2a91c0-8", false, true },
    { "the acceptance", "\"accepted\":41", "\"accepted\":42", false, true },
    { "the clock's stop", "\"clockStopped\":\"2026-11-24T10:00:06.000Z",
      "\"clockStopped\":\"2026-11-24T10:00:16.000Z", false, true },
    { "a condition's status", "\"status\":\"Unknown\"", "\"status\":\"True\"", false, true },
    { "a condition's reason", "\"reason\":\"Progressing\"", "\"reason\":\"Other\"", false, true },
    { "the generation", "{\"observedGeneration\":12", "{\"observedGeneration\":13", false, true },
    { "the start", "\"startTime\":\"2026-11-24T10:00:00.000Z",
      "\"startTime\":\"2026-11-24T10:00:10.000Z", false, true },
};

static const char *with(struct arena *a, const char *from, const char *to)
{
    const char *at = strstr(FULL, from);

    return arena_printf(a, "%.*s%s%s", (int)(at - FULL), FULL, to, at + strlen(from));
}

static void knows_what_is_urgent(void)
{
    for (size_t i = 0; i < ARRAY_LEN(CHANGES); i++) {
        AUTO(arena) struct arena *a = arena_new(8192);
        struct release_status was, now;

        decode(FULL, a, &was);
        decode(with(a, CHANGES[i].from, CHANGES[i].to), a, &now);
        CASE(CHANGES[i].name, status_equal(&was, &now) == CHANGES[i].equal);
        CASE(CHANGES[i].name, status_is_urgent(&was, &now) == CHANGES[i].urgent);
    }
}

/* --- the annotation --- */

static void an_attempt_survives_the_annotation(void)
{
    AUTO(arena) struct arena *a = arena_new(4096);
    struct release_status s;
    AUTO(json) cJSON *tree = NULL;
    const struct attempt *was, *now;
    char *text;

    decode(FULL, a, &s);
    was = s.apps[0].attempt;
    tree = attempt_annotation(was);
    text = json_print(tree);
    now = attempt_from_annotation(text, a);
    CASE("id and kind", !strcmp(now->id, was->id) && now->kind == was->kind);
    CASE("commit", !strcmp(now->commit, was->commit));
    CASE("images", now->images.n == 1 && !strcmp(now->images.items[0].image, "i"));
    CASE("the way back", now->previous.n == 1 && now->previous_available == 3 &&
                             !strcmp(now->previous.items[0].image, "p"));
    CASE("when", now->start_ms == was->start_ms);
    free(text);
}

static bool annotation_with_image(int bytes, struct arena *a)
{
    return attempt_from_annotation(
        arena_printf(a,
                     "{\"id\":\"x-1\",\"commit\":\"1111111\",\"images\":["
                     "{\"container\":\"a\",\"image\":\"%0*d\"}]}",
                     bytes, 1),
        a);
}

static void a_spoiled_annotation_is_no_attempt(void)
{
    AUTO(arena) struct arena *a = arena_new(512);

    CASE("absent", !attempt_from_annotation(NULL, a));
    CASE("empty", !attempt_from_annotation("", a));
    CASE("no JSON", !attempt_from_annotation("{\"id\":", a));
    CASE("a list", !attempt_from_annotation("[]", a));
    CASE("no id", !attempt_from_annotation("{\"kind\":\"Roll\"}", a));
    CASE("an image that status has no room for", !annotation_with_image(STATUS_IMAGE_BYTES + 1, a));
    CASE("the longest image", annotation_with_image(STATUS_IMAGE_BYTES, a));
    CASE("an id that is a number", !attempt_from_annotation("{\"id\":7}", a));
}

static void finds_by_name(void)
{
    AUTO(arena) struct arena *a = arena_new(4096);
    struct release_status s;

    decode(FULL, a, &s);
    CASE("an app", status_app(&s, "web") == &s.apps[0]);
    CASE("no such app", status_app(&s, "api") == NULL);
    CASE("a condition", status_condition(&s, "Ready") == &s.conditions[0]);
    CASE("no such condition", status_condition(&s, "Stalled") == NULL);
}

/* n apps, each with a message and a log tail of so many bytes. */
static struct release_status wordy(struct arena *a, size_t n, int bytes)
{
    struct release_status s = { .n_apps = n, .apps = arena_array(a, n, sizeof *s.apps) };

    for (size_t i = 0; i < n; i++) {
        struct failure *f = arena_alloc(a, sizeof *f);

        *f = (struct failure){ .pod = "p", .log_tail = arena_printf(a, "%0*d", bytes, 1) };
        s.apps[i] = (struct app_status){ .name = arena_printf(a, "%zu", i),
                                         .deployment = "d",
                                         .message = arena_printf(a, "%0*d", bytes, 2),
                                         .failure = f };
    }
    return s;
}

static size_t printed_bytes(const struct release_status *s)
{
    AUTO(json) cJSON *tree = status_encode(s);
    char *text = json_print(json_get(tree, "apps"));
    size_t n = strlen(text);

    free(text);
    return n;
}

static void shortens_what_has_no_room(void)
{
    AUTO(arena) struct arena *a = arena_new(65536);
    struct release_status few = wordy(a, 10, 1000), many = wordy(a, 85, 1000);
    struct release_status most = wordy(a, 128, 1000);
    const struct failure *stored = many.apps[0].failure;

    status_shorten(&few, a);
    CASE("room for all", few.apps[9].failure->log_tail && strlen(few.apps[9].message) == 1000);
    status_shorten(&many, a);
    CASE("log lines go first", !many.apps[0].failure->log_tail && many.apps[0].failure->pod);
    CASE("messages stay as long as may be", strlen(many.apps[84].message) == 1000);
    CASE("what was stored is not touched", stored->log_tail);
    status_shorten(&most, a);
    CASE("messages are cut", most.apps[0].message && strlen(most.apps[0].message) < 256);
    CASE("it fits", printed_bytes(&most) <= STATUS_APPS_BYTES);
}

static size_t whole_bytes(const struct release_status *s)
{
    AUTO(json) cJSON *tree = status_encode(s);
    char *text = json_print(tree);
    size_t n = strlen(text);

    free(text);
    return n;
}

/* What the apps say and what the history has is full; every condition says much. */
static void the_whole_is_under_224_kib(void)
{
    AUTO(arena) struct arena *a = arena_new(65536);
    const char *token = arena_printf(a, "%0*d", STATUS_TOKEN_BYTES, 1);
    struct history_entry h[8];
    struct release_status few = wordy(a, 1, 100), s = wordy(a, 160, 64);

    for (size_t i = 0; i < ARRAY_LEN(h); i++)
        h[i] = (struct history_entry){ .commit = token, .actor = arena_printf(a, "%03600d", 1) };
    for (size_t i = 0; i < s.n_apps; i++)
        s.apps[i].deployment = token;
    s.history = h;
    s.n_history = ARRAY_LEN(h);
    s.last_retry_at = s.last_reconcile_at = token;
    for (size_t i = 0; i < STATUS_CONDITIONS; i++)
        s.conditions[s.n_conditions++] =
            (struct condition){ .type = arena_printf(a, "%zu", i),
                                .status = "True",
                                .reason = "R",
                                .message = arena_printf(a, "%03000d", 1) };
    memcpy(few.conditions, s.conditions, sizeof few.conditions);
    few.n_conditions = STATUS_CONDITIONS;
    for (size_t i = 0; i < s.n_apps; i++) /* as long as may be */
        s.apps[i].good_image = arena_printf(a, "%0720d", 1);
    status_shorten(&few, a);
    CASE("room for all words", strlen(few.conditions[7].message) == 3000);
    CASE("without cuts it is longer", whole_bytes(&s) > STATUS_BYTES);
    status_shorten(&s, a);
    CASE("the conditions' messages are cut", strlen(s.conditions[7].message) < 256);
    CASE("what is good is not", strlen(s.apps[159].good_image) == 720);
    CASE("it fits", whole_bytes(&s) <= STATUS_BYTES);
}

static size_t tails_bytes(const struct release_status *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n_apps; i++)
        n += strlen(s->apps[i].failure->log_tail);
    return n;
}

/* The tails of apps that failed earlier are there still, however many the list has by then. */
static void all_log_tails_share_16_kib(void)
{
    AUTO(arena) struct arena *a = arena_new(65536);
    struct release_status one = wordy(a, 1, 2000), sixteen = wordy(a, 16, 1024);
    struct release_status more = wordy(a, 17, 1024), wide = wordy(a, 32, 700);

    status_shorten(&one, a);
    CASE("one has 1 KiB", strlen(one.apps[0].failure->log_tail) == 1024);
    status_shorten(&sixteen, a);
    CASE("sixteen of 1 KiB fit", tails_bytes(&sixteen) == 16384);
    status_shorten(&more, a);
    CASE("one more shortens all", tails_bytes(&more) == 17 * (size_t)(16384 / 17));
    CASE("the end is kept", more.apps[0].failure->log_tail[16384 / 17 - 1] == '1');
    wide.apps[0].failure->log_tail = arena_printf(a, "%s\xc3\xa4%0511d", wide.apps[1].message, 1);
    status_shorten(&wide, a);
    CASE("cut at a character", strlen(wide.apps[0].failure->log_tail) == 511);
    CASE("together", tails_bytes(&wide) <= 16384);
}

UNIT_MAIN(UNIT_TEST(the_whole_is_under_224_kib), UNIT_TEST(all_log_tails_share_16_kib),
          UNIT_TEST(shortens_what_has_no_room), UNIT_TEST(keeps_every_field),
          UNIT_TEST(starts_from_nothing), UNIT_TEST(tells_absent_from_zero),
          UNIT_TEST(leaves_out_what_makes_no_sense), UNIT_TEST(names_all_states_and_kinds),
          UNIT_TEST(knows_what_is_urgent), UNIT_TEST(an_attempt_survives_the_annotation),
          UNIT_TEST(a_spoiled_annotation_is_no_attempt), UNIT_TEST(finds_by_name))
