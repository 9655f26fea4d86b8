/* The last lines of a release: what happened, why, and what to type next. */
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli.h"
#include "cluster.h"
#include "deploy/reason.h"
#include "options.h"
#include "show.h"

#define WHY_BYTES 400
#define MOST_APPS 64

static bool is_same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* Flags that the next command needs to mean the same object. */
static const char *where(const struct cli *c, const struct cluster *k)
{
    const struct options *o = c->options;

    return arena_printf(c->arena, "%s%s%s%s%s%s%s%s", o->namespace_ ? " --namespace " : "",
                        o->namespace_ ? cluster_namespace(k) : "", o->name ? " --name " : "",
                        o->name ? o->name : "", o->kubeconfig ? " --kubeconfig " : "",
                        o->kubeconfig ? o->kubeconfig : "", o->context ? " --context " : "",
                        o->context ? o->context : "");
}

static const char *apps_of(const struct seen *seen, const struct followed *f)
{
    const char *text = "";

    for (size_t i = 0; i < f->n_apps; i++)
        text = arena_printf(seen->arena, "%s%s%s", text, *text ? ", " : "", f->apps[i].name);
    return f->n_apps ? text : arena_printf(seen->arena, "%zu apps", seen->status.n_apps);
}

static const char *commit_of(const struct seen *seen, const struct followed *f)
{
    const char *commit = f->n_apps ? f->apps[0].commit : f->commit ? f->commit : seen->commit;

    return commit ? commit : "?";
}

static const char *why(const struct seen *seen, const struct outcome *o)
{
    const char *text =
        arena_printf(seen->arena, "%s%s%s%s%s", o->app ? o->app : "", o->app ? ": " : "",
                     o->reason ? o->reason : "", o->reason && o->message ? ": " : "",
                     o->message ? o->message : "");

    return show_clean(seen->arena, text, WHY_BYTES);
}

/* Pod, container, exit code and the last lines of its log, where the status has them. */
static void print_failure(const struct seen *seen, const char *name)
{
    const struct app_status *app = name ? status_app(&seen->status, name) : NULL;
    const struct failure *f = app ? app->failure : NULL;
    const char *tail = f && f->log_tail ? f->log_tail : "";

    if (!f)
        return;
    fprintf(stderr, "  pod %s, container %s", show_clean(seen->arena, f->pod, 253),
            show_clean(seen->arena, f->container, 63));
    if (f->exit_code >= 0)
        fprintf(stderr, ", exit code %d", f->exit_code);
    fprintf(stderr, ", %d restarts\n", f->restarts);
    while (*tail) {
        size_t len = strcspn(tail, "\n");

        fprintf(stderr, "  | %s\n",
                show_clean(seen->arena, arena_strndup(seen->arena, tail, len), WHY_BYTES));
        tail += len + (tail[len] == '\n');
    }
}

/* The other apps of the object that are not well: no matter of this command, but worth a word. */
static void print_others(const struct seen *seen, const struct followed *f)
{
    for (size_t i = 0; f->n_apps && i < seen->status.n_apps; i++) {
        const struct app_status *app = &seen->status.apps[i];
        bool is_ours = false;

        for (size_t j = 0; j < f->n_apps; j++)
            is_ours = is_ours || is_same(f->apps[j].name, app->name);
        if (!is_ours && (app->state == APP_FAILED || app->state == APP_ROLLED_BACK))
            fprintf(stderr, "note: %s is %s (%s), which is not of this release\n", app->name,
                    app_state_name(app->state), app->reason ? app->reason : "");
    }
}

static void print_held(const struct seen *seen, const struct outcome *o, const char *at)
{
    fprintf(stderr, "waiting for a person: %s\n", why(seen, o));
    if (is_same(o->reason, REASON_WaitingForApproval))
        fprintf(stderr, "next: shopflow approve%s\n", at);
    else if (is_same(o->reason, REASON_Planned))
        fprintf(stderr, "next: the AppRelease is in mode Plan: set spec.mode to Apply\n");
    else
        fprintf(stderr, "next: shopflow resume%s\n", at);
}

static void print_goes_on(const struct cli *c, const struct seen *seen, const struct followed *f,
                          int64_t timeout_ms, const char *at)
{
    const struct condition *ready = seen_condition(seen, "Ready");
    char span[TIME_TEXT_BYTES];

    if (c->signo)
        fprintf(stderr, "interrupted: the release goes on without us\n");
    else if (!seen->commit)
        fprintf(stderr, "timed out after %s: there is no such AppRelease yet\n",
                time_span(span, timeout_ms / SECOND_MS));
    else
        fprintf(stderr, "timed out after %s; the release goes on%s%s\n",
                time_span(span, timeout_ms / SECOND_MS), ready && ready->message ? ": " : "",
                ready ? show_clean(seen->arena, ready->message, WHY_BYTES) : "");
    if (seen->commit && seen->status.observed_generation < seen->generation)
        fprintf(stderr, "the controller has not looked at it yet: does it run?\n");
    fprintf(stderr, "next: shopflow wait --commit %s%s, or shopflow status%s\n", commit_of(seen, f),
            at, at);
}

static void print_superseded(const struct seen *seen, const struct outcome *o, const char *at)
{
    if (!seen->commit)
        fprintf(stderr, "superseded: the AppRelease was deleted\n");
    else if (o->reason)
        fprintf(stderr, "superseded: %s\n", why(seen, o));
    else
        fprintf(stderr, "superseded: a newer release asks for %s%s%.7s\n", o->app ? o->app : "",
                o->app ? " at " : "", o->message ? o->message : "nothing");
    fprintf(stderr, "next: shopflow status%s\n", at);
}

void show_summary(struct cli *c, const struct cluster *k, const struct seen *seen,
                  const struct followed *f, const struct outcome *o, int64_t timeout_ms)
{
    const char *at = where(c, k);

    switch (o->kind) {
    case OUTCOME_DONE:
        fprintf(stderr, "done: %s at %.7s\n", apps_of(seen, f), commit_of(seen, f));
        print_others(seen, f);
        fprintf(stderr, "next: shopflow status%s\n", at);
        break;
    case OUTCOME_ROLLED_BACK:
        fprintf(stderr, "failed; what ran before runs: %s\n", why(seen, o));
        print_failure(seen, o->app);
        fprintf(stderr, "next: mend it and release again; shopflow logs %s%s; shopflow retry%s\n",
                o->app ? o->app : "APP", at, at);
        break;
    case OUTCOME_LEFT:
        fprintf(stderr, "failed, and a person must look: %s\n", why(seen, o));
        print_failure(seen, o->app);
        fprintf(stderr,
                "next: shopflow logs %s%s; shopflow rollback%s, or mend it and shopflow "
                "retry%s\n",
                o->app ? o->app : "APP", at, at, at);
        break;
    case OUTCOME_INVALID:
        fprintf(stderr, "the AppRelease breaks a rule: %s\n", why(seen, o));
        fprintf(stderr, "next: correct it (shopflow.yaml, release:) and release again\n");
        break;
    case OUTCOME_HELD:
        print_held(seen, o, at);
        break;
    case OUTCOME_SUPERSEDED:
        print_superseded(seen, o, at);
        break;
    case OUTCOME_GOES_ON:
        print_goes_on(c, seen, f, timeout_ms, at);
        break;
    }
}
