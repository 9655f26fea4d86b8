/* Text that others wrote, made fit to be shown: never longer, always UTF-8. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fuzz.h"

static void check_clip(const char *text, size_t room)
{
    char *small = malloc(room); /* of exactly this size: a byte too many is seen */

    HOLDS(small && text_clip(small, room, text) == small);
    HOLDS(strlen(small) < room && strlen(small) <= strlen(text));
    HOLDS(fuzz_is_clean(small));
    text_scrub(small);
    HOLDS(strlen(small) < room && fuzz_is_clean(small));
    free(small);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    bool utf8 = fuzz_is_utf8(text);
    size_t len = strlen(text);

    check_clip(text, 1 + size % 8);
    check_clip(text, 256);
    text_scrub(text);
    HOLDS(strlen(text) <= len);
    HOLDS(!utf8 || fuzz_is_utf8(text));
    free(text);
    return 0;
}
