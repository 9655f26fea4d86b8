/* controller/base/clock.h — The only place that reads a clock, and RFC 3339 times.
 *
 * Times are milliseconds in int64_t: `_ms` of the wall clock since 1970 in objects, of the
 * monotonic clock in timers. 0 stands for "no time". */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H
#include <stdbool.h>
#include <stdint.h>

#define SECOND_MS 1000LL

int64_t clock_mono_ms(void);
int64_t clock_wall_ms(void);

/* "2026-11-24T04:14:44Z", "…44.123Z", "…+02:00" → milliseconds. 0, or -1 when it is no RFC 3339
 * time (without setting any error: the caller knows the field). */
int time_parse(const char *text, int64_t *ret_ms);

/* Milliseconds → "2026-11-24T04:14:44Z"; with fraction "2026-11-24T04:14:44.123Z". */
#define TIME_TEXT_BYTES 32
char *time_format(char buf[TIME_TEXT_BYTES], int64_t ms);
char *time_format_ms(char buf[TIME_TEXT_BYTES], int64_t ms);

/* Days since 1970-01-01 of the Gregorian calendar, before its time too, and back. */
int64_t time_days(int year, int month, int day);
void time_date(int64_t days, int *ret_year, int *ret_month, int *ret_day);
bool time_is_leap(int year);

/* An HTTP Date header (RFC 9110, section 5.6.7, IMF-fixdate) → milliseconds. 0 or -1. */
int time_parse_http(const char *text, int64_t *ret_ms);

/* 41 → "41 s", 125 → "2 min 5 s": for messages. */
char *time_span(char buf[TIME_TEXT_BYTES], int64_t seconds);

#endif
