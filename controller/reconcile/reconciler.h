/* controller/reconcile/reconciler.h — Due keys: gather → plan → questions and effects.
 *
 *     struct reconciler *rc = reconciler_new(&opts);
 *     …loop…
 *     reconciler_stop(rc);                 // take no more keys
 *     while (reconciler_busy(rc)) …loop…   // let writes end
 *     reconciler_free(rc); */
#ifndef RECONCILE_RECONCILER_H
#define RECONCILE_RECONCILER_H
#include <stdbool.h>

struct event_sink;
struct kube_client;
struct loop;
struct reconciler;
struct registry_client;

struct reconciler_opts {
    struct loop *loop;
    struct kube_client *kube;
    struct registry_client *registry;
    struct event_sink *events;
    const char *const *namespaces; /* NULL-terminated; NULL = all */
    const char *default_account;   /* impersonated where a spec names none; NULL = none */
};

struct reconciler *reconciler_new(const struct reconciler_opts *o);
void reconciler_free(struct reconciler *rc); /* NULL is fine */

/* All lists are complete; else *why (may be NULL) says what is missing. */
bool reconciler_ready(const struct reconciler *rc, const char **why);

void reconciler_stop(struct reconciler *rc);
bool reconciler_busy(const struct reconciler *rc); /* writes are under way */

/* Set the gauges (releases by state, queue depth) before a scrape. */
void reconciler_scrape(struct reconciler *rc);

#endif
