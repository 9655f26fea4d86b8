/* shopflow retry, pause, resume, suspend and approve: one field each, nothing else of the object.
 */
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

/* What a token is: never the same twice. An annotation, which those who own the spec leave alone.
 */
int cmd_retry(struct cli *c, struct err *e)
{
    AUTO(cluster) struct cluster *k = cluster_open(c, e);
    AUTO(json) cJSON *object = k ? ask_object(c, k, e) : NULL;
    AUTO(json) cJSON *patch = cJSON_CreateObject();
    AUTO(json) cJSON *answer = NULL;
    char token[TIME_TEXT_BYTES];
    cJSON *annotations;
    struct followed f = { .retry_at = time_format_ms(token, clock_wall_ms()) };

    if (!object)
        return -1;
    annotations = json_put_object(json_put_object(patch, "metadata"), "annotations");
    json_put_str(annotations, APPRELEASE_MARK "retry-at", token);
    cJSON_AddNullToObject(annotations, APPRELEASE_MARK "rolled-back");
    if (cluster_patch(k, &APPRELEASES, cluster_name(k), patch, NULL, &answer, e))
        return -1;
    f.generation = json_int(json_get(answer, "metadata"), "generation", 0);
    fprintf(stderr, "what failed is tried once more\n");
    return follow_to_end(c, k, &f, e);
}

/* Set boolean fields of the spec to the same value, and say so. */
static int set_holds(struct cli *c, const char *const *fields, bool value, const char *said,
                     struct err *e)
{
    AUTO(cluster) struct cluster *k = cluster_open(c, e);
    AUTO(json) cJSON *patch = cJSON_CreateObject();
    cJSON *spec = json_put_object(patch, "spec");

    if (!k)
        return -1;
    for (; *fields; fields++)
        json_put_bool(spec, *fields, value);
    if (ask_patch(c, k, patch, NULL, e))
        return -1;
    fprintf(stderr, said, cluster_name(k));
    return EXIT_DONE;
}

int cmd_pause(struct cli *c, struct err *e)
{
    static const char *const FIELDS[] = { "paused", NULL };

    return set_holds(c, FIELDS, true,
                     "%s is paused: no further app starts; what rolls is finished\n"
                     "next: shopflow resume\n",
                     e);
}

int cmd_suspend(struct cli *c, struct err *e)
{
    static const char *const FIELDS[] = { "suspend", NULL };

    return set_holds(c, FIELDS, true,
                     "%s is suspended: nothing is written any more, not even back\n"
                     "next: shopflow resume\n",
                     e);
}

int cmd_resume(struct cli *c, struct err *e)
{
    static const char *const FIELDS[] = { "paused", "suspend", NULL };

    return set_holds(c, FIELDS, false,
                     "%s goes on: neither paused nor suspended\n"
                     "next: shopflow status --watch\n",
                     e);
}

/* What is approved is what was read: the resourceVersion goes with it. */
int cmd_approve(struct cli *c, struct err *e)
{
    AUTO(cluster) struct cluster *k = cluster_open(c, e);
    AUTO(json) cJSON *object = k ? ask_object(c, k, e) : NULL;
    AUTO(json) cJSON *patch = cJSON_CreateObject();
    const char *commit = json_str(json_get(object, "spec"), "commit");
    const char *meant = c->options->commit;

    if (!object)
        return -1;
    if (meant && !commit_is_valid(meant))
        return err_set(e, ERR_INVALID, 0, "commit '%s': " COMMIT_RULE, meant);
    if (meant && !(commit && commit_matches(commit, meant)))
        return err_set(e, ERR_CONFLICT, 0,
                       "the release is %s, not %s: look at it (shopflow status), then approve "
                       "what it is",
                       commit ? commit : "nothing", meant);
    json_put_str(json_put_object(patch, "metadata"), "resourceVersion",
                 json_str(json_get(object, "metadata"), "resourceVersion"));
    json_put_str(json_put_object(json_put_object(patch, "spec"), "approval"), "approvedCommit",
                 commit);
    if (ask_patch(c, k, patch, NULL, e))
        return e->kind == ERR_CONFLICT ? err_set(e, ERR_CONFLICT, 409,
                                                 "it was changed meanwhile: look at it (shopflow "
                                                 "status), then approve") :
                                         -1;
    fprintf(stderr, "approved: %s\nnext: shopflow wait --commit %.7s\n", commit, commit);
    return EXIT_DONE;
}
