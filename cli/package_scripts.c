#include "package_scripts.h"

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

#define SPACE " \t\r\n"

/* Behind a string that begins at s. */
static const char *skip_string(const char *s)
{
    for (s++; *s != '"'; s++)
        if (*s == '\\')
            s++;
    return s + 1;
}

/* The value of the outermost object's member, in text that is JSON; NULL = it has none. */
static const char *find_member(const char *text, const char *name)
{
    size_t len = strlen(name);
    int depth = 0;

    for (const char *s = text; *s;) {
        const char *begin = s;

        if (*s == '{' || *s == '[')
            depth++;
        else if (*s == '}' || *s == ']')
            depth--;
        if (*s != '"') {
            s++;
            continue;
        }
        s = skip_string(s);
        if (depth != 1 || (size_t)(s - begin) != len + 2 || strncmp(begin + 1, name, len))
            continue;
        s += strspn(s, SPACE);
        if (*s == ':') /* a key, not a value */
            return s + 1 + strspn(s + 1, SPACE);
    }
    return NULL;
}

/* Put members in front of the first of the object that begins at object; the end of one that was
 * empty gets a line with this indentation. */
static const char *insert(struct arena *a, const char *text, const char *object,
                          const char *members, const char *outer)
{
    const char *rest = object + 1 + strspn(object + 1, SPACE);

    if (*rest != '}')
        return arena_printf(a, "%.*s%s,%s", (int)(object + 1 - text), text, members, object + 1);
    return arena_printf(a, "%.*s%s\n%s%s", (int)(object + 1 - text), text, members, outer, rest);
}

/* The whitespace that begins the first member's line, or what npm writes. */
static const char *indentation(struct arena *a, const char *object, const char *otherwise)
{
    const char *first = object + 1 + strspn(object + 1, SPACE), *line = first;

    while (line > object + 1 && line[-1] != '\n')
        line--;
    if (*first == '}' || line == object + 1)
        return otherwise;
    return arena_printf(a, "%.*s", (int)(first - line), line);
}

const char *package_scripts_add(struct arena *a, const char *text,
                                const struct package_script *scripts, size_t n, struct err *e)
{
    AUTO(json) cJSON *tree = json_parse(text, strlen(text), e);
    const cJSON *has = json_get(tree, "scripts");
    const char *object = has ? find_member(text, "scripts") : NULL, *members = "";
    const char *outer, *indent;

    if (!cJSON_IsObject(tree) || (has && (!cJSON_IsObject(has) || !object))) {
        err_set(e, ERR_INVALID, 0, "%s is no JSON object", has ? "scripts" : "it");
        return NULL;
    }
    outer = indentation(a, strchr(text, '{'), "  ");
    indent = arena_printf(a, "%s%s", outer, outer);
    if (object)
        indent = indentation(a, object, indent);
    for (size_t i = 0; i < n; i++)
        if (!json_get(has, scripts[i].name))
            members = arena_printf(a, "%s%s\n%s\"%s\": \"%s\"", members, *members ? "," : "",
                                   indent, scripts[i].name, scripts[i].command);
    if (!*members)
        return text;
    if (object)
        return insert(a, text, object, members, outer);
    members = arena_printf(a, "\n%s\"scripts\": {%s\n%s}", outer, members, outer);
    return insert(a, text, strchr(text, '{'), members, "");
}
