/* controller/reconcile/questions.h — Things a plan wants to know, asked without waiting.
 *
 * Each answer becomes a fact of the release (reconcile/facts) and its key is reported, so that it
 * is planned again. A release that is gone by then is no error. */
#ifndef RECONCILE_QUESTIONS_H
#define RECONCILE_QUESTIONS_H

struct action;
struct cluster;
struct kube_client;
struct loop;
struct map;
struct questions;
struct registry_client;
struct release;

struct questions_opts {
    struct loop *loop;
    struct kube_client *kube;
    struct registry_client *registry;
    const struct cluster *cluster;
    struct map *facts; /* release key → struct facts */
    void (*on_answer)(const char *key, void *ctx);
    void *ctx;
};

struct questions *questions_new(const struct questions_opts *o);
void questions_free(struct questions *q); /* cancels; NULL is fine */

/* Start the exchange of one ACT_RESOLVE, ACT_FETCH_LOGS or ACT_READ_LIVE. Copies what it needs. */
void questions_ask(struct questions *q, const char *key, const struct release *r,
                   const struct action *act);

/* Read the AppRelease itself live: a lost event must not strand it. */
void questions_read_release(struct questions *q, const char *key, const struct release *r);

#endif
