/* The controller's process: options → configuration → wiring → run. The only file that knows every
 * layer, and the only one that reads the environment. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "io/loop.h"
#include "kube/client.h"
#include "kube/config.h"
#include "kube/event.h"
#include "options.h"
#include "reconcile/reconciler.h"
#include "registry/client.h"
#include "web/server.h"
#include "web/view.h"

#ifndef SHOPFLOW_VERSION
#define SHOPFLOW_VERSION "dev"
#endif

#define STOP_MS 4000 /* for writes under way, after SIGTERM */

static struct metric build_info = { .name = "shopflow_deployer_build_info",
                                    .help = "1, with what was built.",
                                    .type = METRIC_GAUGE,
                                    .labels = { "version" } };

struct process {
    struct loop *loop;
    struct kube_client *kube;
    struct registry_client *registry;
    struct event_sink *events;
    struct reconciler *reconciler;
    struct web *web;
    struct loop_timer give_up;
    bool stopping, stopped;
};

/* --- what the web pages ask --- */

static bool is_alive(void *ctx)
{
    (void)ctx;
    return true; /* a stuck loop does not answer at all */
}

static bool is_ready(void *ctx, char *why, size_t size)
{
    struct process *p = ctx;
    const char *reason = "stopping";

    if (!p->stopping && reconciler_ready(p->reconciler, &reason))
        return true;
    snprintf(why, size, "%s", reason ? reason : "starting");
    return false;
}

static void before_scrape(void *ctx)
{
    reconciler_scrape(((struct process *)ctx)->reconciler);
}

/* --- stopping: no more keys, let the writes end --- */

static void on_give_up(void *ctx)
{
    ((struct process *)ctx)->stopped = true;
}

static void on_stop(int signo, void *ctx)
{
    struct process *p = ctx;

    log_info("stopping", F("signal", signo));
    if (p->stopping)
        p->stopped = true; /* the second one means it */
    p->stopping = true;
    reconciler_stop(p->reconciler);
    loop_timer_set(p->loop, &p->give_up, loop_now_ms(p->loop) + STOP_MS);
}

/* --- wiring --- */

static struct kube_config_source config_source(const struct options *o)
{
    return (struct kube_config_source){ .kubeconfig = o->kubeconfig,
                                        .context = o->context,
                                        .service_host = getenv("KUBERNETES_SERVICE_HOST"),
                                        .service_port = getenv("KUBERNETES_SERVICE_PORT"),
                                        .env_kubeconfig = getenv("KUBECONFIG"),
                                        .home = getenv("HOME") };
}

static int wire_kube(struct process *p, const struct options *o, struct err *e)
{
    struct kube_config_source source = config_source(o);
    struct kube_config config = { 0 };
    struct registry_opts registry = { .hosts = o->hosts,
                                      .n_hosts = o->n_hosts,
                                      .allowed = o->allowed,
                                      .n_allowed = o->n_allowed,
                                      .trusted_realms = o->trusted_realms,
                                      .n_trusted_realms = o->n_trusted_realms };

    if (kube_config_load(&source, &config, e))
        return -1;
    if (config.exec_command)
        err_set(e, ERR_INVALID, 0,
                "the kubeconfig wants to run '%s': the controller starts no "
                "processes; use a token or a client certificate",
                config.exec_command);
    else
        p->kube = kube_client_new(p->loop, &config, e);
    registry.apiserver_url = config.server;
    if (p->kube)
        p->registry = registry_client_new(p->loop, &registry, e);
    if (p->registry)
        log_info("connecting", F("server", config.server));
    kube_config_release(&config);
    return p->registry ? 0 : -1;
}

static int wire(struct process *p, const struct options *o, struct err *e)
{
    char host[65] = "btc-shopflow-deployer";
    struct web_view view = {
        .is_alive = is_alive, .is_ready = is_ready, .before_scrape = before_scrape, .ctx = p
    };
    struct web_opts web = { .listen = o->listen, .view = &view };

    metric_register(&build_info);
    metric_set(&build_info, 1, SHOPFLOW_VERSION);
    p->loop = loop_new(e);
    if (!p->loop || loop_on_stop_signal(p->loop, on_stop, p, e))
        return -1;
    if (wire_kube(p, o, e))
        return -1;
    gethostname(host, sizeof host - 1);
    p->give_up = (struct loop_timer){ .fn = on_give_up, .ctx = p };
    p->events = event_sink_new(p->loop, p->kube, host);
    p->reconciler =
        reconciler_new(&(struct reconciler_opts){ .loop = p->loop,
                                                  .kube = p->kube,
                                                  .registry = p->registry,
                                                  .events = p->events,
                                                  .namespaces = o->namespaces,
                                                  .default_account = o->default_account });
    p->web = web_new(p->loop, &web, e);
    return p->web ? 0 : err_ctx(e, "--listen %s", o->listen);
}

static void unwire(struct process *p)
{
    web_free(p->web);
    reconciler_free(p->reconciler);
    event_sink_free(p->events);
    registry_client_free(p->registry);
    kube_client_free(p->kube);
    loop_free(p->loop);
    metrics_release();
}

static int run(const struct options *o)
{
    struct process p = { 0 };
    struct err e = { 0 };
    int failed = wire(&p, o, &e);

    if (failed)
        log_error("cannot start", F("err", e.text));
    else
        log_info("started", F("version", SHOPFLOW_VERSION), F("listen", o->listen));
    while (!failed && !p.stopped) {
        failed = web_service(p.web);
        p.stopped |= p.stopping && !reconciler_busy(p.reconciler);
    }
    unwire(&p);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    AUTO(arena) struct arena *a = arena_new(4096);
    struct options o;
    struct err e = { 0 };

    prctl(PR_SET_DUMPABLE, 0); /* no core with secrets in it */
    signal(SIGPIPE, SIG_IGN);
    if (options_read(argc, argv, a, &o, &e)) {
        fprintf(stderr, "btc-shopflow-deployer: %s\n", e.text);
        return 2;
    }
    if (o.help || o.version) {
        fputs(o.help ? OPTIONS_HELP : "btc-shopflow-deployer " SHOPFLOW_VERSION "\n", stdout);
        return EXIT_SUCCESS;
    }
    if (log_set_level(o.log_level)) {
        fprintf(stderr,
                "btc-shopflow-deployer: --log-level '%s': must be debug, info, warn or error\n",
                o.log_level);
        return 2;
    }
    if (log_set_format(o.log_format)) {
        fprintf(stderr, "btc-shopflow-deployer: --log-format '%s': must be json or text\n",
                o.log_format);
        return 2;
    }
    return run(&o);
}
