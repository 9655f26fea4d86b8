#include "base/clock.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY_MS (24 * 60 * 60 * SECOND_MS)

struct civil {
    int year, month, day, hour, minute, second;
};

static const char *const MONTHS[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

static int64_t read_clock(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now); /* cannot fail for these two */
    return (int64_t)now.tv_sec * SECOND_MS + now.tv_nsec / 1000000;
}

int64_t clock_mono_ms(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
    return read_clock(CLOCK_REALTIME);
}

/* Days since 1970-01-01 of the proleptic Gregorian calendar, counted in years that start in March
 * and eras of 400 years. Not timegm/gmtime: those take the lock of tzset(). */
int64_t time_days(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

void time_date(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;

    *ret_day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *ret_month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *ret_year = (int)(yoe + era * 400 + (*ret_month <= 2));
}

static int64_t civil_to_ms(const struct civil *c)
{
    int64_t seconds = c->hour * 3600 + c->minute * 60 + c->second;

    return time_days(c->year, c->month, c->day) * DAY_MS + seconds * SECOND_MS;
}

bool time_is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool civil_is_valid(const struct civil *c)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    if (c->month < 1 || c->month > 12)
        return false;
    return c->day >= 1 && c->day <= days[c->month - 1] + (time_is_leap(c->year) && c->month == 2) &&
           c->hour <= 23 && c->minute <= 59 && c->second <= 59;
}

/* Exactly `digits` digits at *p; *p moves past them. */
static bool take_number(const char **p, int digits, int *ret)
{
    int n = 0;

    for (int i = 0; i < digits; i++) {
        if (!isdigit((unsigned char)(*p)[i]))
            return false;
        n = n * 10 + ((*p)[i] - '0');
    }
    *p += digits;
    *ret = n;
    return true;
}

static bool take_char(const char **p, char c)
{
    if (toupper((unsigned char)**p) != c)
        return false;
    (*p)++;
    return true;
}

/* ".123456" → 123; nothing → 0. */
static bool take_fraction(const char **p, int *ret_ms)
{
    int weight = 100;

    *ret_ms = 0;
    if (!take_char(p, '.'))
        return true;
    if (!isdigit((unsigned char)**p))
        return false;
    for (; isdigit((unsigned char)**p); (*p)++, weight /= 10)
        *ret_ms += (**p - '0') * weight;
    return true;
}

/* "Z" or "+02:00", to the end of the text. */
static bool take_offset(const char *p, int *ret_minutes)
{
    int sign = *p == '-' ? -1 : 1;
    int hours, minutes;

    *ret_minutes = 0;
    if (take_char(&p, 'Z'))
        return *p == '\0';
    if (*p != '+' && *p != '-')
        return false;
    p++;
    if (!take_number(&p, 2, &hours) || !take_char(&p, ':') || !take_number(&p, 2, &minutes))
        return false;
    *ret_minutes = sign * (hours * 60 + minutes);
    return *p == '\0' && hours <= 23 && minutes <= 59;
}

/* Milliseconds → fields; the return value is what is left over, 0..999. */
static int civil_from_ms(int64_t ms, struct civil *c)
{
    int64_t days = ms / DAY_MS - (ms % DAY_MS < 0);
    int64_t rest = ms - days * DAY_MS;

    time_date(days, &c->year, &c->month, &c->day);
    c->hour = (int)(rest / (3600 * SECOND_MS));
    c->minute = (int)(rest / (60 * SECOND_MS) % 60);
    c->second = (int)(rest / SECOND_MS % 60);
    return (int)(rest % SECOND_MS);
}

/* Only years 0 to 9999 can be written again; an offset at the edge leads beyond. */
static bool can_be_written(int64_t ms)
{
    struct civil c;

    civil_from_ms(ms, &c);
    return c.year >= 0 && c.year <= 9999;
}

int time_parse(const char *text, int64_t *ret_ms)
{
    const char *p = text;
    struct civil c;
    int fraction_ms, offset_minutes;
    int64_t ms;

    if (!take_number(&p, 4, &c.year) || !take_char(&p, '-') || !take_number(&p, 2, &c.month) ||
        !take_char(&p, '-') || !take_number(&p, 2, &c.day) || !take_char(&p, 'T'))
        return -1;
    if (!take_number(&p, 2, &c.hour) || !take_char(&p, ':') || !take_number(&p, 2, &c.minute) ||
        !take_char(&p, ':') || !take_number(&p, 2, &c.second))
        return -1;
    if (!take_fraction(&p, &fraction_ms) || !take_offset(p, &offset_minutes) || !civil_is_valid(&c))
        return -1;
    ms = civil_to_ms(&c) + fraction_ms - offset_minutes * 60 * SECOND_MS;
    if (!can_be_written(ms))
        return -1;
    *ret_ms = ms;
    return 0;
}

static bool take_month(const char **p, int *ret_month)
{
    for (int i = 0; i < 12; i++) {
        if (strncmp(*p, MONTHS[i], 3) != 0)
            continue;
        *p += 3;
        *ret_month = i + 1;
        return true;
    }
    return false;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT"; the weekday is not checked against the date. */
int time_parse_http(const char *text, int64_t *ret_ms)
{
    const char *p = text;
    struct civil c;

    for (int i = 0; i < 3; i++, p++)
        if (!isalpha((unsigned char)*p))
            return -1;
    if (!take_char(&p, ',') || !take_char(&p, ' ') || !take_number(&p, 2, &c.day) ||
        !take_char(&p, ' ') || !take_month(&p, &c.month) || !take_char(&p, ' ') ||
        !take_number(&p, 4, &c.year) || !take_char(&p, ' '))
        return -1;
    if (!take_number(&p, 2, &c.hour) || !take_char(&p, ':') || !take_number(&p, 2, &c.minute) ||
        !take_char(&p, ':') || !take_number(&p, 2, &c.second))
        return -1;
    if (strcmp(p, " GMT") != 0 || !civil_is_valid(&c))
        return -1;
    *ret_ms = civil_to_ms(&c);
    return 0;
}

char *time_format(char buf[TIME_TEXT_BYTES], int64_t ms)
{
    struct civil c;

    civil_from_ms(ms, &c);
    snprintf(buf, TIME_TEXT_BYTES, "%04d-%02d-%02dT%02d:%02d:%02dZ", c.year, c.month, c.day, c.hour,
             c.minute, c.second);
    return buf;
}

char *time_format_ms(char buf[TIME_TEXT_BYTES], int64_t ms)
{
    struct civil c;
    int rest = civil_from_ms(ms, &c);

    snprintf(buf, TIME_TEXT_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", c.year, c.month, c.day,
             c.hour, c.minute, c.second, rest);
    return buf;
}

char *time_span(char buf[TIME_TEXT_BYTES], int64_t seconds)
{
    static const struct unit {
        int64_t seconds;
        const char *name;
    } units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
    size_t i = 0;
    int64_t more;
    int n;

    if (seconds < 0)
        seconds = 0;
    while (i < 3 && seconds < units[i].seconds)
        i++;
    more = i < 3 ? seconds % units[i].seconds / units[i + 1].seconds : 0;
    n = snprintf(buf, TIME_TEXT_BYTES, "%lld %s", (long long)(seconds / units[i].seconds),
                 units[i].name);
    if (more > 0 && n > 0 && n < TIME_TEXT_BYTES)
        snprintf(buf + n, TIME_TEXT_BYTES - (size_t)n, " %lld %s", (long long)more,
                 units[i + 1].name);
    return buf;
}
