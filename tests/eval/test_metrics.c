/* Metrics against scikit-learn's, with weights and ties. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "eval/metrics_ranking.h"
#include "fixtures/metrics.h"

enum { COUNT = sizeof sample_logit / sizeof *sample_logit, SOURCES = 6 };

static void fill(struct metrics_sample *samples)
{
    for (int i = 0; i < COUNT; i++) {
        int source = (int)sample_source[i];
        samples[i] = (struct metrics_sample){.logit = sample_logit[i],
                                             .weight = source == 5 ? 0 : 1,
                                             .generated = source >= 2 && source <= 4,
                                             .source = source};
    }
}

static void close_to(double a, double b)
{
    if (!(fabs(a - b) <= 1e-9))
        fail_msg("%.17g is not %.17g", a, b);
}

static void test_rank(void **state)
{
    (void)state;
    struct metrics_sample samples[COUNT];
    fill(samples);
    double ap, auroc;
    assert_int_equal(metrics_rank(samples, COUNT, &ap, &auroc, NULL), ASSAY_OK);
    close_to(ap, sklearn_ap[0]);
    close_to(auroc, sklearn_auroc[0]);
}

static void test_summary(void **state)
{
    (void)state;
    struct metrics_sample samples[COUNT];
    struct metrics_source sources[SOURCES + 1] = {{.name = "a"},
                                                  {.name = "b"},
                                                  {.name = "c", .generated = true},
                                                  {.name = "d", .generated = true},
                                                  {.name = "e", .generated = true},
                                                  {.name = "art", .left_out = true},
                                                  {.name = "without pictures"}};
    struct metrics_summary summary;
    fill(samples);
    assert_int_equal(metrics_summarise(samples, COUNT, sources, SOURCES + 1, &summary, NULL), ASSAY_OK);
    for (int i = 0; i < COUNT; i++)
        close_to(samples[i].weight, sample_weight[i]);
    for (int s = 0; s < SOURCES; s++)
        close_to(sources[s].accuracy, source_accuracy[s]);
    close_to(summary.accuracy, sklearn_accuracy[0]);
    close_to(summary.balanced_accuracy, sklearn_accuracy[1]);
    close_to(summary.balanced_accuracy, (summary.real_accuracy + summary.generated_accuracy) / 2);
    close_to(summary.average_precision, sklearn_ap[1]);
    close_to(summary.auroc, sklearn_auroc[1]);
    close_to(summary.loss, sklearn_loss[0]);
    assert_int_equal(summary.count, COUNT - sources[5].count);
    assert_int_equal(sources[SOURCES].count, 0);
}

static void test_refused(void **state)
{
    (void)state;
    struct metrics_sample samples[2] = {{.logit = 1, .weight = 1, .generated = true},
                                        {.logit = 2, .weight = 1, .generated = true}};
    struct assay_error error = {0};
    double ap, auroc;
    assert_int_equal(metrics_rank(samples, 2, &ap, &auroc, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "no real pictures"));
    samples[0] = (struct metrics_sample){.logit = NAN, .weight = 1};
    assert_int_equal(metrics_rank(samples, 2, &ap, &auroc, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "not finite"));
}

static void test_loss(void **state)
{
    (void)state;
    close_to(metrics_loss(0, true), log(2));
    close_to(metrics_loss(-800, true), 800); /* no overflow */
    close_to(metrics_loss(800, true), 0);
    close_to(metrics_loss(3, false), log1p(exp(3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rank), cmocka_unit_test(test_summary),
                                       cmocka_unit_test(test_refused), cmocka_unit_test(test_loss)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
