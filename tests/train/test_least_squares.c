/* The linear layer in closed form against numpy's, in double precision; what cannot be solved; and that a state of its
 * sums is the sums. */
#include "base/random.h"
#include "cpu/dense.h"
#include "fixture.h"
#include "train/least_squares.h"

#include <math.h>

static void check_ok(assay_status status, const struct assay_error *error)
{
    if (status)
        fail_msg("%s", error->message);
}

static void check_close(const float *got, const struct file_tensor *expected)
{
    const float *values = expected->data;
    struct shape shape = fixture_shape(expected);
    for (int64_t i = 0; i < shape_count(&shape); i++)
        if (!(fabsf(got[i] - values[i]) <= 2e-6f * fmaxf(1, fabsf(values[i]))))
            fail_msg("element %d: %.9g, expected %.9g", (int)i, (double)got[i], (double)values[i]);
}

/* The fixture's pictures in batches of unlike size. */
static void add_all(struct least_squares *s, const struct safetensors *file)
{
    const struct file_tensor *x = fixture_find(file, "x");
    const float *features = x->data;
    const int32_t *labels = fixture_find(file, "labels")->data;
    int64_t count = fixture_shape(x).dim[0], size = 1;
    for (int64_t i = 0; i < count; i += size) {
        size = count - i < 7 ? count - i : 7;
        least_squares_add(s, features + i * s->features, labels + i, size);
    }
}

static void test_reference(void **unused)
{
    (void)unused;
    struct safetensors file;
    struct least_squares s;
    struct assay_error error = {0};
    float weight[16], bias;
    double loss;
    fixture_open(&file, "least_squares.safetensors");
    int64_t features = fixture_shape(fixture_find(&file, "x")).dim[1];
    check_ok(least_squares_create(&s, features, 8, &error), &error);
    add_all(&s, &file);
    double ridge = (double)*(const float *)fixture_find(&file, "rho")->data;
    check_ok(least_squares_solve(&s, ridge, weight, &bias, &loss, &error), &error);
    check_close(weight, fixture_find(&file, "weight"));
    check_close(&bias, fixture_find(&file, "bias"));

    /* The loss is what the layer leaves. */
    const struct file_tensor *x = fixture_find(&file, "x");
    const int32_t *labels = fixture_find(&file, "labels")->data;
    double sum = 0;
    for (int64_t i = 0; i < fixture_shape(x).dim[0]; i++) {
        double left = (labels[i] ? 1 : -1) - (double)bias;
        for (int64_t j = 0; j < features; j++)
            left -= (double)weight[j] * (double)((const float *)x->data)[i * features + j];
        sum += left * left;
    }
    assert_true(fabs(sum / (double)fixture_shape(x).dim[0] - loss) < 1e-5);
    least_squares_free(&s);
    safetensors_close(&file);
}

/* Kept in a store and taken from there again, sums are the same to the last bit. */
static void test_state(void **unused)
{
    (void)unused;
    struct safetensors file;
    struct least_squares s;
    struct store *store = NULL;
    struct assay_error error = {0};
    fixture_open(&file, "least_squares.safetensors");
    check_ok(least_squares_create(&s, fixture_shape(fixture_find(&file, "x")).dim[1], 8, &error), &error);
    add_all(&s, &file);
    s.moments[0] += 1e-9; /* more digits than features have */
    double before[256], *moments = s.moments;
    memcpy(before, moments, (size_t)(s.side * s.side) * sizeof *moments);
    check_ok(store_create(&store, &error), &error);
    check_ok(least_squares_declare(&s, store, &error), &error);
    check_ok(store_initialise(store, 1, &error), &error);
    check_ok(least_squares_keep(&s, store, &error), &error);
    memset(moments, 0, (size_t)(s.side * s.side) * sizeof *moments);
    least_squares_restore(&s, store);
    assert_memory_equal(before, moments, (size_t)(s.side * s.side) * sizeof *moments);
    store_free(store);
    least_squares_free(&s);
    safetensors_close(&file);
}

/* Two features that are always the same, and no penalty: no one answer. */
static void test_undetermined(void **unused)
{
    (void)unused;
    struct least_squares s;
    struct assay_error error = {0};
    const float x[] = {1, 1, 2, 2, 5, 5, 3, 3};
    const int32_t labels[] = {0, 1, 1, 0};
    float weight[2], bias;
    double loss;
    check_ok(least_squares_create(&s, 2, 4, &error), &error);
    least_squares_add(&s, x, labels, 4);
    assert_int_equal(least_squares_solve(&s, -1e-3, weight, &bias, &loss, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "weight-decay"));
    check_ok(least_squares_solve(&s, 1e-3, weight, &bias, &loss, &error), &error);
    assert_true(fabsf(weight[0] - weight[1]) < 1e-6f);
    least_squares_free(&s);
}

/* Cholesky's factor over several blocks: L L^T is the matrix, and the solution solves. */
static void test_factor(void **unused)
{
    (void)unused;
    enum { SIDE = 101, ROWS = 150 };
    static double x[ROWS * SIDE], a[SIDE * SIDE], l[SIDE * SIDE], b[SIDE];
    struct random r = random_open(5, 0, 0);
    for (int i = 0; i < ROWS * SIDE; i++)
        x[i] = random_range(&r, -1, 1);
    dense_add_products(a, x, ROWS, SIDE);
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j <= i; j++) {
            double sum = 0;
            for (int k = 0; k < ROWS; k++)
                sum += x[k * SIDE + i] * x[k * SIDE + j];
            assert_true(fabs(sum - a[i * SIDE + j]) < 1e-12 * ROWS);
        }
    memcpy(l, a, sizeof l);
    assert_true(dense_cholesky(l, SIDE));
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j <= i; j++) {
            double sum = 0;
            for (int k = 0; k <= j; k++)
                sum += l[i * SIDE + k] * l[j * SIDE + k];
            assert_true(fabs(sum - a[i * SIDE + j]) < 1e-11);
        }
    for (int i = 0; i < SIDE; i++)
        b[i] = i % 7 - 3;
    dense_cholesky_solve(l, b, SIDE);
    for (int i = 0; i < SIDE; i++) {
        double sum = 0;
        for (int j = 0; j < SIDE; j++)
            sum += (j <= i ? a[i * SIDE + j] : a[j * SIDE + i]) * b[j];
        assert_true(fabs(sum - (i % 7 - 3)) < 1e-9);
    }
    a[0] = -1;
    assert_false(dense_cholesky(a, SIDE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reference), cmocka_unit_test(test_state),
                                       cmocka_unit_test(test_undetermined), cmocka_unit_test(test_factor)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
