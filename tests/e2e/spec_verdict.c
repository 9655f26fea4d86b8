/* For schema.py: one spec a line in, what the controller says of it out: "ok", or the problem. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "deploy/spec.h"

int main(void)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t n;

    while ((n = getline(&line, &size, stdin)) > 0) {
        AUTO(arena) struct arena *a = arena_new(4096);
        struct err e = { 0 };
        AUTO(json) cJSON *tree = json_parse(line, (size_t)n, &e);
        struct release_spec spec;
        const char *problem = tree ? spec_decode(tree, a, &spec) : e.text;

        puts(problem ? problem : "ok");
    }
    free(line);
    return EXIT_SUCCESS;
}
