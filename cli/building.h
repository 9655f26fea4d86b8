/* cli/building.h — The images of what changed, for `build` and `up`: registry, plan, builds, tags.
 *
 *     AUTO(building) struct building b = { 0 };
 *     if (building_run(c, &survey, &b, e))    // nothing more could be done
 *         return -1;
 *     return building_sum_up(c, &b);          // 0, or how many apps failed */
#ifndef CLI_BUILDING_H
#define CLI_BUILDING_H
#include "build.h"
#include "settings.h"

struct cli;
struct err;
struct images;
struct survey;

struct building {
    struct build_plan plan;
    struct build_images asked;
    struct registry_setting registry;
    struct images *images; /* NULL = no registry is asked: --no-push, or nothing to ask */
};

/* A pull request pushes nothing (ERR_INVALID). */
int building_check(const struct cli *c, const struct survey *s, struct err *e);

/* 0 although apps failed. The survey must live as long as ret. */
int building_run(struct cli *c, const struct survey *s, struct building *ret, struct err *e);

/* A line of what was built, and of what failed; returns how many failed. */
size_t building_sum_up(struct cli *c, const struct building *b);

/* "latest" for what was built or found; whatever keeps it from that is a warning. */
int building_put_latest(struct cli *c, struct building *b, struct err *e);

void building_close(struct building *b);

static inline void auto_building(struct building *b)
{
    building_close(b);
}

#endif
