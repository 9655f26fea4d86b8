#include "property/shrink.h"

#include <string.h>

#include "property/model.h"

static bool still_fails(const struct script *s, const char *property)
{
    struct model m;
    bool fails;

    model_run(&m, s, NULL);
    fails = m.checks.failed && !strcmp(m.checks.property, property);
    model_release(&m);
    return fails;
}

/* Keep the change when it still fails. */
static bool try_script(struct script *s, const struct script *smaller, const char *property)
{
    if (!memcmp(s, smaller, sizeof *s) || !still_fails(smaller, property))
        return false;
    *s = *smaller;
    return true;
}

static bool drop_events(struct script *s, const char *property, size_t n)
{
    bool shrunk = false;

    for (size_t at = 0; at + n <= s->n_events;) {
        struct script less = *s;

        memmove(&less.events[at], &less.events[at + n],
                (less.n_events - at - n) * sizeof less.events[0]);
        less.n_events -= n;
        if (try_script(s, &less, property))
            shrunk = true;
        else
            at++;
    }
    return shrunk;
}

/* Fewer apps, releases and replicas; no lag; all that is not needed is good and pinned. */
static bool simplify(struct script *s, const char *property)
{
    bool shrunk = false;
    struct script less;

    for (int apps = 1; apps < s->apps; apps++) {
        less = *s;
        less.apps = apps;
        for (size_t i = 0; i < less.n_events; i++)
            if (less.events[i].a >= apps && less.events[i].kind == EV_TAG)
                less.events[i].a = 0;
        shrunk |= try_script(s, &less, property);
    }
    less = *s;
    less.releases = 1;
    for (size_t i = 0; i < less.n_events; i++)
        if (less.events[i].kind <= EV_RECONCILE || less.events[i].kind == EV_BAD_SPEC ||
            less.events[i].kind == EV_REMAKE)
            less.events[i].a = 0;
    shrunk |= try_script(s, &less, property);
    less = *s;
    less.lag_ms = 10;
    shrunk |= try_script(s, &less, property);
    less = *s;
    less.slow_ms = 10;
    shrunk |= try_script(s, &less, property);
    return shrunk;
}

static bool settle(struct script *s, const char *property)
{
    bool shrunk = false;
    struct script less;

    for (int i = 0; i < DIGESTS; i++) {
        less = *s;
        less.fates[i] = FATE_GOOD;
        shrunk |= try_script(s, &less, property);
    }
    for (int i = 0; i < FIELDS_MAX; i++) {
        less = *s;
        less.fields[0][i] = less.fields[1][i] = 0;
        shrunk |= try_script(s, &less, property);
    }
    for (int a = 0; a < s->apps; a++) {
        less = *s;
        less.pinned[a] = 1;
        shrunk |= try_script(s, &less, property);
        less = *s;
        less.runs[a] = 0;
        shrunk |= try_script(s, &less, property);
        less = *s;
        less.with[a] = 0;
        shrunk |= try_script(s, &less, property);
        less = *s;
        less.replicas[a] = 1;
        shrunk |= try_script(s, &less, property);
    }
    return shrunk;
}

void script_shrink(struct script *s, const char *property)
{
    bool shrunk = true;

    while (shrunk) {
        shrunk = false;
        for (size_t n = s->n_events; n >= 1; n /= 2)
            shrunk |= drop_events(s, property, n);
        shrunk |= simplify(s, property);
        shrunk |= settle(s, property);
    }
}
