/* controller/base/base64.h — Base64 (RFC 4648, section 4), as kubeconfig and docker config use it.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H
#include <stddef.h>

/* A new, NUL-terminated buffer with the bytes; NULL when it is not base64. White space is skipped;
 * the padding may be left out, as the kubelet has it. The caller frees (secret_free when it is
 * one). */
char *base64_decode(const char *text, size_t *ret_len);

#endif
