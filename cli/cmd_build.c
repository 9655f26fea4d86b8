/* shopflow build: the images of what changed, built and pushed. Nothing is released. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps.h"
#include "base/json.h"
#include "build_images.h"
#include "build_plan.h"
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

/* The names of those that failed. */
static const char *failed_names(struct arena *a, const struct build_plan *p)
{
    const char *names = "";

    for (size_t i = 0; i < p->n; i++)
        if (p->todo[i].end == BUILD_FAILED)
            names = arena_printf(a, "%s%s%s", names, *names ? ", " : "", p->todo[i].app->name);
    return names;
}

static int sum_up(struct cli *c, const struct build_plan *p)
{
    size_t failed = build_count(p, BUILD_FAILED);

    if (p->dry_run)
        cli_say(c, "nothing was built: --dry-run");
    else
        cli_say(c, "%zu built, %zu there already, %zu failed", build_count(p, BUILD_BUILT),
                build_count(p, BUILD_FOUND), failed);
    if (failed)
        cli_say(c, "failed: %s; the same command builds only what is missing",
                failed_names(c->arena, p));
    return failed ? EXIT_ERROR : EXIT_DONE;
}

/* What docker takes for plain HTTP by itself: this machine. */
static bool is_this_machine(const char *base)
{
    return !strncmp(base, "127.", 4) || !strncmp(base, "localhost:", 10) ||
           !strncmp(base, "[::1]", 5);
}

/* Without a push any name is good enough. */
static int find_registry(struct cli *c, const struct survey *s, struct registry_setting *ret,
                         struct err *e)
{
    struct err ignored;

    if (!c->options->no_push)
        return settings_registry(c, &s->settings, ret, e);
    if (settings_registry(c, &s->settings, ret, &ignored))
        *ret = (struct registry_setting){ .base = "localhost/shopflow", .from = "--no-push" };
    return 0;
}

/* What a pull request brings is not reviewed yet, and must not stand under a name that is trusted.
 */
static int check_run(const struct cli *c, const struct survey *s, struct err *e)
{
    if (!s->ci.target || c->options->no_push || c->options->dry_run)
        return 0;
    return err_set(e, ERR_INVALID, 0,
                   "a pull request into %s pushes nothing: give --no-push to see whether it builds",
                   s->ci.target);
}

int cmd_build(struct cli *c, struct err *e)
{
    struct survey s;
    struct build_plan p;
    struct build_images images;
    struct registry_setting registry;

    if (survey_make(c, false, &s, e) || check_run(c, &s, e) || survey_decide(&s, NULL, e) ||
        find_registry(c, &s, &registry, e) || build_plan_make(c, &s, &p, e))
        return -1;
    p.registry = &registry;
    p.images = &images;
    p.plain_http = is_this_machine(registry.base);
    build_images_init(c, &p, NULL, &images);
    if (build_run(c, &p, e))
        return c->signo ? err_set(e, ERR_TIMEOUT, 0, "interrupted: nothing was released") : -1;
    if (output_is_tree(c->options->output))
        print_result(c, &p);
    else
        print_lines(c, &p);
    if (p.n)
        return sum_up(c, &p);
    cli_say(c, "nothing changed since %.12s: nothing to build", s.base.commit);
    return c->options->fail_if_unchanged ? EXIT_UNCHANGED : EXIT_DONE;
}
