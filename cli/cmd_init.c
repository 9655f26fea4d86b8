/* shopflow init: what a monorepo needs to be released. What is there is kept. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli.h"
#include "commands.h"
#include "deploy/spec_shape.h"
#include "dotfile.h"
#include "git.h"
#include "options.h"
#include "package_scripts.h"
#include "project.h"
#include "settings.h"
#include "template.h"

#define MANIFEST "k8s/system-app.yaml"
#define FILE_BYTES (1 * MIB)
#define NAME_MAX_BYTES 59 /* "btc-" before it is a Service's name still */

/* The guide's names. */
static const struct package_script SCRIPTS[] = {
    { "build-deploy:k8s", "shopflow up" },
    { "build-deploy:k8s:all", "shopflow up --all" },
    { "build:k8s", "shopflow build" },
    { "deploy:k8s", "shopflow deploy" },
};

struct init {
    struct cli *c;
    const struct settings *settings;
    const char **apps; /* by name */
    size_t n_apps;
    bool on_gitlab;
    int n_written;
};

static const char *path_of(const struct init *in, const char *path)
{
    return arena_printf(in->c->arena, "%s/%s", in->settings->root, path);
}

static void tell(const char *verb, const char *path)
{
    printf("%-8s %s\n", verb, path);
}

/* --- the apps of the working tree --- */

static bool has_file(const struct init *in, const char *path)
{
    struct stat st;

    return lstat(path_of(in, path), &st) == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_app(struct init *in, const char *name)
{
    const struct project_app *said = project_app(in->settings->project, name);
    struct arena *a = in->c->arena;
    const char **longer;

    if (*name == '.' || (said && said->excluded) ||
        (!has_file(in, arena_printf(a, "apps/%s/package.json", name)) &&
         !has_file(in, arena_printf(a, "apps/%s/Dockerfile", name))))
        return;
    if (!shape_fits(&SHAPE_LABEL, name) || strlen(name) > NAME_MAX_BYTES) {
        cli_say(in->c,
                "apps/%s: no Deployment can have this name; name the app in shopflow.yaml: "
                "apps: {<name>: {dir: apps/%s}}",
                name, name);
        return;
    }
    longer = arena_array(a, in->n_apps + 1, sizeof *longer);
    if (in->n_apps)
        memcpy(longer, in->apps, in->n_apps * sizeof *longer);
    longer[in->n_apps++] = arena_strdup(a, name);
    in->apps = longer;
}

static int find_apps(struct init *in, struct err *e)
{
    DIR *dir = opendir(path_of(in, "apps"));

    for (struct dirent *entry; dir && (entry = readdir(dir));)
        add_app(in, entry->d_name);
    if (dir)
        closedir(dir);
    if (!in->n_apps)
        return err_set(e, ERR_INVALID, 0,
                       "%s has no app: an app is a folder under apps/ with a package.json or a "
                       "Dockerfile; make one, or start in the monorepo (-C DIR)",
                       in->settings->root);
    qsort(in->apps, in->n_apps, sizeof *in->apps, by_name);
    return 0;
}

/* --- files --- */

static int make_folders(const struct init *in, const char *path, struct err *e)
{
    for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
        const char *folder =
            path_of(in, arena_printf(in->c->arena, "%.*s", (int)(slash - path), path));

        if (mkdir(folder, 0777) && errno != EEXIST)
            return err_set(e, ERR_REFUSED, errno, "cannot make %s: %s", folder, strerror(errno));
    }
    return 0;
}

static int write_all(int fd, const char *text)
{
    for (size_t left = strlen(text); left;) {
        ssize_t n = write(fd, text, left);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        text += n;
        left -= (size_t)n;
    }
    return 0;
}

/* The whole text under this name or nothing: written beside it first. Over what is there only when
 * replaces. */
static int put_file(const struct init *in, const char *path, const char *text, mode_t mode,
                    bool replaces, struct err *e)
{
    const char *to = path_of(in, path), *part = arena_printf(in->c->arena, "%s.shopflow", to);
    int fd, failed;

    if (make_folders(in, path, e))
        return -1;
    unlink(part); /* of a run that was killed */
    fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    failed = fd < 0 || write_all(fd, text) || fsync(fd);
    failed |= fd >= 0 && close(fd);
    failed = failed || (replaces ? rename(part, to) : link(part, to));
    if (failed)
        err_set(e, ERR_REFUSED, errno, "cannot write %s: %s", to, strerror(errno));
    if (failed || !replaces)
        unlink(part);
    return failed ? -1 : 0;
}

static int create(struct init *in, const char *path, const char *text, mode_t mode, struct err *e)
{
    if (has_file(in, path)) {
        tell("kept", path);
        return 0;
    }
    if (!in->c->options->dry_run && put_file(in, path, text, mode, false, e))
        return -1;
    tell("created", path);
    in->n_written++;
    return 0;
}

/* Text with each `from` replaced. */
static const char *replaced(struct arena *a, const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);

    if (!at)
        return text;
    return arena_printf(a, "%.*s%s%s", (int)(at - text), text, to,
                        replaced(a, at + strlen(from), from, to));
}

static int create_manifest(struct init *in, const char *app, const char *text, struct err *e)
{
    const struct project_app *said = project_app(in->settings->project, app);
    struct arena *a = in->c->arena;

    if (said && said->deployment)
        text = replaced(a, text, "btc-system-app", said->deployment);
    text = replaced(a, text, "system-app", app);
    return create(in, arena_printf(a, "k8s/%s.yaml", app), text, 0666, e);
}

static bool is_wanted(const struct init *in, const char *path)
{
    if (!strncmp(path, ".github/", 8))
        return !in->on_gitlab;
    if (!strcmp(path, ".gitlab-ci.yml"))
        return in->on_gitlab;
    return true;
}

static int create_templates(struct init *in, struct err *e)
{
    for (const struct template *t = TEMPLATES; t->path; t++) {
        if (!strcmp(t->path, MANIFEST)) {
            for (size_t i = 0; i < in->n_apps; i++)
                if (create_manifest(in, in->apps[i], t->text, e))
                    return -1;
        } else if (is_wanted(in, t->path) &&
                   create(in, t->path, t->text, t->is_program ? 0777 : 0666, e)) {
            return -1;
        }
    }
    return 0;
}

/* --- files that are there --- */

/* In the file's place, with its mode. */
static int change(struct init *in, const char *path, const char *text, struct err *e)
{
    struct stat st;

    if (lstat(path_of(in, path), &st) || !S_ISREG(st.st_mode))
        return err_set(e, ERR_INVALID, 0, "%s is no plain file: change it by hand", path);
    if (!in->c->options->dry_run && put_file(in, path, text, st.st_mode & 0777, true, e))
        return -1;
    tell("changed", path);
    in->n_written++;
    return 0;
}

static char *read_text(const struct init *in, const char *path, struct err *e)
{
    return file_read(path_of(in, path), FILE_BYTES, e);
}

static int add_scripts(struct init *in, struct err *e)
{
    const char *more;
    char *text;

    if (!has_file(in, "package.json"))
        return 0;
    text = read_text(in, "package.json", e);
    if (!text)
        return -1;
    more = package_scripts_add(in->c->arena, text, SCRIPTS, ARRAY_LEN(SCRIPTS), e);
    if (!more)
        err_ctx(e, "package.json");
    else if (more == text)
        tell("kept", "package.json");
    else if (change(in, "package.json", more, e))
        more = NULL;
    free(text);
    return more ? 0 : -1;
}

static bool has_line(const char *text, const char *line)
{
    size_t len = strlen(line);

    for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n') {
        const char *word = *at == '/' ? at + 1 : at;

        if (!strncmp(word, line, len) && strchr("\n", word[len + strspn(word + len, " \t\r")]))
            return true;
    }
    return false;
}

/* Passwords stand in .k8s-config: git must not take it along. */
static int ignore_dotfile(struct init *in, struct err *e)
{
    struct arena *a = in->c->arena;
    const char *more;
    char *text;
    int ret = 0;

    if (!has_file(in, ".gitignore"))
        return create(in, ".gitignore", "node_modules/\ndist/\n.turbo/\n.k8s-config\n.env*\n", 0666,
                      e);
    text = read_text(in, ".gitignore", e);
    if (!text)
        return -1;
    more = arena_printf(a, "%s%s.k8s-config\n", text,
                        *text && text[strlen(text) - 1] != '\n' ? "\n" : "");
    if (has_line(text, ".k8s-config"))
        tell("kept", ".gitignore");
    else
        ret = change(in, ".gitignore", more, e);
    free(text);
    return ret;
}

/* --- the command --- */

static bool is_on_gitlab(const struct git *g)
{
    struct child_result r;
    struct err ignored;

    return !git_run(g, &r, &ignored, "remote", "get-url", "origin") && !r.status &&
           strstr(r.out, "gitlab");
}

static void say_next(const struct init *in)
{
    const struct cli *c = in->c;

    if (c->options->dry_run) {
        cli_say(c, "nothing was written; without --dry-run it is");
        return;
    }
    if (!in->n_written) {
        cli_say(c, "all is there already; shopflow changed tells what a release would build");
        return;
    }
    cli_say(c, "%zu app%s. Next:", in->n_apps, in->n_apps == 1 ? "" : "s");
    cli_say(c, "  1. look at k8s/*.yaml (port 8080, probes /healthz) and at the Dockerfile");
    cli_say(c, "  2. cp .k8s-config.example .k8s-config, and say there where images go");
    cli_say(c, "  3. git add -A && git commit, then kubectl apply -n %s -f k8s/",
            in->settings->of[SET_NAMESPACE].value);
    cli_say(c, "  4. pnpm build-deploy:k8s");
}

int cmd_init(struct cli *c, struct err *e)
{
    struct settings settings;
    struct init in = { .c = c, .settings = &settings };
    struct git g;

    if (git_open(c, &g, e) || settings_load(c, &settings, e))
        return -1;
    in.on_gitlab = is_on_gitlab(&g);
    if (find_apps(&in, e) || add_scripts(&in, e) || create_templates(&in, e) ||
        ignore_dotfile(&in, e))
        return -1;
    say_next(&in);
    return EXIT_DONE;
}
