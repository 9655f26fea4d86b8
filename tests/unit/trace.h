/* tests/unit/trace.h — Who was called, as a string of one-letter names. */
#ifndef TRACE_H
#define TRACE_H
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static char trace[256]; /* the names of those who were called */

static inline void note(const char *name)
{
    snprintf(trace + strlen(trace), sizeof trace - strlen(trace), "%s", name);
}

/* Whether just these were called since the last time. */
static inline bool called(const char *names)
{
    bool ok = !strcmp(trace, names);

    if (!ok)
        printf("\n  called: '%s', not '%s'\n", trace, names);
    trace[0] = '\0';
    return ok;
}

/* A name of one letter, the same each time, that a void * may point to. */
static inline char *name(char letter)
{
    static char names[128][2];

    names[(int)letter][0] = letter;
    return names[(int)letter];
}

static inline void on_name(void *ctx)
{
    note(ctx);
}

#endif
