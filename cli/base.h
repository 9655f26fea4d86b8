/* cli/base.h — What a commit is compared with: a mainline run or work, and since when.
 *
 * A mainline run: in CI on the mainline; elsewhere on the branch of that name at a pushed, clean
 * commit. Work: since the merge base with the mainline, which is fetched first. Ancestry is asked
 * only of complete history: a shallow clone is deepened; when that cannot be, there is no base and
 * everything counts as changed. */
#ifndef CLI_BASE_H
#define CLI_BASE_H
#include <stdbool.h>

#include "changed.h"
#include "ci.h"
#include "git.h"

struct err;
struct project;

struct base {
    enum run_kind kind;
    const char *mainline;    /* its name; NULL = not needed, not asked */
    const char *tip;         /* its newest commit; NULL = not known */
    const char *commit;      /* to compare with; NULL = nothing, … */
    const char *why_nothing; /* … because of this */
};

struct base_question {
    const struct project *project;
    struct ci ci;
    const char *ref;  /* --base; NULL = not given */
    const char *head; /* the commit that is released, or what its uncommitted work stands on */
    bool is_dirty;
};

/* May fetch; what could not be fetched is said on stderr. Updates g->is_shallow. ERR_INVALID:
 * --base names nothing, or the mainline cannot be found out. */
int base_find(struct git *g, const struct base_question *q, struct base *ret, struct err *e);

#endif
