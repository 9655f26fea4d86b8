/* Is the CRD new enough, and what waits for it:
 *
 *     $ crd                            = fits, = older when it is found out
 *     $ missing                        the server said 404 to AppReleases
 *     $ cluster                        the stores of namespace "shop"
 *     = synced                         a list was completed, or the CRD fits
 *     = release shop/a here            an AppRelease came or changed; or: gone
 *     $ ready                          = ready, or: = not ready: … */
#include <stdio.h>
#include <string.h>

#include "reconcile/cluster.h"
#include "reconcile/crd.h"
#include "scene.h"

static void on_fit(void *ctx)
{
    fake_say(((struct scene *)ctx)->fake, "fits");
}

static void on_older(void *ctx)
{
    fake_say(((struct scene *)ctx)->fake, "older");
}

static void on_release(const char *key, const struct release *old, void *ctx)
{
    struct scene *s = ctx;

    (void)old;
    fake_say(s->fake, "release %s %s", key, cluster_release(s->cluster, key) ? "here" : "gone");
}

static void on_deployment(const char *key, void *ctx)
{
    (void)key;
    (void)ctx;
}

static void on_synced(void *ctx)
{
    fake_say(((struct scene *)ctx)->fake, "synced");
}

static void start_cluster(struct scene *s)
{
    static const char *const shop[] = { "shop", NULL };
    const struct cluster_opts o = { .namespaces = shop,
                                    .on_release = on_release,
                                    .on_deployment = on_deployment,
                                    .on_synced = on_synced,
                                    .ctx = s };

    s->cluster = cluster_new(fake_loop(s->fake), scene_client(s), &o);
}

static void say_ready(struct scene *s)
{
    const char *why = NULL;

    if (s->cluster)
        cluster_synced(s->cluster, &why);
    else
        why = crd_problem(s->crd);
    fake_say(s->fake, "%s%s", why ? "not ready: " : "ready", why ? why : "");
}

int scene_crd(struct scene *s, const char *word, const char *rest)
{
    const struct crd_opts o = { on_fit, on_older, s };

    (void)rest;
    if (!strcmp(word, "crd"))
        s->crd = crd_new(fake_loop(s->fake), scene_client(s), &o);
    else if (!strcmp(word, "missing"))
        crd_missing(s->crd);
    else if (!strcmp(word, "cluster"))
        start_cluster(s);
    else if (!strcmp(word, "ready"))
        say_ready(s);
    else
        return -1;
    return 0;
}
