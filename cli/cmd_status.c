/* shopflow status and wait: the AppRelease as it is, and until it is done. */
#include <stdio.h>

#include "ask.h"
#include "base/json.h"
#include "cli.h"
#include "cluster.h"
#include "commands.h"
#include "follow.h"
#include "options.h"
#include "print.h"
#include "show.h"

int cmd_status(struct cli *c, struct err *e)
{
    AUTO(cluster) struct cluster *k = cluster_open(c, e);
    struct followed f = { 0 };
    struct outcome o;
    struct seen seen;
    cJSON *object = k ? ask_object(c, k, e) : NULL;

    if (!object)
        return -1;
    seen_decode(object, &seen);
    if (output_is_tree(c->options->output))
        print_tree(stdout, object, c->options->output);
    else
        show_status(c, &seen, c->options->output == OUTPUT_WIDE);
    seen_release(&seen);
    if (!c->options->watch)
        return EXIT_DONE;
    fflush(stdout);
    if (follow(c, k, &f, c->options->timeout_ms, true, &seen, &o, e))
        return -1;
    seen_release(&seen);
    return EXIT_DONE;
}

int cmd_wait(struct cli *c, struct err *e)
{
    AUTO(cluster) struct cluster *k = cluster_open(c, e);
    struct followed f = { .commit = c->options->commit };

    if (!k)
        return -1;
    if (f.commit && !commit_is_valid(f.commit))
        return err_set(e, ERR_INVALID, 0, "commit '%s': " COMMIT_RULE, f.commit);
    return follow_to_end(c, k, &f, e);
}
