#include "cli.h"

#include <string.h>

const char *cli_env(const struct cli *c, const char *name)
{
    size_t len = strlen(name);

    for (const char *const *at = c->env; *at; at++)
        if (strncmp(*at, name, len) == 0 && (*at)[len] == '=')
            return (*at)[len + 1] ? *at + len + 1 : NULL;
    return NULL;
}
