/* The writes of one plan, and what is known afterwards:
 *
 *     $ status 7                       the plan writes status, of generation 7
 *     $ deployment btc-web a-1 {"spec":{}}   … patches a Deployment with attempt a-1
 *     $ account btc-web a-1 deployer   … with the patch {} as this ServiceAccount
 *     $ tell Warning CrashLoop text    … sends an Event
 *     $ delete                         … deletes the AppRelease
 *     $ ask                            … asks for a log, which is no write
 *     $ write web                      carries them out for AppRelease shop/web, uid u, version 41
 *     = done                           also: done failed, done again, done failed again
 *     $ give-up                        the run is cancelled
 *     $ forget                         the release's facts are gone
 *     $ known                          = release 43, btc-web 44, 0 conflicts
 *                                      = refused a-1 (the reply), = failed a-1: … */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/mem.h"
#include "deploy/plan.h"
#include "io/loop.h"
#include "kube/meta.h"
#include "reconcile/effects.h"
#include "reconcile/facts.h"
#include "reconcile/release.h"
#include "scene.h"

#define ACTIONS 8
#define KEY "shop/web"

struct writes {
    struct arena *arena;
    struct map *facts;
    struct effects fx;
    struct effect_run *run;
    struct action actions[ACTIONS];
    struct plan plan;
};

static struct writes *writes_of(struct scene *s)
{
    struct writes *w = s->writes;

    if (w)
        return w;
    w = s->writes = xcalloc(1, sizeof *w);
    w->arena = arena_new(1024);
    w->facts = map_new();
    map_put(w->facts, KEY, facts_new());
    w->fx = (struct effects){ .loop = fake_loop(s->fake),
                              .kube = scene_client(s),
                              .events = scene_events(s),
                              .facts = w->facts };
    w->plan.actions = w->actions;
    return w;
}

void scene_writes_free(struct scene *s)
{
    struct writes *w = s->writes;

    if (!w)
        return;
    effects_cancel(w->run);
    map_free(w->facts, facts_free);
    arena_free(w->arena);
    free(w);
}

static void add(struct writes *w, struct action act)
{
    if (w->plan.n_actions == ACTIONS)
        abort();
    w->actions[w->plan.n_actions++] = act;
}

static void add_status(struct writes *w, const char *generation)
{
    w->plan.status.observed_generation = strtol(generation, NULL, 10);
    add(w, (struct action){ .kind = ACT_PATCH_STATUS });
}

static void add_patch(struct writes *w, const char *words, bool as)
{
    char deployment[64] = "", id[64] = "";
    int at = 0;

    if (sscanf(words, "%63s %63s %n", deployment, id, &at) != 2)
        abort();
    add(w, (struct action){ .kind = ACT_PATCH_DEPLOYMENT,
                            .deployment = arena_strdup(w->arena, deployment),
                            .id = arena_strdup(w->arena, id),
                            .account = as ? arena_strdup(w->arena, words + at) : NULL,
                            .body = as ? "{}" : arena_strdup(w->arena, words + at) });
}

static void add_event(struct writes *w, const char *words)
{
    char type[16] = "", reason[64] = "";
    int at = 0;

    if (sscanf(words, "%15s %63s %n", type, reason, &at) != 2)
        abort();
    add(w, (struct action){ .kind = ACT_EVENT,
                            .deployment = "btc-web",
                            .warning = !strcmp(type, "Warning"),
                            .reason = arena_strdup(w->arena, reason),
                            .note = arena_strdup(w->arena, words + at) });
}

static void on_done(const char *key, bool failed, bool again, void *ctx)
{
    struct scene *s = ctx;

    s->writes->run = NULL;
    if (strcmp(key, KEY) != 0)
        abort();
    fake_say(s->fake, "done%s%s", failed ? " failed" : "", again ? " again" : "");
}

/* The plan's strings are gone once it is started, as the arena of a reconcile is. */
static void start(struct scene *s, struct writes *w, const char *name)
{
    const struct release r = {
        .meta = { .ns = "shop", .name = name, .uid = "u", .rv = "41" },
    };

    w->run = effects_start(&w->fx, KEY, &r, &w->plan, on_done, s);
    w->plan.n_actions = 0;
    w->plan.status = (struct release_status){ 0 };
    memset(w->actions, 0, sizeof w->actions);
    arena_free(w->arena);
    w->arena = arena_new(1024);
    if (!w->run)
        fake_say(s->fake, "nothing to write");
}

static const char *rv_of(const struct kube_object *o)
{
    return o ? o->rv : "-";
}

static void say_known(struct scene *s, struct writes *w)
{
    static const char *const lacks[] = { [LACK_OTHER] = "",
                                         [LACK_PATCH] = " (lacks patch)",
                                         [LACK_IMPERSONATE] = " (lacks impersonate)",
                                         [LACK_NOTHING] = " (lacks nothing)" };
    struct facts *f = map_get(w->facts, KEY);
    struct kube_object older = { .uid = "u", .rv = "1" };
    struct observed o = { 0 };
    int64_t read_ms = 0;
    const struct kube_object *d =
        facts_newer_deployment(f, "btc-web", &older, loop_now_ms(w->fx.loop), &read_ms);

    facts_observe(f, w->arena, &o);
    fake_say(s->fake, "release %s, btc-web %s%s, %d conflicts%s", rv_of(f->release),
             d == &older ? "-" : d->rv, read_ms ? " read" : "", f->conflicts,
             f->last_write_ms ? ", written" : "");
    for (size_t i = 0; i < o.n_refusals; i++)
        fake_say(s->fake, "refused %s%s%s%s%s", o.refusals[i].attempt_id,
                 o.refusals[i].account ? " as " : "", o.refusals[i].account ?: "",
                 lacks[o.refusals[i].lack], o.refusals[i].at_ms ? "" : " never");
    for (size_t i = 0; i < o.n_failures; i++)
        fake_say(s->fake, "failed %s: %s", o.failures[i].attempt_id, o.failures[i].text);
}

static void forget(struct writes *w)
{
    facts_free(map_del(w->facts, KEY));
}

int scene_writes(struct scene *s, const char *word, const char *rest)
{
    if (!strcmp(word, "status"))
        add_status(writes_of(s), rest);
    else if (!strcmp(word, "deployment"))
        add_patch(writes_of(s), rest, false);
    else if (!strcmp(word, "account"))
        add_patch(writes_of(s), rest, true);
    else if (!strcmp(word, "tell"))
        add_event(writes_of(s), rest);
    else if (!strcmp(word, "delete"))
        add(writes_of(s), (struct action){ .kind = ACT_DELETE_RELEASE });
    else if (!strcmp(word, "ask"))
        add(writes_of(s), (struct action){ .kind = ACT_FETCH_LOGS });
    else if (!strcmp(word, "write"))
        start(s, writes_of(s), rest);
    else if (!strcmp(word, "give-up"))
        effects_cancel(take(writes_of(s)->run));
    else if (!strcmp(word, "forget"))
        forget(writes_of(s));
    else if (!strcmp(word, "known"))
        say_known(s, writes_of(s));
    else
        return -1;
    return 0;
}
