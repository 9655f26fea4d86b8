/* What status may take: which text is cut where there is no room for all. */
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/text.h"
#include "deploy/status.h"

#define LOG_TAIL_BYTES 1024
#define LOG_TAILS_BYTES 16384 /* of all apps together */

static size_t length(const char *s)
{
    return s ? strlen(s) : 0;
}

/* In JSON a quotation mark or a new line is two bytes, another control character six. */
static size_t printed(const char *s)
{
    size_t n = length(s);

    for (; s && *s; s++)
        n += *s == '"' || *s == '\\' || *s == '\n' || *s == '\t' ? 1 :
             (unsigned char)*s < ' '                             ? 5 :
                                                                   0;
    return n;
}

static size_t images_bytes(const struct image_list *list)
{
    size_t n = 0;

    for (size_t i = 0; i < list->n; i++)
        n += 28 + strlen(list->items[i].container) + strlen(list->items[i].image);
    return n;
}

/* From above. */
static size_t app_bytes(const struct app_status *app)
{
    const struct attempt *at = app->attempt;
    const struct failure *f = app->failure;
    size_t n = STATUS_APP_BYTES + length(app->name) + length(app->deployment) +
               printed(app->message) + length(app->commit) + length(app->good_image) +
               length(app->target_commit) + length(app->target_image) + length(app->failed_commit) +
               length(app->failed_image);

    for (size_t i = 0; i < app->planned.n; i++)
        n += 40 + length(app->planned.items[i].container) + length(app->planned.items[i].from) +
             length(app->planned.items[i].to);
    if (at)
        n += length(at->commit) + length(at->previous_good_commit) +
             length(at->previous_good_image) + images_bytes(&at->images) +
             images_bytes(&at->previous) + length(at->trouble.container) +
             length(at->trouble.reason);
    if (f)
        n += length(f->pod) + length(f->container) + printed(f->reason) + printed(f->log_tail);
    return n;
}

static size_t apps_bytes(const struct release_status *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n_apps; i++)
        n += app_bytes(&s->apps[i]);
    return n;
}

size_t status_mover_bytes(const struct app_status *app)
{
    struct app_status most = *app;
    size_t n = 0;

    most.message = NULL;
    most.failure = NULL;
    for (size_t i = 0; i < app->attempt->images.n && !app->failed_image; i++)
        if (strlen(app->attempt->images.items[i].image) > n)
            n = strlen(app->attempt->images.items[i].image);
    return app_bytes(&most) + STATUS_CUT_BYTES + (app->failed_image ? 0 : n + STATUS_COMMIT_BYTES);
}

size_t status_history_bytes(const struct history_entry *h, size_t n_entries)
{
    size_t n = 0;

    for (; n_entries; n_entries--, h++) {
        n += 168 + length(h->commit) + printed(h->result) + printed(h->actor);
        for (size_t i = 0; i < h->n_changed; i++)
            n += 3 + strlen(h->changed[i]);
        for (size_t i = 0; i < h->n_held; i++)
            n += 24 + strlen(h->held[i].name) + length(h->held[i].commit);
    }
    return n;
}

/* All but the apps, from above. */
static size_t rest_bytes(const struct release_status *s)
{
    size_t n = 400 + length(s->commit) + length(s->last_succeeded_commit) +
               printed(s->last_retry_at) + printed(s->last_reconcile_at) +
               status_history_bytes(s->history, s->n_history);

    for (size_t i = 0; i < s->n_conditions; i++)
        n += 200 + length(s->conditions[i].type) + length(s->conditions[i].reason) +
             printed(s->conditions[i].message);
    return n;
}

static const char *cut(const char *text, struct arena *a, size_t size)
{
    char buf[256];

    return text ? arena_strdup(a, text_clip(buf, size, text)) : NULL;
}

/* The last lines of a log are what tells most. */
static const char *end_of_log(const char *tail, size_t keep)
{
    size_t n = length(tail);

    if (n <= keep)
        return tail;
    for (tail += n - keep; (*tail & 0xC0) == 0x80;)
        tail++; /* the rest of a UTF-8 character */
    return *tail ? tail : NULL;
}

/* In a copy of each failure: the stored status has the same one. */
static void cut_logs(struct release_status *s, struct arena *a, size_t keep)
{
    for (size_t i = 0; i < s->n_apps; i++) {
        struct failure *f = s->apps[i].failure, *copy;

        if (!f || length(f->log_tail) <= keep)
            continue;
        copy = arena_alloc(a, sizeof *copy);
        *copy = *f;
        copy->log_tail = end_of_log(f->log_tail, keep);
        s->apps[i].failure = copy;
    }
}

static size_t logs_bytes(const struct release_status *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n_apps; i++)
        n += s->apps[i].failure ? length(s->apps[i].failure->log_tail) : 0;
    return n;
}

static void shorten_apps(struct release_status *s, struct arena *a)
{
    static const size_t sizes[] = { 256, 64 };

    cut_logs(s, a, LOG_TAIL_BYTES);
    if (logs_bytes(s) > LOG_TAILS_BYTES)
        cut_logs(s, a, LOG_TAILS_BYTES / s->n_apps);
    if (apps_bytes(s) <= STATUS_APPS_BYTES)
        return;
    cut_logs(s, a, 0);
    for (size_t k = 0; k < ARRAY_LEN(sizes) && apps_bytes(s) > STATUS_APPS_BYTES; k++)
        for (size_t i = 0; i < s->n_apps; i++)
            s->apps[i].message = cut(s->apps[i].message, a, sizes[k]);
}

/* The apps say it in their own words too. */
void status_shorten(struct release_status *s, struct arena *a)
{
    shorten_apps(s, a);
    if (apps_bytes(s) + rest_bytes(s) <= STATUS_BYTES)
        return;
    for (size_t i = 0; i < s->n_conditions; i++)
        s->conditions[i].message = cut(s->conditions[i].message, a, 256);
}
