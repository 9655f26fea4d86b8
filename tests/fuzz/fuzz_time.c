/* RFC 3339 and HTTP dates: what is read can be written, and means the same when read again. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "fuzz.h"

static void check(int64_t ms)
{
    char buf[TIME_TEXT_BYTES];
    int64_t again;

    HOLDS(!time_parse(time_format_ms(buf, ms), &again) && again == ms);
    HOLDS(!time_parse(time_format(buf, ms), &again) && again <= ms && ms - again < SECOND_MS);
    HOLDS(strlen(time_span(buf, ms)) < sizeof buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    char buf[TIME_TEXT_BYTES];
    int64_t ms;

    if (!time_parse(text, &ms))
        check(ms);
    if (!time_parse_http(text, &ms))
        check(ms);
    if (size >= sizeof ms) {
        memcpy(&ms, data, sizeof ms);
        time_span(buf, ms);
    }
    free(text);
    return 0;
}
