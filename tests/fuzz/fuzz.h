/* tests/fuzz/fuzz.h — What the fuzz targets share.
 *
 * Each tests/fuzz/fuzz_<target>.c defines LLVMFuzzerTestOneInput(): foreign bytes in, no crash, and
 * what must hold of every answer as HOLDS(). With the preset "fuzz" it is linked with libFuzzer
 * (hack/fuzz.sh); in every other build with replay.c, which runs the files of corpus/<target>. */
#ifndef FUZZ_H
#define FUZZ_H
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What must hold whatever the input: else this input is kept as a crash. */
#define HOLDS(expr)                                                                                \
    do {                                                                                           \
        if (!(expr))                                                                               \
            fuzz_broken(#expr, __FILE__, __LINE__);                                                \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void fuzz_broken(const char *expr, const char *file, int line) __attribute__((noreturn));

/* A copy of exactly this size and a NUL, so that reading past it is seen. The caller frees. */
char *fuzz_text(const uint8_t *data, size_t size);

/* A file with these bytes; its path is good until the next call. */
const char *fuzz_file(const uint8_t *data, size_t size);

/* Are all its bytes UTF-8 without control characters? */
bool fuzz_is_clean(const char *s);
bool fuzz_is_utf8(const char *s);

/* Is it the same JSON text? Takes both trees. */
bool fuzz_same_json(cJSON *a, cJSON *b);

#endif
