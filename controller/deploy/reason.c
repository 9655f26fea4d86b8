#include "deploy/reason.h"

#include <string.h>

#include "base/auto.h"

#define X(name, again) const char REASON_##name[] = #name;
REASONS(X)
#undef X

static const struct {
    const char *name;
    bool again;
} TABLE[] = {
#define X(name, again) { REASON_##name, again },
    REASONS(X)
#undef X
};

bool reason_is_rechecked(const char *reason)
{
    for (size_t i = 0; reason && i < ARRAY_LEN(TABLE); i++)
        if (!strcmp(TABLE[i].name, reason))
            return TABLE[i].again;
    return false;
}

const char *reason_at(size_t i)
{
    return i < ARRAY_LEN(TABLE) ? TABLE[i].name : NULL;
}
