/* precision.c - what compiling for bf16 means: how values are rounded, and which of them are. */
#include "support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool has_bf16(const struct backend *backend)
{
    return backend->has_bf16 && backend->has_bf16();
}

/* x as bf16. */
static node rounded(struct graph *g, node x)
{
    return op_matmul(g, x, constant(g, 1, SHAPE(1, 1)), false, false);
}

/* To nearest even, on the way in and on the way out. */
static void test_rounding(void **context)
{
    enum { COUNT = 4099 };
    static const float special[] = {1.00390625f, 1.01171875f, -1.00390625f, 1.00390637f, 0.0f, -0.0f,
                                    INFINITY,    -INFINITY,   3e38f,        1e-37f,      257,  255.5f};
    float *x = calloc(COUNT, sizeof *x), *once = calloc(COUNT, sizeof *once), *thrice = calloc(COUNT, sizeof *thrice);
    (void)context;
    test_fill(x, COUNT, 3, -9, 9);
    memcpy(x, special, sizeof special);
    for (int i = 0; i < COUNT; i++) {
        once[i] = bf16_to_float(bf16_from_float(x[i]));
        thrice[i] = bf16_to_float(bf16_from_float(3 * once[i]));
    }
    for (int b = 0; b < TEST_BACKENDS; b++) {
        if (!has_bf16(test_backend(b)))
            continue;
        struct store *store = test_store();
        struct graph *g = test_graph(store, false);
        node y = rounded(g, input(g, "x", SHAPE(COUNT, 1), DTYPE_F32));
        tap(g, "once", y);
        tap(g, "thrice", op_scale(g, y, 3));
        struct test_run run = test_compile_apart(g, test_backend(b), PRECISION_MODE_BF16);
        test_execute(&run, &(struct feed){"x", x}, 1, 0, 0);
        for (int i = 0; i < COUNT; i++) { /* -0 may become 0 */
            if (test_read(&run, "once")[i] != once[i])
                fail_msg("%.9g became %.9g, not %.9g", (double)x[i], (double)test_read(&run, "once")[i],
                         (double)once[i]);
            if (test_read(&run, "thrice")[i] != thrice[i])
                fail_msg("3 times %.9g became %.9g, not %.9g", (double)once[i], (double)test_read(&run, "thrice")[i],
                         (double)thrice[i]);
        }
        x[0] = NAN;
        test_execute(&run, &(struct feed){"x", x}, 1, 0, 0);
        assert_true(isnan(test_read(&run, "once")[0]) && isnan(test_read(&run, "thrice")[0]));
        test_release(&run);
        store_free(store);
    }
    free(x);
    free(once);
    free(thrice);
}

/* 257 needs nine bits: bf16 makes 256 of it. */
static void test_classes(void **context)
{
    const float x[2] = {256, 1}, ones[2] = {1, 1};
    (void)context;
    for (int b = 0; b < TEST_BACKENDS; b++) {
        if (!has_bf16(test_backend(b)))
            continue;
        struct store *store = test_store();
        struct graph *g = test_graph(store, true);
        node fed = input(g, "x", SHAPE(2, 1), DTYPE_F32), y = rounded(g, fed),
             exact = input(g, "ones", SHAPE(2, 1), DTYPE_F32);
        node row = op_reshape(g, y, SHAPE(1, 2));
        tap(g, "compute", op_matmul(g, row, exact, false, false));
        tap(g, "sum", op_sum(g, y, REDUCE_ALL, false));
        tap(g, "mean", op_mean(g, op_scale(g, y, 2), REDUCE_ALL, false));
        tap(g, "softmax", op_softmax(g, op_log_softmax(g, op_scale(g, row, 1.0f / 256))));
        tap(g, "follows", op_add(g, y, constant(g, 1, SHAPE_SCALAR)));
        tap(g, "follows f32", op_add(g, y, exact));
        node weight = test_param(g, store, "w", SHAPE(1, 1, 1, 1), ones), d;
        node picture = op_reshape(g, y, SHAPE(1, 1, 2, 1));
        node result = op_reshape(g, op_conv2d(g, picture, weight, conv_square(1, 0)), SHAPE(2, 1));
        graph_gradients(g, op_sum(g, rounded(g, result), REDUCE_ALL, false), &weight, 1, &d); /* d_out is bf16, too */
        tap(g, "weight gradient", d);
        struct test_run run = test_compile_apart(g, test_backend(b), PRECISION_MODE_BF16);
        test_execute(&run, (const struct feed[]){{"x", x}, {"ones", ones}}, 2, 0, 0);
        assert_true(test_read(&run, "compute")[0] == 256);
        assert_true(test_read(&run, "sum")[0] == 257);
        assert_true(test_read(&run, "mean")[0] == 257);
        assert_true(test_read(&run, "follows")[0] == 256 && test_read(&run, "follows")[1] == 2);
        assert_true(test_read(&run, "follows f32")[0] == 257);
        assert_true(test_read(&run, "weight gradient")[0] == 257);
        double share = 1 / (1 + exp(1.0 / 256 - 1));
        test_close("softmax", test_read(&run, "softmax"), &(const float){(float)share}, 1, 1e-6);
        test_release(&run);
        store_free(store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
