/* Image references: what is accepted is safe inside a URL, and reads the same when written anew. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "fuzz.h"
#include "registry/ref.h"

static bool is_of(const char *s, const char *chars)
{
    return strspn(s, chars) == strlen(s);
}

static void check(const struct image_ref *ref)
{
    struct err e = { 0 };
    struct image_ref again;
    char *text;

    HOLDS(*ref->host && is_of(ref->host, "abcdefghijklmnopqrstuvwxyz0123456789.-:[]"));
    HOLDS(*ref->repository && is_of(ref->repository, "abcdefghijklmnopqrstuvwxyz0123456789._-/"));
    HOLDS(!strstr(ref->repository, "..") && !strstr(ref->repository, "//"));
    HOLDS(*ref->repository != '/' && ref->repository[strlen(ref->repository) - 1] != '/');
    text = xasprintf("%s/%s%s%s%s%s", ref->host, ref->repository, *ref->tag ? ":" : "", ref->tag,
                     *ref->digest ? "@" : "", ref->digest);
    if (strlen(text) <= 512) { /* completing docker.io's names may pass the limit */
        HOLDS(!image_ref_parse(text, &again, &e));
        HOLDS(!strcmp(again.host, ref->host) && !strcmp(again.repository, ref->repository));
        HOLDS(!strcmp(again.tag, ref->tag) && !strcmp(again.digest, ref->digest));
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct err e = { 0 };
    struct image_ref ref;

    if (!image_ref_parse(text, &ref, &e))
        check(&ref);
    else
        HOLDS(e.kind == ERR_INVALID && e.text[0]);
    free(text);
    return 0;
}
