/* What git prints with -z, as its first byte says: any bytes are refused with words, or give paths
 * that can be shown. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "dirt.h"
#include "fuzz.h"
#include "tree.h"

static void check_path(struct arena *a, const char *path)
{
    const char *shown = path_show(a, path);

    HOLDS(fuzz_is_clean(shown));
    HOLDS(!strcmp(shown, path) || (shown[0] == '"' && shown[strlen(shown) - 1] == '"'));
}

static void check_changes(struct arena *a, const struct changes *c)
{
    for (size_t i = 0; i < c->n; i++) {
        HOLDS(*c->paths[i]);
        check_path(a, c->paths[i]);
    }
}

static bool parse(struct arena *a, char kind, const char *bytes, size_t len, struct err *e)
{
    struct tree t = { 0 };
    struct changes c = { 0 };
    struct series s = { 0 };
    struct dirt d = { 0 };
    int failed = kind == 't' ? tree_parse(bytes, len, a, &t, e) :
                 kind == 'c' ? changes_parse(bytes, len, a, &c, e) :
                 kind == 's' ? series_parse(bytes, len, a, &s, e) :
                               dirt_parse(bytes, len, a, &d, e);

    for (size_t i = 0; i < t.n; i++)
        check_path(a, t.entries[i].path);
    check_changes(a, &c);
    for (size_t i = 0; i < s.n; i++)
        check_changes(a, &s.list[i]);
    for (size_t i = 0; i < d.n; i++) {
        check_path(a, d.entries[i].path);
        dirt_refusal(&d.entries[i]);
    }
    return failed == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct arena *a = arena_new(512);
    struct err e = { 0 };

    HOLDS(size == 0 || parse(a, text[0], text + 1, size - 1, &e) || e.kind == ERR_INVALID);
    arena_free(a);
    free(text);
    return 0;
}
