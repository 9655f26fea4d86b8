/* The files of a project, as its first byte says: .k8s-config, shopflow.yaml, pnpm-lock.yaml,
 * package.json, a Dockerfile, and a glob with a path. */
#include <stdlib.h>
#include <string.h>

#include "apps.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/yaml.h"
#include "dockerfile.h"
#include "dotfile.h"
#include "fuzz.h"
#include "glob.h"
#include "lockfile.h"
#include "project.h"

static void try_dotfile(struct arena *a, const char *text)
{
    struct err e = { 0 };
    struct dotfile d = { 0 };

    HOLDS(!dotfile_parse(text, a, &d, &e) ||
          (e.kind == ERR_INVALID && !strncmp(e.text, "line ", 5)));
    for (size_t i = 0; i < d.n; i++) {
        HOLDS(d.entries[i].key[0] && !strchr(d.entries[i].value, '\n'));
        HOLDS(dotfile_find(&d, d.entries[i].key)->line >= d.entries[i].line);
    }
}

static void try_project(struct arena *a, const char *text)
{
    struct err e = { 0 };
    struct project p = { 0 };
    struct yaml_place place;

    HOLDS(!project_parse(text, a, &p, &e) ||
          (e.kind == ERR_INVALID && !strncmp(e.text, "shopflow.yaml: ", 15)));
    for (size_t i = 0; i < p.n_apps; i++)
        HOLDS(project_app(&p, p.apps[i].name) == &p.apps[i]);
    place = yaml_where(text, strlen(text), (const char *const[]){ "apps", "a", "1", "b", NULL });
    HOLDS(place.line > 0 && place.column > 0);
}

static void try_lockfile(const char *text)
{
    AUTO(lockfile) struct lockfile *l = NULL;
    struct err e = { 0 };

    l = lockfile_parse(text, &e);
    HOLDS(l || e.kind == ERR_INVALID);
    if (l)
        lockfile_is_same(l, l, (const char *const[]){ ".", "apps/a", NULL });
}

static void try_package(struct arena *a, const char *text)
{
    struct app app = { .name = "a", .dir = "apps/a" };
    struct apps apps = { &app, 1, 1 };

    apps_read_package(a, text, &app);
    apps_link(a, &apps);
    HOLDS(app.needs[0]);
}

/* Each image once; none is empty. */
static void try_dockerfile(struct arena *a, const char *text)
{
    const char *const *list =
        dockerfile_bases(a, text, (const char *const[]){ "A=1", "B=", "C", NULL });

    for (size_t i = 0; list[i]; i++) {
        HOLDS(list[i][0] && strcmp(list[i], "scratch"));
        for (size_t j = 0; j < i; j++)
            HOLDS(strcmp(list[i], list[j]));
    }
}

/* What takes a folder takes what is below. */
static void try_glob(struct arena *a, char *text)
{
    char *path = strchr(text, '\n');

    if (!path || strlen(text) > 200)
        return;
    *path++ = '\0';
    HOLDS(!*path || path[strlen(path) - 1] == '/' || !glob_takes(text, path) ||
          glob_takes(text, arena_printf(a, "%s/x", path)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct arena *a = arena_new(512);

    switch (text[0]) {
    case 'k':
        try_dotfile(a, text + 1);
        break;
    case 'y':
        try_project(a, text + 1);
        break;
    case 'l':
        try_lockfile(text + 1);
        break;
    case 'p':
        try_package(a, text + 1);
        break;
    case 'd':
        try_dockerfile(a, text + 1);
        break;
    case 'g':
        try_glob(a, text + 1);
        break;
    default:
        break;
    }
    arena_free(a);
    free(text);
    return 0;
}
