#include "apps.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "cli.h"
#include "git.h"
#include "project.h"
#include "tree.h"

#define APPS_DIR "apps"
#define PACKAGE_MAX_BYTES (1024 * 1024)

/* --- pure --- */

static const char *const DEPENDENCIES[] = { "dependencies", "devDependencies",
                                            "optionalDependencies", "peerDependencies" };

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

void apps_read_package(struct arena *a, const char *text, struct app *app)
{
    struct err ignored;
    AUTO(json) cJSON *root = json_parse(text, strlen(text), &ignored);
    size_t n = 0;

    app->is_unsure = !cJSON_IsObject(root);
    app->package = arena_strdup(a, json_str(root, "name"));
    for (size_t i = 0; i < N_OF(DEPENDENCIES); i++)
        n += (size_t)cJSON_GetArraySize(json_get(root, DEPENDENCIES[i]));
    app->wants = arena_array(a, n + 1, sizeof *app->wants);
    n = 0;
    for (size_t i = 0; i < N_OF(DEPENDENCIES); i++)
        JSON_EACH_MEMBER(item, json_get(root, DEPENDENCIES[i]))
            app->wants[n++] = arena_strdup(a, item->string);
}

const struct app *apps_get(const struct apps *apps, const char *name)
{
    for (size_t i = 0; i < apps->n; i++)
        if (!strcmp(apps->list[i].name, name))
            return &apps->list[i];
    return NULL;
}

static bool wants_package(const struct app *app, const struct app *other)
{
    if (app->is_unsure)
        return true;
    for (const char **want = app->wants; other->package && want && *want; want++)
        if (!strcmp(*want, other->package))
            return true;
    return false;
}

static int by_name(const void *x, const void *y)
{
    return strcmp(((const struct app *)x)->name, ((const struct app *)y)->name);
}

/* What it needs, needs too. */
static void close_needs(const struct apps *apps, struct app *app)
{
    for (bool grew = true; grew;) {
        grew = false;
        for (size_t i = 0; i < apps->n; i++) {
            for (size_t j = 0; app->needs[i] && j < apps->n; j++) {
                if (app->needs[j] || !wants_package(&apps->list[i], &apps->list[j]))
                    continue;
                app->needs[j] = grew = true;
            }
        }
    }
}

void apps_link(struct arena *a, struct apps *apps)
{
    qsort(apps->list, apps->n, sizeof *apps->list, by_name);
    for (size_t i = 0; i < apps->n; i++) {
        apps->list[i].needs = arena_array(a, apps->n, sizeof(bool));
        apps->list[i].needs[i] = true;
        close_needs(apps, &apps->list[i]);
    }
}

static bool is_label(const char *s)
{
    size_t n = 0;

    for (; s[n]; n++)
        if (!islower((unsigned char)s[n]) && !isdigit((unsigned char)s[n]) && s[n] != '-')
            return false;
    return n > 0 && n <= 63 && s[0] != '-' && s[n - 1] != '-';
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

        if (t.entries[i].mode == MODE_TREE && !(said && (said->excluded || said->dir)))
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
    f->apps = (struct apps){ list, n };
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
        if (!is_label(app.name) && !f->is_strict)
            continue;
        if (!is_label(app.name))
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

static int read_packages(struct finding *f, struct err *e)
{
    struct child_result r;
    const char *input = "", *at;
    const struct tree_entry **entries =
        arena_array(f->arena, f->apps.n + 1, sizeof(struct tree_entry *));

    for (size_t i = 0; i < f->apps.n; i++) {
        entries[i] = tree_find(&f->files, file_of(f->arena, &f->apps.list[i], "package.json"));
        if (entries[i])
            input = arena_printf(f->arena, "%s%s\n", input, entries[i]->id);
    }
    if (!*input)
        return 0;
    if (git_call(f->git,
                 &(struct git_call){ .args = (const char *const[]){ "cat-file", "--batch", NULL },
                                     .input = input,
                                     .input_len = strlen(input),
                                     .max_bytes = (f->apps.n + 1) * PACKAGE_MAX_BYTES },
                 &r, e))
        return -1;
    at = r.out;
    for (size_t i = 0; i < f->apps.n; i++) {
        const char *text = entries[i] ? next_blob(f->arena, &at, r.out + r.out_len) : NULL;
        bool is_file = entries[i] && entries[i]->mode != MODE_SYMLINK;

        if (entries[i])
            apps_read_package(f->arena, text && is_file ? text : "", &f->apps.list[i]);
    }
    return 0;
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
    apps_link(f.arena, &f.apps);
    if (is_strict && check_said(&f, e))
        return -1;
    *ret = f.apps;
    return 0;
}
