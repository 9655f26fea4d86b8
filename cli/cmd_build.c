/* shopflow build: the images of what changed, built and pushed. Nothing is released. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps.h"
#include "base/json.h"
#include "building.h"
#include "cli.h"
#include "commands.h"
#include "options.h"
#include "print.h"
#include "survey.h"

static const char *const ENDS[] = { "open", "found", "built", "planned", "failed" };

static const char *image_of(struct arena *a, const struct build_app *app)
{
    return arena_printf(a, "%s:%s", app->image.repository,
                        app->image.is_tagged ? app->image.commit_tag : app->image.tag);
}

static void put_lines(cJSON *item, const struct build_app *app)
{
    cJSON *list = json_put_array(item, "commands");

    for (const char *const *line = app->lines; *line; line++)
        cJSON_AddItemToArray(list, cJSON_CreateString(*line));
}

static void put_app(struct arena *a, cJSON *list, const struct build_app *app)
{
    cJSON *item = cJSON_CreateObject();

    json_put_str(item, "name", app->app->name);
    json_put_str(item, "result", ENDS[app->end]);
    if (app->image.repository)
        json_put_str(item, "image", image_of(a, app));
    json_put_str(item, "digest", app->image.digest);
    if (app->end == BUILD_BUILT)
        json_put_int(item, "milliseconds", app->ms);
    if (app->end == BUILD_FAILED)
        json_put_str(item, "error", app->why.text);
    if (app->end == BUILD_PLANNED)
        put_lines(item, app);
    cJSON_AddItemToArray(list, item);
}

static void print_result(struct cli *c, const struct build_plan *p)
{
    AUTO(json) cJSON *root = cJSON_CreateObject();
    cJSON *list;

    json_put_str(root, "commit", p->commit);
    list = json_put_array(root, "apps");
    for (size_t i = 0; i < p->n; i++)
        put_app(c->arena, list, &p->todo[i]);
    print_tree(stdout, root, c->options->output);
}

static void print_lines(struct cli *c, const struct build_plan *p)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct build_app *app = &p->todo[i];

        if (app->end == BUILD_FOUND || app->end == BUILD_BUILT)
            printf("%-24s %s\n", app->app->name, image_of(c->arena, app));
        for (const char *const *line = app->lines; *line; line++)
            printf("%s\n", *line);
    }
}

int cmd_build(struct cli *c, struct err *e)
{
    AUTO(building) struct building b = { 0 };
    struct survey s;
    size_t failed;

    if (survey_make(c, false, &s, e) || building_check(c, &s, e) || survey_decide(&s, NULL, e) ||
        building_run(c, &s, &b, e) || building_put_latest(c, &b, e))
        return -1;
    if (output_is_tree(c->options->output))
        print_result(c, &b.plan);
    else
        print_lines(c, &b.plan);
    failed = building_sum_up(c, &b);
    if (b.plan.n)
        return failed ? EXIT_ERROR : EXIT_DONE;
    cli_say(c, "nothing changed since %.12s: nothing to build", s.base.commit);
    return c->options->fail_if_unchanged ? EXIT_UNCHANGED : EXIT_DONE;
}
