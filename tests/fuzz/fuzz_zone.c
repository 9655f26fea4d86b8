/* Time zone files: any bytes are refused or answer for every instant; a span holds what it says. */
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/zone.h"
#include "fuzz.h"

static const int64_t INSTANTS[] = { INT64_MIN,     -4000000000000, -1000,           0,
                                    1800000000000, 2200000000000,  253402300799000, INT64_MAX };

static void check(const struct zone *z, int64_t ms)
{
    struct zone_span span = zone_at(z, ms), again;
    char buf[ZONE_TEXT_BYTES];

    HOLDS(span.from_ms == INT64_MIN || span.from_ms <= ms);
    HOLDS(span.offset_ms >= -97200000 && span.offset_ms <= 97200000);
    if (ms > -4000000000001 && ms < 253402300799000)
        HOLDS(strlen(zone_format(z, buf, ms)) < sizeof buf);
    if (span.from_ms == INT64_MIN)
        return;
    again = zone_at(z, span.from_ms);
    HOLDS(again.from_ms == span.from_ms && again.offset_ms == span.offset_ms);
    HOLDS(zone_at(z, span.from_ms - 1).offset_ms == span.before_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = { 0 };
    struct zone *z = zone_parse(data, size, &e);

    if (!z) {
        HOLDS(e.kind == ERR_INVALID);
        return 0;
    }
    for (size_t i = 0; i < sizeof INSTANTS / sizeof INSTANTS[0]; i++)
        check(z, INSTANTS[i]);
    for (int64_t ms = 1500000000000; ms < 2500000000000; ms += 3333333333)
        check(z, ms);
    zone_free(z);
    return 0;
}
