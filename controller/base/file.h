/* controller/base/file.h — Small files whole: certificates, tokens, kubeconfig. */
#ifndef BASE_FILE_H
#define BASE_FILE_H
#include <stddef.h>

struct err;

/* The file's bytes as a new, NUL-terminated buffer; the caller frees. Over max_bytes, or with a NUL
 * inside: ERR_INVALID. Not there: ERR_NOT_FOUND. Errors name the path. */
char *file_read(const char *path, size_t max_bytes, struct err *e);

/* Likewise, whatever the bytes are. */
char *file_read_bytes(const char *path, size_t max_bytes, size_t *ret_n, struct err *e);

#endif
