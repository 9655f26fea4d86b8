/* Log records, read back from the descriptor they are written to. */
#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include "unit.h"

static char record[32 * 1024]; /* what the last log call wrote */

/* Standard error goes into a file for the time of one statement. */
#define LOGGED(statement)                                                                          \
    do {                                                                                           \
        int saved_ = capture();                                                                    \
        statement;                                                                                 \
        release(saved_);                                                                           \
    } while (0)

static int capture(void)
{
    char path[] = "/tmp/unit_base_log.XXXXXX";
    int fd = mkstemp(path), saved = dup(STDERR_FILENO);

    CASE("a file of its own", fd >= 0 && saved >= 0);
    unlink(path);
    dup2(fd, STDERR_FILENO);
    close(fd);
    return saved;
}

static void release(int saved)
{
    ssize_t n = pread(STDERR_FILENO, record, sizeof record - 1, 0);

    record[n > 0 ? n : 0] = '\0';
    dup2(saved, STDERR_FILENO);
    close(saved);
}

/* The record without its time, which is checked. */
static const char *after_time(const char *prefix, const char *suffix)
{
    size_t n = strlen(prefix);
    char time[TIME_TEXT_BYTES];
    int64_t ms = 0;

    if (strncmp(record, prefix, n))
        return "no time";
    snprintf(time, sizeof time, "%.24s", record + n);
    CASE("a time with milliseconds", !time_parse(time, &ms) && ms > 1577836800000);
    return strncmp(record + n + 24, suffix, strlen(suffix)) ? "no time" :
                                                              record + n + 24 + strlen(suffix);
}

static const struct {
    const char *name, *value;
    const char *json, *text; /* as they come out */
} VALUES[] = {
    { "plain", "shop/api", "\"shop/api\"", "shop/api" },
    { "empty", "", "\"\"", "\"\"" },
    { "NULL", NULL, "\"\"", "\"\"" },
    { "a space", "a b", "\"a b\"", "\"a b\"" },
    { "a quote", "a\"b", "\"a\\\"b\"", "\"a\\\"b\"" },
    { "a backslash", "a\\b", "\"a\\\\b\"", "\"a\\\\b\"" },
    { "an equals sign", "a=b", "\"a=b\"", "\"a=b\"" },
    { "a newline", "a\nlevel=error", "\"a level=error\"", "\"a level=error\"" },
    { "a carriage return", "a\rb", "\"a b\"", "\"a b\"" },
    { "a terminal's escape", "\x1b[2J", "\" [2J\"", "\" [2J\"" },
    { "DEL", "a\x7f", "\"a \"", "\"a \"" },
    { "UTF-8", "é中", "\"é中\"", "\"é中\"" },
    { "no UTF-8", "a\xff", "\"a?\"", "\"a?\"" },
};

static void values_are_escaped_in_json(void)
{
    log_set_format("json");
    for (size_t i = 0; i < ARRAY_LEN(VALUES); i++) {
        char want[100];

        LOGGED(log_info("hello", F("k", VALUES[i].value), F("n", 7)));
        snprintf(want, sizeof want, ",\"msg\":\"hello\",\"k\":%s,\"n\":7}\n", VALUES[i].json);
        CASE(VALUES[i].name, !strcmp(after_time("{\"time\":\"", "\",\"level\":\"info\""), want));
    }
}

static void values_are_escaped_in_text(void)
{
    log_set_format("text");
    for (size_t i = 0; i < ARRAY_LEN(VALUES); i++) {
        char want[100];

        LOGGED(log_warn("hello world", F("k", VALUES[i].value), F("n", -7)));
        snprintf(want, sizeof want, " msg=\"hello world\" k=%s n=-7\n", VALUES[i].text);
        CASE(VALUES[i].name, !strcmp(after_time("time=", " level=warn"), want));
    }
    log_set_format("json");
}

static void numbers_of_any_type_are_numbers(void)
{
    static const char want[] =
        ",\"msg\":\"n\",\"a\":-9223372036854775808,\"b\":4294967295,\"c\":1,\"d\":9}\n";

    LOGGED(log_error("n", F("a", INT64_MIN), F("b", UINT32_MAX), F("c", true), F("d", (size_t)9)));
    CASE("as they are", !strcmp(after_time("{\"time\":\"", "\",\"level\":\"error\""), want));
    LOGGED(log_info("no facts"));
    CASE("none", strstr(record, "\"msg\":\"no facts\"}\n"));
}

static void lower_levels_are_silent(void)
{
    static const char *const LEVELS[] = { "debug", "info", "warn", "error" };

    for (int least = 0; least < 4; least++) {
        CASE(LEVELS[least], log_set_level(LEVELS[least]) == 0);
        for (int level = 0; level < 4; level++) {
            LOGGED(log_write((enum log_level)level, "m", (struct log_field[]){ { 0 } }));
            CASE(LEVELS[level], (record[0] != '\0') == (level >= least));
            CASE(LEVELS[level], level < least || strstr(record, LEVELS[level]));
        }
    }
    log_set_level("info");
}

static void unknown_words_change_nothing(void)
{
    CASE("level",
         log_set_level("loud") == -1 && log_set_level("") == -1 && log_set_level("INFO") == -1);
    CASE("format", log_set_format("xml") == -1 && log_set_format("") == -1);
    LOGGED(log_debug("d"));
    CASE("still info", !record[0]);
    LOGGED(log_info("i"));
    CASE("still json", record[0] == '{');
}

/* However long the values are, a record is one line of JSON that parses. */
static void long_records_stay_well_formed(void)
{
    char value[3000];
    struct log_field fields[41] = { 0 };

    for (size_t len = 1; len < sizeof value; len += 83) {
        struct err e = { 0 };

        memset(value, len % 2 ? '"' : 'v', len);
        value[len] = '\0';
        for (int i = 0; i < 40; i++)
            fields[i] = log_field_str("key", value);
        LOGGED(log_write(LOG_INFO, "long", fields));
        {
            AUTO(json) cJSON *tree = json_parse(record, strlen(record), &e);

            CASE("JSON", tree && !strcmp(json_str(tree, "msg"), "long"));
            CASE("one line", strchr(record, '\n') == record + strlen(record) - 1);
            CASE("bounded", strlen(record) <= 16 * 1024);
            CASE("a value is cut with dots",
                 tree && (strlen(json_str(tree, "key")) == len ||
                          (len > 1024 && !strcmp(json_str(tree, "key") + 1021, "…"))));
        }
    }
}

UNIT_MAIN(UNIT_TEST(values_are_escaped_in_json), UNIT_TEST(values_are_escaped_in_text),
          UNIT_TEST(numbers_of_any_type_are_numbers), UNIT_TEST(lower_levels_are_silent),
          UNIT_TEST(unknown_words_change_nothing), UNIT_TEST(long_records_stay_well_formed))
