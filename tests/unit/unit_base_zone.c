/* Time zones: what a file says, what its footer says, and what is no zone. Python's zoneinfo is
 * compared with by tests/unit/zones.py. */
#include "base/zone.h"

#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "unit.h"

AUTO_DEFINE(zone, struct zone *, zone_free)

#define HEADER(times, types, chars)                                                                \
    "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" times "\0\0\0" types       \
    "\0\0\0" chars
#define NO_BLOCK HEADER("\0", "\0", "\0") /* of version 1 */
#define BYTES(text) (text), sizeof(text) - 1

static struct zone *with_footer(const char *footer, struct err *e)
{
    static const char head[] = NO_BLOCK HEADER("\0", "\1", "\4") "\0\0\0\0\0\0"
                                                                 "UTC\0";
    char bytes[512];
    size_t n = sizeof head - 1;

    memcpy(bytes, head, n);
    n += (size_t)snprintf(bytes + n, sizeof bytes - n, "\n%s\n", footer);
    return zone_parse(bytes, n, e);
}

static const struct {
    const char *name, *footer, *at;
    int minutes; /* the offset then */
} FOOTERS[] = {
    { "none: what the file says last", "", "2040-01-01T00:00:00Z", 0 },
    { "west is minus", "EST5", "2040-01-01T00:00:00Z", -300 },
    { "a name of digits", "<+0545>-5:45", "2040-01-01T00:00:00Z", 345 },
    { "winter in Berlin", "CET-1CEST,M3.5.0,M10.5.0/3", "2040-01-01T00:00:00Z", 60 },
    { "a second before summer", "CET-1CEST,M3.5.0,M10.5.0/3", "2040-03-25T00:59:59Z", 60 },
    { "summer", "CET-1CEST,M3.5.0,M10.5.0/3", "2040-03-25T01:00:00Z", 120 },
    { "its last second", "CET-1CEST,M3.5.0,M10.5.0/3", "2040-10-28T00:59:59Z", 120 },
    { "winter again", "CET-1CEST,M3.5.0,M10.5.0/3", "2040-10-28T01:00:00Z", 60 },
    { "before the table too", "CET-1CEST,M3.5.0,M10.5.0/3", "1960-07-01T00:00:00Z", 120 },
    { "the south: January is summer", "AEST-10AEDT,M10.1.0,M4.1.0/3", "2040-01-01T00:00:00Z", 660 },
    { "the south: July is not", "AEST-10AEDT,M10.1.0,M4.1.0/3", "2040-07-01T00:00:00Z", 600 },
    { "half an hour of saving", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2040-01-01T00:00:00Z",
      660 },
    { "winter time as saving, in Dublin", "IST-1GMT0,M10.5.0,M3.5.0/1", "2040-01-01T00:00:00Z", 0 },
    { "and its summer", "IST-1GMT0,M10.5.0,M3.5.0/1", "2040-07-01T00:00:00Z", 60 },
    { "a rule before midnight", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2040-03-25T01:00:00Z", -60 },
    { "a second earlier", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2040-03-25T00:59:59Z", -120 },
    { "a rule of days after", "EET-2EEST,M3.4.4/50,M10.4.4/50", "2040-03-24T00:00:00Z", 180 },
    { "a second earlier", "EET-2EEST,M3.4.4/50,M10.4.4/50", "2040-03-23T23:59:59Z", 120 },
    { "Julian days do not count February 29", "AAA0BBB,J60/0,J300/0", "2040-03-01T00:00:00Z", 60 },
    { "a day earlier", "AAA0BBB,J60/0,J300/0", "2040-02-29T23:59:59Z", 0 },
    { "days from 0 do", "AAA0BBB,60/0,300/0", "2040-03-01T00:00:00Z", 60 },
    { "saving all year", "EST5EDT,0/0,J365/25", "2040-01-01T05:00:00Z", -240 },
    { "before its new year too", "EST5EDT,0/0,J365/25", "2040-01-01T04:59:59Z", -240 },
    { "saving over the new year", "AAA0BBB,J300/0,J60/0", "2040-01-01T00:00:00Z", 60 },
};

static void a_footer_goes_on_for_ever(void)
{
    for (size_t i = 0; i < sizeof FOOTERS / sizeof FOOTERS[0]; i++) {
        struct err e = { 0 };
        AUTO(zone) struct zone *z = with_footer(FOOTERS[i].footer, &e);
        int64_t ms;

        CASE(FOOTERS[i].name, z && !time_parse(FOOTERS[i].at, &ms) &&
                                  zone_at(z, ms).offset_ms == FOOTERS[i].minutes * 60 * SECOND_MS);
    }
}

static void a_span_says_what_was_before(void)
{
    struct err e = { 0 };
    AUTO(zone) struct zone *z = with_footer("CET-1CEST,M3.5.0,M10.5.0/3", &e);
    AUTO(zone) struct zone *utc = with_footer("UTC0", &e);
    int64_t noon_ms, from_ms;
    struct zone_span span;
    char buf[ZONE_TEXT_BYTES];

    time_parse("2040-10-28T12:00:00Z", &noon_ms);
    time_parse("2040-10-28T01:00:00Z", &from_ms);
    span = zone_at(z, noon_ms);
    CASE("it began when the clock was put back", span.from_ms == from_ms);
    CASE("from two hours to one", span.before_ms == 7200000 && span.offset_ms == 3600000);
    CASE("its first millisecond", zone_at(z, from_ms).from_ms == from_ms);
    CASE("the one before is of the span before", zone_at(z, from_ms - 1).from_ms < from_ms);
    CASE("no transition ever", zone_at(utc, noon_ms).from_ms == INT64_MIN);
    CASE("as text", !strcmp(zone_format(z, buf, noon_ms), "2040-10-28T13:00:00+01:00"));
    CASE("in summer", !strcmp(zone_format(z, buf, from_ms - 1000), "2040-10-28T02:59:59+02:00"));
    CASE("far away is no harm", zone_at(z, INT64_MAX).offset_ms && zone_at(z, INT64_MIN).offset_ms);
}

static const struct {
    const char *name;
    const char *bytes;
    size_t n;
    const char *why;
} REFUSED[] = {
    { "nothing", BYTES(""), "does not begin with TZif" },
    { "text", BYTES("Europe/Berlin is a city, and this is longer than a header."),
      "does not begin with TZif" },
    { "version 1", BYTES("TZif\0" NO_BLOCK), "version 1" },
    { "half a file", BYTES(NO_BLOCK), "does not begin" },
    { "no offset", BYTES(NO_BLOCK HEADER("\0", "\0", "\0") "\n\n"), "has no offset" },
    { "cut off", BYTES(NO_BLOCK HEADER("\0", "\1", "\4")), "cut off" },
    { "no footer", BYTES(NO_BLOCK HEADER("\0", "\1", "\4") "\0\0\0\0\0\0UTC\0"),
      "footer is missing" },
    { "half a footer", BYTES(NO_BLOCK HEADER("\0", "\1", "\4") "\0\0\0\0\0\0UTC\0\nUTC0"),
      "footer does not end" },
    { "an odd footer", BYTES(NO_BLOCK HEADER("\0", "\1", "\4") "\0\0\0\0\0\0UTC\0\nUTC0,\n"),
      "no POSIX TZ" },
    { "an offset of months", BYTES(NO_BLOCK HEADER("\0", "\1", "\4") "\177\0\0\0\0\0UTC\0\n\n"),
      "more than a day" },
    { "a type that is not there",
      BYTES(NO_BLOCK HEADER("\1", "\1", "\4") "\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0UTC\0\n\n"),
      "type that is not there" },
    { "the same time twice",
      BYTES(NO_BLOCK HEADER("\2", "\1",
                            "\4") "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0UTC\0\n\n"),
      "out of order" },
    { "leap seconds",
      BYTES("TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
            "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\4"
            "\0\0\0\0\0\0UTC\0\0\0\0\0\4\262\130\0\0\0\0\1\n\n"),
      "leap seconds" },
    { "millions of transitions",
      BYTES(
          "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\177\0\0\0\0\0\0\0\0\0\0\0"),
      "too many" },
};

static void what_is_no_zone_is_refused(void)
{
    for (size_t i = 0; i < sizeof REFUSED / sizeof REFUSED[0]; i++) {
        struct err e = { 0 };
        AUTO(zone) struct zone *z = zone_parse(REFUSED[i].bytes, REFUSED[i].n, &e);

        CASE(REFUSED[i].name, !z && e.kind == ERR_INVALID && strstr(e.text, REFUSED[i].why));
        if (!z && !strstr(e.text, REFUSED[i].why))
            printf("%s: %s\n", REFUSED[i].name, e.text);
    }
}

static void every_piece_of_a_file_is_refused(void)
{
    struct err e = { 0 };
    size_t n = 0, taken = 0;
    char *bytes = file_read_bytes("/usr/share/zoneinfo/Europe/Berlin", 65536, &n, &e);

    CASE("tzdata is installed", bytes);
    for (size_t i = 0; bytes && i < n; i++) {
        AUTO(zone) struct zone *z = zone_parse(bytes, i, &e);

        taken += z != NULL;
    }
    CASE("none was taken", taken == 0);
    free(bytes);
}

UNIT_MAIN(UNIT_TEST(a_footer_goes_on_for_ever), UNIT_TEST(a_span_says_what_was_before),
          UNIT_TEST(what_is_no_zone_is_refused), UNIT_TEST(every_piece_of_a_file_is_refused))
