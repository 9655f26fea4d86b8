/* The controller's configuration file. */
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "fuzz.h"
#include "options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    char *argv[] = { (char *)"x", (char *)"--config", (char *)fuzz_file(data, size), NULL };
    struct options o = { 0 };
    struct err e = { 0 };

    if (options_read(3, argv, a, &o, &e)) {
        HOLDS(e.kind != ERR_NONE && !strncmp(e.text, "--config ", 9));
        return 0;
    }
    for (size_t i = 0; i < o.n_hosts; i++)
        HOLDS(o.hosts[i].host && *o.hosts[i].host && !strchr(o.hosts[i].host, '/'));
    for (size_t i = 0; i < o.n_allowed; i++)
        HOLDS(o.allowed[i]);
    for (size_t i = 0; i < o.n_trusted_realms; i++)
        HOLDS(o.trusted_realms[i]);
    return 0;
}
