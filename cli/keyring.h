/* cli/keyring.h — The logins of docker and podman, for the registries that shopflow itself asks.
 *
 *     AUTO(keyring) struct keyring k = { 0 };
 *     if (keyring_open(c, "ghcr.io", NULL, due_ms, &k, e))           // interrupted
 *         return -1;
 *     registry_resolve(…, k.list, k.n, …)                    // copies them
 *
 * Helpers (docker-credential-X) are told a registry's name on stdin, as docker does it. One that is
 * not there, fails or takes too long gives nothing, and `note` says so: that is worth telling only
 * when the registry wants credentials. */
#ifndef CLI_KEYRING_H
#define CLI_KEYRING_H
#include <stddef.h>
#include <stdint.h>

#include "registry/client.h"

struct cJSON;
struct cli;
struct err;
struct registry_setting;

#define KEYRING_TEXTS 8
#define KEYRING_HUB "https://index.docker.io/v1/" /* what docker calls docker.io */

struct keyring {
    struct registry_secret list[KEYRING_TEXTS]; /* best first; owned */
    size_t n;
    const char *note; /* what did not work; NULL = nothing */
};

/* own: the setting, when this is its registry; NULL = another one. A user that it names is all
 * there is. due_ms: monotonic, when a helper is late. */
int keyring_open(struct cli *c, const char *host, const struct registry_setting *own,
                 int64_t due_ms, struct keyring *ret, struct err *e);
void keyring_close(struct keyring *k); /* wipes */

static inline void auto_keyring(struct keyring *k)
{
    keyring_close(k);
}

/* Pure: which helper a docker config names for a host, "" = none. NULL: a name that is not to be
 * run. In the tree or static. */
const char *keyring_helper(const struct cJSON *config, const char *host);

#endif
