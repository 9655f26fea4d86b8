#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

static int fail(const char *path, int error, struct err *e)
{
    return err_set(e, error == ENOENT ? ERR_NOT_FOUND : ERR_INVALID, error, "%s: %s", path,
                   strerror(error));
}

/* As many bytes as there are, at most size. -1 with errno set. */
static ssize_t read_all(int fd, char *bytes, size_t size)
{
    size_t len = 0;

    while (len < size) {
        ssize_t n = read(fd, bytes + len, size - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    return (ssize_t)len;
}

static char *read_whole(const char *path, size_t max_bytes, const char *what, size_t *ret_n,
                        struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang us */
    char *bytes;
    ssize_t n;

    if (fd < 0) {
        fail(path, errno, e);
        return NULL;
    }
    bytes = xcalloc(1, max_bytes + 1);
    n = read_all(fd, bytes, max_bytes + 1);
    if (n < 0)
        fail(path, errno, e);
    close(fd);
    if (n >= 0 && (size_t)n > max_bytes) {
        err_set(e, ERR_INVALID, 0, "%s: is no %s of at most %zu bytes", path, what, max_bytes);
        n = -1;
    }
    if (n < 0) {
        bytes[max_bytes] = '\0';
        secret_free(bytes);
        return NULL;
    }
    *ret_n = (size_t)n;
    return bytes; /* not shrunk: realloc would leave a copy of a secret behind */
}

char *file_read_bytes(const char *path, size_t max_bytes, size_t *ret_n, struct err *e)
{
    return read_whole(path, max_bytes, "file", ret_n, e);
}

char *file_read(const char *path, size_t max_bytes, struct err *e)
{
    size_t n;
    char *bytes = read_whole(path, max_bytes, "text file", &n, e);

    if (bytes && memchr(bytes, '\0', n)) {
        err_set(e, ERR_INVALID, 0, "%s: is no text file of at most %zu bytes", path, max_bytes);
        secret_free(bytes);
        return NULL;
    }
    return bytes;
}
