/* shopflow up: what changed is built, pushed and released, and waited for. */
#include <stdio.h>
#include <string.h>

#include "apps.h"
#include "ask.h"
#include "base/clock.h"
#include "base/json.h"
#include "build_images.h"
#include "building.h"
#include "cli.h"
#include "cluster.h"
#include "commands.h"
#include "follow.h"
#include "images.h"
#include "options.h"
#include "run.h"
#include "show.h"

#define TRIES 10

struct up {
    struct run run;
    struct building building;
    char retry_at[TIME_TEXT_BYTES];
    bool is_stale; /* the object is another one by now: decide anew */
};

/* --- the object --- */

static int wanted(struct cli *c, const cJSON *object, struct wanted *ret, void *ctx, struct err *e)
{
    struct up *up = ctx;

    if (json_int(json_get(object, "metadata"), "generation", 0) != up->run.generation) {
        up->is_stale = true;
        return err_set(e, ERR_CONFLICT, 0, "the AppRelease was changed meanwhile");
    }
    return run_wanted(c, &up->run, up->retry_at, ret, e);
}

/* --- images --- */

/* What a mainline run asks for without building gets the commit's name too, so that one can go back
 * to it whole. Returns how many could not get it. */
static int tag_as_they_are(struct cli *c, struct up *up, size_t *ret_failed, struct err *e)
{
    const struct changed *d = &up->run.survey.changed;
    const struct build_plan *p = &up->building.plan;
    struct image_tag *tags = arena_array(c->arena, d->n_as_is + 1, sizeof *tags);
    size_t n = 0;

    *ret_failed = 0;
    for (size_t i = 0; i < d->n_as_is; i++) {
        const struct mark *m = marks_get(&up->run.marks, d->as_is[i]->name);
        const char *digest = m && m->good_image ? strchr(m->good_image, '@') : NULL;

        if (digest)
            tags[n++] =
                (struct image_tag){ .repository = build_repository(c->arena, p, d->as_is[i]),
                                    .from = digest + 1,
                                    .tag = p->commit_tag };
    }
    if (!n || c->options->dry_run)
        return 0;
    if (images_tag(up->building.images, tags, n, e))
        return -1;
    for (size_t i = 0; i < n; i++)
        if (tags[i].why.kind) {
            cli_say(c, "%s cannot be called %s: %s", tags[i].repository, tags[i].tag,
                    tags[i].why.text);
            ++*ret_failed;
        }
    return 0;
}

/* EXIT_DONE: all that is to be released is there. */
static int build(struct cli *c, struct up *up, struct err *e)
{
    size_t failed, untagged = 0;

    if (c->options->skip_build)
        return EXIT_DONE;
    if (building_run(c, &up->run.survey, &up->building, e) || tag_as_they_are(c, up, &untagged, e))
        return -1;
    for (size_t i = 0; i < up->building.plan.n; i++)
        for (const char *const *line = up->building.plan.todo[i].lines; *line; line++)
            printf("%s\n", *line);
    failed = building_sum_up(c, &up->building) + untagged;
    if (failed && !c->options->dry_run)
        cli_say(c, "nothing was released");
    return failed ? EXIT_ERROR : EXIT_DONE;
}

/* --- the run --- */

static int nothing_to_release(struct cli *c, const struct up *up)
{
    const struct changed *d = &up->run.survey.changed;

    if (d->superseded_by)
        return c->options->fail_if_superseded || !up->run.survey.ci.is_ci ? EXIT_SUPERSEDED :
                                                                            EXIT_DONE;
    cli_say(c, "nothing changed: nothing to release");
    return c->options->fail_if_unchanged ? EXIT_UNCHANGED : EXIT_DONE;
}

/* Written, and waited for. EXIT_DONE with up->is_stale: nothing was written, decide anew. */
static int release(struct cli *c, struct cluster *k, struct up *up, struct err *e)
{
    AUTO(ask)
    struct ask ask = {
        .wanted = wanted, .before = show_before, .ctx = up, .dry_run = c->options->dry_run
    };
    struct err ignored = { 0 };

    if (ask_write(c, k, &ask, e))
        return up->is_stale ? EXIT_DONE : -1;
    if (ask.dry_run) {
        cli_say(c, "nothing was written: --dry-run");
        return EXIT_DONE;
    }
    if (!c->options->skip_build)
        building_put_latest(c, &up->building, &ignored); /* interrupted: follow says what goes on */
    return follow_to_end(c, k, &ask.followed, e);
}

static int build_and_release(struct cli *c, struct cluster *k, struct up *up, struct err *e)
{
    int code;

    for (int tries = 0; tries < TRIES; tries++) {
        up->is_stale = false;
        if (run_decide(c, k, &up->run, e) || run_require_current(c, &up->run, e))
            return -1;
        run_say(c, &up->run);
        if (!run_writes(&up->run))
            return nothing_to_release(c, up);
        code = build(c, up, e);
        if (code)
            return code;
        if (!k || c->options->skip_deploy) {
            cli_say(c, k ? "not deployed: --skip-deploy" : "no cluster configured: not deployed");
            return building_put_latest(c, &up->building, e) ? -1 : EXIT_DONE;
        }
        code = release(c, k, up, e);
        if (!up->is_stale)
            return code;
        cli_say(c, "the AppRelease was changed meanwhile: what is to be done is looked at again");
    }
    return err_set(e, ERR_CONFLICT, 0,
                   "the AppRelease changes again and again: who else writes it? shopflow status");
}

int cmd_up(struct cli *c, struct err *e)
{
    AUTO(cluster) struct cluster *k = NULL;
    struct up up = { 0 };
    int code;

    time_format_ms(up.retry_at, clock_wall_ms());
    if (c->options->skip_build && c->options->skip_deploy)
        return err_set(e, ERR_INVALID, 0, "--skip-build and --skip-deploy leave nothing to do");
    if (cluster_open_any(c, &k, e) || (k && cluster_check(k, e)) ||
        survey_make(c, k != NULL, &up.run.survey, e) || building_check(c, &up.run.survey, e))
        return -1;
    if (!k && !up.run.survey.ci.is_ci && !c->options->skip_deploy)
        return err_set(e, ERR_INVALID, 0,
                       "no cluster is configured: set KUBECONFIG, or K8S_SERVER, K8S_CA_CERT and "
                       "K8S_TOKEN; --skip-deploy only builds");
    code = build_and_release(c, k, &up, e);
    building_close(&up.building);
    return code;
}
