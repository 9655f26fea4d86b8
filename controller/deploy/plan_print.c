/* The plan as text for people: what is wanted, what is done for it, when to look again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "deploy/plan.h"

struct printer {
    FILE *out;
    int64_t now_ms;
};

/* "1.5 s", "2 min 5 s": how far a time is from now, whichever way. */
static void put_span(struct printer *pr, int64_t at_ms)
{
    char buf[TIME_TEXT_BYTES];
    int64_t ms = llabs(pr->now_ms - at_ms);

    if (ms % SECOND_MS)
        fprintf(pr->out, "%g s", (double)ms / (double)SECOND_MS);
    else
        fputs(time_span(buf, ms / SECOND_MS), pr->out);
}

/* Nothing for a time that is not there. */
static void put_ago(struct printer *pr, const char *what, int64_t at_ms)
{
    if (!at_ms)
        return;
    fprintf(pr->out, "%s", what);
    put_span(pr, at_ms);
    fprintf(pr->out, at_ms > pr->now_ms ? " from now" : " ago");
}

static void put_images(struct printer *pr, const char *title, const struct image_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        fprintf(pr->out, "  %-9s %s=%s\n", title, list->items[i].container, list->items[i].image);
}

static void put_image(struct printer *pr, const char *title, const char *commit, const char *image)
{
    if (commit || image)
        fprintf(pr->out, "  %-9s %s %s\n", title, commit ? commit : "-", image ? image : "-");
}

static void put_attempt(struct printer *pr, const struct attempt *at)
{
    fprintf(pr->out, "  attempt   %s %s %s of generation %lld on %s, ", at->id,
            attempt_kind_name(at->kind), at->commit, (long long)at->generation, at->deployment_uid);
    if (at->accepted)
        fprintf(pr->out, "accepted at %lld", (long long)at->accepted);
    else
        fprintf(pr->out, "not accepted yet");
    put_ago(pr, ", begun ", at->start_ms);
    fputc('\n', pr->out);
    put_images(pr, "images", &at->images);
    put_images(pr, "previous", &at->previous);
    if (at->previous_available >= 0)
        fprintf(pr->out, "  %-9s %d pods available\n", "previous", at->previous_available);
    put_image(pr, "was good", at->previous_good_commit, at->previous_good_image);
    if (at->available_max < 0 && !at->put_backs && !at->clock_stopped_ms)
        return;
    fprintf(pr->out, "  progress  %d available at most", at->available_max);
    put_ago(pr, ", ", at->progress_ms);
    put_ago(pr, "; complete ", at->complete_ms);
    put_ago(pr, "; soaking since ", at->soak_ms);
    put_ago(pr, "; clock stopped ", at->clock_stopped_ms);
    if (at->put_backs)
        fprintf(pr->out, "; put back %d times", at->put_backs);
    fputc('\n', pr->out);
}

static void put_trouble(struct printer *pr, const struct trouble *t)
{
    if (!t->reason)
        return;
    fprintf(pr->out, "  trouble   %s of container %s", t->reason, t->container);
    put_ago(pr, ", since ", t->since_ms);
    fputc('\n', pr->out);
}

static void put_failure(struct printer *pr, const struct failure *f)
{
    fprintf(pr->out, "  failure   %s, pod %s, container %s", f->reason, f->pod ? f->pod : "-",
            f->container ? f->container : "-");
    if (f->exit_code >= 0)
        fprintf(pr->out, ", exit code %d", f->exit_code);
    if (f->container)
        fprintf(pr->out, ", %d restarts", f->restarts);
    fputc('\n', pr->out);
    if (f->log_tail)
        fprintf(pr->out, "  log       %s\n", f->log_tail);
}

static void put_planned(struct printer *pr, const struct planned_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        fprintf(pr->out, "  planned   %s: %s -> %s\n", list->items[i].container,
                list->items[i].from ? list->items[i].from : "-", list->items[i].to);
}

static void put_app(struct printer *pr, const struct app_status *app)
{
    fprintf(pr->out, "app       %s: %s %s", app->name, app_state_name(app->state),
            app->reason ? app->reason : "-");
    put_ago(pr, ", since ", app->state_ms);
    if (app->message)
        fprintf(pr->out, ": %s", app->message);
    fprintf(pr->out, "\n  %-9s %s%s", "on", app->deployment, app->unlisted ? ", unlisted" : "");
    if (app->desired >= 0)
        fprintf(pr->out, ", %d desired, %d updated, %d available", app->desired, app->updated,
                app->available);
    put_ago(pr, ", finished ", app->finish_ms);
    fputc('\n', pr->out);
    put_image(pr, "target", app->target_commit, app->target_image);
    put_image(pr, "good", app->commit, app->good_image);
    put_image(pr, "failed", app->failed_commit, app->failed_image);
    if (app->attempt)
        put_attempt(pr, app->attempt);
    if (app->attempt)
        put_trouble(pr, &app->attempt->trouble);
    put_planned(pr, &app->planned);
    if (app->failure)
        put_failure(pr, app->failure);
}

static void put_release(struct printer *pr, const struct observed *o, const struct plan *p)
{
    const struct release_status *s = &p->status;

    fprintf(pr->out, "release   %s %s, generation %lld, %s", o->name, s->commit ? s->commit : "-",
            (long long)s->observed_generation, p->settled ? "settled" : "not settled");
    if (s->progress)
        fprintf(pr->out, ", %s", s->progress);
    put_ago(pr, ", work began ", s->start_ms);
    fputc('\n', pr->out);
    if (s->last_retry_at || s->last_reconcile_at)
        fprintf(pr->out, "handled   retry %s, reconcile %s\n",
                s->last_retry_at ? s->last_retry_at : "-",
                s->last_reconcile_at ? s->last_reconcile_at : "-");
    if (s->last_succeeded_commit)
        fprintf(pr->out, "succeeded %s\n", s->last_succeeded_commit);
}

static void put_history(struct printer *pr, const struct history_entry *h)
{
    fprintf(pr->out, "history   %s %s", h->commit, h->result);
    put_ago(pr, ", ", h->finish_ms);
    for (size_t i = 0; i < h->n_changed; i++)
        fprintf(pr->out, "%s%s", i ? " " : ", changed ", h->changed[i]);
    if ((size_t)h->changed_count > h->n_changed)
        fprintf(pr->out, " and %zu more", (size_t)h->changed_count - h->n_changed);
    for (size_t i = 0; i < h->n_held; i++)
        fprintf(pr->out, ", %s held at %s", h->held[i].name, h->held[i].commit);
    if (h->actor)
        fprintf(pr->out, ", by %s", h->actor);
    fputc('\n', pr->out);
}

static void put_condition(struct printer *pr, const struct condition *c)
{
    fprintf(pr->out, "condition %s=%s %s", c->type, c->status, c->reason);
    put_ago(pr, ", since ", c->transition_ms);
    fprintf(pr->out, "%s%s\n", *c->message ? ": " : "", c->message);
}

static void put_action(struct printer *pr, const struct action *act)
{
    fprintf(pr->out, "do        %s", action_name(act->kind));
    switch (act->kind) {
    case ACT_RESOLVE:
        fprintf(pr->out, " %s", act->image);
        break;
    case ACT_FETCH_LOGS:
        fprintf(pr->out, " of pod %s, container %s%s", act->pod, act->container,
                act->previous ? ", the run before" : "");
        break;
    case ACT_READ_LIVE:
        fprintf(pr->out, " %s", act->deployment);
        break;
    case ACT_PATCH_DEPLOYMENT:
        fprintf(pr->out, " %s with attempt %s", act->deployment, act->id);
        if (act->account)
            fprintf(pr->out, " as ServiceAccount %s", act->account);
        break;
    case ACT_EVENT:
        fprintf(pr->out, " %s %s: %s", act->warning ? "Warning" : "Normal", act->reason, act->note);
        break;
    case ACT_PATCH_STATUS:
    case ACT_DELETE_RELEASE:
        break;
    }
    fputc('\n', pr->out);
}

char *plan_print(const struct observed *o, const struct plan *p)
{
    char *text = NULL;
    size_t len = 0;
    struct printer pr = { .out = open_memstream(&text, &len), .now_ms = o->now_ms };

    if (!pr.out)
        abort(); /* out of memory */
    put_release(&pr, o, p);
    for (size_t i = 0; i < p->status.n_apps; i++)
        put_app(&pr, &p->status.apps[i]);
    for (size_t i = 0; i < p->status.n_history; i++)
        put_history(&pr, &p->status.history[i]);
    for (size_t i = 0; i < p->status.n_conditions; i++)
        put_condition(&pr, &p->status.conditions[i]);
    for (size_t i = 0; i < p->n_actions; i++)
        put_action(&pr, &p->actions[i]);
    if (p->again_ms) {
        fprintf(pr.out, "again     in ");
        put_span(&pr, p->again_ms);
        fputc('\n', pr.out);
    }
    fclose(pr.out);
    return text;
}
