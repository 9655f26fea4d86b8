/* controller/options.h — The command line and the configuration file of the controller.
 *
 * The file (--config) is YAML, as the chart's ConfigMap writes it:
 *
 *     registries:
 *     - host: 10.0.0.1:5000
 *       plainHTTP: true
 *     - host: registry.example.com
 *       caFile: /etc/btc-shopflow-deployer/ca/registry.example.com.crt
 *     allowedRegistries: [ghcr.io/acme]
 *     trustedRealms: ["https://auth.example.com"]
 *     defaultServiceAccount: deployer
 *
 * Unknown keys are errors. */
#ifndef OPTIONS_H
#define OPTIONS_H
#include <stdbool.h>
#include <stddef.h>

#include "registry/client.h"

struct arena;

struct options {
    const char *kubeconfig, *context; /* NULL = not given */
    const char *config;               /* the file; NULL = none */
    const char **namespaces;          /* --watch-namespaces; NULL-terminated; NULL = all */
    const char *default_account;      /* --default-service-account; NULL = our own rights */
    const char *listen;               /* address:port */
    const char *log_level, *log_format;
    bool version, help;
    struct registry_host *hosts;
    size_t n_hosts;
    const char **allowed;
    size_t n_allowed;
    const char **trusted_realms;
    size_t n_trusted_realms;
};

extern const char OPTIONS_HELP[];

/* Read argv and the file it names. Strings live in the arena or in argv. */
int options_read(int argc, char **argv, struct arena *a, struct options *ret, struct err *e);

#endif
