/* Metrics as Prometheus reads them (exposition formats, text format 0.0.4). */
#include "base/metrics.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/text.h"
#include "unit.h"

static const double BUCKETS[] = { 0.1, 1, 2.5, 0 };

static struct metric plain = { .name = "t_plain_total", .help = "Things.", .type = METRIC_COUNTER };
static struct metric coded = { .name = "t_coded_total",
                               .help = "By \\ and\nnewline, \"quotes\".",
                               .type = METRIC_COUNTER,
                               .labels = { "host", "code" } };
static struct metric gauge = {
    .name = "t_gauge", .help = "Now.", .type = METRIC_GAUGE, .labels = { "kind" }
};
static struct metric took = {
    .name = "t_seconds", .help = "Took.", .type = METRIC_HISTOGRAM, .buckets = BUCKETS
};
static struct metric took_by = { .name = "t_by_seconds",
                                 .help = "Took, by result.",
                                 .type = METRIC_HISTOGRAM,
                                 .labels = { "result" },
                                 .buckets = BUCKETS };

static bool prints(const char *want)
{
    AUTO(text) struct text out = TEXT_INIT(64 * KIB);
    struct err e = { 0 };
    bool ok = !metrics_print(&out, &e) && !strcmp(text_str(&out), want);

    if (!ok)
        printf("\n%s%s\n", text_str(&out), e.text);
    return ok;
}

static void nothing_registered_is_nothing(void)
{
    CASE("empty", prints(""));
}

static void a_counter_without_labels_starts_at_0(void)
{
    metric_register(&plain);
    metric_register(&plain); /* twice is fine */
    CASE("0", prints("# HELP t_plain_total Things.\n# TYPE t_plain_total counter\n"
                     "t_plain_total 0\n"));
    metric_add(&plain, 2);
    metric_add(&plain, 0.5);
    CASE("added", prints("# HELP t_plain_total Things.\n# TYPE t_plain_total counter\n"
                         "t_plain_total 2.5\n"));
    metrics_release();
    CASE("released", prints(""));
}

#define CODED                                                                                      \
    "# HELP t_coded_total By \\\\ and\\nnewline, \"quotes\".\n# TYPE t_coded_total counter\n"

static void labels_are_escaped(void)
{
    metric_register(&coded);
    CASE("no series yet", prints(CODED));
    metric_add(&coded, 1, "a\\b\"c\nd", "200");
    metric_add(&coded, 3, "r.test:5000", "404");
    metric_add(&coded, 1, "r.test:5000", "404");
    metric_add(&coded, 1, "r.test:5000", NULL);
    metric_add(&coded, 1, "é");
    CASE("each set of values is a series",
         prints(CODED "t_coded_total{host=\"a\\\\b\\\"c\\nd\",code=\"200\"} 1\n"
                      "t_coded_total{host=\"r.test:5000\",code=\"404\"} 4\n"
                      "t_coded_total{host=\"r.test:5000\",code=\"\"} 1\n"
                      "t_coded_total{host=\"é\",code=\"\"} 1\n"));
    metrics_release();
}

#define GAUGE "# HELP t_gauge Now.\n# TYPE t_gauge gauge\n"

static void a_gauge_can_be_set_and_cleared(void)
{
    metric_register(&gauge);
    metric_set(&gauge, 5, "pods");
    metric_set(&gauge, -1.25, "pods");
    metric_set(&gauge, 7, "apps");
    CASE("set", prints(GAUGE "t_gauge{kind=\"pods\"} -1.25\nt_gauge{kind=\"apps\"} 7\n"));
    metric_clear(&gauge);
    metric_set(&gauge, 0, "apps");
    CASE("only what there is now", prints(GAUGE "t_gauge{kind=\"apps\"} 0\n"));
    metrics_release();
}

static const struct {
    const char *name;
    double value;
    const char *want;
} NUMBERS[] = {
    { "zero", 0, "0" },
    { "negative", -3, "-3" },
    { "a fraction", 0.001, "0.001" },
    { "a thousand million millions", 1e14, "100000000000000" },
    { "a time in seconds", 1795493684.5, "1795493684.5" },
    { "tiny", 1e-9, "1e-09" },
    { "huge", 1e300, "1e+300" },
    { "infinite", INFINITY, "+Inf" },
    { "infinite below", -INFINITY, "-Inf" },
    { "not a number", NAN, "NaN" },
};

static void numbers_are_as_go_reads_them(void)
{
    metric_register(&gauge);
    for (size_t i = 0; i < ARRAY_LEN(NUMBERS); i++) {
        char want[200];

        metric_set(&gauge, NUMBERS[i].value, "x");
        snprintf(want, sizeof want, GAUGE "t_gauge{kind=\"x\"} %s\n", NUMBERS[i].want);
        CASE(NUMBERS[i].name, prints(want));
    }
    metrics_release();
}

static void a_histogram_is_cumulative(void)
{
    metric_register(&took);
    CASE("starts at 0", prints("# HELP t_seconds Took.\n# TYPE t_seconds histogram\n"
                               "t_seconds_bucket{le=\"0.1\"} 0\nt_seconds_bucket{le=\"1\"} 0\n"
                               "t_seconds_bucket{le=\"2.5\"} 0\nt_seconds_bucket{le=\"+Inf\"} 0\n"
                               "t_seconds_sum 0\nt_seconds_count 0\n"));
    metric_observe(&took, 0.05);
    metric_observe(&took, 0.1); /* a bound belongs to its bucket */
    metric_observe(&took, 2);
    metric_observe(&took, 99);
    CASE("counts", prints("# HELP t_seconds Took.\n# TYPE t_seconds histogram\n"
                          "t_seconds_bucket{le=\"0.1\"} 2\nt_seconds_bucket{le=\"1\"} 2\n"
                          "t_seconds_bucket{le=\"2.5\"} 3\nt_seconds_bucket{le=\"+Inf\"} 4\n"
                          "t_seconds_sum 101.15\nt_seconds_count 4\n"));
    metrics_release();
}

static void a_histogram_has_labels_too(void)
{
    metric_register(&took_by);
    metric_observe(&took_by, 1, "ok");
    CASE("le comes last", prints("# HELP t_by_seconds Took, by result.\n"
                                 "# TYPE t_by_seconds histogram\n"
                                 "t_by_seconds_bucket{result=\"ok\",le=\"0.1\"} 0\n"
                                 "t_by_seconds_bucket{result=\"ok\",le=\"1\"} 1\n"
                                 "t_by_seconds_bucket{result=\"ok\",le=\"2.5\"} 1\n"
                                 "t_by_seconds_bucket{result=\"ok\",le=\"+Inf\"} 1\n"
                                 "t_by_seconds_sum{result=\"ok\"} 1\n"
                                 "t_by_seconds_count{result=\"ok\"} 1\n"));
    metrics_release();
}

static void the_default_buckets_rise(void)
{
    size_t n = 0;

    while (METRIC_SECONDS[n + 1] != 0) {
        CASE("ascending", METRIC_SECONDS[n] < METRIC_SECONDS[n + 1]);
        n++;
    }
    CASE("1 ms to 60 s", METRIC_SECONDS[0] == 0.001 && METRIC_SECONDS[n] == 60);
}

/* All kinds together, with every ceiling up to the one that fits: an error, never half a page. */
static void a_ceiling_is_an_error(void)
{
    AUTO(text) struct text whole = TEXT_INIT(64 * KIB);
    struct err e = { 0 };

    metric_register(&coded);
    metric_register(&took_by);
    metric_add(&coded, 1, "a\"\n", "200");
    metric_observe(&took_by, 1, "ok");
    CASE("fits", !metrics_print(&whole, &e));
    CASE("ends with a newline", whole.bytes[whole.len - 1] == '\n');
    for (size_t max = 0; max < whole.len; max++) {
        AUTO(text) struct text out = TEXT_INIT(max);

        CASE("too long", metrics_print(&out, &e) == -1 && !strncmp(e.text, "metrics: over", 13));
    }
    metrics_release();
}

UNIT_MAIN(UNIT_TEST(nothing_registered_is_nothing), UNIT_TEST(a_counter_without_labels_starts_at_0),
          UNIT_TEST(labels_are_escaped), UNIT_TEST(a_gauge_can_be_set_and_cleared),
          UNIT_TEST(numbers_are_as_go_reads_them), UNIT_TEST(a_histogram_is_cumulative),
          UNIT_TEST(a_histogram_has_labels_too), UNIT_TEST(the_default_buckets_rise),
          UNIT_TEST(a_ceiling_is_an_error))
