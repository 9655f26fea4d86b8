/* controller/kube/reflector.h — Keeps one store equal to the API server: LIST, then WATCH, forever.
 *
 * The decisions are kube/watch (a state machine without I/O); this file carries them out. See
 * controller/ARCHITECTURE.md, "Watching Kubernetes". */
#ifndef KUBE_REFLECTOR_H
#define KUBE_REFLECTOR_H
#include <cjson/cJSON.h>
#include <stdint.h>

struct err;
struct kube_client;
struct kube_resource;
struct loop;
struct reflector;
struct store;

struct reflector_opts {
    const struct kube_resource *resource;
    const char *ns;       /* NULL = all namespaces */
    const char *selector; /* a label selector; NULL = all objects */
    /* One item's tree → an object with struct kube_object at its head; NULL with *e set: the item
     * is logged and left out. */
    void *(*decode)(const cJSON *tree, struct err *e);
    /* An object appeared, changed or went (store_get() says which). Old is what the store held
     * before, NULL when nothing; it dies after the call. May be NULL. Callbacks must not free the
     * reflector. */
    void (*on_change)(const char *key, const void *old, void *ctx);
    void (*on_synced)(void *ctx);  /* after each complete list; may be NULL */
    void (*on_missing)(void *ctx); /* the server does not have the kind (404); may be NULL */
    void *ctx;
};

struct reflector *reflector_new(struct loop *l, struct kube_client *k,
                                const struct reflector_opts *o); /* starts at once */
void reflector_free(struct reflector *r);                        /* NULL is fine */
struct store *reflector_store(const struct reflector *r);
/* What somebody must mend: the right that is missing (403), credentials that are not accepted
 * (401), a kind the server does not have (404). For /readyz; logged here. NULL = fine. */
const char *reflector_problem(const struct reflector *r);
/* When the server last gave a sign of life, monotonic milliseconds; 0 = never. */
int64_t reflector_alive_ms(const struct reflector *r);

#endif
