/* controller/base/backoff.h — Exponential delays with jitter; the only place that draws chance. */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H
#include <stdint.h>

struct backoff {
    int64_t first_ms;
    int64_t max_ms;
};

/* The delay before try number `failures` (1 = after the first failure): first × 2^(failures-1),
 * at most max, times a random factor in [0.75, 1.25]. */
int64_t backoff_ms(const struct backoff *b, unsigned failures);

/* A random number in [low, high]. */
int64_t random_between(int64_t low, int64_t high);

/* Make chance repeatable, for tests. */
void random_seed(uint64_t seed);

#endif
