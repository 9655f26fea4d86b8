/* images_tool REGISTRY COMMAND…: cli/images.h from the command line, for tests/cli/images.py.
 *
 *     plain                              "http" or "https"
 *     find REPOSITORY TAG…               one line for each: "there …", "absent", "error KIND CODE
 * …" look HASH COMMIT-TAG REPOSITORY…   "commit", "inputs", "none" with "move" or "new" tag RULE
 * HASH FROM TAG REPOSITORY… RULE: new, move, absent; HASH "-" = none bases TEXT… twice COMMAND… the
 * same again, with the same connections and answers */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "cli.h"
#include "images.h"
#include "io/loop.h"
#include "options.h"
#include "settings.h"

struct tool {
    struct cli *c;
    struct images *images;
    const char **words; /* NULL-terminated */
    struct err *e;
};

static size_t count(const char **words)
{
    size_t n = 0;

    while (words[n])
        n++;
    return n;
}

/* true: it is an error, and was printed. */
static bool is_error(const struct err *e)
{
    if (e->kind)
        printf("error %s %d %s\n", err_name(e->kind), e->code, e->text);
    return e->kind != ERR_NONE;
}

static int find(struct tool *t)
{
    size_t n = count(t->words) - 1;
    struct image_find *list = arena_array(t->c->arena, n + 1, sizeof *list);

    for (size_t i = 0; i < n; i++)
        list[i] = (struct image_find){ t->words[0], t->words[i + 1], .want_label = true };
    if (images_find(t->images, list, n, t->e))
        return -1;
    for (size_t i = 0; i < n; i++)
        if (!is_error(&list[i].why))
            printf("%s digest=%s type=%s label=%s lacks=%s\n",
                   list[i].is_there ? "there" : "absent", list[i].digest ?: "-",
                   list[i].type ?: "-", list[i].label ?: "-", list[i].lacks ?: "-");
    return 0;
}

static int look(struct tool *t)
{
    static const char *const FOUND[] = { "none", "commit", "inputs" };
    size_t n = count(t->words) - 2;
    struct image_look *list = arena_array(t->c->arena, n + 1, sizeof *list);

    for (size_t i = 0; i < n; i++)
        list[i] = (struct image_look){ .repository = t->words[i + 2],
                                       .commit_tag = t->words[1],
                                       .hash = t->words[0] };
    if (images_look(t->images, list, n, t->e))
        return -1;
    for (size_t i = 0; i < n; i++)
        if (!is_error(&list[i].why))
            printf("%s digest=%s %s\n", FOUND[list[i].found], list[i].digest ?: "-",
                   list[i].rule == TAG_MOVE ? "move" : "new");
    return 0;
}

static int tag(struct tool *t)
{
    static const char *const RULES[] = {
        [TAG_NEW] = "new", [TAG_MOVE] = "move", [TAG_ABSENT] = "absent"
    };
    size_t n = count(t->words) - 4;
    struct image_tag *list = arena_array(t->c->arena, n + 1, sizeof *list);
    enum tag_rule rule = TAG_NEW;

    while (strcmp(RULES[rule], t->words[0]))
        rule++;
    for (size_t i = 0; i < n; i++)
        list[i] = (struct image_tag){ .repository = t->words[i + 4],
                                      .from = t->words[2],
                                      .tag = t->words[3],
                                      .rule = rule,
                                      .hash = strcmp(t->words[1], "-") ? t->words[1] : NULL };
    if (images_tag(t->images, list, n, t->e))
        return -1;
    for (size_t i = 0; i < n; i++)
        if (!is_error(&list[i].why))
            printf("%s digest=%s\n", list[i].was_put ? "put" : "kept", list[i].digest ?: "-");
    return 0;
}

static int bases(struct tool *t)
{
    size_t n = count(t->words);
    struct image_base *list = arena_array(t->c->arena, n + 1, sizeof *list);

    for (size_t i = 0; i < n; i++)
        list[i] = (struct image_base){ .text = t->words[i] };
    if (images_bases(t->images, list, n, t->e))
        return -1;
    for (size_t i = 0; i < n; i++)
        if (!is_error(&list[i].why))
            printf("%s pinned=%s\n", list[i].digest, list[i].pinned);
    return 0;
}

static int plain(struct tool *t)
{
    puts(images_are_plain_http(t->images) ? "http" : "https");
    return 0;
}

static int run(struct tool *t)
{
    static const struct {
        const char *name;
        int (*run)(struct tool *t);
    } VERBS[] = {
        { "plain", plain }, { "find", find }, { "look", look }, { "tag", tag }, { "bases", bases }
    };
    const char *name = *t->words++;

    if (!strcmp(name, "twice")) {
        const char **words = t->words;

        if (run(t))
            return -1;
        t->words = words;
        return run(t);
    }
    for (size_t i = 0; i < ARRAY_LEN(VERBS); i++)
        if (!strcmp(VERBS[i].name, name))
            return VERBS[i].run(t);
    return err_set(t->e, ERR_INVALID, 0, "what is '%s'?", name);
}

static void on_stop(int signo, void *ctx)
{
    ((struct cli *)ctx)->signo = signo;
}

static int open_and_run(struct tool *t, const char *registry)
{
    struct settings s;
    struct registry_setting r;
    int failed;

    ((struct options *)t->c->options)->registry = registry;
    if (loop_on_stop_signal(t->c->loop, on_stop, t->c, t->e) ||
        settings_decide(t->c, NULL, NULL, &s, t->e) || settings_registry(t->c, &s, &r, t->e))
        return -1;
    t->images = images_open(t->c, &r, t->e);
    failed = t->images ? run(t) : -1;
    images_close(t->images);
    return failed;
}

int main(int argc, char **argv)
{
    AUTO(arena) struct arena *a = arena_new(64 * 1024);
    struct options o = { 0 };
    struct err e = { 0 };
    struct cli c = { .arena = a, .options = &o, .env = (const char *const *)environ, .dir = "/" };
    struct tool t = { .c = &c, .words = (const char **)argv + 2, .e = &e };
    int failed;

    if (argc < 3)
        return EXIT_USAGE;
    signal(SIGPIPE, SIG_IGN);
    c.loop = loop_new(&e);
    failed = c.loop ? open_and_run(&t, argv[1]) : -1;
    loop_free(c.loop);
    if (failed)
        printf("failed %s %d %s\n", err_name(e.kind), e.code, e.text);
    return failed ? EXIT_ERROR : EXIT_DONE;
}
