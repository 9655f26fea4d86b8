#include "images_job.h"

#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "cli.h"

#define PAUSE_MS 200
#define PAUSE_MAX_MS 10000

/* --- errors for people --- */

static const char *login_hint(const struct job *j)
{
    const struct images *images = j->batch->images;
    struct arena *a = images->c->arena;
    const struct host *h = j->host;

    if (!strcmp(h->name, "ghcr.io") && cli_env(images->c, "GITHUB_ACTIONS"))
        return "give the job `permissions: packages: write`, and the package this repository's "
               "access";
    if (h->keyring.note)
        return arena_printf(a, "%.100s", h->keyring.note);
    if (strcmp(h->name, images->own_host))
        return arena_printf(a, "docker login %s", h->name);
    return images->own.username ?
               "check PRIVATE_REGISTRY_USERNAME and PRIVATE_REGISTRY_PASSWORD, and what that user "
               "may" :
               arena_printf(a,
                            "set PRIVATE_REGISTRY_USERNAME and PRIVATE_REGISTRY_PASSWORD, or "
                            "docker login %s",
                            h->name);
}

static void explain(struct job *j, const struct registry_answer *answer, const struct err *err)
{
    const char *host = j->host->name, *text = err->text;
    size_t prefix = strlen("registry : ") + strlen(host);
    bool is_write = j->ask.kind == TRANSFER_PUT;
    bool is_near = hosts_may_be_plain(&j->batch->images->hosts, host);

    *j->why = *err;
    if (err->kind == ERR_DENIED && err->code)
        err_set(j->why, ERR_DENIED, err->code, "registry %s %s %s %.80s (HTTP %d): %s", host,
                answer->used_credentials ? "does not let this login" : "wants a login to",
                is_write ? "push to" : "read", j->name, err->code, login_hint(j));
    else if (err->kind == ERR_NET || err->kind == ERR_TIMEOUT)
        err_set(j->why, err->kind, 0, /* the client names it too */
                "registry %s cannot be reached: is the address right, is it up%s? (%.100s)", host,
                is_near || j->host->plain_http ? "" : ", does it have TLS (else write http://)",
                strncmp(text, "registry ", 9) || strlen(text) < prefix ? text : text + prefix);
}

/* --- one request --- */

static void send_again(void *ctx);

static bool is_stopped(const struct job *j)
{
    return j->batch->images->c->signo != 0;
}

static bool is_in_trouble(const struct err *e)
{
    return e->kind == ERR_SERVER || e->kind == ERR_THROTTLED || e->kind == ERR_NET;
}

static void set_writing(struct job *j, bool is_writing)
{
    if (j->ask.kind != TRANSFER_PUT)
        return;
    if (is_writing)
        j->batch->writing++;
    else
        j->batch->writing--;
}

static void wait_and_send(struct job *j, int64_t retry_after_ms)
{
    struct loop *l = j->batch->images->c->loop;
    int64_t ms = retry_after_ms > 0 ? retry_after_ms : PAUSE_MS << j->tried;

    j->pause = (struct loop_timer){ .fn = send_again, .ctx = j };
    loop_timer_set(l, &j->pause, loop_now_ms(l) + (ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS));
}

static void on_done(const struct registry_answer *answer, const struct err *err, void *ctx)
{
    struct job *j = ctx;

    j->call = NULL;
    set_writing(j, false);
    if (!err) {
        j->next(j, answer);
        return;
    }
    if (is_in_trouble(err) && ++j->tried < j->batch->tries && !is_stopped(j)) {
        wait_and_send(j, answer->retry_after_ms);
        return;
    }
    explain(j, answer, err);
    job_end(j);
}

static void send_again(void *ctx)
{
    struct job *j = ctx;

    if (is_stopped(j))
        return; /* batch_run() ends it */
    set_writing(j, true);
    j->call = registry_send(j->host->client, &j->ask);
}

static void ask(struct job *j, const char *what, job_fn *next)
{
    bool is_digest = strchr(what, ':') != NULL;

    j->ask.image = arena_printf(j->batch->images->c->arena, "%s%c%s", j->repository,
                                is_digest ? '@' : ':', what);
    j->ask.secrets = j->host->keyring.list;
    j->ask.n_secrets = j->host->keyring.n;
    j->ask.on_done = on_done;
    j->ask.ctx = j;
    j->tried = 0;
    j->next = next;
    send_again(j);
}

void job_ask(struct job *j, enum transfer_kind kind, const char *what, job_fn *next)
{
    j->ask = (struct registry_transfer){ .kind = kind };
    ask(j, what, next);
}

void job_put(struct job *j, const char *tag, const struct registry_answer *manifest, job_fn *next)
{
    struct arena *a = j->batch->images->c->arena;
    char *body = arena_alloc(a, manifest->body_len + 1);

    memcpy(body, manifest->body, manifest->body_len);
    j->ask = (struct registry_transfer){ .kind = TRANSFER_PUT,
                                         .type = arena_strdup(a, manifest->type),
                                         .body = body,
                                         .len = manifest->body_len };
    ask(j, tag, next);
}

void job_end(struct job *j)
{
    if (!j->is_open)
        return;
    j->is_open = false;
    j->batch->open--;
}

/* --- a batch --- */

void batch_add(struct batch *b, const char *repository, struct err *why, void *item)
{
    if (b->n == b->room) {
        struct job *grown;

        b->room = b->room ? 2 * b->room : 16;
        grown = arena_array(b->images->c->arena, b->room, sizeof *grown);
        if (b->n)
            memcpy(grown, b->jobs, b->n * sizeof *grown);
        b->jobs = grown;
    }
    b->jobs[b->n++] =
        (struct job){ .batch = b, .item = item, .repository = repository, .why = why };
}

/* The registries first: that may turn the loop. */
static void open_host(struct job *j)
{
    const struct batch *b = j->batch;
    int64_t due_ms = b->due_ms ? b->due_ms : loop_now_ms(b->images->c->loop) + BATCH_HOST_MS;
    struct image_ref ref;

    *j->why = (struct err){ 0 };
    if (image_ref_parse(j->repository, &ref, j->why))
        return;
    j->name = arena_strdup(b->images->c->arena, ref.repository);
    j->host = images_host(b->images, ref.host, SCHEME_UNSAID, due_ms, j->why);
}

static void on_late(void *ctx)
{
    ((struct batch *)ctx)->is_late = true;
}

static void turn(struct batch *b)
{
    const struct cli *c = b->images->c;
    struct loop_timer late = { .fn = on_late, .ctx = b };

    if (b->due_ms)
        loop_timer_set(c->loop, &late, b->due_ms);
    while (b->open && !b->is_late && (!c->signo || b->writing))
        loop_turn(c->loop, -1);
    loop_timer_stop(c->loop, &late);
}

static void stop(struct job *j)
{
    if (!j->is_open)
        return;
    registry_cancel(j->call);
    loop_timer_stop(j->batch->images->c->loop, &j->pause);
    err_set(j->why, ERR_TIMEOUT, 0, "registry %s does not answer in time", j->host->name);
    job_end(j);
}

int batch_run(struct batch *b, void (*start)(struct job *j), struct err *e)
{
    const struct cli *c = b->images->c;

    for (size_t i = 0; i < b->n && !c->signo; i++)
        open_host(&b->jobs[i]);
    for (size_t i = 0; i < b->n; i++) {
        b->jobs[i].is_open = b->jobs[i].host != NULL;
        b->open += b->jobs[i].is_open;
    }
    for (size_t i = 0; i < b->n && !c->signo; i++)
        if (b->jobs[i].is_open)
            start(&b->jobs[i]);
    turn(b);
    for (size_t i = 0; i < b->n; i++)
        stop(&b->jobs[i]);
    return c->signo ? err_set(e, ERR_TIMEOUT, 0, "interrupted") : 0;
}
