/* What of a Deployment's ReplicaSets and pods is counted, and for whom. */
#include "deploy/verdict.h"

#include <string.h>

#include "base/auto.h"
#include "deploy/image.h"
#include "deploy/observed.h"
#include "unit.h"

#define NEW "reg.io/web:2222222@sha256:2222"
#define OLD "reg.io/web:1111111@sha256:1111"

static struct container_facts new_web = { .name = "web", .image = NEW };
static struct container_facts old_web = { .name = "web", .image = OLD };

static struct replicaset_facts set_of(struct container_facts *web, int64_t revision,
                                      struct pod_facts *pods, size_t n_pods)
{
    return (struct replicaset_facts){
        .revision = revision, .tmpl = { web, 1 }, .pods = pods, .n_pods = n_pods
    };
}

static struct image_list images_of(struct image_of *item)
{
    return (struct image_list){ .items = item, .n = 1 };
}

/* A template that was changed and changed back in another field has two ReplicaSets of its image.
 */
static void the_new_set_is_that_of_the_highest_revision(void)
{
    static const struct {
        const char *name;
        int64_t revisions[3]; /* of the sets with the new image; 0 = one with the old image */
        int best;             /* -1 = none */
    } rows[] = {
        { "the last", { 1, 2, 3 }, 2 },      { "the first", { 3, 2, 1 }, 0 },
        { "in the middle", { 1, 3, 2 }, 1 }, { "other images do not count", { 1, 0, 0 }, 0 },
        { "none", { 0, 0, 0 }, -1 },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct replicaset_facts sets[3];
        struct deployment_facts dep = { .sets = sets, .n_sets = 3 };
        struct image_of item = { "web", NEW };
        struct attempt at = { .images = images_of(&item) };
        const struct replicaset_facts *best;

        for (size_t k = 0; k < 3; k++)
            sets[k] = rows[i].revisions[k] ? set_of(&new_web, rows[i].revisions[k], NULL, 0) :
                                             set_of(&old_web, 9, NULL, 0);
        best = verdict_new_set(&dep, &at);
        CASE(rows[i].name, best == (rows[i].best < 0 ? NULL : &sets[rows[i].best]));
    }
}

static void a_pod_is_available_after_its_time(void)
{
    static const struct {
        const char *name;
        struct pod_facts pod;
        int min_ready_s, count;
        int64_t next_ms;
    } rows[] = {
        { "ready", { .ready = true, .ready_ms = 5000 }, 0, 1, 0 },
        { "not ready", { .ready_ms = 5000 }, 0, 0, 0 },
        { "on its way out", { .ready = true, .deleting = true, .ready_ms = 5000 }, 0, 0, 0 },
        { "ready for less", { .ready = true, .ready_ms = 5000 }, 6, 0, 11000 },
        { "ready just as long", { .ready = true, .ready_ms = 5000 }, 5, 1, 0 },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pod_facts pod = rows[i].pod;
        struct replicaset_facts set = set_of(&new_web, 1, &pod, 1);
        int64_t next_ms = -1;

        CASE(rows[i].name,
             verdict_available(&set, rows[i].min_ready_s, 10000, &next_ms) == rows[i].count &&
                 next_ms == rows[i].next_ms);
    }
}

static void what_stands_is_counted_by_image(void)
{
    struct pod_facts ready[2] = { { .ready = true }, { .ready = true } };
    struct replicaset_facts sets[] = { set_of(&old_web, 1, ready, 2),
                                       set_of(&new_web, 2, ready, 1) };
    struct deployment_facts dep = { .generation = 2,
                                    .observed_generation = 2,
                                    .replicas = 2,
                                    .status_replicas = 3,
                                    .updated = 1,
                                    .available = 3,
                                    .sets = sets,
                                    .n_sets = 2,
                                    .pods_known = true };
    struct image_of item = { "web", NEW };
    struct image_list images = images_of(&item);

    CASE("in the middle: its own only", verdict_standing(&dep, &images, 1000) == 1);
    dep.pods_known = false;
    CASE("not known: what the Deployment says", verdict_standing(&dep, &images, 1000) == 3);
    dep.pods_known = true;
    dep.status_replicas = dep.updated = dep.available = 2;
    CASE("complete: all are its own", verdict_standing(&dep, &images, 1000) == 2);
}

UNIT_MAIN(UNIT_TEST(the_new_set_is_that_of_the_highest_revision),
          UNIT_TEST(a_pod_is_available_after_its_time), UNIT_TEST(what_stands_is_counted_by_image))
