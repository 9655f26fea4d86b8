/* Runs a fuzz target on files and on the files of folders: for builds without libFuzzer. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "fuzz.h"

#define INPUT_BYTES (1UL << 20)

static size_t run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = xmalloc(INPUT_BYTES);
    size_t n;

    if (!f) {
        perror(path);
        exit(1);
    }
    n = fread(bytes, 1, INPUT_BYTES, f);
    fclose(f);
    printf("%s\n", path);
    fflush(stdout);                     /* so that the last line of a crash names its input */
    bytes = xrealloc(bytes, n ? n : 1); /* exactly as long: reading past the end is seen */
    LLVMFuzzerTestOneInput(bytes, n);
    free(bytes);
    return 1;
}

static size_t run_folder(const char *path, DIR *dir)
{
    const struct dirent *entry;
    size_t n = 0;

    while ((entry = readdir(dir))) {
        char *file;

        if (entry->d_name[0] == '.')
            continue;
        file = xasprintf("%s/%s", path, entry->d_name);
        n += run_file(file);
        free(file);
    }
    closedir(dir);
    return n;
}

int main(int argc, char **argv)
{
    size_t n = 0;

    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);

        n += dir ? run_folder(argv[i], dir) : run_file(argv[i]);
    }
    printf("%zu inputs\n", n);
    return n ? 0 : 1; /* an empty corpus tests nothing */
}
