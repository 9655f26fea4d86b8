/* cli/dotfile.h — .k8s-config: the settings of one clone, not committed.
 *
 * Lines `[export ]KEY=VALUE` as a shell would read them, of which nothing is run or expanded:
 * a value may stand in single or double quotes; # begins a comment at the start of a line and
 * after white space; CRLF and a byte order mark are accepted. The last line of a key counts.
 * Errors name the line and never a value: it may be a password. */
#ifndef CLI_DOTFILE_H
#define CLI_DOTFILE_H
#include <stddef.h>

struct arena;
struct err;

struct dotfile_entry {
    const char *key, *value; /* the value may be "" */
    size_t line;             /* from 1 */
};

struct dotfile {
    struct dotfile_entry *entries;
    size_t n;
};

int dotfile_parse(const char *text, struct arena *a, struct dotfile *ret, struct err *e);

/* The last one of that key, or NULL. */
const struct dotfile_entry *dotfile_find(const struct dotfile *d, const char *key);

#endif
