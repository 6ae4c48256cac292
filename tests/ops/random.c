/* random.c - random values: their distribution, what they are keyed by, dropout and its gradient. */
#include "ops/harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

enum { MANY = 100003 };

/* Taps "u", "n": MANY values each; "v": a second uniform node; "small": 7 values. */
static struct test_run random_graph(struct store *store, const struct backend *backend, enum precision precision)
{
    struct graph *g = test_graph(store, true);
    tap(g, "u", op_random_uniform(g, SHAPE(MANY)));
    tap(g, "v", op_random_uniform(g, SHAPE(MANY)));
    tap(g, "n", op_random_normal(g, SHAPE(1, MANY)));
    tap(g, "small", op_random_normal(g, SHAPE(7)));
    return test_compile(g, backend, precision);
}

static float *copy(const struct test_run *run, const char *name)
{
    int64_t count = test_count(run, name);
    float *values = calloc((size_t)count + 1, sizeof *values);
    assert_non_null(values);
    memcpy(values, test_read(run, name), (size_t)count * sizeof *values);
    return values;
}

static bool equal(const float *a, const float *b)
{
    return memcmp(a, b, MANY * sizeof *a) == 0;
}

static void moments(const float *x, double power[4], double *neighbours)
{
    memset(power, 0, 4 * sizeof *power);
    *neighbours = 0;
    for (int i = 0; i < MANY; i++) {
        double v = (double)x[i];
        power[0] += v / MANY;
        power[1] += v * v / MANY;
        power[2] += v * v * v / MANY;
        power[3] += v * v * v * v / MANY;
        if (i)
            *neighbours += v * (double)x[i - 1] / (MANY - 1);
    }
}

static void near(const char *what, double have, double want, double tolerance)
{
    if (!(fabs(have - want) <= tolerance))
        fail_msg("%s: %g, expected %g", what, have, want);
}

/* Tolerances are five standard deviations of each estimate or more. */
static void test_moments(void **context)
{
    struct store *store = test_store();
    double m[4], neighbours;
    (void)context;
    for (int b = 0; b < TEST_BACKENDS; b++) {
        struct test_run run = random_graph(store, test_backend(b), PRECISION_MODE_F32);
        test_execute(&run, NULL, 0, 11, 3);
        const float *u = test_read(&run, "u");
        int bins[16] = {0};
        for (int i = 0; i < MANY; i++) {
            assert_true(u[i] >= 0 && u[i] < 1);
            bins[(int)(u[i] * 16)]++;
        }
        for (int i = 0; i < 16; i++)
            near("share of a sixteenth", bins[i] / (double)MANY, 1 / 16.0, 0.004);
        moments(u, m, &neighbours);
        near("mean of uniform", m[0], 0.5, 0.005);
        near("second moment of uniform", m[1], 1 / 3.0, 0.005);
        near("neighbours of uniform", neighbours, 0.25, 0.005);
        moments(test_read(&run, "n"), m, &neighbours);
        near("mean of normal", m[0], 0, 0.016);
        near("variance of normal", m[1], 1, 0.023);
        near("third moment of normal", m[2], 0, 0.065);
        near("fourth moment of normal", m[3], 3, 0.16);
        near("neighbours of normal", neighbours, 0, 0.016);
        test_release(&run);
    }
    store_free(store);
}

static void test_keys(void **context)
{
    struct store *store = test_store();
    (void)context;
    for (int b = 0; b < TEST_BACKENDS; b++) {
        test_set_threads(2);
        struct test_run run = random_graph(store, test_backend(b), PRECISION_MODE_F32);
        test_execute(&run, NULL, 0, 11, 3);
        float *u = copy(&run, "u"), *v = copy(&run, "v"), *n = copy(&run, "n"), *small = copy(&run, "small");
        assert_false(equal(u, v)); /* two nodes */
        test_execute(&run, NULL, 0, 11, 4);
        assert_false(equal(u, test_read(&run, "u"))); /* another step */
        assert_false(equal(v, test_read(&run, "u")));
        test_execute(&run, NULL, 0, 12, 3);
        assert_false(equal(u, test_read(&run, "u"))); /* another seed */
        test_execute(&run, NULL, 0, 11 + (UINT64_C(1) << 40), 3);
        assert_false(equal(u, test_read(&run, "u"))); /* all bits of the seed */
        test_execute(&run, NULL, 0, 11, 3 + (UINT64_C(1) << 40));
        assert_false(equal(u, test_read(&run, "u"))); /* and of the step */
        test_execute(&run, NULL, 0, 11, 3);
        test_same("the same key again", test_read(&run, "u"), u, MANY);
        test_release(&run);

        /* Built again, in another store, by one thread, and for bf16: the same values. */
        struct store *other = test_store();
        for (int i = 0; i < 2; i++) {
            test_set_threads(1);
            run = random_graph(other, test_backend(b), i ? PRECISION_MODE_BF16 : PRECISION_MODE_F32);
            test_execute(&run, NULL, 0, 11, 3);
            test_same("uniform by one thread", test_read(&run, "u"), u, MANY);
            test_same("normal by one thread", test_read(&run, "n"), n, MANY);
            test_same("a few", test_read(&run, "small"), small, 7);
            test_release(&run);
        }
        test_set_threads(2);
        store_free(other);
        free(u);
        free(v);
        free(n);
        free(small);
    }
    store_free(store);
}

/* The values are those that ops/random.h promises, whatever loop a backend makes them with. */
static void test_philox(void **context)
{
    enum { COUNT = 5003 };
    const uint64_t seed = UINT64_C(0x123456789abcdef0), random_key = UINT64_C(0xfedcba9876543210),
                   step = UINT64_C(5) << 33;
    float *have = calloc(COUNT, sizeof *have), *want = calloc(COUNT + 4, sizeof *want);
    (void)context;
    for (int b = 0; b < TEST_BACKENDS; b++)
        for (int kind = RANDOM_UNIFORM; kind <= RANDOM_NORMAL; kind++) {
            const struct kernel *kernel = backend_kernel(test_backend(b), &op_random_def);
            struct random_attrs attrs = {kind, SHAPE(COUNT)};
            struct kernel_call call = {.out = {have, DTYPE_F32, SHAPE(COUNT)},
                                       .attrs = &attrs,
                                       .seed = seed,
                                       .step = step,
                                       .random_key = random_key};
            assert_non_null(kernel);
            assert_null(kernel->prepare);
            kernel->run(&call);
            for (uint64_t i = 0; i < COUNT; i += 4) {
                uint32_t words[4];
                random_at(seed ^ random_key, i / 4, step, words);
                for (int j = 0; j < 4 && kind == RANDOM_UNIFORM; j++)
                    want[i + (uint64_t)j] = random_word_uniform(words[j]);
                for (int j = 0; j < 4 && kind == RANDOM_NORMAL; j += 2)
                    random_words_normal(words[j], words[j + 1], want + i + j);
            }
            test_close(kind == RANDOM_UNIFORM ? "uniform" : "normal", have, want, COUNT,
                       kind == RANDOM_UNIFORM ? 0 : 1e-5);
        }
    free(have);
    free(want);
}

/* A value does not depend on how many follow it. */
static void test_prefix(void **context)
{
    struct store *store = test_store();
    float *longer = NULL;
    (void)context;
    for (int i = 0; i < 2; i++) {
        struct graph *g = test_graph(store, false);
        tap(g, "n", op_random_normal(g, i ? SHAPE(11) : SHAPE(50, 1000)));
        struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
        test_execute(&run, NULL, 0, 1, 1);
        if (i)
            test_same("prefix", test_read(&run, "n"), longer, 11);
        else
            longer = copy(&run, "n");
        test_release(&run);
    }
    free(longer);
    store_free(store);
}

static void test_dropout(void **context)
{
    const float p = 0.3f;
    struct store *store = test_store();
    float *x = calloc(MANY, sizeof *x), *dy = calloc(MANY, sizeof *dy), *y[2];
    (void)context;
    for (int i = 0; i < MANY; i++) {
        x[i] = 1 + (float)(i % 13);
        dy[i] = (float)(i % 7) - 3;
    }
    for (int threads = 1; threads <= 2; threads++) {
        test_set_threads(threads);
        struct graph *g = test_graph(store, true);
        node in = input(g, "x", SHAPE(MANY), DTYPE_F32), d;
        node out = op_dropout(g, in, p), second = op_dropout(g, in, p);
        graph_gradients(g, op_sum(g, op_mul(g, out, constant_data(g, dy, SHAPE(MANY))), REDUCE_ALL, false), &in, 1, &d);
        tap(g, "y", out);
        tap(g, "second", second);
        tap(g, "d", d);
        tap(g, "none", op_dropout(g, in, 0));
        struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
        test_execute(&run, &(struct feed){"x", x}, 1, 5, 6);
        const float *values = test_read(&run, "y"), *slope = test_read(&run, "d");
        int dropped = 0;
        for (int i = 0; i < MANY; i++) {
            bool kept = values[i] != 0;
            dropped += !kept;
            near("value", (double)values[i], kept ? (double)x[i] / (1 - (double)p) : 0, 1e-5);
            near("gradient", (double)slope[i], kept ? (double)dy[i] / (1 - (double)p) : 0, 1e-5);
        }
        near("share dropped", dropped / (double)MANY, (double)p, 0.008);
        assert_false(equal(values, test_read(&run, "second")));
        test_same("p = 0", test_read(&run, "none"), x, MANY);
        y[threads - 1] = copy(&run, "y");
        test_execute(&run, &(struct feed){"x", x}, 1, 5, 7);
        assert_false(equal(y[0], test_read(&run, "y")));
        test_release(&run);
    }
    test_same("dropout at one and two threads", y[0], y[1], MANY);

    struct graph *g = test_graph(store, false); /* not training: the identity */
    tap(g, "y", op_dropout(g, input(g, "x", SHAPE(MANY), DTYPE_F32), p));
    struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
    test_execute(&run, &(struct feed){"x", x}, 1, 5, 6);
    test_same("not training", test_read(&run, "y"), x, MANY);
    test_release(&run);
    store_free(store);
    free(x);
    free(dy);
    free(y[0]);
    free(y[1]);
}

static node bad_negative(struct graph *g)
{
    return op_dropout(g, constant(g, 1, SHAPE(2, 3)), -0.1f);
}

static node bad_large(struct graph *g)
{
    return op_dropout(g, constant(g, 1, SHAPE(2, 3)), 1.5f);
}

static node bad_shape(struct graph *g)
{
    return op_random_uniform(g, SHAPE(2, -3));
}

static void test_errors(void **context)
{
    (void)context;
    EXPECT_FAILURE(bad_negative, "dropout");
    EXPECT_FAILURE(bad_large, "dropout");
    EXPECT_FAILURE(bad_shape, "[2, -3]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moments), cmocka_unit_test(test_keys),    cmocka_unit_test(test_philox),
        cmocka_unit_test(test_prefix),  cmocka_unit_test(test_dropout), cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
