/* cli/cluster_exec.h — A kubeconfig's exec plugin: a program that prints our credentials.
 *
 * Specification: Kubernetes' client.authentication.k8s.io, ExecCredential, v1 and v1beta1. */
#ifndef CLI_CLUSTER_EXEC_H
#define CLI_CLUSTER_EXEC_H

struct cli;
struct err;
struct kube_config;

/* Run it and put the token or the certificate that it prints into the configuration. */
int cluster_exec(struct cli *c, struct kube_config *config, struct err *e);

/* Read what it printed. */
int cluster_exec_read(const char *text, const char *version, struct kube_config *config,
                      struct err *e);

#endif
