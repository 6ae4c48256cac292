/* t-SNE against numpy and scikit-learn from the same places: affinities, gradient, divergence, the first steps; the
 * same bits at any number of threads; bad input. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "eval/report/tsne.h"
#include "eval/report/tsne_start.h"
#include "fixtures/tsne.h"

static void expect_close(const char *what, const double *a, const double *b, size_t count, double tolerance)
{
    double scale = 0;
    for (size_t i = 0; i < count; i++)
        scale = fabs(b[i]) > scale ? fabs(b[i]) : scale;
    for (size_t i = 0; i < count; i++)
        if (!(fabs(a[i] - b[i]) <= tolerance * scale))
            fail_msg("%s: value %zu is %.17g, not %.17g", what, i, a[i], b[i]);
}

static void test_affinities(void **state)
{
    (void)state;
    double got[POINTS * POINTS];
    assert_int_equal(tsne_affinities(data, POINTS, DIMENSIONS, perplexity, got, NULL), ASSAY_OK);
    expect_close("joint", got, joint, POINTS * POINTS, 1e-9);
}

static void test_gradient(void **state)
{
    (void)state;
    double got[POINTS * 2], kl;
    assert_int_equal(tsne_gradient(joint, place, POINTS, got, &kl, NULL), ASSAY_OK);
    expect_close("gradient", got, gradient, POINTS * 2, 1e-11);
    expect_close("divergence", &kl, &divergence, 1, 1e-12);
}

static void test_start(void **state)
{
    (void)state;
    double got[POINTS * 2];
    assert_int_equal(tsne_start(data, POINTS, DIMENSIONS, got, NULL), ASSAY_OK);
    expect_close("components", got, components, POINTS * 2, 1e-6);
    /* one dimension: the second component is noise, the same each time */
    double again[POINTS * 2];
    assert_int_equal(tsne_start(data, POINTS, 1, got, NULL), ASSAY_OK);
    assert_int_equal(tsne_start(data, POINTS, 1, again, NULL), ASSAY_OK);
    assert_memory_equal(got, again, sizeof got);
    assert_true(got[1] != 0 && fabs(got[1]) < 1e-3);
}

static void test_steps(void **state)
{
    (void)state;
    double got[POINTS * 2], kl;
    const struct tsne_options options = {.perplexity = perplexity,
                                         .iterations = 2 * STEPS,
                                         .exaggerated = STEPS,
                                         .exaggeration = 12,
                                         .learning_rate = 50,
                                         .first_place = start};
    assert_int_equal(tsne_embed(data, POINTS, DIMENSIONS, &options, got, &kl, NULL), ASSAY_OK);
    expect_close("places", got, after, POINTS * 2, 1e-6);
    expect_close("divergence", &kl, &after_divergence, 1, 1e-6);
}

/* Three clusters far apart: of each point's nearest neighbours on the plane most are of its own cluster. */
static void test_neighbours_stay(void **state)
{
    (void)state;
    double got[POINTS * 2], again[POINTS * 2], kl, kl_start, gradients[POINTS * 2];
    assert_int_equal(tsne_embed(data, POINTS, DIMENSIONS, NULL, got, &kl, NULL), ASSAY_OK);
    int own = 0;
    for (int i = 0; i < POINTS; i++) {
        int nearest = -1;
        double least = INFINITY;
        for (int j = 0; j < POINTS; j++) {
            double d = hypot(got[2 * i] - got[2 * j], got[2 * i + 1] - got[2 * j + 1]);
            if (j != i && d < least) {
                least = d;
                nearest = j;
            }
        }
        own += nearest % 3 == i % 3;
    }
    assert_true(own >= POINTS - 2);
    assert_int_equal(tsne_gradient(joint, start, POINTS, gradients, &kl_start, NULL), ASSAY_OK);
    assert_true(kl < kl_start / 2);
    assert_int_equal(tsne_embed(data, POINTS, DIMENSIONS, NULL, again, NULL, NULL), ASSAY_OK);
    assert_memory_equal(got, again, sizeof got);
}

/* Points that are all the same, or half of them, give finite places. */
static void test_equal_points(void **state)
{
    (void)state;
    float same[40 * 3] = {0};
    double got[80], kl;
    for (int half = 0; half < 2; half++) {
        for (int i = 0; i < 60 && half; i++)
            same[i] = (float)i * 1e4f;
        assert_int_equal(tsne_embed(same, 40, 3, NULL, got, &kl, NULL), ASSAY_OK);
        assert_true(isfinite(kl));
        for (int i = 0; i < 80; i++)
            assert_true(isfinite(got[i]));
    }
}

static void test_refused(void **state)
{
    (void)state;
    struct assay_error error = {0};
    float bad[12] = {0};
    double got[24];
    assert_int_equal(tsne_embed(data, 3, DIMENSIONS, NULL, got, NULL, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "3 points"));
    assert_int_equal(tsne_embed(data, TSNE_MAX_POINTS + 1, 1, NULL, got, NULL, &error), ASSAY_ERROR_ARGUMENT);
    bad[7] = NAN;
    assert_int_equal(tsne_embed(bad, 4, 3, NULL, got, NULL, &error), ASSAY_ERROR_ARGUMENT);
    assert_string_equal(error.message, "t-SNE: value 1 of point 2 is not finite");
    const struct tsne_options options = {.perplexity = 40};
    assert_int_equal(tsne_embed(data, 12, 3, &options, got, NULL, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "perplexity 40"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_affinities),      cmocka_unit_test(test_gradient),
                                       cmocka_unit_test(test_start),           cmocka_unit_test(test_steps),
                                       cmocka_unit_test(test_neighbours_stay), cmocka_unit_test(test_equal_points),
                                       cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
