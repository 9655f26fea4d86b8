#include "base/metrics.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

/* One set of label values. Lists are short (a few results, codes, states): walked, not hashed. */
struct metric_series {
    struct metric_series *next;
    char *values[METRIC_LABELS]; /* NULL where the metric has no label */
    double value;                /* a histogram's sum */
    uint64_t count;
    uint64_t per_bucket[]; /* not cumulative; what is over the last bound is only in count */
};

const double METRIC_SECONDS[] = { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                  0.5,   1,      2.5,   5,    10,    30,   60,  0 };

static struct metric *registered;

static size_t bucket_count(const struct metric *m)
{
    size_t n = 0;

    if (m->type != METRIC_HISTOGRAM)
        return 0;
    while (m->buckets[n] != 0)
        n++;
    return n;
}

static bool has_values(const struct metric_series *s, const struct metric *m,
                       const char *const *values)
{
    for (size_t i = 0; i < METRIC_LABELS && m->labels[i]; i++)
        if (strcmp(s->values[i], values[i] ? values[i] : "") != 0)
            return false;
    return true;
}

static struct metric_series *series_of(struct metric *m, const char *const *values)
{
    struct metric_series **end = &m->series;
    struct metric_series *s;

    for (; *end; end = &(*end)->next)
        if (has_values(*end, m, values))
            return *end;
    s = xcalloc(1, sizeof *s + bucket_count(m) * sizeof s->per_bucket[0]);
    for (size_t i = 0; i < METRIC_LABELS && m->labels[i]; i++)
        s->values[i] = xstrdup(values[i] ? values[i] : "");
    *end = s;
    return s;
}

void metric_register(struct metric *m)
{
    struct metric **end = &registered;

    for (; *end; end = &(*end)->next)
        if (*end == m)
            return;
    *end = m;
    m->next = NULL;
    if (!m->labels[0])
        metric_add(m, 0); /* without labels there is one series, and it starts at 0 */
}

void metric_add_(struct metric *m, double n, const char *const *values)
{
    series_of(m, values)->value += n;
}

void metric_set_(struct metric *m, double value, const char *const *values)
{
    series_of(m, values)->value = value;
}

void metric_observe_(struct metric *m, double value, const char *const *values)
{
    struct metric_series *s = series_of(m, values);

    s->value += value;
    s->count++;
    for (size_t i = 0; m->buckets[i] != 0; i++) {
        if (value <= m->buckets[i]) {
            s->per_bucket[i]++;
            break;
        }
    }
}

void metric_clear(struct metric *m)
{
    while (m->series) {
        struct metric_series *s = m->series;
        m->series = s->next;
        for (size_t i = 0; i < METRIC_LABELS; i++)
            free(s->values[i]);
        free(s);
    }
}

void metrics_release(void)
{
    while (registered) {
        struct metric *m = registered;
        registered = m->next;
        m->next = NULL;
        metric_clear(m);
    }
}

/* A label value escapes three characters; help text leaves the quote as it is. */
static int print_escaped(struct text *out, const char *s, bool is_help, struct err *e)
{
    for (; *s; s++) {
        bool escape = *s == '\\' || *s == '\n' || (*s == '"' && !is_help);
        if (escape && text_puts(out, "\\", e))
            return -1;
        if (text_add(out, *s == '\n' ? "n" : s, 1, e))
            return -1;
    }
    return 0;
}

static int print_number(struct text *out, double v, struct err *e)
{
    if (isnan(v))
        return text_puts(out, "NaN", e);
    if (isinf(v))
        return text_puts(out, v > 0 ? "+Inf" : "-Inf", e);
    return text_addf(out, e, fabs(v) < 1e15 && v == trunc(v) ? "%.0f" : "%.12g", v);
}

/* name_suffix{label="value",le="0.5"} value */
static int print_sample(struct text *out, const struct metric *m, const struct metric_series *s,
                        const char *suffix, const char *le, double value, struct err *e)
{
    const char *before = "{";

    if (text_addf(out, e, "%s%s", m->name, suffix))
        return -1;
    for (size_t i = 0; i < METRIC_LABELS && m->labels[i]; i++, before = ",")
        if (text_addf(out, e, "%s%s=\"", before, m->labels[i]) ||
            print_escaped(out, s->values[i], false, e) || text_puts(out, "\"", e))
            return -1;
    if (le && text_addf(out, e, "%sle=\"%s\"", before, le))
        return -1;
    if (text_puts(out, le || m->labels[0] ? "} " : " ", e) || print_number(out, value, e))
        return -1;
    return text_puts(out, "\n", e);
}

static int print_histogram(struct text *out, const struct metric *m, const struct metric_series *s,
                           struct err *e)
{
    uint64_t below = 0;

    for (size_t i = 0; m->buckets[i] != 0; i++) {
        AUTO(text) struct text le = TEXT_INIT(32);
        below += s->per_bucket[i];
        if (text_addf(&le, e, "%g", m->buckets[i]) ||
            print_sample(out, m, s, "_bucket", text_str(&le), (double)below, e))
            return -1;
    }
    if (print_sample(out, m, s, "_bucket", "+Inf", (double)s->count, e) ||
        print_sample(out, m, s, "_sum", NULL, s->value, e))
        return -1;
    return print_sample(out, m, s, "_count", NULL, (double)s->count, e);
}

static int print_metric(struct text *out, const struct metric *m, struct err *e)
{
    static const char *const types[] = {
        [METRIC_COUNTER] = "counter",
        [METRIC_GAUGE] = "gauge",
        [METRIC_HISTOGRAM] = "histogram",
    };

    if (text_addf(out, e, "# HELP %s ", m->name) || print_escaped(out, m->help, true, e) ||
        text_addf(out, e, "\n# TYPE %s %s\n", m->name, types[m->type]))
        return -1;
    for (const struct metric_series *s = m->series; s; s = s->next) {
        int failed = m->type == METRIC_HISTOGRAM ? print_histogram(out, m, s, e) :
                                                   print_sample(out, m, s, "", NULL, s->value, e);
        if (failed)
            return -1;
    }
    return 0;
}

int metrics_print(struct text *out, struct err *e)
{
    for (const struct metric *m = registered; m; m = m->next)
        if (print_metric(out, m, e))
            return err_ctx(e, "metrics");
    return 0;
}
