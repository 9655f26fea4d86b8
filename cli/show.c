#include "show.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli.h"
#include "deploy/reason.h"
#include "options.h"

#define NOTE_BYTES 300
#define TABLE_BYTES (256 * KIB)
#define NARROW 80 /* columns, where the terminal does not say */
#define NAME_WIDTH 12

#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define PLAIN "\033[0m"

const char *show_clean(struct arena *a, const char *text, size_t bytes)
{
    char *copy = arena_strdup(a, text ? text : "");
    char *line = arena_alloc(a, bytes + 1);

    text_scrub(copy);
    return text_clip(line, bytes + 1, copy);
}

static const char *color_of(enum app_state state)
{
    switch (state) {
    case APP_UNCHANGED:
    case APP_UPDATED:
        return GREEN;
    case APP_ROLLING_BACK:
    case APP_ROLLED_BACK:
    case APP_FAILED:
        return RED;
    case APP_WAITING:
    case APP_SKIPPED:
    case APP_SUPERSEDED:
        return YELLOW;
    case APP_PENDING:
    case APP_UPDATING:
    case APP_SOAKING:
        break;
    }
    return "";
}

/* Good at what was asked for before: not yet what this release makes of it. */
static enum app_state state_of(const struct seen *seen, const struct app_status *app)
{
    const char *asked = release_asked(seen->tree, app->name);
    bool is_old = asked && app->target_commit && strcmp(asked, app->target_commit) != 0;

    return is_old && (app->state == APP_UPDATED || app->state == APP_UNCHANGED) ? APP_PENDING :
                                                                                  app->state;
}

/* "1->2/3": old ones left, new ones, how many there shall be. */
static const char *replicas_of(struct arena *a, const struct app_status *app)
{
    int old = app->desired - app->updated;

    if (app->desired < 0)
        return "-";
    if (app->state == APP_UPDATING || app->state == APP_ROLLING_BACK || app->state == APP_SOAKING)
        return arena_printf(a, "%d->%d/%d", old > 0 ? old : 0, app->updated, app->desired);
    return arena_printf(a, "%d/%d", app->available, app->desired);
}

/* The last line that a container wrote before it ended. */
static const char *last_line(struct arena *a, const char *tail)
{
    size_t len = tail ? strlen(tail) : 0;
    size_t from;

    while (len && (tail[len - 1] == '\n' || tail[len - 1] == ' '))
        len--;
    for (from = len; from && tail[from - 1] != '\n'; from--)
        ;
    return len ? arena_strndup(a, tail + from, len - from) : NULL;
}

/* What it waits for, or the cause. */
static const char *note_of(struct arena *a, const struct app_status *app)
{
    const char *note = app->message ? app->message : app->reason ? app->reason : "";
    const char *line = app->failure ? last_line(a, app->failure->log_tail) : NULL;

    if (app->state != APP_UPDATED && app->state != APP_UNCHANGED && app->reason && app->message &&
        !strstr(note, app->reason))
        note = arena_printf(a, "%s: %s", app->reason, note);
    if (line && (app->state == APP_FAILED || app->state == APP_ROLLED_BACK ||
                 app->state == APP_ROLLING_BACK))
        note = arena_printf(a, "%s; it said: %s", note, line);
    return show_clean(a, note, NOTE_BYTES);
}

/* --- following --- */

void show_init(struct show *s, struct cli *c, const struct followed *f)
{
    *s = (struct show){ .cli = c, .followed = f, .told = map_new() };
}

void show_release(struct show *s)
{
    map_free(s->told, free);
    s->told = NULL;
}

static bool is_shown(const struct show *s, const char *name)
{
    for (size_t i = 0; i < s->followed->n_apps; i++)
        if (!strcmp(s->followed->apps[i].name, name))
            return true;
    return s->followed->n_apps == 0;
}

static size_t terminal_width(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : NARROW;
}

static int name_width(const struct seen *seen)
{
    size_t width = NAME_WIDTH;

    for (size_t i = 0; i < seen->status.n_apps; i++)
        if (strlen(seen->status.apps[i].name) > width)
            width = strlen(seen->status.apps[i].name);
    return (int)width;
}

/* At most so many characters of text, so that a line of the table stays one line. */
static int fitting(const char *text, size_t columns)
{
    size_t bytes = 0;

    for (size_t n = 0; text[bytes] && n < columns; n++) {
        size_t len = utf8_len(text + bytes);

        bytes += len ? len : 1;
    }
    return (int)bytes;
}

static void put_row(struct text *t, const struct show *s, const struct seen *seen,
                    const struct app_status *app, struct err *e)
{
    const char *color = s->cli->color ? color_of(state_of(seen, app)) : "";
    const char *note = note_of(seen->arena, app);
    size_t taken = (size_t)name_width(seen) + 2 + 12 + 2 + 9 + 2 + 1;
    size_t width = terminal_width();

    text_addf(t, e, "\033[K%-*s  %s%-12s%s  %-9s  %.*s\n", name_width(seen), app->name, color,
              app_state_name(state_of(seen, app)), *color ? PLAIN : "",
              replicas_of(seen->arena, app), fitting(note, width > taken ? width - taken : 0),
              note);
}

static void draw(struct show *s, const struct seen *seen)
{
    struct text t = TEXT_INIT(TABLE_BYTES);
    struct err e = { 0 };
    size_t rows = 0;

    if (s->drawn)
        text_addf(&t, &e, "\033[%zuA", s->drawn);
    for (size_t i = 0; i < seen->status.n_apps; i++) {
        if (!is_shown(s, seen->status.apps[i].name))
            continue;
        put_row(&t, s, seen, &seen->status.apps[i], &e);
        rows++;
    }
    text_addf(&t, &e, "\033[J");
    fputs(text_str(&t), stderr);
    s->drawn = rows;
    text_release(&t);
}

static void tell(struct show *s, const struct seen *seen, const struct app_status *app)
{
    enum app_state state = state_of(seen, app);
    const char *note = state == app->state ? note_of(seen->arena, app) : "";
    const char *line = arena_printf(seen->arena, "%s: %s %s%s%s", app->name, app_state_name(state),
                                    replicas_of(seen->arena, app), *note ? ": " : "", note);
    const char *was = map_get(s->told, app->name);

    if (was && strcmp(was, line) == 0)
        return;
    free(map_put(s->told, app->name, xstrdup(line)));
    fprintf(stderr, "%s\n", line);
}

void show_seen(struct show *s, const struct seen *seen)
{
    if (seen->status.observed_generation < s->followed->generation)
        return; /* what it says is of before */
    if (s->cli->live) {
        draw(s, seen);
        return;
    }
    for (size_t i = 0; i < seen->status.n_apps; i++)
        if (is_shown(s, seen->status.apps[i].name))
            tell(s, seen, &seen->status.apps[i]);
}

void show_note(struct show *s, const char *fmt, ...)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    va_list ap;
    const char *text;

    va_start(ap, fmt);
    text = arena_vprintf(a, fmt, ap);
    va_end(ap);
    fprintf(stderr, "%s%s\n", s->cli->live ? "\033[K" : "", show_clean(a, text, NOTE_BYTES));
    s->drawn = 0; /* the table stays above it, and is drawn anew below */
}

/* --- what would change --- */

void show_changes(FILE *to, const cJSON *was, const struct wanted *w)
{
    for (size_t i = 0; i < w->n_apps; i++) {
        const struct wanted_app *app = &w->apps[i];
        const char *asked = release_asked(was, app->name);

        if (asked && strcmp(asked, app->commit) == 0)
            fprintf(to, "%-*s  %.7s  as it is\n", NAME_WIDTH, app->name, app->commit);
        else
            fprintf(to, "%-*s  %.7s -> %.7s\n", NAME_WIDTH, app->name, asked ? asked : "new",
                    app->commit);
    }
    JSON_EACH(item, json_at(was, "spec", "apps")) {
        const char *name = json_str(item, "name"), *kept = release_kept(was, name);
        bool is_meant = false;

        for (size_t i = 0; i < w->n_apps; i++)
            is_meant = is_meant || !strcmp(w->apps[i].name, name);
        if (!is_meant)
            fprintf(to, "%-*s  %.7s  %s\n", NAME_WIDTH, name, kept ? kept : "?",
                    release_drops(w, name) ? "no longer listed" : "kept");
    }
}

void show_before(struct cli *c, const cJSON *was, const struct wanted *w, void *ctx)
{
    (void)ctx;
    show_changes(c->options->dry_run ? stdout : stderr, was, w);
}

/* --- shopflow status --- */

static void print_head(const struct cli *c, const struct seen *seen)
{
    const struct condition *ready = status_condition(&seen->status, "Ready");
    const char *source = json_str(json_at(seen->tree, "spec", "source"), "actor");

    printf("commit    %.7s%s%s\n", seen->commit ? seen->commit : "-",
           source ? ", asked for by " : "", source ? show_clean(c->arena, source, 63) : "");
    printf("last good %.7s\n",
           seen->status.last_succeeded_commit ? seen->status.last_succeeded_commit : "-");
    if (seen->status.observed_generation < seen->generation)
        printf("ready     not known yet: the controller has not looked at it\n");
    else if (ready)
        printf("ready     %s, %s%s%s\n", ready->status, ready->reason, *ready->message ? ": " : "",
               show_clean(c->arena, ready->message, NOTE_BYTES));
}

static const char *short_of(const char *commit)
{
    return commit ? commit : "-";
}

void show_status(struct cli *c, const struct seen *seen, bool wide)
{
    int width = name_width(seen);

    print_head(c, seen);
    if (seen->status.n_apps)
        printf("\n%-*s  %-12s  %-9s  %s%s\n", width, "APP", "STATE", "REPLICAS",
               wide ? "GOOD     ASKED    " : "", "MESSAGE");
    for (size_t i = 0; i < seen->status.n_apps; i++) {
        const struct app_status *app = &seen->status.apps[i];
        const char *asked = release_asked(seen->tree, app->name);

        printf("%-*s  %-12s  %-9s  ", width, app->name, app_state_name(app->state),
               replicas_of(seen->arena, app));
        if (wide)
            printf("%-7.7s  %-7.7s  ", short_of(app->commit), short_of(asked));
        printf("%s\n", note_of(seen->arena, app));
    }
}
