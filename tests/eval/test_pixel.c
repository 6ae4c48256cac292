/* Masks against IMDLBenCo's evaluators and scikit-learn. */
#include "near.h"

#include <stdbool.h>
#include <string.h>

#include "eval/metrics_pixel.h"
#include "fixtures/pixel.h"

enum { CASES = sizeof pixel_cases / sizeof *pixel_cases };

static struct metrics_pixels measure(int k, bool whole)
{
    float predicted[PIXELS];
    uint8_t mask[PIXELS], region[PIXELS];
    bool all = true;
    for (int i = 0; i < PIXELS; i++) {
        predicted[i] = (float)pixel_cases[k].predicted[i];
        mask[i] = pixel_cases[k].mask[i] > 0 ? 255 : 0;
        region[i] = pixel_cases[k].region[i] > 0;
        all &= region[i];
    }
    struct metrics_pixels out;
    assert_int_equal(metrics_pixels(predicted, mask, whole && all ? NULL : region, PIXELS, 0.5f, &out, NULL), ASSAY_OK);
    return out;
}

static void test_masks(void **state)
{
    (void)state;
    for (int k = 0; k < CASES; k++)
        for (int whole = 0; whole < 2; whole++) {
            struct metrics_pixels m = measure(k, whole);
            near_to("F1", "a mask", m.f1, pixel_cases[k].expected[0]);
            near_to("IoU", "a mask", m.iou, pixel_cases[k].expected[1]);
            near_to("accuracy", "a mask", m.accuracy, pixel_cases[k].expected[2]);
            near_to("AP", "a mask", m.average_precision, pixel_cases[k].expected[3]);
            near_to("AUROC", "a mask", m.auroc, pixel_cases[k].expected[4]);
        }
}

static void test_mean(void **state)
{
    (void)state;
    struct metrics_pixel_totals totals = {0};
    assert_true(isnan(metrics_pixels_mean(&totals).f1));
    double f1 = 0, ap = 0;
    int ranked = 0;
    for (int k = 0; k < CASES; k++) {
        struct metrics_pixels m = measure(k, true);
        metrics_pixels_add(&totals, &m);
        f1 += m.f1;
        if (!isnan(m.average_precision)) {
            ap += m.average_precision;
            ranked++;
        }
    }
    assert_true(ranked > 0 && ranked < CASES);
    near_to("mean F1", "all", metrics_pixels_mean(&totals).f1, f1 / CASES);
    near_to("mean AP", "all", metrics_pixels_mean(&totals).average_precision, ap / ranked);
}

static void test_refused(void **state)
{
    (void)state;
    struct assay_error error = {0};
    struct metrics_pixels out;
    float predicted[2] = {0, NAN};
    uint8_t mask[2] = {0, 1}, region[2] = {1, 0};
    assert_int_equal(metrics_pixels(predicted, mask, NULL, 2, 0.5f, &out, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "pixel 1 is not a number"));
    assert_int_equal(metrics_pixels(predicted, mask, region, 2, 0.5f, &out, &error), ASSAY_OK);
    region[0] = 0;
    assert_int_equal(metrics_pixels(predicted, mask, region, 2, 0.5f, &out, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "none of its 2 pixels counts"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_masks), cmocka_unit_test(test_mean),
                                       cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
