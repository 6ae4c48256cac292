/* Names and shapes of parameters, what is refused, and torch's initialisers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nn/conv.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "nn/params.h"
#include "ops/elementwise.h"

static struct store *new_store(void)
{
    struct assay_error error;
    struct store *store;
    assert_int_equal(store_create(&store, &error), ASSAY_OK);
    return store;
}

static struct graph *new_graph(struct store *store, bool training)
{
    struct graph *g = graph_create(store, (struct graph_options){.training = training});
    assert_non_null(g);
    return g;
}

static void fails_with(struct graph *g, const char *part)
{
    struct assay_error error = {0};
    assert_int_equal(graph_status(g, &error), ASSAY_ERROR_MODEL);
    if (!strstr(error.message, part))
        fail_msg("\"%s\" does not say \"%s\"", error.message, part);
}

static void test_names(void **unused)
{
    (void)unused;
    struct store *store = new_store();
    struct graph *g = new_graph(store, false);
    struct params root = params_root(store);
    struct params block = params_scope_index(params_scope(root, "visual"), "layer1", 3);
    struct params norm = params_scope(block, "bn1");
    params_get(g, &root, "logit_scale", SHAPE_SCALAR, init_zeros());
    node first = params_get(g, &norm, "weight", SHAPE(4), init_ones());
    node again = params_get(g, &norm, "weight", SHAPE(4), init_ones());
    params_state(g, &norm, "running_mean", SHAPE(4), init_zeros());
    assert_int_equal(first.id, again.id);
    assert_int_equal(store->entries.count, 3);
    assert_non_null(store_get(store, "logit_scale"));
    assert_int_equal(store_get(store, "visual.layer1.3.bn1.weight")->kind, STORE_PARAM);
    assert_int_equal(store_get(store, "visual.layer1.3.bn1.running_mean")->kind, STORE_STATE);
    assert_false(graph_failed(g));
    graph_free(g);
    store_free(store);
}

static void test_freezing(void **unused)
{
    (void)unused;
    struct store *store = new_store();
    struct graph *g = new_graph(store, true);
    struct params root = params_root(store);
    node x = input(g, "x", SHAPE(2, 3), DTYPE_F32);
    x = linear(g, params_scope(params_freeze(root), "a"), x, 4);
    linear(g, params_scope(root, "b"), x, 1);
    assert_true(store_get(store, "a.weight")->frozen);
    assert_true(store_get(store, "a.bias")->frozen);
    assert_false(store_get(store, "b.weight")->frozen);
    node *trained;
    assert_int_equal(graph_trained_params(g, &trained), 2);
    graph_free(g);
    store_free(store);
}

static void test_shape_conflict(void **unused)
{
    (void)unused;
    struct store *store = new_store();
    struct graph *g = new_graph(store, false);
    struct params p = params_scope(params_root(store), "head");
    linear(g, p, input(g, "x", SHAPE(2, 3), DTYPE_F32), 4);
    node y = linear(g, p, input(g, "y", SHAPE(2, 5), DTYPE_F32), 4);
    assert_int_equal(y.id, NODE_NONE.id);
    fails_with(g, "head.weight has shape [4, 3], needed here as [4, 5]");
    params_get(g, &p, "after", SHAPE(1), init_zeros()); /* a failed graph declares nothing more */
    assert_null(store_get(store, "head.after"));
    graph_free(g);
    store_free(store);
}

static void test_kind_conflict(void **unused)
{
    (void)unused;
    struct store *store = new_store();
    struct graph *g = new_graph(store, false);
    struct params p = params_root(store);
    params_get(g, &p, "w", SHAPE(2), init_zeros());
    params_state(g, &p, "w", SHAPE(2), init_zeros());
    fails_with(g, "w is a parameter, used here as a state");
    graph_free(g);
    store_free(store);
}

static void test_long_names(void **unused)
{
    (void)unused;
    char name[PARAMS_PREFIX];
    for (int way = 0; way < 3; way++) {
        struct store *store = new_store();
        struct graph *g = new_graph(store, false);
        struct params p = params_root(store);
        memset(name, 'n', sizeof name - 1);
        name[way == 2 ? 100 : PARAMS_PREFIX - 1] = '\0';
        p = way == 1 ? params_scope_index(p, name, 7) : params_scope(p, name);
        p = params_scope(params_scope(p, name), "conv");
        params_get(g, &p, "weight", SHAPE(1), init_zeros());
        fails_with(g, "too long");
        assert_int_equal(store->entries.count, 0);
        graph_free(g);
        store_free(store);
    }
}

static void test_layer_is_named(void **unused)
{
    (void)unused;
    struct store *store = new_store();
    struct graph *g = new_graph(store, false);
    struct params p = params_scope_index(params_root(store), "layer1", 0);
    node x = conv2d(g, params_scope(p, "conv1"), input(g, "x", SHAPE(1, 4, 4, 2), DTYPE_F32),
                    (struct conv_config){.out = 3, .kernel = 9});
    op_relu(g, x);
    fails_with(g, "layer1.0.conv1");
    graph_free(g);
    store_free(store);
}

static void test_conv_groups(void **unused)
{
    (void)unused;
    static const struct conv_config bad[] = {{.out = 4, .kernel = 1, .groups = 3},
                                             {.out = 3, .kernel = 1, .groups = 2},
                                             {.out = 0, .kernel = 1},
                                             {.out = 4, .kernel = 0},
                                             {.out = 4, .kernel = 1, .groups = -2}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct store *store = new_store();
        struct graph *g = new_graph(store, false);
        conv2d(g, params_scope(params_root(store), "c"), input(g, "x", SHAPE(1, 4, 4, 4), DTYPE_F32), bad[i]);
        fails_with(g, "conv2d c");
        assert_int_equal(store->entries.count, 0);
        graph_free(g);
        store_free(store);
    }
}

static void test_batch_norm_needs_values(void **unused)
{
    (void)unused;
    struct store *store = new_store();
    struct graph *g = new_graph(store, true);
    batch_norm(g, params_scope(params_root(store), "bn"), input(g, "x", SHAPE(1, 3), DTYPE_F32));
    fails_with(g, "more than one value");
    graph_free(g);
    store_free(store);
}

/* What an initialiser draws for a shape: mean, deviation, extremes. */
struct drawn {
    double mean, deviation, low, high;
};

static struct drawn draw(struct shape shape, struct store_init init)
{
    struct assay_error error;
    struct store *store = new_store();
    struct store_entry *entry = store_declare(store, "w", &shape, STORE_PARAM, init);
    assert_int_equal(store_initialise(store, 7, &error), ASSAY_OK);
    struct drawn d = {.low = INFINITY, .high = -INFINITY};
    int64_t count = shape_count(&shape);
    for (int64_t i = 0; i < count; i++) {
        double v = (double)entry->data[i];
        d.mean += v / (double)count;
        d.deviation += v * v / (double)count;
        d.low = fmin(d.low, v);
        d.high = fmax(d.high, v);
    }
    d.deviation = sqrt(d.deviation - d.mean * d.mean);
    store_free(store);
    return d;
}

static void near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%g is not %g within %g", value, expected, tolerance);
}

static void is_uniform(struct shape shape, struct store_init init, double bound)
{
    struct drawn d = draw(shape, init);
    near(d.mean, 0, 0.02 * bound);
    near(d.deviation, bound / sqrt(3.0), 0.02 * bound);
    near(d.low, -bound, 0.02 * bound);
    near(d.high, bound, 0.02 * bound);
    assert_true(d.low >= -bound - 1e-7 && d.high <= bound + 1e-7);
}

static void is_normal(struct shape shape, struct store_init init, double std)
{
    struct drawn d = draw(shape, init);
    near(d.mean, 0, 0.03 * std);
    near(d.deviation, std, 0.03 * std);
    assert_true(d.high > 3 * std && d.low < -3 * std);
}

/* The bounds are torch's: Conv2d(16, 24, 7) has fan-in 784 and fan-out 1176; Linear(400, 100) has fan-in 400. */
static void test_initialisers(void **unused)
{
    (void)unused;
    struct shape conv = SHAPE(24, 16, 7, 7), dense = SHAPE(100, 400), many = SHAPE(20000);
    is_uniform(conv, init_linear_weight(&conv), 1.0 / 28);
    is_uniform(dense, init_linear_weight(&dense), 0.05);
    is_uniform(many, init_linear_bias(&dense), 0.05);
    is_uniform(many, init_linear_bias(&conv), 1.0 / 28);
    is_uniform(conv, init_kaiming_uniform(&conv, 0), sqrt(6.0 / 784));
    is_uniform(dense, init_kaiming_uniform(&dense, 1), sqrt(3.0 / 400));
    is_normal(conv, init_kaiming_normal_fan_out(&conv), sqrt(2.0 / 1176));
    is_normal(many, init_normal(0.02), 0.02);
    is_uniform(many, init_uniform(3), 3);
    struct drawn ones = draw(many, init_ones()), zeros = draw(many, init_zeros());
    assert_true(ones.low == 1 && ones.high == 1 && zeros.low == 0 && zeros.high == 0);
}

/* Layers draw what torch's layers do. */
static void test_layer_initial_values(void **unused)
{
    (void)unused;
    struct store *store = new_store();
    struct graph *g = new_graph(store, false);
    struct params p = params_root(store);
    node x = input(g, "x", SHAPE(1, 8, 8, 16), DTYPE_F32);
    x = conv2d(g, params_scope(p, "torch"), x,
               (struct conv_config){.out = 24, .kernel = 7, .padding = 3, .bias = true});
    x = conv2d(g, params_scope(p, "fan_out"), x,
               (struct conv_config){.out = 12, .kernel = 3, .groups = 4, .init = CONV_INIT_FAN_OUT});
    layer_norm(g, params_scope(p, "ln"), x, 1e-6f);
    linear_no_bias(g, params_scope(p, "fc"), x, 10);
    assert_false(graph_failed(g));
    assert_true(fabs(store_get(store, "torch.weight")->init.b - 1.0 / 28) < 1e-12);
    assert_true(fabs(store_get(store, "torch.bias")->init.b - 1.0 / 28) < 1e-12);
    struct shape grouped = SHAPE(12, 6, 3, 3);
    assert_true(shape_equal(&store_get(store, "fan_out.weight")->shape, &grouped));
    assert_true(fabs(store_get(store, "fan_out.weight")->init.b - sqrt(2.0 / 108)) < 1e-12);
    assert_true(store_get(store, "ln.weight")->init.a == 1 && store_get(store, "ln.bias")->init.a == 0);
    assert_true(fabs(store_get(store, "fc.weight")->init.b - 1 / sqrt(12.0)) < 1e-12);
    assert_null(store_get(store, "fc.bias"));
    graph_free(g);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),          cmocka_unit_test(test_freezing),
        cmocka_unit_test(test_shape_conflict), cmocka_unit_test(test_kind_conflict),
        cmocka_unit_test(test_long_names),     cmocka_unit_test(test_layer_is_named),
        cmocka_unit_test(test_conv_groups),    cmocka_unit_test(test_batch_norm_needs_values),
        cmocka_unit_test(test_initialisers),   cmocka_unit_test(test_layer_initial_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
