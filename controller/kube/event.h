/* controller/kube/event.h — Events (events.k8s.io/v1), fire and forget, deduplicated.
 *
 * The same (object, type, reason, note) within 10 minutes becomes a series: one PATCH with a
 * rising count at most every 30 s. At most 64 are under way; more are dropped and counted. A
 * failure is logged once a minute: an Event is never worth a retry storm. */
#ifndef KUBE_EVENT_H
#define KUBE_EVENT_H
#include <stdbool.h>

struct event_sink;
struct kube_client;
struct loop;

struct event {
    const char *ns, *name, *uid; /* of the AppRelease */
    const char *api_version, *kind;
    bool warning;                   /* else Normal */
    const char *reason, *action;    /* CamelCase */
    const char *note;               /* clipped to 1 KiB */
    const char *related_deployment; /* name in the same namespace; NULL = none */
};

/* instance: the pod's name. The client must outlive the sink. */
struct event_sink *event_sink_new(struct loop *l, struct kube_client *k, const char *instance);
void event_sink_free(struct event_sink *s); /* NULL is fine */
void event_send(struct event_sink *s, const struct event *ev);

#endif
