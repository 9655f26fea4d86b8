/* tests/property/windows.h — Freeze windows of worlds, and when they hold by plain arithmetic.
 *
 * A world lasts two hours at most: cron and the changes of clocks have their own tests. */
#ifndef PROPERTY_WINDOWS_H
#define PROPERTY_WINDOWS_H
#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"

/* Of the values of the field "freezeWindows" (field.c), in their order. */
enum windows { WINDOWS_NONE, WINDOWS_OFTEN, WINDOWS_ONCE, WINDOWS_TWO, WINDOWS_EVER };

/* The list for spec; the caller frees. */
cJSON *windows_build(enum windows which);
bool windows_hold(enum windows which, int64_t at_ms);

#endif
