/* shopflow diff: what a release would do, by the controller itself: an AppRelease of its own in
 * mode Plan, which touches nothing and is deleted at the end. */
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "base/arena.h"
#include "base/backoff.h"
#include "base/json.h"
#include "cli.h"
#include "cluster.h"
#include "commands.h"
#include "deploy/reason.h"
#include "meant.h"
#include "options.h"
#include "outcome.h"
#include "print.h"
#include "settings.h"
#include "show.h"

#define PLAN_MS (60 * 1000)
#define LOOK_MS 300
#define KEPT_S 300 /* should we be killed before we delete it */

/* Every field as Apply would have it, but the mode; nothing that would hold it. */
static cJSON *make_plan(struct cli *c, struct cluster *k, const cJSON *object, const char *name,
                        struct err *e)
{
    struct wanted w = { 0 };
    const char *commit;
    cJSON *whole, *spec;

    if (meant_commit(c, cluster_settings(k), &commit, e) ||
        meant_apps(c, cluster_settings(k), object, commit, &w, e))
        return NULL;
    whole = release_manifest(object, &w, cluster_namespace(k), name, c->arena, e);
    if (!whole)
        return NULL;
    spec = cJSON_GetObjectItemCaseSensitive(whole, "spec");
    cJSON_DeleteItemFromObjectCaseSensitive(spec, "mode");
    cJSON_DeleteItemFromObjectCaseSensitive(spec, "suspend");
    cJSON_DeleteItemFromObjectCaseSensitive(spec, "ttlSecondsAfterFinished");
    json_put_str(spec, "mode", "Plan");
    json_put_int(spec, "ttlSecondsAfterFinished", KEPT_S);
    return whole;
}

/* Is the plan written, or can there be none? */
static bool is_planned(const struct seen *seen)
{
    const struct condition *ready = seen_condition(seen, "Ready");

    return ready && strcmp(ready->status, "Unknown") != 0 &&
           !status_condition(&seen->status, "Reconciling");
}

static int wait_for_plan(struct cli *c, struct cluster *k, const char *name, struct seen *ret,
                         struct err *e)
{
    for (int64_t waited_ms = 0; waited_ms < PLAN_MS && !c->signo; waited_ms += LOOK_MS) {
        cJSON *tree = cluster_get(k, &APPRELEASES, name, NULL, e);

        if (!tree)
            return -1;
        seen_decode(tree, ret);
        if (is_planned(ret))
            return 0;
        seen_release(ret);
        cluster_sleep(k, LOOK_MS);
    }
    return err_set(e, ERR_TIMEOUT, 0,
                   c->signo ? "interrupted: nothing was released" :
                              "the controller wrote no plan within a minute: does it run? "
                              "shopflow doctor");
}

static bool would_change(const struct app_status *app)
{
    return app->state != APP_UNCHANGED && app->state != APP_SKIPPED;
}

static bool print_plan(struct cli *c, const struct seen *seen)
{
    const struct condition *ready = seen_condition(seen, "Ready");
    bool differs = strcmp(ready->status, "True") != 0;

    if (output_is_tree(c->options->output))
        print_tree(stdout, json_at(seen->tree, "status", "apps"), c->options->output);
    for (size_t i = 0; i < seen->status.n_apps; i++) {
        const struct app_status *app = &seen->status.apps[i];

        differs = differs || would_change(app);
        if (output_is_tree(c->options->output))
            continue;
        printf("%-12s  %-10s  %s\n", app->name,
               app->state == APP_PENDING ? "would roll" : app_state_name(app->state),
               show_clean(c->arena, app->message ? app->message : app->reason, 300));
        for (size_t j = 0; j < app->planned.n; j++)
            printf("  %s: %s -> %s\n", app->planned.items[j].container,
                   app->planned.items[j].from ? app->planned.items[j].from : "?",
                   app->planned.items[j].to);
    }
    fprintf(stderr, "%s\n", show_clean(c->arena, ready->message, 400));
    return differs;
}

int cmd_diff(struct cli *c, struct err *e)
{
    AUTO(cluster) struct cluster *k = cluster_open(c, e);
    AUTO(json) cJSON *object = NULL;
    AUTO(json) cJSON *plan = NULL;
    const char *name;
    struct err why = { 0 };
    struct seen seen;
    bool differs;

    if (!k)
        return -1;
    name = arena_printf(c->arena, "%s-plan-%08llx", cluster_name(k),
                        (unsigned long long)random_between(0, 0xffffffffLL));
    object = cluster_get(k, &APPRELEASES, cluster_name(k), NULL, &why);
    if (!object && why.kind != ERR_NOT_FOUND) {
        *e = why;
        return -1;
    }
    plan = make_plan(c, k, object, name, e);
    if (!plan || cluster_create(k, &APPRELEASES, plan, NULL, NULL, e))
        return -1;
    if (wait_for_plan(c, k, name, &seen, e)) {
        cluster_delete(k, &APPRELEASES, name, &why);
        return -1;
    }
    differs = print_plan(c, &seen);
    seen_release(&seen);
    if (cluster_delete(k, &APPRELEASES, name, e))
        return -1;
    return differs && c->options->exit_code ? EXIT_UNCHANGED : EXIT_DONE;
}
