#include "build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps.h"
#include "base/auto.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "build_log.h"
#include "builder.h"
#include "checkout.h"
#include "child.h"
#include "cli.h"
#include "engine.h"
#include "git.h"
#include "io/loop.h"
#include "login.h"
#include "project.h"
#include "settings.h"

#define PARALLEL_MAX 4
#define LOCK_RETRY_MS 300
#define DIGEST_BYTES (1 * MIB)
#define SECRET_MIN 4 /* hiding a shorter one would tear the log apart */

enum step {
    STEP_START, /* it is to be built */
    STEP_CHILD, /* a child builds or pushes */
    STEP_ENDED, /* and has ended */
    STEP_OVER,
};

struct run;

struct job {
    struct run *run;
    struct build_app *app;
    enum step step;
    struct checkout checkout;
    struct engine_job line;
    struct child *child;
    FILE *log; /* cleaned lines; no name on the disk */
    bool is_pushing, told_lock;
    int64_t began_ms, not_before_ms;
};

struct run {
    struct cli *c;
    const struct build_plan *p;
    struct job *jobs;
    struct login login;
    struct engine engine;
    bool has_engine;
    size_t running, parallel;
    const char *secrets[2];
    struct loop_timer retry;
};

size_t build_count(const struct build_plan *p, enum build_end end)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n; i++)
        n += p->todo[i].end == end;
    return n;
}

/* --- ends --- */

static void tell(const struct job *j, const char *text)
{
    fprintf(stderr, "%s: %s\n", j->app->app->name, text);
}

static void leave(struct job *j)
{
    child_free(take(j->child));
    if (j->log)
        fclose(take(j->log));
    checkout_close(&j->checkout);
    j->step = STEP_OVER;
}

static void end(struct job *j, enum build_end how, const char *text)
{
    j->app->end = how;
    if (text)
        tell(j, text);
    leave(j);
}

static void fail(struct job *j, const struct err *e)
{
    if (j->run->c->signo) { /* it did not fail: it was stopped */
        leave(j);
        return;
    }
    j->app->why = *e;
    end(j, BUILD_FAILED, arena_printf(j->run->c->arena, "failed: %s", e->text));
}

static int64_t since_ms(const struct job *j)
{
    return loop_now_ms(j->run->c->loop) - j->began_ms;
}

/* --- the log --- */

static void on_line(const char *line, size_t len, void *ctx)
{
    struct job *j = ctx;
    char *copy = xstrndup(line, len);
    const char *hint;

    build_log_clean(copy, j->run->secrets);
    if (*copy)
        fprintf(j->log, "| %s\n", copy); /* no line begins with a command to a CI service */
    hint = build_log_hint(copy);
    if (hint)
        j->app->hint = hint;
    free(copy);
}

static void print_log(struct job *j)
{
    char piece[4096];
    size_t n;

    rewind(j->log);
    while ((n = fread(piece, 1, sizeof piece, j->log)) > 0)
        fwrite(piece, 1, n, stderr);
}

/* --- its lines --- */

static void describe(struct job *j)
{
    static const struct project_app NOTHING;
    const struct run *r = j->run;
    const struct build_plan *p = r->p;
    const struct build_app *b = j->app;
    const struct project_app *said = b->app->said ? b->app->said : &NOTHING;

    j->line = (struct engine_job){
        .context = checkout_dir(p->git, b->app->name),
        .dockerfile = b->dockerfile,
        .app_dir = b->app->dir,
        .commit = p->commit,
        .target = said->target,
        .args = (const char *const *)said->args,
        .platforms = b->platforms,
        .secrets = (const char *const *)said->secrets,
        .ssh = (const char *const *)said->ssh,
        .pins = b->image.pins,
        .repository = b->image.repository,
        .tag = b->image.tag,
        .label = b->image.label,
        .digest_file = arena_printf(r->c->arena, "%s/%s.digest", r->login.dir, b->app->name),
        .push = !p->no_push,
        .plain_http = p->plain_http,
        .write_cache = p->is_mainline,
        .afresh = b->image.afresh,
    };
}

/* --- children --- */

static void on_exit_of(struct child *child, void *ctx)
{
    struct job *j = ctx;

    (void)child;
    j->step = STEP_ENDED;
}

static int start_child(struct job *j, const char *const *argv, struct err *e)
{
    struct child_spec spec = { .argv = argv,
                               .dir = j->run->p->git->top,
                               .env = j->run->login.env,
                               .lines_only = true,
                               .held_fd = j->checkout.lock,
                               .on_line = on_line,
                               .on_exit = on_exit_of,
                               .ctx = j };

    j->child = child_start(j->run->c, &spec, e);
    if (!j->child)
        return -1;
    j->step = STEP_CHILD;
    return 0;
}

static void on_retry(void *ctx)
{
    (void)ctx; /* the loop is awake, and that is all */
}

static void wait_for_lock(struct job *j)
{
    struct run *r = j->run;

    if (!j->told_lock)
        tell(j, "waiting for another shopflow that builds it in this clone");
    j->told_lock = true;
    j->not_before_ms = loop_now_ms(r->c->loop) + LOCK_RETRY_MS;
    loop_timer_set(r->c->loop, &r->retry, j->not_before_ms);
}

static int host_len(const struct registry_setting *reg)
{
    return (int)strcspn(reg->base, "/");
}

/* The login and the builder, when the first app needs them. */
static int get_ready(struct run *r, struct err *e)
{
    const struct registry_setting *reg = r->p->registry;
    struct builder_question q = { .wanted = r->p->engine, .write_nothing = r->p->dry_run };

    if (r->has_engine)
        return 0;
    if (login_open(r->c, reg, &r->login, e))
        return -1;
    q.env = r->login.env;
    q.dir = r->login.dir;
    if (r->p->plain_http)
        q.http_host = arena_printf(r->c->arena, "%.*s", host_len(reg), reg->base);
    if (builder_find(r->c, &q, &r->engine, e))
        return -1;
    r->has_engine = true;
    cli_say(r->c, "building with %s", builder_show(r->c, &r->engine));
    return 0;
}

static void plan_only(struct job *j)
{
    struct arena *a = j->run->c->arena;
    const char **push = engine_push_line(a, &j->run->engine, &j->line);

    j->app->lines[0] = engine_show_line(a, engine_build_line(a, &j->run->engine, &j->line));
    if (push)
        j->app->lines[1] = engine_show_line(a, push);
    end(j, BUILD_PLANNED, NULL);
}

/* -1: no job can go on. */
static int start(struct job *j, struct err *e)
{
    struct run *r = j->run;
    struct err why = { 0 };

    if (get_ready(r, e))
        return -1;
    describe(j);
    if (r->p->dry_run) {
        plan_only(j);
        return 0;
    }
    if (checkout_open(r->p->git, j->app->app->name, j->app->tree, &j->checkout, &why)) {
        if (why.kind == ERR_CONFLICT)
            wait_for_lock(j);
        else
            fail(j, &why);
        return 0;
    }
    j->log = tmpfile();
    j->began_ms = loop_now_ms(r->c->loop);
    if (!j->log)
        err_set(&why, ERR_REFUSED, 0, "a file for its log: %m");
    if (!j->log || start_child(j, engine_build_line(r->c->arena, &r->engine, &j->line), &why)) {
        fail(j, &why);
        return 0;
    }
    r->running++;
    tell(j, "building");
    return 0;
}

/* --- after the build --- */

static void build_failed(struct job *j, int status)
{
    struct err why = { 0 };

    err_set(&why, ERR_REFUSED, status, "%s of %s ended with exit code %d",
            j->is_pushing ? "the push" : "the build", engine_name(j->run->engine.kind), status);
    tell(j,
         arena_printf(j->run->c->arena, "this is what %s said:", engine_name(j->run->engine.kind)));
    print_log(j);
    if (j->app->hint)
        tell(j, j->app->hint);
    fail(j, &why);
}

/* What is in the registry is what counts. */
static void settle(struct job *j)
{
    struct run *r = j->run;
    const struct build_images *images = r->p->images;
    struct err *why = &j->app->why;
    char *text = file_read(j->line.digest_file, DIGEST_BYTES, why);
    const char *digest = text ? engine_digest(r->c->arena, &r->engine, text, why) : NULL;

    free(text);
    if (digest && !images->adopt(images->ctx, j->app, digest, why) && !why->kind)
        images->tag(images->ctx, &j->app, 1, why);
    if (why->kind) {
        fail(j, why);
        return;
    }
    end(j, BUILD_BUILT,
        arena_printf(r->c->arena, "built and pushed in %.1f s", (double)j->app->ms / 1000));
}

static void ended(struct job *j)
{
    struct run *r = j->run;
    struct err why = { 0 };
    struct child_result result;
    const char **push = engine_push_line(r->c->arena, &r->engine, &j->line);
    bool is_last = j->is_pushing || !push;

    child_result(j->child, &result);
    child_free(take(j->child));
    if (result.status == 0 && !is_last) {
        j->is_pushing = true;
        if (start_child(j, push, &why) == 0)
            return;
    }
    r->running--;
    j->app->ms = since_ms(j);
    if (why.kind)
        fail(j, &why);
    else if (result.status)
        build_failed(j, result.status);
    else if (r->p->no_push)
        end(j, BUILD_BUILT,
            arena_printf(r->c->arena, "built in %.1f s", (double)j->app->ms / 1000));
    else
        settle(j);
}

/* --- all of them --- */

/* One step of one job. 1: it did something; 0: it waits; -1: no job can go on. */
static int take_step(struct job *j, struct err *e)
{
    struct run *r = j->run;

    switch (j->step) {
    case STEP_START:
        if (r->running >= r->parallel || loop_now_ms(r->c->loop) < j->not_before_ms)
            return 0;
        return start(j, e) ? -1 : j->step != STEP_START;
    case STEP_ENDED:
        ended(j);
        return 1;
    case STEP_CHILD:
    case STEP_OVER:
    default:
        return 0;
    }
}

/* Those that run are ended: SIGTERM, and SIGKILL later. */
static void stop_all(struct run *r)
{
    bool any = true;

    while (any) {
        any = false;
        for (size_t i = 0; i < r->p->n; i++) {
            if (r->jobs[i].step != STEP_CHILD)
                continue;
            child_stop(r->jobs[i].child);
            any = true;
        }
        if (any)
            loop_turn(r->c->loop, -1);
    }
}

/* Those whose images are there get their commit's tag; the others are to be built. */
static int look(struct run *r, struct err *e)
{
    const struct build_plan *p = r->p;
    const struct build_images *images = p->images;
    struct build_app **apps = arena_array(r->c->arena, p->n + 1, sizeof *apps);
    size_t n = 0;

    for (size_t i = 0; i < p->n; i++)
        apps[i] = &p->todo[i];
    if (images->find(images->ctx, apps, p->n, e))
        return -1;
    for (size_t i = 0; i < p->n; i++)
        if (!p->todo[i].why.kind && p->todo[i].image.digest && !p->todo[i].image.afresh)
            apps[n++] = &p->todo[i];
    if (n && !p->dry_run && !p->no_push && images->tag(images->ctx, apps, n, e))
        return -1;
    for (size_t i = 0; i < n; i++)
        apps[i]->end = BUILD_FOUND;
    for (size_t i = 0; i < p->n; i++) {
        struct build_app *app = &p->todo[i];

        if (app->why.kind)
            fail(&r->jobs[i], &app->why);
        else if (app->end == BUILD_FOUND)
            end(&r->jobs[i], BUILD_FOUND, "its image is there");
    }
    return 0;
}

static int run_all(struct run *r, struct err *e)
{
    size_t open = r->p->n;

    while (open && !r->c->signo) {
        bool moved = false;

        open = 0;
        for (size_t i = 0; i < r->p->n && !r->c->signo; i++) {
            int did = take_step(&r->jobs[i], e);

            if (did < 0)
                return -1;
            moved |= did > 0;
            open += r->jobs[i].step != STEP_OVER;
        }
        if (open && !moved && !r->c->signo)
            loop_turn(r->c->loop, -1);
    }
    return r->c->signo ? err_set(e, ERR_TIMEOUT, 0, "interrupted") : 0;
}

static size_t default_parallel(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    return cores < 1 ? 1 : cores > PARALLEL_MAX ? PARALLEL_MAX : (size_t)cores;
}

int build_run(struct cli *c, const struct build_plan *p, struct err *e)
{
    struct run r = { .c = c,
                     .p = p,
                     .jobs = arena_array(c->arena, p->n + 1, sizeof *r.jobs),
                     .retry = { .fn = on_retry },
                     .parallel = p->parallel ? p->parallel : default_parallel() };
    const char *password = p->registry->password;
    int failed;

    if (password && strlen(password) >= SECRET_MIN)
        r.secrets[0] = password;
    for (size_t i = 0; i < p->n; i++)
        r.jobs[i] = (struct job){ .run = &r, .app = &p->todo[i], .checkout.lock = -1 };
    if (c->signo)
        failed = err_set(e, ERR_TIMEOUT, 0, "interrupted");
    else
        failed = look(&r, e) || run_all(&r, e) ? -1 : 0;
    stop_all(&r);
    for (size_t i = 0; i < p->n; i++)
        leave(&r.jobs[i]);
    loop_timer_stop(c->loop, &r.retry);
    login_close(&r.login);
    return failed;
}
