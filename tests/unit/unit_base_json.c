/* What is taken for JSON, how it is read, and what is written. */
#include "base/json.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "unit.h"

static const struct {
    const char *name, *text;
    const char *err; /* a piece of the error; NULL = accepted */
} TEXTS[] = {
    { "an object", "{\"a\":1}", NULL },
    { "a scalar", "1", NULL },
    { "white space around it", " \t\r\n{} \t\r\n", NULL },
    { "nothing", "", "syntax error" },
    { "white space alone", "  ", "syntax error" },
    { "half an object", "{\"a\":", "syntax error" },
    { "half a string", "\"a", "syntax error" },
    { "a lone backslash", "\"a\\", "syntax error" },
    { "trailing garbage", "{} x", "more text after the value at byte 3" },
    { "two values", "{}{}", "more text after the value at byte 2" },
    { "a comma too many", "[1,]", "syntax error" },
    { "a comment", "{/* */}", "syntax error" },
    { "single quotes", "{'a':1}", "syntax error" },
    { "an escaped NUL", "{\"a\":\"x\\u0000y\"}", "\\u0000 at byte 7" },
    { "an escaped NUL in a key", "{\"\\u0000\":1}", "\\u0000 at byte 2" },
    { "a backslash and then u0000", "{\"a\":\"\\\\u0000\"}", NULL },
    { "two backslashes and an escaped NUL", "{\"a\":\"\\\\\\u0000\"}", "\\u0000" },
    { "brackets in strings are no depth", "\"[[[[{{{{\"", NULL },
    { "a quote in a string", "\"a\\\"[\"", NULL },
    { "out of range", "{\"a\":[1e400]}", "out of range" },
    { "out of range below", "-1e400", "out of range" },
    { "the largest", "1e308", NULL },
};

static void takes_one_value_and_nothing_else(void)
{
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        struct err e = { 0 };
        AUTO(json) cJSON *tree = json_parse(TEXTS[i].text, strlen(TEXTS[i].text), &e);

        CASE(TEXTS[i].name, !tree == !!TEXTS[i].err);
        if (TEXTS[i].err)
            CASE(TEXTS[i].name, e.kind == ERR_INVALID && strstr(e.text, TEXTS[i].err));
        else
            CASE("no error on success", e.kind == ERR_NONE);
    }
}

static void a_nul_is_refused(void)
{
    struct err e = { 0 };

    CASE("inside", !json_parse("{\"a\":\"x\0y\"}", 11, &e) && strstr(e.text, "NUL at byte 7"));
    CASE("after", !json_parse("{}\0", 3, &e) && strstr(e.text, "NUL at byte 2"));
}

static void only_len_bytes_are_read(void)
{
    static const char TEXT[] = { '[', '1', ']', 'x', 'y' }; /* not terminated */
    struct err e = { 0 };
    AUTO(json) cJSON *tree = json_parse(TEXT, 3, &e);

    CASE("three of five", tree && tree->child->valuedouble == 1);
    CASE("two of five", !json_parse(TEXT, 2, &e));
    CASE("four of five", !json_parse(TEXT, 4, &e) && strstr(e.text, "more text"));
}

static bool parses_at_depth(int depth, char open, char close)
{
    char text[400];
    struct err e = { 0 };
    AUTO(json) cJSON *tree = NULL;
    size_t n = 0;

    for (int i = 0; i < depth; i++) {
        text[n++] = open;
        if (open == '{' && i < depth - 1)
            n += (size_t)snprintf(text + n, sizeof text - n, "\"\":");
    }
    for (int i = 0; i < depth; i++)
        text[n++] = close;
    tree = json_parse(text, n, &e);
    return tree || !strstr(e.text, "deeper than 64 levels");
}

static void sixty_four_levels_are_enough(void)
{
    CASE("64 lists", parses_at_depth(64, '[', ']'));
    CASE("65 lists", !parses_at_depth(65, '[', ']'));
    CASE("64 objects", parses_at_depth(64, '{', '}'));
    CASE("65 objects", !parses_at_depth(65, '{', '}'));
}

static const char DOC[] =
    "{\"s\":\"text\",\"empty\":\"\",\"n\":5,\"neg\":-7,\"frac\":1.5,\"t\":true,\"f\":false,"
    "\"null\":null,\"list\":[1,2],\"a\":{\"b\":{\"c\":\"deep\"}},\"S\":\"upper\","
    "\"big\":9007199254740991,\"big-\":-9007199254740991,\"too\":9007199254740993,"
    "\"too-\":-9007199254740993,\"huge\":1e300,\"twice\":1,\"twice\":2,"
    "\"time\":\"2026-11-24T04:14:44.5Z\",\"bad\":\"yesterday\",\"u\":\"\\u00e9\\ud83d\\ude00\"}";

static void getters_take_anything(void)
{
    struct err e = { 0 };
    AUTO(json) cJSON *d = json_parse(DOC, strlen(DOC), &e);

    CASE("a string", !strcmp(json_str(d, "s"), "text") && !strcmp(json_str(d, "empty"), ""));
    CASE("keys are case-sensitive", !strcmp(json_str(d, "S"), "upper") && !json_get(d, "LIST"));
    CASE("no string", !json_str(d, "n") && !json_str(d, "null") && !json_str(d, "x"));
    CASE("of nothing", !json_str(NULL, "s") && !json_get(NULL, "s") && !json_at(NULL, "a"));
    CASE("of a list", !json_get(json_get(d, "list"), "s"));
    CASE("of a string", !json_get(json_get(d, "s"), "s"));
    CASE("deep", !strcmp(json_str(json_at(d, "a", "b"), "c"), "deep"));
    CASE("deep, missing", !json_at(d, "a", "x", "c") && !json_at(d, "s", "b"));
    CASE("true", json_bool(d, "t", false) && !json_bool(d, "f", true));
    CASE("no bool",
         json_bool(d, "n", true) && !json_bool(d, "s", false) && json_bool(d, "x", true));
    CASE("a time", json_time(d, "time") == 1795493684500);
    CASE("no time", !json_time(d, "bad") && !json_time(d, "n") && !json_time(d, "x"));
    CASE("escapes", !strcmp(json_str(d, "u"), "é😀"));
    CASE("the first of two", json_int(d, "twice", 0) == 1);
}

static void whole_numbers_are_exact_or_refused(void)
{
    struct err e = { 0 };
    AUTO(json) cJSON *d = json_parse(DOC, strlen(DOC), &e);

    CASE("small", json_int(d, "n", 0) == 5 && json_int(d, "neg", 0) == -7);
    CASE("no number", json_int(d, "s", -1) == -1 && json_int(d, "x", -2) == -2);
    CASE("a fraction", json_int(d, "frac", -1) == -1);
    CASE("2^53-1", json_int(d, "big", 0) == 9007199254740991);
    CASE("-(2^53-1)", json_int(d, "big-", 0) == -9007199254740991);
    CASE("2^53+1 would come out as 2^53", json_int(d, "too", -1) == -1);
    CASE("so below zero", json_int(d, "too-", -1) == -1);
    CASE("far out", json_int(d, "huge", -1) == -1);
}

static void walks_lists(void)
{
    struct err e = { 0 };
    AUTO(json) cJSON *d = json_parse(DOC, strlen(DOC), &e);
    int sum = 0;

    JSON_EACH(item, json_get(d, "list"))
        sum += item->valueint;
    JSON_EACH(item, json_get(d, "absent"))
        sum += 100;
    JSON_EACH(item, json_get(d, "s"))
        sum += 1000;
    CASE("each once, nothing of what is no list", sum == 3);
}

static void writes_what_there_is(void)
{
    AUTO(json) cJSON *d = cJSON_CreateObject();
    cJSON *inner = json_put_object(d, "o");
    char *text;

    json_put_str(inner, "s", "a\"\n\\é");
    json_put_str(inner, "absent", NULL);
    json_put_int(d, "n", 123456789012345);
    json_put_int(d, "zero", 0);
    json_put_bool(d, "t", true);
    json_put_time(d, "time", 1795493684999);
    json_put_time(d, "never", 0);
    json_put_time_ms(d, "ms", 1795493684999);
    json_put_time_ms(d, "never", 0);
    json_put_array(d, "l");
    text = json_print(d);
    CASE("compact",
         !strcmp(text, "{\"o\":{\"s\":\"a\\\"\\n\\\\é\"},\"n\":123456789012345,\"zero\":0,"
                       "\"t\":true,\"time\":\"2026-11-24T04:14:44Z\","
                       "\"ms\":\"2026-11-24T04:14:44.999Z\",\"l\":[]}"));
    free(text);
}

UNIT_MAIN(UNIT_TEST(takes_one_value_and_nothing_else), UNIT_TEST(a_nul_is_refused),
          UNIT_TEST(only_len_bytes_are_read), UNIT_TEST(sixty_four_levels_are_enough),
          UNIT_TEST(getters_take_anything), UNIT_TEST(whole_numbers_are_exact_or_refused),
          UNIT_TEST(walks_lists), UNIT_TEST(writes_what_there_is))
