/* shopflow history and rollback. */
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli.h"
#include "cluster.h"
#include "commands.h"
#include "follow.h"
#include "options.h"
#include "print.h"
#include "rollback.h"
#include "show.h"

/* "api, web (held: admin at 1a2b3c4)" */
static void print_apps(struct cli *c, const struct history_entry *h)
{
    for (size_t i = 0; i < h->n_changed; i++)
        printf("%s%s", i ? ", " : "", show_clean(c->arena, h->changed[i], 63));
    if (h->changed_count > (int)h->n_changed)
        printf(" and %d more", h->changed_count - (int)h->n_changed);
    for (size_t i = 0; i < h->n_held; i++)
        printf("%s%s at %.7s",
               i            ? ", " :
               h->n_changed ? " (others: " :
                              "(others: ",
               show_clean(c->arena, h->held[i].name, 63),
               h->held[i].commit ? h->held[i].commit : "-");
    printf("%s\n", h->n_held ? ")" : "");
}

static void print_history(struct cli *c, const struct seen *seen)
{
    char when[TIME_TEXT_BYTES], took[TIME_TEXT_BYTES];

    printf("%-7s  %-16s  %-20s  %-12s  %-12s  %s\n", "COMMIT", "RESULT", "STARTED", "TOOK", "BY",
           "CHANGED");
    for (size_t i = 0; i < seen->status.n_history; i++) {
        const struct history_entry *h = &seen->status.history[i];

        printf("%-7.7s  %-16s  %-20s  %-12s  %-12s  ", h->commit, h->result ? h->result : "-",
               time_format(when, h->start_ms),
               time_span(took, (h->finish_ms - h->start_ms) / SECOND_MS),
               show_clean(c->arena, h->actor ? h->actor : "-", 63));
        print_apps(c, h);
    }
}

int cmd_history(struct cli *c, struct err *e)
{
    AUTO(cluster) struct cluster *k = cluster_open(c, e);
    cJSON *object = k ? ask_object(c, k, e) : NULL;
    struct seen seen;

    if (!object)
        return -1;
    seen_decode(object, &seen);
    if (output_is_tree(c->options->output)) {
        const cJSON *history = json_at(object, "status", "history");
        AUTO(json) cJSON *none = cJSON_CreateArray();

        print_tree(stdout, history ? history : none, c->options->output);
    } else {
        print_history(c, &seen);
    }
    seen_release(&seen);
    return EXIT_DONE;
}

static int wanted(struct cli *c, const cJSON *object, struct wanted *ret, void *ctx, struct err *e)
{
    struct seen seen;
    int failed;

    (void)ctx;
    if (!object)
        return err_set(e, ERR_NOT_FOUND, 404, "there is no AppRelease yet: nothing to go back to");
    seen_decode(cJSON_Duplicate(object, true), &seen);
    failed = rollback_find(&seen, c->options->apps, c->options->to, c->arena, ret, e);
    seen_release(&seen);
    if (failed)
        return -1;
    ret->rolled_back = cli_actor(c) ? cli_actor(c) : "shopflow";
    return 0;
}

int cmd_rollback(struct cli *c, struct err *e)
{
    AUTO(cluster) struct cluster *k = cluster_open(c, e);
    AUTO(ask) struct ask ask = { .wanted = wanted, .before = show_before };

    ask.dry_run = c->options->dry_run;
    if (!k || ask_write(c, k, &ask, e))
        return -1;
    if (ask.dry_run) {
        fprintf(stderr, "nothing was written\n");
        return EXIT_DONE;
    }
    return follow_to_end(c, k, &ask.followed, e);
}
