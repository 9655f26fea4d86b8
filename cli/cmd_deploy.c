/* shopflow deploy: write the AppRelease for images that are there, and wait. */
#include <stdio.h>

#include "ask.h"
#include "base/json.h"
#include "cli.h"
#include "cluster.h"
#include "commands.h"
#include "follow.h"
#include "meant.h"
#include "options.h"
#include "print.h"
#include "settings.h"
#include "show.h"

struct deploy {
    const struct settings *settings;
    const char *commit;
};

static int wanted(struct cli *c, const cJSON *object, struct wanted *ret, void *ctx, struct err *e)
{
    const struct deploy *d = ctx;

    return meant_apps(c, d->settings, object, d->commit, ret, e);
}

/* The AppRelease as it would be, for those who keep it in git: the object's own entries, and
 * nothing of the cluster. */
static int print_only(struct cli *c, struct cluster *k, struct deploy *d, struct err *e)
{
    AUTO(json) cJSON *object = NULL;
    AUTO(json) cJSON *whole = NULL;
    const char *ns = d->settings->of[SET_NAMESPACE].value;
    const char *name = k ? cluster_name(k) : c->options->name ? c->options->name : "shopflow";
    struct err why = { 0 };
    struct wanted w = { 0 };

    object = k ? cluster_get(k, &APPRELEASES, name, NULL, &why) : NULL;
    if (!object && why.kind && why.kind != ERR_NOT_FOUND) {
        *e = why;
        return -1;
    }
    if (meant_apps(c, d->settings, object, d->commit, &w, e))
        return -1;
    whole = release_manifest(object, &w, ns, name, c->arena, e);
    if (!whole)
        return -1;
    print_tree(stdout, whole, c->options->output);
    return EXIT_DONE;
}

int cmd_deploy(struct cli *c, struct err *e)
{
    AUTO(cluster) struct cluster *k = NULL;
    bool is_form = output_is_tree(c->options->output);
    AUTO(ask) struct ask ask = { .wanted = wanted, .before = show_before };
    struct settings s;
    struct deploy d = { .settings = &s };

    if (is_form ? cluster_open_any(c, &k, e) : !(k = cluster_open(c, e)))
        return -1;
    if (k)
        s = *cluster_settings(k);
    else if (settings_load(c, &s, e))
        return -1;
    if (meant_commit(c, &s, &d.commit, e))
        return -1;
    if (is_form)
        return print_only(c, k, &d, e);
    ask.ctx = &d;
    ask.dry_run = c->options->dry_run;
    if (ask_write(c, k, &ask, e))
        return -1;
    if (ask.dry_run) {
        fprintf(stderr, "nothing was written; shopflow diff tells what it would do\n");
        return EXIT_DONE;
    }
    return follow_to_end(c, k, &ask.followed, e);
}
