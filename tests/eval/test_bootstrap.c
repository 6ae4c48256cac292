/* Bootstrap intervals: repeatable, and right where the distribution of the replicates is known. */
#include "near.h"

#include <stdlib.h>
#include <string.h>

#include "eval/metrics_bootstrap.h"

enum { COUNT = 400, REPLICATES = 4000 };

/* What test_single_source measures: the share judged right, by hand. */
static assay_status share_right(void *context, const struct metrics_sample *samples, size_t count, double *values,
                                struct assay_error *error)
{
    (void)error;
    double right = 0, all = 0;
    for (size_t i = 0; i < count; i++) {
        all += samples[i].weight;
        right += (samples[i].logit > 0) == samples[i].generated ? samples[i].weight : 0;
        assert_true(i == 0 || samples[i - 1].logit >= samples[i].logit);
    }
    values[0] = right / all;
    ++*(int *)context;
    return ASSAY_OK;
}

/* One source of each class: the ordinary bootstrap of a share, of which the interval is p +- 1.96 sqrt(p (1 - p) /
 * n). */
static void test_single_source(void **state)
{
    (void)state;
    struct metrics_sample samples[COUNT];
    for (int i = 0; i < COUNT; i++)
        samples[i] = (struct metrics_sample){.logit = (i % 10 < 8 ? 1 : -1) * (i % 2 ? 1 : -1) * (1 + i % 7),
                                             .weight = 1,
                                             .generated = i % 2};
    struct metrics_interval interval;
    int calls = 0;
    const struct metrics_bootstrap_options options = {.seed = 3, .replicates = REPLICATES};
    assert_int_equal(metrics_bootstrap(samples, COUNT, &options, share_right, &calls, 1, &interval, NULL, NULL),
                     ASSAY_OK);
    assert_int_equal(calls, REPLICATES);
    double half = 1.96 * sqrt(0.8 * 0.2 / COUNT);
    assert_true(fabs(interval.low - (0.8 - half)) < 0.005);
    assert_true(fabs(interval.high - (0.8 + half)) < 0.005);
}

/* Of four real sources one is always judged wrong: the real accuracy of a replicate is 1 - Binomial(4, 1/4) / 4, so
 * its middle 95 % reach from 1/4 (P below: 0.4 %, at 1/4: 4.7 %) to 1. Pictures drawn one by one would give 0.66 to
 * 0.84. */
static void test_by_source(void **state)
{
    (void)state;
    struct metrics_sample samples[120];
    for (int i = 0; i < 120; i++) {
        int source = i / 20; /* 0..3 real, 4 and 5 generated and right */
        samples[i] = (struct metrics_sample){.logit = source == 0 || source >= 4 ? 2 : -2,
                                             .weight = 1,
                                             .generated = source >= 4,
                                             .source = source};
    }
    struct metrics_interval interval[FIGURE_COUNT];
    const struct metrics_bootstrap_options options = {.seed = 1, .replicates = REPLICATES};
    double *replicates = calloc((size_t)REPLICATES * FIGURE_COUNT, sizeof *replicates);
    assert_int_equal(metrics_bootstrap(samples, 120, &options, metrics_measure_figures, NULL, FIGURE_COUNT, interval,
                                       replicates, NULL),
                     ASSAY_OK);
    near_to("low", "real accuracy", interval[FIGURE_REAL_ACCURACY].low, 0.25);
    near_to("high", "real accuracy", interval[FIGURE_REAL_ACCURACY].high, 1);
    near_to("low", "generated accuracy", interval[FIGURE_GENERATED_ACCURACY].low, 1);
    near_to("high", "generated accuracy", interval[FIGURE_GENERATED_ACCURACY].high, 1);
    int at[5] = {0};
    for (int r = 0; r < REPLICATES; r++)
        at[(int)(4 * replicates[(size_t)r * FIGURE_COUNT + FIGURE_REAL_ACCURACY] + 0.5)]++;
    const double binomial[5] = {1 / 256.0, 12 / 256.0, 54 / 256.0, 108 / 256.0, 81 / 256.0};
    for (int b = 0; b < 5; b++)
        assert_true(fabs(at[b] / (double)REPLICATES - binomial[b]) < 0.03);
    free(replicates);
}

/* Neither the order of the pictures nor other classes' sources matter; another seed does. */
static void test_repeatable(void **state)
{
    (void)state;
    struct metrics_sample samples[60], turned[60];
    for (int i = 0; i < 60; i++)
        samples[i] = (struct metrics_sample){.logit = (i * 37 % 60) * 0.1 - 2.5 + (i % 2),
                                             .weight = 1 + i % 3,
                                             .generated = i % 2,
                                             .source = i % 5,
                                             .probability = 0.5};
    for (int i = 0; i < 60; i++)
        turned[i] = samples[59 - i];
    struct metrics_interval a[FIGURE_COUNT], b[FIGURE_COUNT], c[FIGURE_COUNT];
    struct metrics_bootstrap_options options = {.seed = 8, .replicates = 200};
    assert_int_equal(metrics_bootstrap(samples, 60, &options, metrics_measure_figures, NULL, FIGURE_COUNT, a, NULL,
                                       NULL),
                     ASSAY_OK);
    assert_int_equal(metrics_bootstrap(turned, 60, &options, metrics_measure_figures, NULL, FIGURE_COUNT, b, NULL,
                                       NULL),
                     ASSAY_OK);
    options.seed = 9;
    assert_int_equal(metrics_bootstrap(samples, 60, &options, metrics_measure_figures, NULL, FIGURE_COUNT, c, NULL,
                                       NULL),
                     ASSAY_OK);
    near_to("low", "AUROC", a[FIGURE_AUROC].low, b[FIGURE_AUROC].low);
    near_to("high", "AUROC", a[FIGURE_AUROC].high, b[FIGURE_AUROC].high);
    assert_true(a[FIGURE_AUROC].low < a[FIGURE_AUROC].high);
    assert_true(a[FIGURE_AUROC].low != c[FIGURE_AUROC].low);
    struct metrics_figures figures;
    assert_int_equal(metrics_figures(samples, 60, &figures, NULL), ASSAY_OK);
    for (int f = 0; f <= FIGURE_LOSS; f++)
        if (f != FIGURE_BEST_UNIVFD && f != FIGURE_BEST_LARE && f != FIGURE_CALIBRATION_ERROR && f != FIGURE_BRIER)
            assert_true(a[f].low <= figures.value[f] && figures.value[f] <= a[f].high);
}

static void test_odd(void **state)
{
    (void)state;
    struct metrics_sample one = {.logit = 1, .weight = 1, .generated = true, .probability = 0.5};
    struct metrics_interval interval[FIGURE_COUNT];
    struct metrics_bootstrap_options options = {.replicates = 10};
    assert_int_equal(metrics_bootstrap(&one, 1, &options, metrics_measure_figures, NULL, FIGURE_COUNT, interval, NULL,
                                       NULL),
                     ASSAY_OK);
    near_to("low", "one picture", interval[FIGURE_GENERATED_ACCURACY].low, 1);
    assert_true(isnan(interval[FIGURE_AUROC].low) && isnan(interval[FIGURE_AUROC].high));
    assert_int_equal(metrics_bootstrap(NULL, 0, &options, metrics_measure_figures, NULL, FIGURE_COUNT, interval, NULL,
                                       NULL),
                     ASSAY_OK);
    assert_true(isnan(interval[FIGURE_ACCURACY].low));
    struct assay_error error = {0};
    one.source = -1;
    assert_int_equal(metrics_bootstrap(&one, 1, &options, metrics_measure_figures, NULL, FIGURE_COUNT, interval, NULL,
                                       &error),
                     ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "belongs to no source"));
    one.source = 0;
    options.level = 1.5;
    assert_int_equal(metrics_bootstrap(&one, 1, &options, metrics_measure_figures, NULL, FIGURE_COUNT, interval, NULL,
                                       &error),
                     ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "level"));
    double values[5] = {4, 1, 3, 2, 5};
    struct metrics_interval of = metrics_interval_of(values, 5, 0.5); /* numpy.percentile: 2 and 4 */
    near_to("low", "1..5", of.low, 2);
    near_to("high", "1..5", of.high, 4);
    of = metrics_interval_of(values, 5, 0.95);
    near_to("low", "1..5", of.low, 1.1);
    near_to("high", "1..5", of.high, 4.9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_single_source), cmocka_unit_test(test_by_source),
                                       cmocka_unit_test(test_repeatable), cmocka_unit_test(test_odd)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
