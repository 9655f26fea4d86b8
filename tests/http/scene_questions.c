/* What a plan wants to know, and what is known afterwards:
 *
 *     $ cluster                        first: the stores of namespace "shop" (scene_crd.c)
 *     $ asker {"metadata":{…},…}       the AppRelease that asks, "shop/web"
 *     $ image $server/acme/api:v1      what digest has it? = asking IMAGE
 *     $ log pod container              … or: $ log-before pod container, of the run before
 *     $ pods                           ReplicaSets and pods are watched from here on
 *     $ live btc-web                   a Deployment and its newest pods
 *     $ live-release                   the AppRelease itself
 *     $ asker-gone                     its facts are gone
 *     $ stop                           all is cancelled
 *     = answer                         and all that is known of the above:
 *     = digest IMAGE sha256:…          or: missing IMAGE, denied IMAGE text, error IMAGE text
 *     = log pod/container TEXT         its lines with "|" between them; or: no log pod/container
 *     = btc-web 44, 2 pods of btc-web-abc
 *     = release 43 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "deploy/plan.h"
#include "io/loop.h"
#include "kube/meta.h"
#include "reconcile/cluster.h"
#include "reconcile/facts.h"
#include "reconcile/questions.h"
#include "reconcile/release.h"
#include "scene.h"

#define KEY "shop/web"
#define SET "btc-web-abc"

struct asking {
    struct map *facts;
    struct questions *questions;
    struct release *release;
};

static void say_images(struct scene *s, const struct observed *o)
{
    for (size_t i = 0; i < o->n_images; i++) {
        const struct image_answer *im = &o->images[i];

        if (im->asking)
            fake_say(s->fake, "asking %s", im->image);
        else
            fake_say(s->fake, "%s %s%s%s",
                     im->missing ? "missing" :
                     im->denied  ? "denied" :
                     im->error   ? "error" :
                                   "digest",
                     im->image, im->digest || im->error ? " " : "",
                     im->digest ? im->digest :
                     im->error  ? im->error :
                                  "");
    }
}

static void say_logs(struct scene *s, const struct observed *o)
{
    for (size_t i = 0; i < o->n_logs; i++) {
        const struct log_answer *log = &o->logs[i];
        char *tail = xstrdup(log->tail ?: "");

        for (char *c = tail; *c; c++)
            *c = *c == '\n' ? '|' : *c;
        if (strstr(tail, "canary")) /* a password of the scripts */
            fake_say(s->fake, "LEAK");
        if (log->done)
            fake_say(s->fake, "%slog %s/%s%s%s", log->tail ? "" : "no ", log->pod, log->container,
                     *tail ? " " : "", tail);
        free(tail);
    }
}

static void say_objects(struct scene *s, const struct facts *f)
{
    int64_t now_ms = loop_now_ms(fake_loop(s->fake)), read_ms = 0;
    struct kube_object older = { .uid = "u", .rv = "1" };
    const struct kube_object *d =
        facts_newer_deployment((struct facts *)f, "btc-web", &older, now_ms, &read_ms);
    size_t n = 0;

    if (d != &older && facts_pods(f, SET, now_ms, &n))
        fake_say(s->fake, "btc-web %s, %zu pods of " SET, d->rv, n);
    else if (d != &older)
        fake_say(s->fake, "btc-web %s", d->rv);
    if (f->release)
        fake_say(s->fake, "release %s", f->release->rv);
}

static void on_answer(const char *key, void *ctx)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    struct scene *s = ctx;
    struct facts *f = map_get(s->asking->facts, key);
    struct observed o = { 0 };

    fake_say(s->fake, "answer");
    if (!f)
        return;
    facts_observe(f, a, &o);
    say_images(s, &o);
    say_logs(s, &o);
    say_objects(s, f);
}

static struct asking *asking_of(struct scene *s)
{
    struct asking *q = s->asking;

    if (q)
        return q;
    q = s->asking = xcalloc(1, sizeof *q);
    q->facts = map_new();
    map_put(q->facts, KEY, facts_new());
    q->questions = questions_new(&(struct questions_opts){ .loop = fake_loop(s->fake),
                                                           .kube = scene_client(s),
                                                           .registry = scene_registries(s),
                                                           .cluster = s->cluster,
                                                           .facts = q->facts,
                                                           .on_answer = on_answer,
                                                           .ctx = s });
    return q;
}

void scene_questions_free(struct scene *s)
{
    struct asking *q = s->asking;

    if (!q)
        return;
    questions_free(q->questions);
    map_free(q->facts, facts_free);
    if (q->release)
        kube_object_free(&q->release->meta);
    free(q);
}

static void set_asker(struct asking *q, const char *json)
{
    struct err e = { 0 };
    AUTO(json) cJSON *tree = json_parse(json, strlen(json), &e);

    if (q->release)
        kube_object_free(&q->release->meta);
    q->release = release_decode(tree, &e);
    if (!q->release || q->release->spec_problem)
        abort();
}

static void ask_image(struct scene *s, const char *image)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    struct observed o = { 0 };

    questions_ask(s->asking->questions, KEY, s->asking->release,
                  &(struct action){ .kind = ACT_RESOLVE, .image = image });
    facts_observe(map_get(s->asking->facts, KEY), a, &o);
    say_images(s, &o);
}

static void ask_log(struct asking *q, const char *words, bool before)
{
    char pod[64] = "", container[64] = "";

    if (sscanf(words, "%63s %63s", pod, container) != 2)
        abort();
    questions_ask(
        q->questions, KEY, q->release,
        &(struct action){
            .kind = ACT_FETCH_LOGS, .pod = pod, .container = container, .previous = before });
}

static void stop(struct asking *q)
{
    questions_free(q->questions);
    q->questions = NULL;
}

int scene_questions(struct scene *s, const char *word, const char *rest)
{
    if (!strcmp(word, "asker"))
        set_asker(asking_of(s), rest);
    else if (!strcmp(word, "image"))
        ask_image(s, rest);
    else if (!strcmp(word, "log"))
        ask_log(s->asking, rest, false);
    else if (!strcmp(word, "log-before"))
        ask_log(s->asking, rest, true);
    else if (!strcmp(word, "pods"))
        cluster_watch_pods(s->cluster, "shop");
    else if (!strcmp(word, "live"))
        questions_ask(s->asking->questions, KEY, s->asking->release,
                      &(struct action){ .kind = ACT_READ_LIVE, .deployment = rest });
    else if (!strcmp(word, "live-release"))
        questions_read_release(s->asking->questions, KEY, s->asking->release);
    else if (!strcmp(word, "asker-gone"))
        facts_free(map_del(s->asking->facts, KEY));
    else if (!strcmp(word, "stop"))
        stop(s->asking);
    else
        return -1;
    return 0;
}
