/* controller/base/zone.h — A time zone: its offset from UTC at any time (TZif, RFC 9636).
 *
 * Pure over the bytes of a file of the IANA time zone database; no tzset(), which is of the whole
 * process. After the last transition the file's footer counts, a POSIX TZ string.
 *
 *     struct zone *z = zone_parse(bytes, n, &e);
 *     struct zone_span now = zone_at(z, now_ms);    // local time is now_ms + now.offset_ms
 *     zone_free(z); */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H
#include <stddef.h>
#include <stdint.h>

struct err;
struct zone;

/* ERR_INVALID: no TZif of version 2 or later, or one that counts leap seconds. */
struct zone *zone_parse(const void *bytes, size_t n, struct err *e);
void zone_free(struct zone *z); /* NULL is fine */

/* The time around an instant in which the offset is the same. */
struct zone_span {
    int64_t from_ms;   /* its first instant; INT64_MIN = since ever */
    int64_t offset_ms; /* local time − UTC */
    int64_t before_ms; /* the offset before from_ms */
};
struct zone_span zone_at(const struct zone *z, int64_t ms);

/* "2026-11-27T18:00:00+01:00": an instant as its clocks show it. */
#define ZONE_TEXT_BYTES 40
char *zone_format(const struct zone *z, char buf[ZONE_TEXT_BYTES], int64_t ms);

#endif
