/* controller/registry/digest.h — Digests: "sha256:<64 hex>" or "sha512:<128 hex>" (OCI image
 * specification, "Descriptors"). Pure. */
#ifndef REGISTRY_DIGEST_H
#define REGISTRY_DIGEST_H
#include <stdbool.h>
#include <stddef.h>

#define DIGEST_BYTES 136

bool digest_is_valid(const char *s); /* NULL is not */

/* The digest of these bytes, by the algorithm of another digest; sha256 when that is NULL or "". */
void digest_of(const void *bytes, size_t n, const char *like, char ret[DIGEST_BYTES]);

#endif
