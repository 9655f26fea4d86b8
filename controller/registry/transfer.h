/* controller/registry/transfer.h — Manifests and small blobs as they are, and tags written (OCI
 * distribution specification 1.1). For the command-line tool: the controller only resolves
 * (registry/client.h), and hack/layers.sh sees to it that it writes nothing. */
#ifndef REGISTRY_TRANSFER_H
#define REGISTRY_TRANSFER_H
#include <stddef.h>

#include "registry/client.h"

enum transfer_kind {
    TRANSFER_DIGEST,   /* HEAD: what registry_resolve() asks; answer.type too */
    TRANSFER_MANIFEST, /* GET by tag or digest */
    TRANSFER_BLOB,     /* GET by digest */
    TRANSFER_PUT,      /* write a manifest by tag: in the answer the digest it has got */
};

struct registry_transfer {
    enum transfer_kind kind;
    const char *image; /* "host/name:tag", "host/name@digest" */
    const struct registry_secret *secrets;
    size_t n_secrets;
    const char *type, *body; /* TRANSFER_PUT: copied */
    size_t len;
    registry_done_fn *on_done;
    void *ctx;
};

/* As registry_resolve(). What is read is at most 4 MiB and matches its digest, or it is
 * ERR_INVALID. Blobs may come from where the registry sends us, which hears no credentials. A write
 * that is refused is ERR_CONFLICT (405, 409, 412: the tag may not be moved, as some registries say
 * it) or ERR_REFUSED (as others say it, or the manifest is not taken). */
struct registry_call *registry_send(struct registry_client *c, const struct registry_transfer *t);

#endif
