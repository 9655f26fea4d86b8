/* Scripts added to a package.json, whose text stays as it is. */
#include "package_scripts.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "unit.h"

static const struct package_script SCRIPTS[] = { { "up", "shopflow up" }, { "b:k8s", "x" } };

static void scripts_are_added_where_they_are_missing(void)
{
    static const struct {
        const char *text, *want; /* NULL = stays */
    } rows[] = {
        /* indentation is the owner's, and so is all else */
        { "{\n  \"scripts\": {\n    \"build\": \"b\"\n  }\n}\n",
          "{\n  \"scripts\": {\n    \"up\": \"shopflow up\",\n    \"b:k8s\": \"x\",\n"
          "    \"build\": \"b\"\n  }\n}\n" },
        { "{\n\t\"scripts\": {\n\t\t\"up\": \"mine\"\n\t}\n}",
          "{\n\t\"scripts\": {\n\t\t\"b:k8s\": \"x\",\n\t\t\"up\": \"mine\"\n\t}\n}" },
        { "{\n  \"scripts\": {}\n}",
          "{\n  \"scripts\": {\n    \"up\": \"shopflow up\",\n    \"b:k8s\": \"x\"\n  }\n}" },
        { "{\n  \"name\": \"shop\"\n}",
          "{\n  \"scripts\": {\n    \"up\": \"shopflow up\",\n    \"b:k8s\": \"x\"\n  },\n"
          "  \"name\": \"shop\"\n}" },
        { "{\"scripts\":{\"a\":\"b\"}}",
          "{\"scripts\":{\n    \"up\": \"shopflow up\",\n    \"b:k8s\": \"x\",\"a\":\"b\"}}" },
        { "{}", "{\n  \"scripts\": {\n    \"up\": \"shopflow up\",\n    \"b:k8s\": \"x\"\n  }\n}" },
        /* not the scripts of something within, and no value of this name */
        { "{\"x\": {\"scripts\": {}}, \"y\": \"scripts\", \"z\": [{\"scripts\": {}}]}",
          "{\n  \"scripts\": {\n    \"up\": \"shopflow up\",\n    \"b:k8s\": \"x\"\n  },"
          "\"x\": {\"scripts\": {}}, \"y\": \"scripts\", \"z\": [{\"scripts\": {}}]}" },
        { "{\"a\\\"{\": \"}\\\\\", \"scripts\": {\"up\": \"\", \"b:k8s\": \"\"}}", NULL },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        struct err e = { 0 };
        const char *got = package_scripts_add(a, rows[i].text, SCRIPTS, 2, &e);

        CASE(rows[i].text, got && !strcmp(got, rows[i].want ?: rows[i].text));
        CASE("the same text when nothing is missing", rows[i].want || got == rows[i].text);
    }
}

static void what_is_no_package_json_is_refused(void)
{
    static const char *const texts[] = {
        "", "[]", "{", "{\"scripts\": []}", "{\"scripts\": null}", "{\"\\u0073cripts\": {}}"
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        struct err e = { 0 };

        CASE(texts[i], !package_scripts_add(a, texts[i], SCRIPTS, 2, &e));
        CASE("as bad input", e.kind == ERR_INVALID);
    }
}

UNIT_MAIN(UNIT_TEST(scripts_are_added_where_they_are_missing),
          UNIT_TEST(what_is_no_package_json_is_refused))
