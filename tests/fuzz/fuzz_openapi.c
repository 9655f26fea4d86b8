/* What the API server publishes as the schema of AppReleases: any JSON gives a number or none. */
#include <stdlib.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/json.h"
#include "fuzz.h"
#include "reconcile/crd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct err e = { 0 };
    AUTO(json) cJSON *tree = json_parse(text, size, &e);

    HOLDS(crd_schema_in(tree) >= -1);
    HOLDS(tree || crd_schema_in(tree) == -1);
    free(text);
    return 0;
}
