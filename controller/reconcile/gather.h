/* controller/reconcile/gather.h — From stores and facts to what the plan may know.
 *
 * The result points into the stores and the arena: use it within the turn. */
#ifndef RECONCILE_GATHER_H
#define RECONCILE_GATHER_H
#include <stdint.h>

#include "deploy/observed.h"

struct arena;
struct claims;
struct cluster;
struct facts;
struct release;

struct gather {
    const struct cluster *cluster;
    const struct claims *claims;
    struct facts *facts;
    struct arena *arena;
    int64_t now_ms; /* the API server's wall clock */
    int64_t mono_ms;
};

struct observed gather(const struct gather *g, const struct release *r);

#endif
