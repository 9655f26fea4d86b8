/* cli/hosts.h — How a registry is spoken to: plain HTTP or TLS, whose certificates, which mirrors.
 *
 * Plain HTTP is a decision, not an accident: a network that drops TLS must not get a password.
 * It is spoken where the setting says http://, and found out (TLS first) only for this machine, a
 * private address written as such (10.0.0.1:5000), and what docker's daemon.json lists under
 * insecure-registries. A certificate that does not fit is an error, never a reason for HTTP. */
#ifndef CLI_HOSTS_H
#define CLI_HOSTS_H
#include <stdbool.h>
#include <stdint.h>

struct arena;
struct cli;
struct err;

struct hosts {                   /* lists are NULL-terminated */
    const char *const *mirrors;  /* of Docker Hub: "https://mirror.example.com" */
    const char *const *insecure; /* "registry.example.com:5000" */
};

/* What docker's daemon.json says, the user's own and the machine's. Files that make no sense are
 * passed over: they are docker's to complain about. */
void hosts_read(struct cli *c, struct hosts *ret);
/* Pure: add what one file says. */
void hosts_add(struct arena *a, const char *json, struct hosts *ret);

/* Pure: a loopback address, or localhost. */
bool hosts_is_this_machine(const char *host);
/* Pure: may it be found out that this host speaks plain HTTP? */
bool hosts_may_be_plain(const struct hosts *h, const char *host);

/* Find out, in at most so many ms. ERR_NET, ERR_TIMEOUT: it does not answer. ca_pem: as of
 * hosts_ca(). */
int hosts_ask(struct cli *c, const char *host, const char *ca_pem, int64_t timeout_ms,
              bool *ret_plain, struct err *e);

/* Trusted roots for a host: certs.d/<host>/ca.crt of docker or podman; NULL = there is none. In the
 * arena. */
const char *hosts_ca(struct cli *c, const char *host);
/* Trusted roots for all others: the file that SSL_CERT_FILE names; NULL = the system's. */
int hosts_roots(struct cli *c, const char **ret, struct err *e);

#endif
