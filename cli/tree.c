#include "tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"

/* The NUL-terminated record at *at, and on to the next. NULL when its NUL is missing. */
static const char *next_record(const char **at, const char *end)
{
    const char *record = *at;
    const char *nul = memchr(record, '\0', (size_t)(end - record));

    *at = nul ? nul + 1 : end;
    return nul ? record : NULL;
}

static size_t count_records(const char *bytes, size_t len)
{
    size_t n = 0;

    for (const char *at = bytes; (at = memchr(at, '\0', (size_t)(bytes + len - at))); at++)
        n++;
    return n;
}

/* An object id alone up to the end character. */
static const char *read_id(struct arena *a, const char *at, char end)
{
    size_t n = strspn(at, "0123456789abcdef");

    return n >= 40 && n <= 64 && at[n] == end ? arena_strndup(a, at, n) : NULL;
}

/* "100644 blob <id>\t<path>" */
static int read_entry(const char *record, struct arena *a, struct tree_entry *ret, struct err *e)
{
    char *end;
    const char *id;

    ret->mode = (unsigned)strtoul(record, &end, 8);
    id = *end == ' ' ? strchr(end + 1, ' ') : NULL;
    ret->id = id ? read_id(a, id + 1, '\t') : NULL;
    if (!ret->id)
        return err_set(e, ERR_INVALID, 0, "git ls-tree: '%.80s' is not understood", record);
    ret->path = id + 1 + strlen(ret->id) + 1;
    return 0;
}

int tree_parse(const char *bytes, size_t len, struct arena *a, struct tree *ret, struct err *e)
{
    struct tree t = {
        .entries = arena_array(a, count_records(bytes, len) + 1, sizeof *t.entries),
    };

    for (const char *at = bytes; at < bytes + len; t.n++) {
        const char *record = next_record(&at, bytes + len);

        if (!record)
            return err_set(e, ERR_INVALID, 0, "git ls-tree: its output ends too early");
        if (read_entry(record, a, &t.entries[t.n], e))
            return -1;
    }
    *ret = t;
    return 0;
}

const struct tree_entry *tree_find(const struct tree *t, const char *path)
{
    for (size_t i = 0; i < t->n; i++)
        if (!strcmp(t->entries[i].path, path))
            return &t->entries[i];
    return NULL;
}

int changes_parse(const char *bytes, size_t len, struct arena *a, struct changes *ret,
                  struct err *e)
{
    struct changes c = {
        .paths = arena_array(a, count_records(bytes, len) / 2 + 1, sizeof *c.paths),
    };

    for (const char *at = bytes; at < bytes + len;) {
        const char *head = next_record(&at, bytes + len);
        const char *path = next_record(&at, bytes + len);

        /* ":100644 100644 <id> <id> M" */
        if (!head || !path || *head != ':' || !*path)
            return err_set(e, ERR_INVALID, 0, "git diff-tree: its output is not understood");
        if (c.n == 0 || strcmp(c.paths[c.n - 1], path) != 0)
            c.paths[c.n++] = path;
    }
    *ret = c;
    return 0;
}

int series_parse(const char *bytes, size_t len, struct arena *a, struct series *ret, struct err *e)
{
    const char *at = bytes, *end = bytes + len;
    struct series s = { 0 };
    size_t lines = 1; /* at least as many as there are pairs */

    for (size_t i = 0; i < len; i++)
        lines += bytes[i] == '\n';
    s.list = arena_array(a, lines, sizeof *s.list);
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop;

        if (*at == ':' || !newline)
            return err_set(e, ERR_INVALID, 0, "git diff-tree: its output is not understood");
        at = stop = newline + 1;
        while (stop < end && *stop == ':') {
            next_record(&stop, end);
            next_record(&stop, end);
        }
        if (changes_parse(at, (size_t)(stop - at), a, &s.list[s.n++], e))
            return -1;
        at = stop;
    }
    *ret = s;
    return 0;
}

/* How many bytes at s are one character that can be shown; 0 = none. */
static size_t shown_len(const char *s)
{
    if ((unsigned char)*s < 0x20 || *s == 0x7f || *s == '"' || *s == '\\')
        return 0;
    return utf8_len(s);
}

const char *path_show(struct arena *a, const char *path)
{
    char *out = arena_alloc(a, 4 * strlen(path) + 3);
    char *at = out;
    bool odd = false;

    *at++ = '"';
    while (*path) {
        size_t len = shown_len(path);
        unsigned char byte = (unsigned char)*path;

        if (len == 0) {
            odd = true;
            *at++ = '\\';
            if (byte == '"' || byte == '\\') {
                *at++ = (char)byte;
            } else if (byte == '\n' || byte == '\t') {
                *at++ = byte == '\n' ? 'n' : 't';
            } else {
                *at++ = (char)('0' + (byte >> 6));
                *at++ = (char)('0' + (byte >> 3 & 7));
                *at++ = (char)('0' + (byte & 7));
            }
            path++;
            continue;
        }
        memcpy(at, path, len);
        at += len;
        path += len;
    }
    if (!odd) {
        *at = '\0';
        return out + 1;
    }
    *at = '"';
    return out;
}
