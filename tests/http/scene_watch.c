/* A reflector of Deployments of namespace "shop":
 *
 *     $ watch                          or: $ watch app=api (a label selector)
 *     = put shop/a@41                  an object came or changed
 *     = drop shop/a                    one went
 *     = synced 2                       a whole list was taken over; its changes came before, A to Z
 *     $ problem                        = fine, or: = problem …
 *     $ alive                          = alive 5000ms (so long ago) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "io/loop.h"
#include "kube/meta.h"
#include "kube/store.h"
#include "kube/workload.h"
#include "scene.h"

static void *decode(const cJSON *tree, struct err *e)
{
    struct arena *a = arena_new(256);
    struct kube_object *o = arena_alloc(a, sizeof *o);

    if (!kube_meta_decode(tree, a, o))
        return o;
    arena_free(a);
    err_set(e, ERR_INVALID, 0, "no object");
    return NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void tell_changes(void *ctx)
{
    struct scene *s = ctx;

    for (size_t i = 0; i < s->n_changes; i++) {
        fake_say(s->fake, "%s", s->changes[i]);
        free(s->changes[i]);
    }
    s->n_changes = 0;
}

static void on_change(const char *key, const void *old, void *ctx)
{
    struct scene *s = ctx;
    const struct kube_object *o = store_get(reflector_store(s->reflector), key);

    (void)old;
    if (s->n_changes == SCENE_CHANGES)
        abort();
    if (!s->n_changes)
        loop_defer(fake_loop(s->fake), tell_changes, s);
    s->changes[s->n_changes++] = o ? xasprintf("put %s@%s", key, o->rv) : xasprintf("drop %s", key);
}

static void on_synced(void *ctx)
{
    struct scene *s = ctx;

    qsort(s->changes, s->n_changes, sizeof s->changes[0], by_text); /* else in the map's order */
    tell_changes(s);
    loop_defer_cancel(fake_loop(s->fake), s);
    fake_say(s->fake, "synced %zu", store_count(reflector_store(s->reflector)));
}

static void start(struct scene *s, const char *selector)
{
    const struct reflector_opts o = { .resource = &KUBE_DEPLOYMENTS,
                                      .ns = "shop",
                                      .selector = *selector ? selector : NULL,
                                      .decode = decode,
                                      .on_change = on_change,
                                      .on_synced = on_synced,
                                      .ctx = s };

    s->reflector = reflector_new(fake_loop(s->fake), scene_client(s), &o);
}

int scene_watch(struct scene *s, const char *word, const char *rest)
{
    if (!strcmp(word, "watch")) {
        start(s, rest);
    } else if (!strcmp(word, "problem")) {
        const char *problem = reflector_problem(s->reflector);

        fake_say(s->fake, "%s%s", problem ? "problem " : "fine", problem ? problem : "");
    } else if (!strcmp(word, "alive")) {
        fake_say(s->fake, "alive %lldms",
                 (long long)(loop_now_ms(fake_loop(s->fake)) - reflector_alive_ms(s->reflector)));
    } else {
        return -1;
    }
    return 0;
}
