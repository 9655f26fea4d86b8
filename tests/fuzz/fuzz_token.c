/* Answers of token services: a token is one that can stand in a header, and lives at most an hour.
 */
#include <string.h>

#include "base/mem.h"
#include "fuzz.h"
#include "registry/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *body = fuzz_text(data, size);
    int64_t life_s = 0;
    char *token = token_parse(body, size, &life_s);

    if (token) {
        HOLDS(*token && life_s >= 60 && life_s <= 3600);
        for (const char *c = token; *c; c++)
            HOLDS(*c > ' ' && *c < 0x7f);
    }
    secret_free(token);
    secret_free(body);
    return 0;
}
