/* shopflow changed: which apps, and why each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "cli.h"
#include "cluster.h"
#include "commands.h"
#include "inputs_tree.h"
#include "options.h"
#include "run.h"
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

static void put_stays(struct arena *a, cJSON *root, const char *key, const struct stays *list,
                      size_t n)
{
    cJSON *array = json_put_array(root, key);

    for (size_t i = 0; i < n; i++) {
        cJSON *one = cJSON_CreateObject();

        json_put_str(one, "name", list[i].name);
        json_put_str(one, "reason", as_utf8(a, list[i].why));
        cJSON_AddItemToArray(array, one);
    }
}

/* What only the AppRelease tells. */
static void put_asked(struct arena *a, cJSON *root, const struct changed *d)
{
    cJSON *behind;

    put_stays(a, root, "kept", d->kept, d->n_kept);
    put_stays(a, root, "held", d->held, d->n_held);
    behind = json_put_array(root, "behind");
    for (const char **name = d->behind; *name; name++)
        add_text(behind, *name);
    if (d->superseded_by)
        json_put_str(root, "superseded", d->superseded_by);
    else
        cJSON_AddNullToObject(root, "superseded");
}

static void print_json(struct arena *a, const struct run *r)
{
    const struct survey *s = &r->survey;
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
    if (r->knows_asked)
        put_asked(a, root, &s->changed);
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
    if (s->changed.n == 0 && s->base.commit)
        cli_say(c, "nothing changed since %.12s", s->base.commit);
    else if (s->changed.n == 0 && s->changed.n_as_is == s->apps.n)
        cli_say(c, "nothing changed: every app runs well as it is here");
}

/* A pull request is compared with its target, whatever runs. */
static int open_cluster(struct cli *c, struct cluster **ret, struct err *e)
{
    *ret = NULL;
    return ci_read(c).target ? 0 : cluster_open_any(c, ret, e);
}

/* A cluster that does not answer changes nothing here: git's answer is given. */
static int decide(struct cli *c, struct cluster *k, struct run *r, struct err *e)
{
    if (run_decide(c, k, r, e) == 0)
        return 0;
    if (!k || r->knows_asked || c->signo)
        return -1;
    cli_say(c, "warning: what runs is not known, and git alone is asked: %s", e->text);
    *e = (struct err){ 0 };
    return run_decide(c, NULL, r, e);
}

int cmd_changed(struct cli *c, struct err *e)
{
    AUTO(cluster) struct cluster *k = NULL;
    struct run r = { 0 };
    struct survey *s = &r.survey;
    const char **trees = NULL;

    if (c->options->output == OUTPUT_YAML)
        return err_set(e, ERR_INVALID, 0, "changed: -o must be json or wide");
    if (open_cluster(c, &k, e) || survey_make(c, k != NULL, s, e) || decide(c, k, &r, e))
        return -1;
    if (c->options->output == OUTPUT_WIDE &&
        inputs_trees(&s->git, s->commit, &s->project, &s->apps, NULL, &trees, e))
        return -1;
    if (c->options->output == OUTPUT_JSON)
        print_json(c->arena, &r);
    else
        print_text(c, s, trees);
    run_say(c, &r);
    if (run_require_current(c, &r, e))
        return -1;
    return s->changed.n == 0 && c->options->fail_if_unchanged ? EXIT_UNCHANGED : EXIT_DONE;
}
