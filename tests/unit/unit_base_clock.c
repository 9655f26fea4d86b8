/* Times as text and back, and delays drawn by chance. */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/backoff.h"
#include "unit.h"

#define REFUSED INT64_MIN

static const struct {
    const char *name, *text;
    int64_t want_ms;
} TIMES[] = {
    { "the epoch", "1970-01-01T00:00:00Z", 0 },
    { "UTC", "2026-11-24T04:14:44Z", 1795493684000 },
    { "lower case", "2026-11-24t04:14:44z", 1795493684000 },
    { "milliseconds", "2026-11-24T04:14:44.123Z", 1795493684123 },
    { "one digit", "2026-11-24T04:14:44.5Z", 1795493684500 },
    { "microseconds, as MicroTime", "2026-11-24T04:14:44.123999Z", 1795493684123 },
    { "nanoseconds and more", "2026-11-24T04:14:44.0009999999999Z", 1795493684000 },
    { "east", "2026-11-24T05:14:44+01:00", 1795493684000 },
    { "west, another day", "2026-11-23T22:44:44-05:30", 1795493684000 },
    { "a fraction and an offset", "2026-11-24T05:14:44.25+01:00", 1795493684250 },
    { "a leap day", "2024-02-29T00:00:00Z", 1709164800000 },
    { "the leap day of 2000", "2000-02-29T12:00:00Z", 951825600000 },
    { "the day after", "2024-03-01T00:00:00Z", 1709251200000 },
    { "before the epoch", "1969-12-31T23:59:59Z", -1000 },
    { "a fraction before the epoch", "1969-12-31T23:59:59.250Z", -750 },
    { "Go's zero time", "0001-01-01T00:00:00Z", -62135596800000 },
    { "far away", "9999-12-31T23:59:59Z", 253402300799000 },
    { "too far: year 10000", "9999-12-31T23:59:59-00:01", REFUSED },
    { "before year 0", "0000-01-01T00:00:00+00:01", REFUSED },
    { "no leap day in 2023", "2023-02-29T00:00:00Z", REFUSED },
    { "nor in 1900", "1900-02-29T00:00:00Z", REFUSED },
    { "nor in 2100", "2100-02-29T00:00:00Z", REFUSED },
    { "April 31", "2026-04-31T00:00:00Z", REFUSED },
    { "month 13", "2026-13-01T00:00:00Z", REFUSED },
    { "month 0", "2026-00-01T00:00:00Z", REFUSED },
    { "day 0", "2026-01-00T00:00:00Z", REFUSED },
    { "hour 24", "2026-01-01T24:00:00Z", REFUSED },
    { "minute 60", "2026-01-01T00:60:00Z", REFUSED },
    { "second 61", "2026-01-01T00:00:61Z", REFUSED },
    { "no zone", "2026-11-24T04:14:44", REFUSED },
    { "a zone without a colon", "2026-11-24T04:14:44+0100", REFUSED },
    { "an offset of a day", "2026-11-24T04:14:44+24:00", REFUSED },
    { "an offset of 60 minutes", "2026-11-24T04:14:44+01:60", REFUSED },
    { "a dot without digits", "2026-11-24T04:14:44.Z", REFUSED },
    { "a comma", "2026-11-24T04:14:44,5Z", REFUSED },
    { "a space", "2026-11-24 04:14:44Z", REFUSED },
    { "text after it", "2026-11-24T04:14:44Zx", REFUSED },
    { "text after the offset", "2026-11-24T04:14:44+01:00x", REFUSED },
    { "a date alone", "2026-11-24", REFUSED },
    { "short numbers", "2026-1-4T04:14:44Z", REFUSED },
    { "a sign in a number", "2026-+1-04T04:14:44Z", REFUSED },
    { "empty", "", REFUSED },
};

static void reads_rfc_3339(void)
{
    for (size_t i = 0; i < ARRAY_LEN(TIMES); i++) {
        int64_t ms = REFUSED;
        int r = time_parse(TIMES[i].text, &ms);

        CASE(TIMES[i].name, (r == 0) == (TIMES[i].want_ms != REFUSED));
        CASE(TIMES[i].name, ms == TIMES[i].want_ms);
    }
}

static const struct {
    const char *name, *text;
    int64_t want_ms;
} HTTP_DATES[] = {
    { "RFC 9110's", "Sun, 06 Nov 1994 08:49:37 GMT", 784111777000 },
    { "the weekday is not checked", "Mon, 06 Nov 1994 08:49:37 GMT", 784111777000 },
    { "December", "Thu, 31 Dec 2026 23:59:59 GMT", 1798761599000 },
    { "January", "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
    { "RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT", REFUSED },
    { "asctime", "Sun Nov  6 08:49:37 1994", REFUSED },
    { "another zone", "Sun, 06 Nov 1994 08:49:37 CET", REFUSED },
    { "no such month", "Sun, 06 Nox 1994 08:49:37 GMT", REFUSED },
    { "no such day", "Sun, 31 Nov 1994 08:49:37 GMT", REFUSED },
    { "one digit", "Sun, 6 Nov 1994 08:49:37 GMT", REFUSED },
    { "text after it", "Sun, 06 Nov 1994 08:49:37 GMT+1", REFUSED },
    { "cut", "Sun, 06 Nov 19", REFUSED },
    { "very cut", "Su", REFUSED },
    { "empty", "", REFUSED },
};

static void reads_http_dates(void)
{
    for (size_t i = 0; i < ARRAY_LEN(HTTP_DATES); i++) {
        int64_t ms = REFUSED;
        int r = time_parse_http(HTTP_DATES[i].text, &ms);

        CASE(HTTP_DATES[i].name, (r == 0) == (HTTP_DATES[i].want_ms != REFUSED));
        CASE(HTTP_DATES[i].name, ms == HTTP_DATES[i].want_ms);
    }
}

/* A time with any of its bytes missing or another is none. */
static void every_byte_of_a_time_counts(void)
{
    static const char *const RFC3339 = "2026-11-24T04:14:44.5+01:00",
                             *const HTTP = "Sun, 06 Nov 1994 08:49:37 GMT";
    char buf[TIME_TEXT_BYTES];
    int64_t ms;

    for (size_t i = 0; i < strlen(RFC3339); i++) {
        snprintf(buf, sizeof buf, "%.*s", (int)i, RFC3339);
        CASE("cut", time_parse(buf, &ms) == -1);
        snprintf(buf, sizeof buf, "%s", RFC3339);
        buf[i] = 'x';
        CASE("spoiled", time_parse(buf, &ms) == -1);
    }
    for (size_t i = 0; i < strlen(HTTP); i++) {
        snprintf(buf, sizeof buf, "%.*s", (int)i, HTTP);
        CASE("cut", time_parse_http(buf, &ms) == -1);
        snprintf(buf, sizeof buf, "%s", HTTP);
        buf[i] = '_';
        CASE("spoiled", time_parse_http(buf, &ms) == -1);
    }
}

static void writes_what_it_reads(void)
{
    char buf[TIME_TEXT_BYTES];
    bool same = true;

    CASE("seconds", !strcmp(time_format(buf, 1795493684999), "2026-11-24T04:14:44Z"));
    CASE("milliseconds", !strcmp(time_format_ms(buf, 1795493684007), "2026-11-24T04:14:44.007Z"));
    CASE("before the epoch", !strcmp(time_format_ms(buf, -750), "1969-12-31T23:59:59.250Z"));
    CASE("a leap day", !strcmp(time_format(buf, 1709164800000), "2024-02-29T00:00:00Z"));
    CASE("whatever it is, it fits", strlen(time_format_ms(buf, INT64_MAX)) < sizeof buf &&
                                        strlen(time_format_ms(buf, INT64_MIN)) < sizeof buf);
    /* Steps of a day, an hour, a minute, a second and a millisecond, from 1600 to 2400. */
    for (int64_t ms = -11676096000000; ms < 13569465600000; ms += 90061001) {
        int64_t back = 0;

        same &= time_parse(time_format_ms(buf, ms), &back) == 0 && back == ms;
    }
    CASE("each time comes back", same);
}

static const struct {
    int64_t seconds;
    const char *want;
} SPANS[] = {
    { 0, "0 s" },
    { -5, "0 s" },
    { 41, "41 s" },
    { 59, "59 s" },
    { 60, "1 min" },
    { 125, "2 min 5 s" },
    { 3600, "1 h" },
    { 3659, "1 h" },
    { 3660, "1 h 1 min" },
    { 86400, "1 d" },
    { 90000, "1 d 1 h" },
    { 172799, "1 d 23 h" },
    { INT64_MAX, "106751991167300 d 15 h" },
};

static void spans_are_for_people(void)
{
    for (size_t i = 0; i < ARRAY_LEN(SPANS); i++) {
        char buf[TIME_TEXT_BYTES];

        CASE(SPANS[i].want, !strcmp(time_span(buf, SPANS[i].seconds), SPANS[i].want));
    }
}

static void clocks_run(void)
{
    int64_t mono = clock_mono_ms(), wall = clock_wall_ms();

    CASE("the monotonic one never goes back", clock_mono_ms() >= mono && mono > 0);
    CASE("the wall clock is after 2020", wall > 1577836800000);
}

static void delays_double_within_a_quarter(void)
{
    static const struct backoff B = { 800, 30000 };
    int64_t want = 800;

    random_seed(1);
    for (unsigned failures = 1; failures < 100; failures++) {
        int64_t low = INT64_MAX, high = 0;

        for (int i = 0; i < 500; i++) {
            int64_t ms = backoff_ms(&B, failures);

            low = ms < low ? ms : low;
            high = ms > high ? ms : high;
        }
        CASE("not less than three quarters", low >= want * 3 / 4);
        CASE("not more than five", high <= want * 5 / 4);
        CASE("spread over both halves", low < want * 9 / 10 && high > want * 11 / 10);
        want = want * 2 < B.max_ms ? want * 2 : B.max_ms;
    }
    CASE("no failure is like one", backoff_ms(&B, 0) <= 1000 && backoff_ms(&B, 0) >= 600);
    CASE("any number of failures", backoff_ms(&B, UINT32_MAX) <= 37500);
}

static void odd_delays_are_sound(void)
{
    CASE("none", backoff_ms(&(struct backoff){ 0, 1000 }, 5) == 0);
    CASE("below zero", backoff_ms(&(struct backoff){ -5, 1000 }, 5) == 0);
    CASE("first over max", backoff_ms(&(struct backoff){ 9000, 1000 }, 1) <= 1250);
    CASE("no overflow", backoff_ms(&(struct backoff){ 1, INT64_MAX / 2 }, 200) > INT64_MAX / 4);
    CASE("tiny ones are not lost", backoff_ms(&(struct backoff){ 1, 1 }, 3) == 1);
}

static void chance_stays_between_its_ends(void)
{
    int seen[4] = { 0 };
    int64_t first;

    random_seed(42);
    first = random_between(0, INT64_MAX);
    for (int i = 0; i < 1000; i++)
        seen[random_between(-1, 2) + 1]++;
    CASE("each value comes", seen[0] > 150 && seen[1] > 150 && seen[2] > 150 && seen[3] > 150);
    CASE("one value", random_between(7, 7) == 7);
    CASE("the wrong way round", random_between(7, 3) == 7);
    CASE("all of them",
         random_between(INT64_MIN, INT64_MAX) != random_between(INT64_MIN, INT64_MAX));
    random_seed(42);
    CASE("repeatable", random_between(0, INT64_MAX) == first);
}

UNIT_MAIN(UNIT_TEST(reads_rfc_3339), UNIT_TEST(reads_http_dates),
          UNIT_TEST(every_byte_of_a_time_counts), UNIT_TEST(writes_what_it_reads),
          UNIT_TEST(spans_are_for_people), UNIT_TEST(clocks_run),
          UNIT_TEST(delays_double_within_a_quarter), UNIT_TEST(odd_delays_are_sound),
          UNIT_TEST(chance_stays_between_its_ends))
