/* The annotation "attempt" of a Deployment: anybody who may edit the Deployment may write it. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/json.h"
#include "deploy/status.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    char *text = fuzz_text(data, size), *printed;
    struct attempt *at = attempt_from_annotation(text, a), *again;

    free(text);
    if (!at)
        return 0;
    HOLDS(at->id);
    for (size_t i = 0; i < at->images.n; i++)
        HOLDS(at->images.items[i].container && at->images.items[i].image);
    for (size_t i = 0; i < at->previous.n; i++)
        HOLDS(at->previous.items[i].container && at->previous.items[i].image);
    cJSON *tree = attempt_annotation(at);
    printed = json_print(tree);
    cJSON_Delete(tree);
    again = attempt_from_annotation(printed, a);
    free(printed);
    HOLDS(again && fuzz_same_json(attempt_annotation(at), attempt_annotation(again)));
    return 0;
}
