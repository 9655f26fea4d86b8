/* Patterns as .gitignore has them. */
#include "glob.h"

#include "base/auto.h"
#include "unit.h"

static void patterns_take(void)
{
    static const struct {
        const char *pattern, *path;
        bool takes;
    } rows[] = {
        /* without a slash: any part */
        { "*.md", "README.md", true },
        { "*.md", "a/b/c.md", true },
        { "*.md", "a.md/b", true },
        { "*.md", "README.mdx", false },
        { "LICENSE", "LICENSE", true },
        { "LICENSE", "a/LICENSE", true },
        { "LICENSE", "LICENSES", false },
        { "?", "ab", false },
        { "[ab]x", "bx", true },
        { "*", "a/b", true },
        { "\\*", "*", true },
        { "\\*", "a", false },
        { ".*", "a/.env", true },
        /* a slash at the end: folders, with all below */
        { "docs/", "docs/a/b", true },
        { "docs/", "a/docs/b", true },
        { "docs/", "docs", false },
        { "docs/", "docsx/a", false },
        { "docs/", "a/docs", false },
        /* another slash: from the root on */
        { "/docs/", "docs/a", true },
        { "/docs/", "a/docs/b", false },
        { "/package.json", "package.json", true },
        { "/package.json", "a/package.json", false },
        { "a/b", "a/b", true },
        { "a/b", "a/b/c", true },
        { "a/b", "x/a/b", false },
        { "a/*", "a/b/c", true },
        { "a/*/c", "a/b/c", true },
        { "a/*/c", "a/b/b/c", false },
        { "a*c", "a/c", false },
        { "a/b/", "a/b", false },
        { "a/b/", "a/b/c", true },
        /* any number of folders */
        { "**/x", "x", true },
        { "**/x", "a/b/x", true },
        { "**/x", "a/xy", false },
        { "a/**", "a/b/c", true },
        { "a/**", "a", false },
        { "a/**/z", "a/z", true },
        { "a/**/z", "a/b/c/z", true },
        { "a/**/z", "b/z", false },
        { "a/**/b/**/c", "a/x/b/y/y/c", true },
        { "**", "a", true },
        /* odd ones */
        { "a\nb", "a\nb", true },
        { "[", "[", true },
        { "", "a", false },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char name[64];

        snprintf(name, sizeof name, "%s and %s", rows[i].pattern, rows[i].path);
        CASE(name, glob_takes(rows[i].pattern, rows[i].path) == rows[i].takes);
    }
}

static void lists_take(void)
{
    CASE("none", !glob_any(NULL, "a"));
    CASE("empty", !glob_any((const char *const[]){ NULL }, "a"));
    CASE("the second", glob_any((const char *const[]){ "x", "a", NULL }, "a"));
}

UNIT_MAIN(UNIT_TEST(patterns_take), UNIT_TEST(lists_take))
