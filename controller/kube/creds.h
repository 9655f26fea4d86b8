/* controller/kube/creds.h — The token and the CA bundle, read again when their files change.
 *
 * A pod's token is replaced on disk about every hour, its CA bundle now and then. A file that
 * cannot be read leaves the last good value in use: the server will say when that is too old. */
#ifndef KUBE_CREDS_H
#define KUBE_CREDS_H
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct kube_config;

struct kube_creds {
    char *token;                /* NULL = none */
    char *token_file;           /* NULL = the token is fixed */
    char *ca_pem;               /* NULL = the system's roots */
    char *ca_file;              /* NULL = ca_pem is fixed */
    struct timespec ca_changed; /* the file's modification time when it was read */
    int64_t checked_ms;
};

void kube_creds_init(struct kube_creds *c, const struct kube_config *config, int64_t now_ms);
void kube_creds_release(struct kube_creds *c);

/* Once a minute: read what changed. True when ca_pem is another one now. */
bool kube_creds_check(struct kube_creds *c, int64_t now_ms);

/* Read the token file now. */
void kube_creds_reread_token(struct kube_creds *c);

#endif
