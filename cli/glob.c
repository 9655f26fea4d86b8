#include "glob.h"

#include <fnmatch.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

/* One part of a path against one of a pattern; neither holds a slash. */
static bool part_takes(const char *pattern, size_t pattern_len, const char *part, size_t len)
{
    char p[NAME_MAX + 1], s[NAME_MAX + 1];

    if (pattern_len == len && memcmp(pattern, part, len) == 0)
        return true;
    if (strcspn(pattern, "*?[\\") >= pattern_len || pattern_len >= sizeof p || len >= sizeof s)
        return false;
    memcpy(p, pattern, pattern_len);
    memcpy(s, part, len);
    p[pattern_len] = s[len] = '\0';
    return fnmatch(p, s, 0) == 0;
}

static size_t part_len(const char *s)
{
    return strcspn(s, "/");
}

/* From the start of both: is the path, or a folder of it, what the pattern says? */
static bool takes_from(const char *pattern, const char *path)
{
    size_t n = part_len(pattern), len = part_len(path);

    if (n == 2 && !strncmp(pattern, "**", 2)) {
        if (!pattern[n] || !pattern[n + 1])
            return *path != '\0';
        for (;; path += part_len(path) + 1) {
            if (takes_from(pattern + n + 1, path))
                return true;
            if (!path[part_len(path)])
                return false;
        }
    }
    if (!part_takes(pattern, n, path, len))
        return false;
    if (!pattern[n]) /* all of the pattern: this folder, or the file itself */
        return true;
    if (!pattern[n + 1]) /* "x/": a folder only */
        return path[len] == '/';
    return path[len] == '/' && takes_from(pattern + n + 1, path + len + 1);
}

bool glob_takes(const char *pattern, const char *path)
{
    const char *slash = strchr(pattern, '/');

    if (slash && slash[1]) /* one that is not at the end: from the root on */
        return takes_from(pattern + (*pattern == '/'), path);
    for (;; path += part_len(path) + 1) {
        if (takes_from(pattern, path))
            return true;
        if (!path[part_len(path)])
            return false;
    }
}

bool glob_any(const char *const *patterns, const char *path)
{
    for (; patterns && *patterns; patterns++)
        if (glob_takes(*patterns, path))
            return true;
    return false;
}
