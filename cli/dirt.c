#include "dirt.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "glob.h"

/* Fields before the path, by the kind of line. */
#define CHANGED_FIELDS 8
#define UNMERGED_FIELDS 10

/* What belongs to one person or machine. Examples of them are for all. */
static const char *const SECRETS[] = { ".env*",        "*.pem",    "*.key",      "*.p12",
                                       "*.pfx",        "*.jks",    "*.keystore", "id_rsa",
                                       "id_dsa",       "id_ecdsa", "id_ed25519", "kubeconfig",
                                       "*.kubeconfig", NULL };
static const char *const EXAMPLES[] = { "*.example", "*.sample", "*.template", NULL };

static const char *skip_fields(const char *at, int n)
{
    for (; at && n > 0; n--) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    return at;
}

/* "1 XY sub mH mI mW hH hI path", "u XY sub m1 m2 m3 mW h1 h2 h3 path", "? path" */
static int read_entry(const char *line, struct dirt_entry *ret, struct err *e)
{
    struct dirt_entry entry = { 0 };

    switch (line[0]) {
    case '?':
        entry.path = line[1] == ' ' ? line + 2 : NULL;
        entry.is_new = true;
        break;
    case '1':
        entry.path = skip_fields(line, CHANGED_FIELDS);
        if (!entry.path)
            break;
        entry.is_new = line[2] == 'A' || line[3] == 'A';
        entry.is_dirty_submodule = line[5] == 'S' && (line[7] == 'M' || line[8] == 'U');
        break;
    case 'u':
        entry.path = skip_fields(line, UNMERGED_FIELDS);
        entry.is_unmerged = true;
        break;
    default:
        break;
    }
    if (!entry.path || !*entry.path)
        return err_set(e, ERR_INVALID, 0, "git status: '%.80s' is not understood", line);
    *ret = entry;
    return 0;
}

int dirt_parse(const char *bytes, size_t len, struct arena *a, struct dirt *ret, struct err *e)
{
    struct dirt d = { 0 };
    size_t n = 0;

    for (size_t i = 0; i < len; i++)
        n += bytes[i] == '\0';
    if (len && bytes[len - 1])
        return err_set(e, ERR_INVALID, 0, "git status: its output ends too early");
    d.entries = arena_array(a, n + 1, sizeof *d.entries);
    for (const char *at = bytes; at < bytes + len; at += strlen(at) + 1)
        if (read_entry(at, &d.entries[d.n++], e))
            return -1;
    *ret = d;
    return 0;
}

const char *dirt_refusal(const struct dirt_entry *entry)
{
    const char *name = strrchr(entry->path, '/');

    if (entry->is_unmerged)
        return "is not merged yet: solve the conflict";
    if (entry->is_dirty_submodule)
        return "is a submodule with uncommitted work: commit it there";
    if (name && !name[1])
        return "is a repository of its own: make it a submodule, or ignore it";
    name = name ? name + 1 : entry->path;
    if (!strcmp(name, ".k8s-config"))
        return "holds the settings of this machine: put it into .gitignore";
    if (entry->is_new && glob_any(SECRETS, name) && !glob_any(EXAMPLES, name))
        return "may hold a secret: commit it, or put it into .gitignore";
    return NULL;
}
