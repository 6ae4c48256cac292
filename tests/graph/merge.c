/* merge.c - what is the same is computed once, and what only looks alike is not. */
#include "support/support.h"

enum { N = 4 };

static const float data[N * N] = {1, -2, 3, 4, 5, 6, -7, 8, 9, 10, 11, -12, 13, 14, 15, 16};
static const float more[N * N] = {1};

typedef node build(struct graph *g, struct store *store, node x, int which);

/* Deep and through views; the parameter is one node a name. */
static node equal(struct graph *g, struct store *store, node x, int which)
{
    (void)which;
    node w = test_param(g, store, "w", SHAPE(N, N), data);
    node y = op_reshape(g, op_matmul(g, op_tanh(g, x), w, false, true), SHAPE(N * N));
    return op_softmax(g, op_reshape(g, y, SHAPE(N, N)));
}

static node other_attrs(struct graph *g, struct store *store, node x, int which)
{
    (void)store;
    return op_reshape(g, op_slice_axis(g, x, 1, which, 2), SHAPE(2, N));
}

static node other_order(struct graph *g, struct store *store, node x, int which)
{
    (void)store;
    node y = op_neg(g, x);
    return which ? op_sub(g, x, y) : op_sub(g, y, x);
}

static node other_parameter(struct graph *g, struct store *store, node x, int which)
{
    return op_matmul(g, x, test_param(g, store, which ? "u" : "w", SHAPE(N, N), which ? more : data), false, false);
}

static node equal_constants(struct graph *g, struct store *store, node x, int which)
{
    float copy[N * N]; /* another place, the same numbers */
    (void)store;
    (void)which;
    for (int i = 0; i < N * N; i++)
        copy[i] = data[i];
    return op_matmul(g, op_scale(g, x, 3), constant_data(g, copy, SHAPE(N, N)), false, false);
}

static node other_constants(struct graph *g, struct store *store, node x, int which)
{
    float copy[N * N] = {0};
    (void)store;
    copy[N * N - 1] = (float)which;
    return op_matmul(g, x, constant_data(g, copy, SHAPE(N, N)), false, false);
}

/* 0 and -0 are equal numbers, but not the same: 1 / x tells. */
static node signed_zeros(struct graph *g, struct store *store, node x, int which)
{
    (void)store;
    return op_div(g, x, constant(g, which ? -0.0f : 0.0f, SHAPE(1)));
}

static node drawn(struct graph *g, struct store *store, node x, int which)
{
    (void)store;
    (void)which;
    return op_add(g, x, op_random_uniform(g, SHAPE(N, N)));
}

static void count(void *context, const char *name, double seconds)
{
    (void)name;
    (void)seconds;
    ++*(int *)context;
}

/* How many kernels run for the first `values` of two. */
static int kernels(build *make, bool training, int values, bool *same)
{
    struct store *store = test_store();
    struct graph *g = test_graph(store, training);
    struct assay_error error = {0};
    int run_kernels = 0;
    const struct run_options options = {.watch = count, .watch_context = &run_kernels};
    node x = input(g, "x", SHAPE(N, N), DTYPE_F32);
    for (int i = 0; i < values; i++)
        tap(g, i ? "second" : "first", make(g, store, x, i));
    struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
    if (plan_run(run.plan, run.workspace, &(struct feed){"x", data}, 1, &options, &error))
        fail_msg("%s", error.message);
    *same = true;
    for (int64_t i = 0; values > 1 && i < test_count(&run, "first"); i++)
        *same = *same && test_read(&run, "first")[i] == test_read(&run, "second")[i];
    test_release(&run);
    store_free(store);
    return run_kernels;
}

static void test_merged(void **context)
{
    bool same;
    (void)context;
    for (int i = 0; i < 2; i++) {
        build *make = i ? equal_constants : equal;
        int one = kernels(make, false, 1, &same);
        assert_true(one > 1);
        assert_int_equal(kernels(make, false, 2, &same), one);
        assert_true(same);
    }
}

static void test_not_merged(void **context)
{
    build *const unlike[] = {other_attrs, other_order, other_parameter, other_constants, signed_zeros, drawn};
    bool same;
    (void)context;
    for (size_t i = 0; i < sizeof unlike / sizeof *unlike; i++) {
        kernels(unlike[i], false, 2, &same);
        if (same)
            fail_msg("case %zu: two values became one", i);
    }
}

/* In training everything stays as it was built: some of it is recomputed on purpose. */
static void test_training(void **context)
{
    bool same;
    (void)context;
    assert_int_equal(kernels(equal, true, 2, &same), 2 * kernels(equal, true, 1, &same));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_merged), cmocka_unit_test(test_not_merged),
                                       cmocka_unit_test(test_training)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
