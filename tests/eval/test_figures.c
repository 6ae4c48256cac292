/* Every figure and curve against scikit-learn's (and UnivFD's and LaRE2's searches), on ordinary and odd sets. */
#include "near.h"

#include <stdlib.h>
#include <string.h>

#include "eval/curves.h"
#include "eval/metrics_figures.h"
#include "eval/metrics_pixel.h"
#include "eval/metrics_threshold.h"
#include "failing_malloc.h"
#include "fixtures/figures.h"

enum { CASES = sizeof metrics_cases / sizeof *metrics_cases, MOST = 300 };

static struct metrics_sample *fill(const struct metrics_case *c)
{
    static struct metrics_sample samples[MOST];
    assert_true(c->count <= MOST);
    for (int i = 0; i < c->count; i++)
        samples[i] = (struct metrics_sample){.logit = c->logit[i],
                                             .weight = c->weight[i],
                                             .generated = c->label[i] > 0,
                                             .probability = c->probability[i],
                                             .verdict = ASSAY_UNCALIBRATED};
    return samples;
}

static void test_figures(void **state)
{
    (void)state;
    for (int k = 0; k < CASES; k++) {
        const struct metrics_case *c = &metrics_cases[k];
        struct metrics_figures figures;
        assert_int_equal(metrics_figures(fill(c), (size_t)c->count, &figures, NULL), ASSAY_OK);
        for (int f = 0; f <= FIGURE_LOSS; f++)
            if (!isinf(c->figures[f]))
                near_to(metrics_figure_info[f].name, c->name, figures.value[f], c->figures[f]);
        for (int f = FIGURE_LOSS + 1; f < FIGURE_COUNT; f++)
            assert_true(isnan(figures.value[f])); /* no verdicts */
    }
}

static void test_best_thresholds(void **state)
{
    (void)state;
    for (int k = 0; k < CASES; k++) {
        const struct metrics_case *c = &metrics_cases[k];
        if (!c->best)
            continue;
        struct metrics_steps steps;
        const struct metrics_sample *samples = fill(c);
        assert_int_equal(metrics_steps(samples, (size_t)c->count, &steps, NULL), ASSAY_OK);
        struct metrics_best best[2] = {metrics_best_univfd(samples, (size_t)c->count, &steps),
                                       metrics_best_lare(&steps)};
        for (int b = 0; b < 2; b++) {
            near_to("threshold", c->name, best[b].threshold, c->best[4 * b]);
            near_to("best accuracy", c->name, best[b].accuracy, c->best[4 * b + 1]);
            near_to("best real accuracy", c->name, best[b].real_accuracy, c->best[4 * b + 2]);
            near_to("best generated accuracy", c->name, best[b].generated_accuracy, c->best[4 * b + 3]);
        }
        metrics_steps_free(&steps);
    }
}

static void test_equal_error_threshold(void **state)
{
    (void)state;
    struct metrics_sample samples[] = {{.logit = -1, .weight = 1},
                                       {.logit = 2, .weight = 1},
                                       {.logit = 1, .weight = 1, .generated = true},
                                       {.logit = 3, .weight = 1, .generated = true}};
    struct metrics_steps steps;
    double threshold;
    assert_int_equal(metrics_steps(samples, 4, &steps, NULL), ASSAY_OK);
    near_to("rate", "four", metrics_equal_error_rate(&steps, &threshold), 0.5);
    near_to("threshold", "four", threshold, 2);
    metrics_steps_free(&steps);
}

static void test_bins(void **state)
{
    (void)state;
    for (int k = 0; k < CASES; k++) {
        const struct metrics_case *c = &metrics_cases[k];
        struct metrics_bin bins[CALIBRATION_BINS];
        assert_int_equal(metrics_bins(fill(c), (size_t)c->count, CALIBRATION_BINS, bins, NULL), ASSAY_OK);
        for (int b = 0; b < CALIBRATION_BINS; b++) {
            near_to("weight", c->name, bins[b].weight, c->bins[3 * b]);
            near_to("mean probability", c->name, bins[b].probability, c->bins[3 * b + 1]);
            near_to("share", c->name, bins[b].generated_share, c->bins[3 * b + 2]);
        }
    }
}

static void same_curve(const char *what, const char *name, const struct curve *curve, const double *expected, int count)
{
    if (curve->count != (size_t)count)
        fail_msg("%s of %s: %zu points, not %d", what, name, curve->count, count);
    for (int i = 0; i < count; i++) {
        near_to(what, name, curve->points[i].x, expected[3 * i]);
        near_to(what, name, curve->points[i].y, expected[3 * i + 1]);
        near_to(what, name, curve->points[i].threshold, expected[3 * i + 2]);
    }
}

static void test_curves(void **state)
{
    (void)state;
    for (int k = 0; k < CASES; k++) {
        const struct metrics_case *c = &metrics_cases[k];
        if (!c->roc_count)
            continue;
        struct curve roc, pr;
        assert_int_equal(curve_roc(fill(c), (size_t)c->count, &roc, NULL), ASSAY_OK);
        assert_int_equal(curve_precision_recall(fill(c), (size_t)c->count, &pr, NULL), ASSAY_OK);
        same_curve("ROC", c->name, &roc, c->roc, c->roc_count);
        same_curve("precision-recall", c->name, &pr, c->pr, c->pr_count);
        curve_free(&roc);
        curve_free(&pr);
    }
}

static void test_thin(void **state)
{
    (void)state;
    const struct metrics_case *c = &metrics_cases[CASES - 1];
    struct curve curve;
    assert_int_equal(curve_precision_recall(fill(c), (size_t)c->count, &curve, NULL), ASSAY_OK);
    struct curve_point last = curve.points[curve.count - 1];
    assert_true(curve.count > 60);
    curve_thin(&curve, 60);
    assert_true(curve.count <= 60 && curve.count > 30);
    assert_true(isinf(curve.points[0].threshold));
    near_to("end", "thinned", curve.points[curve.count - 1].threshold, last.threshold);
    for (size_t i = 1; i < curve.count; i++)
        assert_true(curve.points[i].threshold < curve.points[i - 1].threshold);
    curve_thin(&curve, 2);
    assert_int_equal(curve.count, 2);
    near_to("end", "thinned", curve.points[1].x, 1);
    curve_free(&curve);
}

static void test_histograms(void **state)
{
    (void)state;
    const struct metrics_sample samples[] = {
        {.logit = -3, .weight = 1, .probability = 0, .source = 0},
        {.logit = 0, .weight = 1, .probability = 0.5, .source = 1},
        {.logit = 1, .weight = 2, .probability = 1, .generated = true, .source = 2},
        {.logit = 9, .weight = 1, .probability = 0.2, .generated = true, .source = 3},
        {.logit = 9, .weight = 0, .probability = 0.2, .generated = true, .source = 3},
    };
    double share[4];
    assert_int_equal(histogram_probability(samples, 5, (struct histogram_filter){-1, -1}, 4, share), 4);
    const double all[4] = {0.4, 0, 0.2, 0.4};
    for (int b = 0; b < 4; b++)
        near_to("share", "all", share[b], all[b]);
    assert_int_equal(histogram_probability(samples, 5, (struct histogram_filter){1, -1}, 4, share), 2);
    near_to("share", "generated", share[3], 2.0 / 3);
    assert_int_equal(histogram_probability(samples, 5, (struct histogram_filter){-1, 1}, 4, share), 1);
    near_to("share", "source", share[2], 1);
    assert_int_equal(histogram_logit(samples, 5, (struct histogram_filter){-1, -1}, -2, 2, 4, share), 4);
    const double logits[4] = {0.2, 0, 0.2, 0.6}; /* -3 and 9 lie outside */
    for (int b = 0; b < 4; b++)
        near_to("share", "logits", share[b], logits[b]);
    assert_int_equal(histogram_probability(samples, 5, (struct histogram_filter){0, 3}, 4, share), 0);
    near_to("share", "none", share[0], 0);
}

static void test_verdicts(void **state)
{
    (void)state;
    struct metrics_sample samples[] = {
        {.weight = 1, .verdict = ASSAY_REAL},
        {.weight = 1, .verdict = ASSAY_GENERATED},
        {.weight = 1, .verdict = ASSAY_UNCERTAIN},
        {.weight = 1, .verdict = ASSAY_REAL},
        {.weight = 1, .verdict = ASSAY_GENERATED, .generated = true},
        {.weight = 1, .verdict = ASSAY_REAL, .generated = true},
    };
    struct metrics_figures figures;
    assert_int_equal(metrics_figures(samples, 6, &figures, NULL), ASSAY_OK);
    near_to("verdict accuracy", "six", figures.value[FIGURE_VERDICT_ACCURACY], 0.5);
    near_to("uncertain", "six", figures.value[FIGURE_VERDICT_UNCERTAIN], 1.0 / 6);
    near_to("false alarms", "six", figures.value[FIGURE_FALSE_ALARMS], 0.25);
    near_to("missed", "six", figures.value[FIGURE_MISSED], 0.5);
    assert_int_equal(figures.count[0], 4);
    samples[0].verdict = ASSAY_UNCALIBRATED;
    assert_int_equal(metrics_figures(samples, 6, &figures, NULL), ASSAY_OK);
    assert_true(isnan(figures.value[FIGURE_VERDICT_ACCURACY]));
}

static void test_refused(void **state)
{
    (void)state;
    struct assay_error error = {0};
    struct metrics_figures figures;
    struct metrics_sample samples[2] = {{.logit = NAN, .weight = 1}, {.logit = 1, .weight = 1, .generated = true}};
    assert_int_equal(metrics_figures(samples, 2, &figures, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "score 0 is not finite"));
    samples[0].logit = 0;
    samples[1].weight = -1;
    assert_int_equal(metrics_figures(samples, 2, &figures, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "weight 1"));
    samples[1].weight = 1;
    samples[1].probability = 1.5;
    assert_int_equal(metrics_figures(samples, 2, &figures, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "probability 1 is not in 0..1"));
    struct curve curve;
    assert_int_equal(curve_roc(samples, 1, &curve, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "ROC curve: no generated pictures among 1"));
    assert_int_equal(curve_precision_recall(samples + 1, 1, &curve, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "no real pictures"));
    assert_int_equal(metrics_figures(samples, 0, &figures, &error), ASSAY_OK); /* nothing: nothing is defined */
    for (int f = 0; f < FIGURE_COUNT; f++)
        assert_true(isnan(figures.value[f]));
}

static bool attempt(void *context)
{
    const struct metrics_case *k = context;
    struct curve roc = {0}, pr = {0};
    struct metrics_pixels pixels;
    const float predicted[4] = {0.1f, 0.7f, 0.6f, 0.2f};
    const uint8_t mask[4] = {0, 1, 0, 1};
    bool done = curve_roc(fill(k), (size_t)k->count, &roc, NULL) == ASSAY_OK &&
                curve_precision_recall(fill(k), (size_t)k->count, &pr, NULL) == ASSAY_OK &&
                metrics_pixels(predicted, mask, NULL, 4, 0.5f, &pixels, NULL) == ASSAY_OK;
    curve_free(&roc);
    curve_free(&pr);
    return done;
}

static void test_failing(void **state)
{
    (void)state;
    assert_true(failing_malloc_each(attempt, (void *)&metrics_cases[1], NULL) >= 8);
}

static void test_names(void **state)
{
    (void)state;
    for (int f = 0; f < FIGURE_COUNT; f++) {
        assert_int_equal(metrics_figure_find(metrics_figure_info[f].name), f);
        assert_non_null(metrics_figure_info[f].title);
        assert_int_equal(metrics_figure_info[f].optimistic, strstr(metrics_figure_info[f].help, "optimistic") != NULL);
    }
    assert_int_equal(metrics_figure_find("accurcay"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures),    cmocka_unit_test(test_best_thresholds),
        cmocka_unit_test(test_bins),       cmocka_unit_test(test_equal_error_threshold),
        cmocka_unit_test(test_curves),     cmocka_unit_test(test_thin),
        cmocka_unit_test(test_histograms), cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_failing),    cmocka_unit_test(test_refused),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
