/* tests/golden/told.h — Mode Plan tells what mode Apply does (R18); a difference ends the program.
 */
#ifndef GOLDEN_TOLD_H
#define GOLDEN_TOLD_H

struct arena;
struct observed;
struct world;

/* Of the same world, at the same moment: the attempts that Apply begins are told, with exactly
 * their images; an app that waits for others is told with what for; where Apply gives another
 * reason why an app does not start, Plan gives the same. */
void check_told(const struct observed *o, struct arena *a);

/* From here on mode Plan, until it has nothing more to say; then mode Apply, whose pods are all
 * healthy: what Apply begins is what was told, and all of it. */
void check_plan_then_apply(const struct world *now, const struct observed *o, struct arena *a);

#endif
