#include "cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *cli_env(const struct cli *c, const char *name)
{
    size_t len = strlen(name);

    for (const char *const *at = c->env; *at; at++)
        if (strncmp(*at, name, len) == 0 && (*at)[len] == '=')
            return (*at)[len + 1] ? *at + len + 1 : NULL;
    return NULL;
}

const char *cli_actor(const struct cli *c)
{
    static const char *const NAMES[] = { "GITHUB_ACTOR", "GITLAB_USER_LOGIN", "USER", "LOGNAME" };

    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
        if (cli_env(c, NAMES[i]))
            return cli_env(c, NAMES[i]);
    return NULL;
}

void cli_say(const struct cli *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fprintf(stderr, "shopflow: %s\n", arena_vprintf(c->arena, fmt, ap));
    va_end(ap);
}
