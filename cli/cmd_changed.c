/* shopflow changed: which apps, and why each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "cli.h"
#include "commands.h"
#include "inputs_tree.h"
#include "options.h"
#include "survey.h"
#include "tree.h"

/* JSON is UTF-8: bytes of a path that are none become U+FFFD. */
static const char *as_utf8(struct arena *a, const char *path)
{
    char *out = arena_alloc(a, 3 * strlen(path) + 1);
    char *at = out;

    while (*path) {
        size_t len = utf8_len(path);

        memcpy(at, len ? path : "\xef\xbf\xbd", len ? len : 3);
        at += len ? len : 3;
        path += len ? len : 1;
    }
    return out;
}

static void add_text(cJSON *list, const char *text)
{
    cJSON_AddItemToArray(list, cJSON_CreateString(text));
}

static void put_app(struct arena *a, cJSON *list, const struct changed_app *changed)
{
    cJSON *app = cJSON_CreateObject();
    cJSON *reasons;

    json_put_str(app, "name", changed->app->name);
    json_put_str(app, "dir", as_utf8(a, changed->app->dir));
    reasons = json_put_array(app, "reasons");
    for (const char **why = changed->reasons; *why; why++)
        add_text(reasons, as_utf8(a, *why));
    if (changed->n_more)
        add_text(reasons, arena_printf(a, "and %zu more", changed->n_more));
    cJSON_AddItemToArray(list, app);
}

static void print_json(struct arena *a, const struct survey *s)
{
    AUTO(json) cJSON *root = cJSON_CreateObject();
    cJSON *list;
    char *text;

    if (s->base.commit)
        json_put_str(root, "base", s->base.commit);
    else
        cJSON_AddNullToObject(root, "base");
    json_put_str(root, "commit", s->commit);
    json_put_bool(root, "dirty", s->is_dirty);
    list = json_put_array(root, "apps");
    for (size_t i = 0; i < s->changed.n; i++)
        put_app(a, list, &s->changed.apps[i]);
    list = json_put_array(root, "removed");
    for (const char *const *name = s->changed.removed; *name; name++)
        add_text(list, *name);
    text = json_print(root);
    puts(text);
    free(text);
}

static size_t count(const char *const *list)
{
    size_t n = 0;

    while (list[n])
        n++;
    return n;
}

/* With the ids of the inputs' trees when they are given. */
static void print_text(struct cli *c, const struct survey *s, const char *const *trees)
{
    for (size_t i = 0; i < s->changed.n; i++) {
        const struct changed_app *app = &s->changed.apps[i];
        size_t more = count(app->reasons) - 1 + app->n_more;

        printf("%-24s ", app->app->name);
        if (trees)
            printf("%s ", trees[app->app - s->apps.list]);
        fputs(path_show(c->arena, app->reasons[0]), stdout);
        if (more)
            printf(" (and %zu more)", more);
        putchar('\n');
    }
    for (const char *const *name = s->changed.removed; *name; name++)
        cli_say(c, "%s: is no app of this commit any more", *name);
    if (s->changed.n == 0 && s->base.commit)
        cli_say(c, "nothing changed since %.12s", s->base.commit);
}

int cmd_changed(struct cli *c, struct err *e)
{
    struct survey s;
    const char **trees = NULL;

    if (survey_make(c, &s, e) || survey_decide(&s, NULL, 0, e))
        return -1;
    if (c->options->output == OUTPUT_WIDE &&
        inputs_trees(&s.git, s.commit, &s.project, &s.apps, NULL, &trees, e))
        return -1;
    switch (c->options->output) {
    case OUTPUT_JSON:
        print_json(c->arena, &s);
        break;
    case OUTPUT_YAML:
        return err_set(e, ERR_INVALID, 0, "changed: -o must be json or wide");
    case OUTPUT_TEXT:
    case OUTPUT_WIDE:
    default:
        print_text(c, &s, trees);
        break;
    }
    return s.changed.n == 0 && c->options->fail_if_unchanged ? EXIT_UNCHANGED : EXIT_DONE;
}
