/* controller/base/metrics.h — Counters, gauges and histograms in the Prometheus text format 0.0.4.
 *
 * Metrics are static variables beside the code that counts, registered once at start:
 *
 *     static struct metric reconciles = { .name = "shopflow_deployer_reconcile_total",
 *         .help = "Reconciles by result.", .type = METRIC_COUNTER, .labels = { "result" } };
 *     metric_register(&reconciles);
 *     metric_add(&reconciles, 1, "error");           // label values in the order of .labels
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H
#include <stddef.h>

struct err;
struct text;
struct metric_series;

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };
#define METRIC_LABELS 2

struct metric {
    const char *name;
    const char *help;
    enum metric_type type;
    const char *labels[METRIC_LABELS]; /* names; unused ones NULL */
    const double *buckets;             /* METRIC_HISTOGRAM: upper bounds, ascending, ends with 0 */
    struct metric_series *series;      /* private */
    struct metric *next;               /* private */
};

extern const double METRIC_SECONDS[]; /* 1 ms … 60 s, the default buckets for durations */

void metric_register(struct metric *m); /* twice is fine */
#define metric_add(m, n, ...)                                                                      \
    metric_add_((m), (n), (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL, NULL, NULL })
#define metric_set(m, v, ...)                                                                      \
    metric_set_((m), (v), (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL, NULL, NULL })
#define metric_observe(m, v, ...)                                                                  \
    metric_observe_((m), (v), (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL, NULL, NULL })
void metric_add_(struct metric *m, double n, const char *const *values);
void metric_set_(struct metric *m, double value, const char *const *values);
void metric_observe_(struct metric *m, double value, const char *const *values);

/* Drop all series of a metric, so that a scrape can set the ones that exist now. */
void metric_clear(struct metric *m);

/* All registered metrics as text. */
int metrics_print(struct text *out, struct err *e);

/* Free all series; for the end of the process and of tests. */
void metrics_release(void);

#endif
