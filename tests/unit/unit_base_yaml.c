/* YAML as configuration files use it: what it means, and what is refused with line and column. */
#include "base/yaml.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include "unit.h"

static const struct {
    const char *name, *text;
    const char *json; /* what it means; or … */
    const char *err;  /* … the error */
} TEXTS[] = {
    { "a mapping", "a: 1\nb: x y\n", "{\"a\":1,\"b\":\"x y\"}", NULL },
    { "nested", "a:\n- b: 1\n  c: [x, {d: e}]\n- f\n",
      "{\"a\":[{\"b\":1,\"c\":[\"x\",{\"d\":\"e\"}]},\"f\"]}", NULL },
    { "JSON is YAML", "{\"a\": [1, true, null, \"x\"]}", "{\"a\":[1,true,null,\"x\"]}", NULL },
    { "empty", "", "null", NULL },
    { "a comment alone", "# nothing\n", "null", NULL },
    { "a marker alone", "---\n", "null", NULL },
    { "no value", "a:\n", "{\"a\":null}", NULL },
    { "a block of text", "a: |\n  b\n  c\n", "{\"a\":\"b\\nc\\n\"}", NULL },
    /* the core schema */
    { "null", "[~, null, Null, NULL, nULL]", "[null,null,null,null,\"nULL\"]", NULL },
    { "bool", "[true, True, TRUE, false, False, FALSE]", "[true,true,true,false,false,false]",
      NULL },
    { "yes and no are text", "[yes, no, on, off, y, n, tRUE]",
      "[\"yes\",\"no\",\"on\",\"off\",\"y\",\"n\",\"tRUE\"]", NULL },
    { "integers", "[0, -1, +7, 123456789012345]", "[0,-1,7,123456789012345]", NULL },
    { "a leading zero is still a number", "[007]", "[7]", NULL },
    { "too long for a double", "[1234567890123456]", "[\"1234567890123456\"]", NULL },
    { "what looks like a number", "[1.5, 1e3, 0x1f, 0o17, 1_000, -, 12:30]",
      "[\"1.5\",\"1e3\",\"0x1f\",\"0o17\",\"1_000\",\"-\",\"12:30\"]", NULL },
    { "quoted is text", "['1', \"true\", 'null', \"\", '']", "[\"1\",\"true\",\"null\",\"\",\"\"]",
      NULL },
    { "a block is text", "a: >-\n  1\n", "{\"a\":\"1\"}", NULL },
    { "a date is text", "a: 2026-11-24\n", "{\"a\":\"2026-11-24\"}", NULL },
    { "escapes", "\"\\u00e9\\x41\"", "\"éA\"", NULL },
    { "the first document only", "a: 1\n---\nb: 2\n", "{\"a\":1}", NULL },
    { "an explicit end", "a: 1\n...\n", "{\"a\":1}", NULL },
    /* refused */
    { "an anchor", "a: &x 1\n", NULL,
      "line 1, column 4: anchors, aliases and tags are not accepted" },
    { "an alias", "a: 1\nb: *x\n", NULL, "line 2, column 4: anchors" },
    { "an anchored mapping", "a: &x {b: 1}\n", NULL, "line 1, column 4: anchors" },
    { "an anchored list", "a: &x [1]\n", NULL, "line 1, column 4: anchors" },
    { "an anchored root", "&x\na: 1\n", NULL, "anchors" },
    { "an anchored key", "&x a: 1\n", NULL, "line 1, column 1: anchors" },
    { "a merge key's alias", "b:\n  <<: *x\n", NULL, "line 2, column 7: anchors" },
    { "a tag", "a: !!str 1\n", NULL, "line 1, column 4: anchors" },
    { "a tag of one's own", "a: !x {b: 1}\n", NULL, "line 1, column 4: anchors" },
    { "the same key twice", "a: 1\nb: 2\na: 3\n", NULL,
      "line 3, column 1: a key that was there before" },
    { "a key that is a list", "[a]: 1\n", NULL, "a key that is no plain text" },
    { "a key that is a number", "1: x\n", NULL,
      "line 1, column 1: a key that is no text: put it into quotes" },
    { "a key that is null", "~: x\n", NULL, "a key that is no text" },
    { "a NUL", "a: \"x\\0y\"\n", NULL, "line 1, column 4: a NUL character" },
    { "a NUL in a key", "\"x\\0y\": 1\n", NULL, "a NUL character" },
    { "half a list", "a: [1, 2\n", NULL, "YAML: line " },
    { "half a string", "a: 'x\n", NULL, "YAML: line " },
    { "a tab as indentation", "a:\n\tb: 1\n", NULL, "YAML: line 2, column 1" },
    { "a colon too many", "a: b: c\n", NULL, "YAML: line 1, column 5" },
    { "bad UTF-8", "a: \xff\n", NULL, "YAML: line 1" },
    { "something after the value", "{a: 1} b\n", NULL, "YAML: line 1, column 8" },
    { "a bracket after the value", "{a: [1]}}\n", NULL, "YAML: line 1, column 9" },
    { "a list after a mapping", "a: 1\n- b\n", NULL, "YAML: line 2, column 1" },
};

static void means_what_it_says(void)
{
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        struct err e = { 0 };
        AUTO(json) cJSON *tree = yaml_parse(TEXTS[i].text, strlen(TEXTS[i].text), 1 * KIB, &e);
        char *json = tree ? json_print(tree) : NULL;

        CASE(TEXTS[i].name, !tree == !TEXTS[i].json);
        if (json && TEXTS[i].json)
            CASE(TEXTS[i].name, !strcmp(json, TEXTS[i].json) && e.kind == ERR_NONE);
        if (TEXTS[i].err)
            CASE(TEXTS[i].name, e.kind == ERR_INVALID && strstr(e.text, TEXTS[i].err));
        free(json);
    }
}

static void a_document_has_a_limit(void)
{
    struct err e = { 0 };
    AUTO(json) cJSON *tree = yaml_parse("a: 1", 4, 4, &e);

    CASE("just as long", tree != NULL);
    CASE("one byte longer", !yaml_parse("a: 12", 5, 4, &e) && e.kind == ERR_INVALID);
    CASE("in words", !strcmp(e.text, "YAML: 5 bytes, allowed are 4"));
}

/* "[[[…]]]", and a scalar in the innermost. */
static bool parses_at_depth(int depth)
{
    char text[400];
    struct err e = { 0 };
    AUTO(json) cJSON *tree = NULL;

    memset(text, '[', (size_t)depth);
    memset(text + depth, ']', (size_t)depth);
    tree = yaml_parse(text, 2 * (size_t)depth, sizeof text, &e);
    return tree || !strstr(e.text, "nested over 64 deep");
}

static void sixty_four_levels_are_enough(void)
{
    CASE("64", parses_at_depth(64));
    CASE("65", !parses_at_depth(65));
}

/* A file cut anywhere is an error or a shorter file, never a crash or a leak. */
static void may_be_cut_anywhere(void)
{
    static const char TEXT[] = "a: [1, {b: \"c\\u00e9\"}]\nd:\n- |\n  text\n- 'x'\ne: {f: &y 1}\n";

    for (size_t n = 0; n < sizeof TEXT; n++) {
        struct err e = { 0 };
        char *cut = strndup(TEXT, n);
        AUTO(json) cJSON *tree = yaml_parse(cut, n, sizeof TEXT, &e);

        CASE("a tree or an error", !tree == (e.kind == ERR_INVALID));
        free(cut);
    }
}

static void places_are_found(void)
{
    static const char TEXT[] = "# head\napps:\n  e2e: false\n  api:\n    args: {A: 1, B: [x, y]}\n"
                               "shared:\n- a\n-   b\n";
    static const struct {
        const char *name;
        const char *path[5];
        size_t line, column;
    } rows[] = {
        { "a key of the root", { "shared", NULL }, 6, 1 },
        { "a key within", { "apps", "api", NULL }, 4, 3 },
        { "in flow style", { "apps", "api", "args", "B", NULL }, 5, 18 },
        { "an item", { "shared", "1", NULL }, 8, 5 },
        { "an item in flow style", { "apps", "api", "args", "B", "1" }, 5, 25 },
        { "not there: where it would be", { "apps", "web", "args", NULL }, 2, 1 },
        { "not even its root", { "ignore", NULL }, 1, 1 },
        { "within a scalar", { "apps", "e2e", "dir", NULL }, 3, 3 },
        { "past the last item", { "shared", "2", NULL }, 6, 1 },
        { "the root", { NULL }, 1, 1 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *path[6] = { NULL };
        struct yaml_place at;

        memcpy(path, rows[i].path, sizeof rows[i].path);
        at = yaml_where(TEXT, strlen(TEXT), path);
        CASE(rows[i].name, at.line == rows[i].line && at.column == rows[i].column);
    }
    CASE("a text that is no YAML",
         yaml_where("a: [", 4, (const char *const[]){ "a", "7", NULL }).line == 1);
}

UNIT_MAIN(UNIT_TEST(places_are_found), UNIT_TEST(means_what_it_says),
          UNIT_TEST(a_document_has_a_limit), UNIT_TEST(sixty_four_levels_are_enough),
          UNIT_TEST(may_be_cut_anywhere))
