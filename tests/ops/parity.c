/* parity.c - outputs and gradients against torch's, from a fixture that tools/reference/ops.py made. */
#include "support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/safetensors.h"

/* A tenth of what DESIGN.md's third rule allows: outputs of max(1, largest), gradients in the 2-norm. */
static const double output_tolerance = 1e-5, gradient_tolerance = 1e-4;

static struct safetensors fixture;

static const struct file_tensor *find(const char *name, bool needed)
{
    const struct file_tensor *t = string_map_get(&fixture.tensors, name);
    if (!t && needed)
        fail_msg("no %s in the fixture", name);
    return t;
}

static struct shape shape_in_file(const struct file_tensor *t)
{
    return shape_of(t->dim, t->rank);
}

/* A copy of the bytes, aligned. */
static void *values(const struct file_tensor *t)
{
    void *copy = calloc(t->bytes + 1, 1);
    assert_non_null(copy);
    memcpy(copy, t->data, t->bytes);
    return copy;
}

static void compare(const char *name, const float *have, int64_t count, bool gradient)
{
    const struct file_tensor *t = find(name, true);
    float *want = values(t);
    double most = 1, apart = 0, size = 0;
    assert_int_equal(count, t->count);
    for (int64_t i = 0; i < count; i++) {
        most = fmax(most, fabs((double)want[i]));
        apart += ((double)have[i] - want[i]) * ((double)have[i] - want[i]);
        size += (double)want[i] * want[i];
    }
    if (gradient && !(sqrt(apart) <= gradient_tolerance * fmax(sqrt(size), 1e-3)))
        fail_msg("%s: off by %g of %g in the 2-norm", name, sqrt(apart), sqrt(size));
    for (int64_t i = 0; i < count && !gradient; i++)
        if (!(fabs((double)have[i] - want[i]) <= output_tolerance * most))
            fail_msg("%s[%lld]: %.9g, expected %.9g", name, (long long)i, (double)have[i], (double)want[i]);
    free(want);
}

static node build_conv(struct graph *g, const node *in)
{
    return op_conv2d_bias(g, in[0], in[1], in[2], conv_square(2, 1));
}

static node build_conv_groups(struct graph *g, const node *in)
{
    struct conv_attrs a = {.stride = {1, 2}, .dilation = {2, 1}, .pad = {2, 1, 2, 1}, .groups = 3};
    return op_conv2d(g, in[0], in[1], a);
}

static node build_conv_depthwise(struct graph *g, const node *in)
{
    struct conv_attrs a = conv_square(1, 1);
    a.groups = 5;
    return op_conv2d(g, in[0], in[1], a);
}

static node build_linear(struct graph *g, const node *in)
{
    return op_matmul_bias(g, in[0], in[1], in[2], false, true);
}

static node build_matmul(struct graph *g, const node *in)
{
    return op_matmul(g, in[0], in[1], false, false);
}

static node build_layer_norm(struct graph *g, const node *in)
{
    return op_layer_norm(g, in[0], in[1], in[2], 1e-6f);
}

static node build_gelu(struct graph *g, const node *in)
{
    return op_gelu(g, in[0]);
}

static node build_silu(struct graph *g, const node *in)
{
    return op_silu(g, in[0]);
}

static node build_softplus(struct graph *g, const node *in)
{
    return op_unary(g, UNARY_SOFTPLUS, in[0], 0, 0);
}

static node build_softmax(struct graph *g, const node *in)
{
    return op_softmax(g, in[0]);
}

static node build_log_softmax(struct graph *g, const node *in)
{
    return op_log_softmax(g, in[0]);
}

static node build_cross_entropy(struct graph *g, const node *in)
{
    return op_cross_entropy(g, in[0], in[1], 0);
}

static node build_cross_entropy_smooth(struct graph *g, const node *in)
{
    return op_cross_entropy(g, in[0], in[1], 0.1f);
}

static node build_bce(struct graph *g, const node *in)
{
    return op_bce_with_logits(g, in[0], constant_data(g, (const float[]){0, 1, 1, 0.9f, 0.1f, 0}, SHAPE(6, 1)));
}

static node build_max_pool(struct graph *g, const node *in)
{
    return op_max_pool2d(g, in[0], 3, 2, 1);
}

static node build_avg_pool(struct graph *g, const node *in)
{
    return op_avg_pool2d(g, in[0], 3, 2, 1);
}

static node build_avg_pool_inside(struct graph *g, const node *in)
{
    struct pool_attrs a = {.average = true, .window = {3, 2}, .stride = {2, 1}, .pad = {1, 1, 1, 1}};
    return op_pool2d(g, in[0], a);
}

static node build_amax(struct graph *g, const node *in)
{
    return op_reduce(g, REDUCE_MAX, in[0], REDUCE_AXIS(1), false);
}

static node build_normalize(struct graph *g, const node *in)
{
    return op_l2_normalize(g, in[0], 1e-12f);
}

static node build_maximum(struct graph *g, const node *in)
{
    return op_max(g, in[0], in[1]);
}

static node build_minimum(struct graph *g, const node *in)
{
    return op_min(g, in[0], in[1]);
}

static node build_clamp(struct graph *g, const node *in)
{
    return op_clamp(g, in[0], -1, 1);
}

static node build_abs(struct graph *g, const node *in)
{
    return op_abs(g, in[0]);
}

static node build_relu(struct graph *g, const node *in)
{
    return op_relu(g, in[0]);
}

static const struct {
    const char *name;
    node (*build)(struct graph *g, const node *in);
} cases[] = {
    {"conv", build_conv},
    {"conv_groups", build_conv_groups},
    {"conv_depthwise", build_conv_depthwise},
    {"linear", build_linear},
    {"matmul", build_matmul},
    {"layer_norm", build_layer_norm},
    {"gelu", build_gelu},
    {"silu", build_silu},
    {"softplus", build_softplus},
    {"softmax", build_softmax},
    {"log_softmax", build_log_softmax},
    {"cross_entropy", build_cross_entropy},
    {"cross_entropy_smooth", build_cross_entropy_smooth},
    {"bce", build_bce},
    {"max_pool", build_max_pool},
    {"avg_pool", build_avg_pool},
    {"avg_pool_inside", build_avg_pool_inside},
    {"amax", build_amax},
    {"normalize", build_normalize},
    {"maximum", build_maximum},
    {"minimum", build_minimum},
    {"clamp", build_clamp},
    {"abs", build_abs},
    {"relu", build_relu},
};

enum { MOST_INPUTS = 4 };

static void replay(const char *name, node (*build)(struct graph *g, const node *in), const struct backend *backend)
{
    char text[64], names[MOST_INPUTS][8];
    struct store *store = test_store();
    struct graph *g = test_graph(store, true);
    node in[MOST_INPUTS], d[MOST_INPUTS], wrt[MOST_INPUTS];
    struct feed feeds[MOST_INPUTS];
    void *data[MOST_INPUTS] = {NULL};
    bool wanted[MOST_INPUTS] = {false};
    int inputs = 0, gradients = 0;
    graph_set_layer(g, name);
    for (; inputs < MOST_INPUTS; inputs++) {
        snprintf(text, sizeof text, "%s.in%d", name, inputs);
        const struct file_tensor *t = find(text, inputs == 0);
        if (!t)
            break;
        snprintf(names[inputs], sizeof names[inputs], "in%d", inputs);
        in[inputs] = input(g, names[inputs], shape_in_file(t), t->dtype == TENSOR_FILE_I32 ? DTYPE_I32 : DTYPE_F32);
        feeds[inputs] = (struct feed){names[inputs], data[inputs] = values(t)};
        snprintf(text, sizeof text, "%s.d%d", name, inputs);
        wanted[inputs] = find(text, false) != NULL;
        if (wanted[inputs])
            wrt[gradients++] = in[inputs];
    }
    assert_true(gradients > 0);
    snprintf(text, sizeof text, "%s.dy", name);
    const struct file_tensor *dy = find(text, true);
    float *dy_values = values(dy);
    node y = build(g, in);
    node weighted = op_mul(g, y, constant_data(g, dy_values, shape_in_file(dy)));
    graph_gradients(g, op_sum(g, weighted, REDUCE_ALL, false), wrt, gradients, d);
    tap(g, "y", y);
    for (int i = 0, j = 0; i < inputs; i++)
        if (wanted[i])
            tap(g, names[i], d[j++]);
    struct test_run run = test_compile(g, backend, PRECISION_MODE_F32);
    test_execute(&run, feeds, inputs, 0, 0);
    struct tensor out = workspace_read(run.workspace, "y");
    test_shape(&out.shape, shape_in_file(dy));
    snprintf(text, sizeof text, "%s.y", name);
    compare(text, out.data, shape_count(&out.shape), false);
    for (int i = 0; i < inputs; i++)
        if (wanted[i]) {
            snprintf(text, sizeof text, "%s.d%d", name, i);
            compare(text, test_read(&run, names[i]), test_count(&run, names[i]), true);
        }
    test_release(&run);
    store_free(store);
    free(dy_values);
    for (int i = 0; i < inputs; i++)
        free(data[i]);
}

static void test_ops(void **context)
{
    (void)context;
    for (int b = 0; b < TEST_BACKENDS; b++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
            replay(cases[i].name, cases[i].build, test_backend(b));
}

static node from_file(struct graph *g, struct store *store, const char *name, enum store_kind kind)
{
    char text[64];
    snprintf(text, sizeof text, "batch_norm.%s", name);
    const struct file_tensor *t = find(text, true);
    float *data = values(t);
    struct store_entry *entry = test_entry(store, name, shape_in_file(t), kind, data);
    free(data);
    return kind == STORE_PARAM ? param(g, entry) : state(g, name, entry->shape, entry->init);
}

/* One graph of a batch norm with running statistics, as a layer builds it. */
static struct test_run batch_norm(struct store *store, bool training)
{
    struct graph *g = test_graph(store, training);
    const struct file_tensor *t = find("batch_norm.0.x", true);
    struct shape shape = shape_in_file(t), channels = SHAPE(shape.dim[3]);
    float n = (float)(shape.dim[0] * shape.dim[1] * shape.dim[2]);
    node x = input(g, "x", shape, DTYPE_F32), dy = input(g, "dy", shape, DTYPE_F32), d[3], y;
    node weight, bias, mean, var;
    if (training) {
        weight = from_file(g, store, "weight", STORE_PARAM);
        bias = from_file(g, store, "bias", STORE_PARAM);
        mean = from_file(g, store, "running_mean", STORE_STATE);
        var = from_file(g, store, "running_var", STORE_STATE);
        node stats = op_channel_stats(g, x), fixed = detach(g, stats);
        y = op_batch_norm(g, x, stats, weight, bias, 1e-5f);
        node batch_mean = op_reshape(g, op_slice_axis(g, fixed, 0, 0, 1), channels);
        node batch_var = op_reshape(g, op_slice_axis(g, fixed, 0, 1, 1), channels);
        assign(g, mean, op_add(g, op_scale(g, mean, 0.9f), op_scale(g, batch_mean, 0.1f)));
        assign(g, var, op_add(g, op_scale(g, var, 0.9f), op_scale(g, batch_var, 0.1f * n / (n - 1))));
    } else {
        weight = param(g, store_get(store, "weight"));
        bias = param(g, store_get(store, "bias"));
        mean = state(g, "running_mean", channels, store_get(store, "running_mean")->init);
        var = state(g, "running_var", channels, store_get(store, "running_var")->init);
        y = op_batch_norm_frozen(g, x, mean, var, weight, bias, 1e-5f);
    }
    graph_gradients(g, op_sum(g, op_mul(g, y, dy), REDUCE_ALL, false), (const node[]){x, weight, bias}, 3, d);
    tap(g, "y", y);
    tap(g, "dx", d[0]);
    tap(g, "dweight", d[1]);
    tap(g, "dbias", d[2]);
    return test_compile(g, test_backend(0), PRECISION_MODE_F32);
}

static void test_batch_norm(void **context)
{
    struct store *store = test_store();
    struct test_run train = batch_norm(store, true), evaluate = batch_norm(store, false);
    (void)context;
    for (int step = 0; step < 3; step++) {
        static const char *const taps[] = {"y", "dx", "dweight", "dbias"}, *const states[] = {"running_mean",
                                                                                              "running_var"};
        const struct test_run *run = step < 2 ? &train : &evaluate;
        char text[64];
        snprintf(text, sizeof text, "batch_norm.%d.x", step);
        float *x = values(find(text, true));
        snprintf(text, sizeof text, "batch_norm.%d.dy", step);
        float *dy = values(find(text, true));
        test_execute(run, (const struct feed[]){{"x", x}, {"dy", dy}}, 2, 0, (uint64_t)step);
        for (int i = 0; i < 4; i++) {
            snprintf(text, sizeof text, "batch_norm.%d.%s", step, taps[i]);
            compare(text, test_read(run, taps[i]), test_count(run, taps[i]), i > 0);
        }
        for (int i = 0; i < 2; i++) {
            struct store_entry *entry = store_get(store, states[i]);
            snprintf(text, sizeof text, "batch_norm.%d.%s", step, states[i]);
            compare(text, entry->data, shape_count(&entry->shape), false);
        }
        free(x);
        free(dy);
    }
    test_release(&train);
    test_release(&evaluate);
    store_free(store);
}

static int open_fixture(void **context)
{
    struct assay_error error;
    (void)context;
    if (safetensors_open(ASSAY_TEST_DIR "/ops/fixtures/ops.safetensors", &fixture, &error) == ASSAY_OK)
        return 0;
    print_error("%s\n", error.message);
    return -1;
}

static int close_fixture(void **context)
{
    (void)context;
    safetensors_close(&fixture);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ops),
        cmocka_unit_test(test_batch_norm),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
