/* Random worlds: property [--seed N] [--worlds N]; property --replay SEED; property --case FILE.
 *
 * A world that breaks a property is shrunk and printed, as a file for cases/. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "property/model.h"
#include "property/shrink.h"

static int fail_usage(void)
{
    fputs("usage: property [--seed N] [--worlds N] | --replay SEED | --case FILE\n", stderr);
    return 2;
}

/* Returns whether the world keeps all properties. */
static bool play(const struct script *s, FILE *story, struct checks *ret)
{
    struct model m;

    model_run(&m, s, story);
    *ret = m.checks;
    model_release(&m);
    return !ret->failed;
}

static int replay(const struct script *s)
{
    struct checks c;
    bool good;

    script_print(s, stdout);
    good = play(s, stdout, &c);
    printf("%s %s\n", good ? "kept" : c.property, c.text);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int replay_case(const char *path)
{
    FILE *in = fopen(path, "r");
    struct script s;
    struct checks c;
    char line[256] = "";

    if (!in || script_read(&s, in, line, sizeof line)) {
        printf("%s: cannot be read: %s\n", path, line);
        if (in)
            fclose(in);
        return 2;
    }
    fclose(in);
    if (play(&s, NULL, &c))
        return EXIT_SUCCESS;
    printf("%s: %s: %s\n", path, c.property, c.text);
    replay(&s);
    return EXIT_FAILURE;
}

static int tell_failure(struct script *s, const struct checks *c)
{
    printf("seed %llu: %s: %s\n", (unsigned long long)s->seed, c->property, c->text);
    script_shrink(s, c->property);
    printf("--- shrunk to\n");
    return replay(s);
}

static int run(uint64_t seed, uint64_t worlds)
{
    long plans = 0, patches = 0;
    struct script s;
    struct checks c;

    for (uint64_t i = 0; i < worlds; i++) {
        script_draw(&s, seed + i);
        if (!play(&s, NULL, &c))
            return tell_failure(&s, &c);
        plans += c.plans;
        patches += c.patches;
    }
    printf("%llu worlds from %llu: %ld plans, %ld patches\n", (unsigned long long)worlds,
           (unsigned long long)seed, plans, patches);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    uint64_t seed = 1, worlds = 1000;
    struct script s;

    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc)
            return fail_usage();
        if (!strcmp(argv[i], "--case"))
            return replay_case(argv[i + 1]);
        if (!strcmp(argv[i], "--replay")) {
            script_draw(&s, strtoull(argv[i + 1], NULL, 10));
            return replay(&s);
        }
        if (!strcmp(argv[i], "--seed"))
            seed = strtoull(argv[i + 1], NULL, 10);
        else if (!strcmp(argv[i], "--worlds"))
            worlds = strtoull(argv[i + 1], NULL, 10);
        else
            return fail_usage();
    }
    return run(seed, worlds);
}
