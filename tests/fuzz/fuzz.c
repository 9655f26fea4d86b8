#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

void fuzz_broken(const char *expr, const char *file, int line)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, expr);
    abort();
}

char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = xmalloc(size + 1);

    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

const char *fuzz_file(const uint8_t *data, size_t size)
{
    static char path[64];
    static int fd = -1;

    if (fd >= 0)
        close(fd);
    fd = memfd_create("fuzz", 0);
    HOLDS(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return path;
}

bool fuzz_is_utf8(const char *s)
{
    size_t n;

    for (; *s; s += n) {
        n = utf8_len(s);
        if (!n)
            return false;
    }
    return true;
}

bool fuzz_is_clean(const char *s)
{
    for (const char *c = s; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return false;
    return fuzz_is_utf8(s);
}

bool fuzz_same_json(cJSON *a, cJSON *b)
{
    char *x = json_print(a), *y = json_print(b);
    bool same = !strcmp(x, y);

    if (!same)
        fprintf(stderr, "%s\n%s\n", x, y);
    free(x);
    free(y);
    cJSON_Delete(a);
    cJSON_Delete(b);
    return same;
}
