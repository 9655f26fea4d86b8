#include "apps.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include "cli.h"
#include "deploy/spec_shape.h"
#include "git.h"
#include "project.h"
#include "tree.h"

#define APPS_DIR "apps"
#define PACKAGE_MAX_BYTES (1024 * 1024)

/* --- pure --- */

static const char *const DEPENDENCIES[] = { "dependencies", "devDependencies",
                                            "optionalDependencies", "peerDependencies" };

static void add_name(struct arena *a, const char ***list, const char *name)
{
    size_t n = 0;
    const char **longer;

    while (*list && (*list)[n])
        n++;
    if (*list && (n & (n - 1))) { /* room is doubled at each power of two */
        (*list)[n] = name;
        return;
    }
    longer = arena_array(a, 2 * n + 2, sizeof *longer);
    if (n)
        memcpy(longer, *list, n * sizeof *longer);
    longer[n] = name;
    *list = longer;
}

/* The package that a dependency is, where its value gives another name; a path is not followed. */
static const char *name_of(struct arena *a, const cJSON *item, bool *ret_unsure)
{
    static const char *const PATHS[] = { "file:", "link:", "portal:", "workspace:.",
                                         "workspace:/" };
    const char *value = cJSON_GetStringValue(item);
    const char *at;

    for (size_t i = 0; value && i < ARRAY_LEN(PATHS); i++)
        *ret_unsure |= !strncmp(value, PATHS[i], strlen(PATHS[i]));
    if (!value || strncmp(value, "workspace:", 10) != 0)
        return arena_strdup(a, item->string);
    value += 10; /* "workspace:@shop/core@^1" */
    at = strrchr(value, '@');
    return at && at > value ? arena_strndup(a, value, (size_t)(at - value)) :
                              arena_strdup(a, item->string);
}

void apps_read_package(struct arena *a, const char *text, struct app *app)
{
    struct err ignored;
    AUTO(json) cJSON *root = text ? json_parse(text, strlen(text), &ignored) : NULL;
    const char *name = json_str(root, "name");

    app->is_unsure |= !cJSON_IsObject(root);
    if (name)
        add_name(a, &app->packages, arena_strdup(a, name));
    for (size_t i = 0; i < ARRAY_LEN(DEPENDENCIES); i++)
        JSON_EACH_MEMBER(item, json_get(root, DEPENDENCIES[i]))
            add_name(a, &app->wants, name_of(a, item, &app->is_unsure));
}

const struct app *apps_get(const struct apps *apps, const char *name)
{
    for (size_t i = 0; i < apps->n; i++)
        if (!strcmp(apps->list[i].name, name))
            return &apps->list[i];
    return NULL;
}

static bool has_name(const char *const *names, const char *name)
{
    for (; names && *names; names++)
        if (!strcmp(*names, name))
            return true;
    return false;
}

static bool wants_any_of(const struct app *app, const struct app *other)
{
    if (app->is_unsure)
        return true;
    for (const char **name = other->packages; name && *name; name++)
        if (has_name(app->wants, *name))
            return true;
    return false;
}

static int by_name(const void *x, const void *y)
{
    return strcmp(((const struct app *)x)->name, ((const struct app *)y)->name);
}

/* What it needs, needs too. */
static void close_needs(struct arena *a, const struct apps *apps, bool *const *direct, size_t from,
                        bool *needs)
{
    size_t *todo = arena_array(a, apps->n_all, sizeof *todo);
    size_t n = 0;

    needs[from] = true;
    todo[n++] = from;
    while (n > 0) {
        size_t i = todo[--n];

        for (size_t j = 0; j < apps->n_all; j++) {
            if (needs[j] || !direct[i][j])
                continue;
            needs[j] = true;
            todo[n++] = j;
        }
    }
}

void apps_link(struct arena *a, struct apps *apps)
{
    bool **direct = arena_array(a, apps->n_all + 1, sizeof *direct);

    qsort(apps->list, apps->n, sizeof *apps->list, by_name);
    for (size_t i = 0; i < apps->n_all; i++) {
        direct[i] = arena_array(a, apps->n_all, sizeof(bool));
        for (size_t j = 0; j < apps->n_all; j++)
            direct[i][j] = wants_any_of(&apps->list[i], &apps->list[j]);
    }
    for (size_t i = 0; i < apps->n_all; i++) {
        apps->list[i].needs = arena_array(a, apps->n_all, sizeof(bool));
        close_needs(a, apps, direct, i, apps->list[i].needs);
    }
}

/* --- what git says --- */

struct finding {
    const struct git *git;
    const char *commit;
    const struct project *project;
    struct arena *arena;
    struct apps apps;
    struct tree files; /* package.json and Dockerfile of each candidate */
    bool is_strict;
};

static const char *file_of(struct arena *a, const struct app *app, const char *name)
{
    return arena_printf(a, "%s/%s", app->dir, name);
}

/* An app that shopflow.yaml puts elsewhere than apps/<name>. */
static bool is_moved(const struct project_app *app)
{
    return !app->excluded && app->dir;
}

/* Each folder that may be an app: those under apps/, and those that shopflow.yaml names. */
static int list_candidates(struct finding *f, struct err *e)
{
    struct child_result r;
    struct tree t;
    struct app *list;
    size_t n = 0;

    if (git_ask(f->git, &r, e, "ls-tree", "-z", "--full-tree", f->commit, APPS_DIR "/") ||
        tree_parse(r.out, r.out_len, f->arena, &t, e))
        return -1;
    list = arena_array(f->arena, t.n + f->project->n_apps + 1, sizeof *list);
    for (size_t i = 0; i < t.n; i++) {
        const char *name = t.entries[i].path + strlen(APPS_DIR "/");
        const struct project_app *said = project_app(f->project, name);

        if (said && (said->excluded || said->dir))
            continue;
        if (t.entries[i].mode == MODE_COMMIT && f->is_strict)
            cli_say(f->git->c, "%s is a submodule: it is not looked at as an app",
                    path_show(f->arena, t.entries[i].path));
        if (t.entries[i].mode == MODE_TREE)
            list[n++] = (struct app){ .name = name, .dir = t.entries[i].path, .said = said };
    }
    for (size_t i = 0; i < f->project->n_apps; i++) {
        const struct project_app *said = &f->project->apps[i];

        if (!is_moved(said))
            continue;
        list[n] = (struct app){ .name = said->name, .said = said };
        list[n++].dir = arena_strndup(
            f->arena, said->dir, strlen(said->dir) - (said->dir[strlen(said->dir) - 1] == '/'));
    }
    f->apps = (struct apps){ .list = list, .n = n };
    return 0;
}

/* A folder that shopflow.yaml gives to another app is not one by itself. */
static void drop_moved_from(struct finding *f)
{
    size_t kept = 0;

    for (size_t i = 0; i < f->apps.n; i++) {
        const struct app *app = &f->apps.list[i];
        bool is_taken = false;

        for (size_t j = 0; j < f->apps.n && !(app->said && app->said->dir); j++)
            is_taken |= j != i && !strcmp(f->apps.list[j].dir, app->dir);
        if (!is_taken)
            f->apps.list[kept++] = *app;
    }
    f->apps.n = kept;
}

static int list_files(struct finding *f, struct err *e)
{
    const char **args = arena_array(f->arena, 2 * f->apps.n + 5, sizeof *args);
    struct child_result r;
    size_t n = 0;

    if (f->apps.n == 0)
        return 0;
    args[n++] = "ls-tree";
    args[n++] = "-z";
    args[n++] = "--full-tree";
    args[n++] = f->commit;
    for (size_t i = 0; i < f->apps.n; i++) {
        args[n++] = file_of(f->arena, &f->apps.list[i], "package.json");
        args[n++] = file_of(f->arena, &f->apps.list[i], "Dockerfile");
    }
    return git_ask_(f->git, args, &r, e) || tree_parse(r.out, r.out_len, f->arena, &f->files, e) ?
               -1 :
               0;
}

/* Of the candidates, those that are apps. */
static int keep_apps(struct finding *f, struct err *e)
{
    size_t kept = 0;

    for (size_t i = 0; i < f->apps.n; i++) {
        struct app app = f->apps.list[i];
        bool has_package = tree_find(&f->files, file_of(f->arena, &app, "package.json")) != NULL;

        app.has_dockerfile = tree_find(&f->files, file_of(f->arena, &app, "Dockerfile")) != NULL;
        if (!has_package && !app.has_dockerfile)
            continue;
        if (!shape_fits(&SHAPE_LABEL, app.name) && !f->is_strict)
            continue;
        if (!shape_fits(&SHAPE_LABEL, app.name))
            return err_set(e, ERR_INVALID, 0,
                           "%s: an app's name must be lower case letters, digits and -, at most "
                           "63; give it one in %s (apps: NAME: dir:), or exclude it (apps: '%s': "
                           "false)",
                           path_show(f->arena, app.dir), PROJECT_FILE,
                           path_show(f->arena, app.name));
        f->apps.list[kept++] = app;
    }
    f->apps.n = kept;
    return 0;
}

/* "<id> blob <size>\n<bytes>\n" → the bytes; *at moves on. NULL for anything else. */
static const char *next_blob(struct arena *a, const char **at, const char *end)
{
    const char *line_end = memchr(*at, '\n', (size_t)(end - *at));
    const char *size_at = line_end ? memrchr(*at, ' ', (size_t)(line_end - *at)) : NULL;
    size_t size = size_at ? strtoul(size_at, NULL, 10) : 0;
    const char *bytes = line_end ? line_end + 1 : end;

    if (!size_at || size >= (size_t)(end - bytes)) {
        *at = bytes; /* "<id> missing" */
        return NULL;
    }
    *at = bytes + size + 1;
    return arena_strndup(a, bytes, size);
}

int apps_read_packages(const struct git *g, const struct tree_entry *const *entries,
                       struct app *const *owners, size_t n, struct err *e)
{
    struct arena *a = g->c->arena;
    AUTO(text) struct text input = TEXT_INIT(16 * MIB);
    struct git_call call = { .args = (const char *const[]){ "cat-file", "--batch", NULL },
                             .max_bytes = (n + 1) * PACKAGE_MAX_BYTES };
    struct child_result r;
    const char *at;

    for (size_t i = 0; i < n; i++)
        if (entries[i] && text_addf(&input, e, "%s\n", entries[i]->id))
            return -1;
    if (input.len == 0)
        return 0;
    call.input = input.bytes;
    call.input_len = input.len;
    if (git_call(g, &call, &r, e))
        return -1;
    at = r.out;
    for (size_t i = 0; i < n; i++) {
        const char *text = entries[i] ? next_blob(a, &at, r.out + r.out_len) : NULL;

        if (entries[i]) /* of a link, where it leads: that is no JSON */
            apps_read_package(a, text, owners[i]);
    }
    return 0;
}

static int read_packages(struct finding *f, struct err *e)
{
    const struct tree_entry **entries = arena_array(f->arena, f->apps.n + 1, sizeof *entries);
    struct app **owners = arena_array(f->arena, f->apps.n + 1, sizeof *owners);

    for (size_t i = 0; i < f->apps.n; i++) {
        owners[i] = &f->apps.list[i];
        entries[i] = tree_find(&f->files, file_of(f->arena, owners[i], "package.json"));
    }
    return apps_read_packages(f->git, entries, owners, f->apps.n, e);
}

/* An app that shopflow.yaml configures must be there: a slip of the pen would configure nothing. */
static int check_said(const struct finding *f, struct err *e)
{
    for (size_t i = 0; i < f->project->n_apps; i++) {
        const struct project_app *said = &f->project->apps[i];

        if (said->excluded || apps_get(&f->apps, said->name))
            continue;
        return err_set(e, ERR_INVALID, 0,
                       "%s: app '%s': there is no %s%s with a package.json or a Dockerfile",
                       PROJECT_FILE, said->name, said->dir ? "" : APPS_DIR "/",
                       said->dir ? said->dir : said->name);
    }
    return 0;
}

int apps_find(const struct git *g, const char *commit, const struct project *p, bool is_strict,
              struct apps *ret, struct err *e)
{
    struct finding f = {
        .git = g, .commit = commit, .project = p, .arena = g->c->arena, .is_strict = is_strict
    };

    if (list_candidates(&f, e))
        return -1;
    drop_moved_from(&f);
    if (list_files(&f, e) || keep_apps(&f, e) || read_packages(&f, e))
        return -1;
    f.apps.n_all = f.apps.n;
    apps_link(f.arena, &f.apps);
    if (is_strict && check_said(&f, e))
        return -1;
    *ret = f.apps;
    return 0;
}
