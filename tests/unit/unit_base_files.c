/* Base64 and small files. */
#include "base/file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/base64.h"
#include "base/err.h"
#include "base/mem.h"
#include "unit.h"

static const struct {
    const char *name, *text;
    const char *want; /* NULL = refused */
    size_t len;
} BASE64[] = {
    { "RFC 4648, 0", "", "", 0 },
    { "RFC 4648, 1", "Zg==", "f", 1 },
    { "RFC 4648, 2", "Zm8=", "fo", 2 },
    { "RFC 4648, 3", "Zm9v", "foo", 3 },
    { "RFC 4648, 4", "Zm9vYg==", "foob", 4 },
    { "RFC 4648, 5", "Zm9vYmE=", "fooba", 5 },
    { "RFC 4648, 6", "Zm9vYmFy", "foobar", 6 },
    { "all bits", "+/+/", "\xfb\xff\xbf", 3 },
    { "a NUL inside", "AGEA", "\0a\0", 3 },
    { "lines", "Zm9v\nYmFy\r\n", "foobar", 6 },
    { "white space alone", " \t\n", "", 0 },
    { "padding left out, as docker config may", "dTpwYXNz", "u:pass", 6 },
    { "two bytes without padding", "Zm8", "fo", 2 },
    { "one byte without padding", "Zg", "f", 1 },
    { "one digit too many", "Zm9vY", NULL, 0 },
    { "the wrong padding", "Zg=", NULL, 0 },
    { "too much padding", "Zg===", NULL, 0 },
    { "padding where none belongs", "Zm9v=", NULL, 0 },
    { "padding alone", "=", NULL, 0 },
    { "text after the padding", "Zg==Zg==", NULL, 0 },
    { "another alphabet", "-_-_", NULL, 0 },
    { "a dash does not end it", "Zm9v-garbage", NULL, 0 },
    { "a foreign character", "Zm9v!", NULL, 0 },
    { "beyond ASCII", "Zm9v\xc3\xa9", NULL, 0 },
};

static void decodes_base64(void)
{
    for (size_t i = 0; i < ARRAY_LEN(BASE64); i++) {
        size_t len = 99;
        char *bytes = base64_decode(BASE64[i].text, &len);

        CASE(BASE64[i].name, !bytes == !BASE64[i].want);
        if (bytes && BASE64[i].want)
            CASE(BASE64[i].name, len == BASE64[i].len && !memcmp(bytes, BASE64[i].want, len + 1));
        if (!bytes)
            CASE("no output without success", len == 99);
        secret_free(bytes);
    }
}

static char dir[64];

static char *make_file(const char *bytes, size_t n)
{
    char *path;
    FILE *f;

    snprintf(dir, sizeof dir, "/tmp/unit_base_files.XXXXXX");
    CASE("a folder of its own", mkdtemp(dir) != NULL);
    path = xasprintf("%s/token", dir);
    f = fopen(path, "w");
    CASE("written", f && fwrite(bytes, 1, n, f) == n && !fclose(f));
    return path;
}

static void remove_file(char *path)
{
    unlink(path);
    CASE("nothing left behind", rmdir(dir) == 0);
    free(path);
}

static void reads_a_file_whole(void)
{
    struct err e = { 0 };
    char *path = make_file("one\ntwo", 7), *bytes = file_read(path, 7, &e);

    CASE("just as long as allowed", bytes && !strcmp(bytes, "one\ntwo") && e.kind == ERR_NONE);
    free(bytes);
    CASE("one byte longer", !file_read(path, 6, &e) && e.kind == ERR_INVALID);
    CASE("the path is named", !strncmp(e.text, path, strlen(path)));
    CASE("the limit too", strstr(e.text, ": is no text file of at most 6 bytes"));
    remove_file(path);
}

static void an_empty_file_is_an_empty_text(void)
{
    struct err e = { 0 };
    char *path = make_file("", 0), *bytes = file_read(path, 10, &e);

    CASE("empty", bytes && !*bytes);
    free(bytes);
    remove_file(path);
}

static void refuses_a_nul(void)
{
    struct err e = { 0 };
    char *path = make_file("a\0b", 3);

    CASE("refused", !file_read(path, 10, &e) && e.kind == ERR_INVALID);
    remove_file(path);
}

static void what_is_no_file_is_an_error(void)
{
    struct err e = { 0 };
    char *path = make_file("", 0);

    CASE("a folder", !file_read(dir, 10, &e) && e.kind == ERR_INVALID);
    unlink(path);
    CASE("not there", !file_read(path, 10, &e) && e.kind == ERR_NOT_FOUND);
    CASE("in words", strstr(e.text, "/token: No such file or directory"));
    CASE("a pipe", mkfifo(path, 0600) == 0);
    free(file_read(path, 10, &e)); /* must not wait for a writer */
    remove_file(path);
}

UNIT_MAIN(UNIT_TEST(decodes_base64), UNIT_TEST(reads_a_file_whole),
          UNIT_TEST(an_empty_file_is_an_empty_text), UNIT_TEST(refuses_a_nul),
          UNIT_TEST(what_is_no_file_is_an_error))
