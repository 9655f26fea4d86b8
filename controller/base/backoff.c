#include "base/backoff.h"

#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"

static uint64_t state;
static int is_seeded;

void random_seed(uint64_t seed)
{
    state = seed;
    is_seeded = 1;
}

/* splitmix64: plenty for jitter, never for secrets. */
static uint64_t random_next(void)
{
    uint64_t z;

    if (!is_seeded) {
        if (getrandom(&z, sizeof z, GRND_NONBLOCK) != sizeof z) /* too early after boot */
            z = (uint64_t)clock_mono_ms() ^ ((uint64_t)getpid() << 32);
        random_seed(z);
    }
    z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

int64_t random_between(int64_t low, int64_t high)
{
    uint64_t span;

    if (high <= low)
        return low;
    span = (uint64_t)high - (uint64_t)low + 1; /* 0: all of int64_t */
    return (int64_t)((uint64_t)low + (span ? random_next() % span : random_next()));
}

int64_t backoff_ms(const struct backoff *b, unsigned failures)
{
    int64_t delay = b->first_ms < b->max_ms ? b->first_ms : b->max_ms;

    if (delay <= 0)
        return 0;
    for (unsigned i = 1; i < failures && delay < b->max_ms; i++)
        delay = delay > b->max_ms / 2 ? b->max_ms : 2 * delay;
    return delay - delay / 4 + random_between(0, delay / 2);
}
