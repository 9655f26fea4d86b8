/* kubeconfig files: what is accepted names a server that is verified, or this machine. */
#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "fuzz.h"
#include "kube/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kube_config_source src = { .kubeconfig = fuzz_file(data, size) };
    AUTO(kube_config) struct kube_config c = { 0 };
    struct err e = { 0 };

    if (kube_config_load(&src, &c, &e)) {
        HOLDS(e.kind != ERR_NONE && e.text[0]);
        return 0;
    }
    HOLDS(c.server && c.namespace_ && *c.namespace_);
    HOLDS(!strncmp(c.server, "https://", 8) || !strncmp(c.server, "http://", 7));
    HOLDS(!c.cert_pem == !c.key_pem);
    HOLDS(!c.exec_command || c.exec_args);
    return 0;
}
