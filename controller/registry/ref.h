/* controller/registry/ref.h — Image references.
 *
 * Grammar: github.com/distribution/reference (name[:tag][@digest]); docker.io's short names are
 * completed as Docker does ("nginx" → docker.io/library/nginx, API host registry-1.docker.io). */
#ifndef REGISTRY_REF_H
#define REGISTRY_REF_H

struct err;

struct image_ref {
    char host[256];       /* "ghcr.io", "10.0.0.1:5000", "[::1]:5000"; lower case */
    char repository[264]; /* "acme/system-app"; 255, and "library/" before it */
    char tag[129];        /* "" = none */
    char digest[136];     /* "sha256:<64 hex>" or sha512; "" = none */
};

/* No userinfo, no scheme, no whitespace; ≤ 512 bytes. */
int image_ref_parse(const char *text, struct image_ref *ret, struct err *e);

#endif
