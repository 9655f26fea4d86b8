/* The clock of the model: timers, in order. */
#include "property/model.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/backoff.h"
#include "base/mem.h"

void model_at(struct model *m, int64_t at_ms, enum timer_kind kind, int a, int b, int64_t uid,
              struct request *req)
{
    if (m->n_timers == TIMERS)
        model_abort(m, __func__);
    m->timers[m->n_timers++] = (struct timer){ at_ms, ++m->seq, kind, a, b, uid, req };
}

void model_move(struct model *m, int64_t at_ms, enum timer_kind kind, int a, int b)
{
    for (size_t i = 0; i < m->n_timers; i++)
        if (m->timers[i].kind == kind && m->timers[i].a == a && m->timers[i].b == b)
            m->timers[i] = m->timers[--m->n_timers];
    model_at(m, at_ms, kind, a, b, 0, NULL);
}

static struct timer pop(struct model *m)
{
    size_t best = 0;
    struct timer t;

    for (size_t i = 1; i < m->n_timers; i++) {
        const struct timer *a = &m->timers[i], *b = &m->timers[best];

        if (a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->seq < b->seq))
            best = i;
    }
    t = m->timers[best];
    m->timers[best] = m->timers[--m->n_timers];
    return t;
}

void model_abort(struct model *m, const char *where)
{
    fprintf(stderr, "property: seed %llu: no room in %s\n", (unsigned long long)m->script->seed,
            where);
    abort();
}

int64_t model_chance(struct model *m, int what, int64_t which, int64_t low, int64_t high)
{
    return chance(m->script->seed, 100 + (uint64_t)what, (uint64_t)which, low, high);
}

char *model_text(struct model *m, const char *fmt, ...)
{
    va_list ap;
    char *text;

    va_start(ap, fmt);
    text = arena_vprintf(m->arena, fmt, ap);
    va_end(ap);
    return text;
}

void model_tell(struct model *m, const char *fmt, ...)
{
    va_list ap;

    if (!m->story)
        return;
    fprintf(m->story, "%9.3f ", (double)(m->now_ms - BEGIN_MS) / 1000);
    va_start(ap, fmt);
    vfprintf(m->story, fmt, ap);
    va_end(ap);
    fputc('\n', m->story);
}

static void fire(struct model *m, const struct timer *t)
{
    switch (t->kind) {
    case T_EVENT:
        server_event(m, &m->script->events[t->a]);
        break;
    case T_SYNC:
        kubernetes_sync(m, t->a);
        break;
    case T_POD:
        kubernetes_pod(m, t->uid);
        break;
    case T_GONE:
        kubernetes_pod_gone(m, t->uid);
        break;
    case T_RETURN:
        if (t->b)
            server_return(m, t->a);
        else
            server_gone(m, t->a, t->uid);
        break;
    case T_CALL: /* a window closes: pods may be made again */
        kubernetes_wake(m, t->a, 1);
        break;
    case T_REFRESH:
        control_refresh(m, t->a, (enum kind)t->b);
        break;
    case T_PODS_SYNCED:
        control_pods_synced(m, t->a, t->b);
        break;
    case T_WORK:
        control_work(m, t->a, t->b);
        break;
    case T_ARRIVE:
        control_arrive(m, t->req);
        break;
    case T_REPLY:
        control_reply(m, t->req);
        break;
    case T_DIE:
        if (m->leader != t->a)
            control_stop(m, t->a);
        break;
    }
}

/* When the last event, and what it began, is over. */
static int64_t calm_after(const struct script *s)
{
    int64_t calm_ms = 0;

    for (size_t i = 0; i < s->n_events; i++) {
        const struct event *e = &s->events[i];
        int64_t end_ms = e->at_ms;

        if (e->kind == EV_QUOTA || e->kind == EV_NO_NODE || e->kind == EV_FREEZE ||
            e->kind == EV_DELETE)
            end_ms += e->b > 0 ? e->b * SECOND_MS : 0;
        if (e->kind == EV_SECOND || e->kind == EV_LOSSY || e->kind == EV_REFUSE ||
            e->kind == EV_REGISTRY)
            end_ms += e->a * SECOND_MS;
        if (end_ms > calm_ms)
            calm_ms = end_ms;
    }
    return BEGIN_MS + calm_ms + 20 * SECOND_MS;
}

void model_run(struct model *m, const struct script *s, FILE *story)
{
    *m = (struct model){ .script = s, .story = story, .now_ms = BEGIN_MS };
    m->arena = arena_new(64 * 1024);
    m->controllers = xcalloc(2, sizeof *m->controllers);
    m->calm_ms = calm_after(s);
    random_seed(mix(s->seed, 77));
    server_begin(m);
    control_begin(m, 0);
    for (size_t i = 0; i < s->n_events; i++)
        model_at(m, BEGIN_MS + s->events[i].at_ms, T_EVENT, (int)i, 0, 0, NULL);
    while (!m->checks.failed && !m->checks.quiet && m->n_timers) {
        struct timer t = pop(m);

        m->now_ms = t.at_ms;
        fire(m, &t);
        check_rest(m);
    }
}

void model_release(struct model *m)
{
    arena_free(m->arena);
    free(m->controllers);
}
