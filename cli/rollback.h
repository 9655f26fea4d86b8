/* cli/rollback.h — Which release of the history to go back to. Pure. */
#ifndef CLI_ROLLBACK_H
#define CLI_ROLLBACK_H
#include "outcome.h"

struct arena;
struct err;

/* What to ask for: to NULL = the newest release that Succeeded with another image of one of the
 * apps than runs by now. apps: NULL-terminated; NULL = all that are listed. */
int rollback_find(const struct seen *seen, const char *const *apps, const char *to, struct arena *a,
                  struct wanted *ret, struct err *e);

#endif
