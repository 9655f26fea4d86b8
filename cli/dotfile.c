#include "dotfile.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"

#define BLANKS " \t\v\f\r"

static size_t count_lines(const char *text)
{
    size_t n = 1;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}

/* Whether nothing but white space and a comment is left of the line. */
static bool is_over(const char *at, bool after_blank)
{
    size_t blanks = strspn(at, BLANKS);

    return !at[blanks] || (at[blanks] == '#' && (blanks || after_blank));
}

static int read_quoted(const char *at, struct arena *a, struct dotfile_entry *ret, struct err *e)
{
    const char *end = strchr(at + 1, *at);

    if (!end)
        return err_set(e, ERR_INVALID, 0, "line %zu: the value of %s has no closing quote",
                       ret->line, ret->key);
    if (!is_over(end + 1, false))
        return err_set(e, ERR_INVALID, 0, "line %zu: more follows the closing quote of %s",
                       ret->line, ret->key);
    ret->value = arena_strndup(a, at + 1, (size_t)(end - at - 1));
    return 0;
}

static int read_plain(const char *at, struct arena *a, struct dotfile_entry *ret, struct err *e)
{
    size_t len = strcspn(at, BLANKS);

    if (!is_over(at + len, false))
        return err_set(e, ERR_INVALID, 0,
                       "line %zu: put the value of %s into quotes: it has spaces", ret->line,
                       ret->key);
    if (strcspn(at, "'\"") < len)
        return err_set(e, ERR_INVALID, 0,
                       "line %zu: a quote inside the value of %s: put all of it into quotes",
                       ret->line, ret->key);
    ret->value = arena_strndup(a, at, len);
    return 0;
}

/* Returns 1 when there is an entry, 0 for an empty line, -1. */
static int read_line(const char *at, struct arena *a, struct dotfile_entry *ret, struct err *e)
{
    size_t len;

    if (is_over(at, true))
        return 0;
    at += strspn(at, BLANKS);
    if (strncmp(at, "export", 6) == 0 && at[6] && strchr(BLANKS, at[6]))
        at += 6 + strspn(at + 6, BLANKS);
    for (len = 0; at[len] == '_' || isalnum((unsigned char)at[len]);)
        len++;
    if (len == 0 || isdigit((unsigned char)*at) || at[len] != '=') {
        if (len && at[len] != '=' && at[len + strspn(at + len, BLANKS)] == '=')
            return err_set(e, ERR_INVALID, 0, "line %zu: no space may stand before =", ret->line);
        return err_set(e, ERR_INVALID, 0, "line %zu: is not KEY=VALUE", ret->line);
    }
    ret->key = arena_strndup(a, at, len);
    at += len + 1;
    if (strchr(BLANKS, *at) && !is_over(at, false))
        return err_set(e, ERR_INVALID, 0, "line %zu: no space may stand after =", ret->line);
    if ((*at == '\'' || *at == '"' ? read_quoted : read_plain)(at, a, ret, e))
        return -1;
    return 1;
}

int dotfile_parse(const char *text, struct arena *a, struct dotfile *ret, struct err *e)
{
    struct dotfile d = { .entries = arena_array(a, count_lines(text), sizeof *d.entries) };
    size_t line = 0;

    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    while (*text) {
        size_t len = strcspn(text, "\n");
        struct dotfile_entry *entry = &d.entries[d.n];
        int found;

        entry->line = ++line;
        found = read_line(arena_strndup(a, text, len), a, entry, e);
        if (found < 0)
            return -1;
        d.n += (size_t)found;
        text += len + (text[len] == '\n');
    }
    *ret = d;
    return 0;
}

const struct dotfile_entry *dotfile_find(const struct dotfile *d, const char *key)
{
    for (size_t i = d->n; i > 0; i--)
        if (!strcmp(d->entries[i - 1].key, key))
            return &d->entries[i - 1];
    return NULL;
}
