/* What the commands that build ask of cli/run.h, without building: decides, says, writes.
 *
 * usage: run_writes changed [flags]; prints {"built": […], "tagged": […]}, each "app@commit". */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ask.h"
#include "base/auto.h"
#include "base/json.h"
#include "cli.h"
#include "cluster.h"
#include "io/loop.h"
#include "options.h"
#include "run.h"

static int wanted(struct cli *c, const cJSON *object, struct wanted *ret, void *ctx, struct err *e)
{
    (void)object;
    return run_wanted(c, ctx, "2026-01-02T03:04:05.000Z", ret, e);
}

static void add(cJSON *list, const char *app, const char *commit, struct arena *a)
{
    cJSON_AddItemToArray(list, cJSON_CreateString(arena_printf(a, "%s@%.40s", app, commit)));
}

static void print(const struct run *r, struct arena *a)
{
    const struct changed *d = &r->survey.changed;
    AUTO(json) cJSON *root = cJSON_CreateObject();
    cJSON *built = json_put_array(root, "built"), *tagged = json_put_array(root, "tagged");
    char *text;

    for (size_t i = 0; i < d->n; i++)
        add(built, d->apps[i].app->name, d->apps[i].commit ? d->apps[i].commit : r->survey.commit,
            a);
    for (size_t i = 0; i < d->n_as_is; i++)
        add(tagged, d->as_is[i]->name, r->survey.commit, a);
    text = json_print(root);
    puts(text);
    free(text);
}

static int run(struct cli *c, struct err *e)
{
    AUTO(cluster) struct cluster *k = cluster_open(c, e);
    struct run r = { 0 };
    AUTO(ask) struct ask ask = { .wanted = wanted, .ctx = &r };

    if (!k || survey_make(c, true, &r.survey, e) || run_decide(c, k, &r, e) ||
        run_require_current(c, &r, e))
        return -1;
    run_say(c, &r);
    print(&r, c->arena);
    return run_writes(&r) ? ask_write(c, k, &ask, e) : 0;
}

int main(int argc, char **argv)
{
    AUTO(arena) struct arena *a = arena_new(64 * 1024);
    char dir[PATH_MAX];
    struct options o;
    struct err e = { 0 };
    struct cli c = { .arena = a,
                     .options = &o,
                     .env = (const char *const *)environ,
                     .dir = getcwd(dir, sizeof dir) };
    int failed = options_read(argc, argv, a, &o, &e);

    c.loop = failed ? NULL : loop_new(&e);
    failed = !c.loop || run(&c, &e);
    loop_free(c.loop);
    if (failed)
        fprintf(stderr, "%s\n", e.text);
    return failed;
}
