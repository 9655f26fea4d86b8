/* cli/images_job.h — The requests behind cli/images.h: each job asks one thing after another, the
 * jobs of a batch side by side.
 *
 *     static void on_head(struct job *j, const struct registry_answer *answer) { …; job_end(j); }
 *     static void start(struct job *j) { job_ask(j, TRANSFER_DIGEST, "host/name:tag", on_head); }
 *     struct batch b = { .images = images, .tries = BATCH_TRIES };
 *     batch_add(&b, "host/name", &item->why, item);
 *     if (batch_run(&b, start, e))               // Ctrl-C
 *         return -1; */
#ifndef CLI_IMAGES_JOB_H
#define CLI_IMAGES_JOB_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hosts.h"
#include "images.h"
#include "io/loop.h"
#include "keyring.h"
#include "registry/ref.h"
#include "registry/transfer.h"
#include "settings.h"

struct host { /* a registry, as it is spoken to */
    struct host *next;
    const char *name;
    bool plain_http;
    struct keyring keyring;
    struct registry_client *client;
    struct err why; /* kind ERR_NONE: it is open */
};

struct images {
    struct cli *c;
    struct registry_setting own;
    const char *own_host;
    struct hosts hosts;
    const char *roots_pem;
    struct host *first;
    struct map *bases; /* text → struct image_base in the arena */
};

/* The registry of that name, opened on first use; NULL: *e says why, ERR_TIMEOUT after Ctrl-C.
 * scheme: what somebody says of it. due_ms: monotonic. */
struct host *images_host(struct images *images, const char *name, enum registry_scheme scheme,
                         int64_t due_ms, struct err *e);

#define BATCH_TRIES 3
#define BATCH_HOST_MS 10000 /* to find out what a registry speaks, and our login */

struct batch {
    struct images *images;
    int tries;      /* of a request, while a registry is in trouble */
    int64_t due_ms; /* monotonic; 0 = none */
    /* private */
    struct job *jobs;
    size_t n, room, open, writing;
    bool is_late;
};

struct job;
typedef void job_fn(struct job *j, const struct registry_answer *answer);

struct job {
    void *item;             /* the caller's */
    const char *repository; /* "host/name" */
    const char *name;       /* without the host */
    struct err *why;
    /* private */
    struct batch *batch;
    struct host *host;
    struct registry_call *call;
    struct registry_transfer ask;
    struct loop_timer pause;
    int tried;
    job_fn *next;
    bool is_open;
};

/* A job for a repository; where its registry cannot be used, *why says so. */
void batch_add(struct batch *b, const char *repository, struct err *why, void *item);
/* Run all to their ends; those that are late have ERR_TIMEOUT. -1: Ctrl-C. */
int batch_run(struct batch *b, void (*start)(struct job *j), struct err *e);

/* One more request, by tag or digest of the job's repository. next hears the answer, `missing`
 * included; an error ends the job. */
void job_ask(struct job *j, enum transfer_kind kind, const char *what, job_fn *next);
/* Write a manifest by tag. */
void job_put(struct job *j, const char *tag, const struct registry_answer *manifest, job_fn *next);
void job_end(struct job *j);

#endif
