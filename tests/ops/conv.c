/* conv.c - convolution: odd sizes, strides, asymmetric padding, dilation, groups, bias, weights stored and computed. */
#include "ops/harness.h"

#include <string.h>

static node build_conv(struct graph *g, const struct op_case *c, const node *in)
{
    return c->inputs == 3 ? op_conv2d_bias(g, in[0], in[1], in[2], c->conv) : op_conv2d(g, in[0], in[1], c->conv);
}

static void reference_conv(const struct op_case *c, const struct ref *in, struct ref *out)
{
    const struct conv_attrs *a = &c->conv;
    const int64_t *x = in[0].shape.dim, *w = in[1].shape.dim;
    int64_t oh = (x[1] + a->pad[0] + a->pad[2] - a->dilation[0] * (w[2] - 1) - 1) / a->stride[0] + 1;
    int64_t ow = (x[2] + a->pad[1] + a->pad[3] - a->dilation[1] * (w[3] - 1) - 1) / a->stride[1] + 1;
    int64_t per_group = w[0] / a->groups;
    ref_shape(out, SHAPE(x[0], oh, ow, w[0]));
    for (int64_t b = 0; b < x[0]; b++)
        for (int64_t i = 0; i < oh; i++)
            for (int64_t j = 0; j < ow; j++)
                for (int64_t o = 0; o < w[0]; o++) {
                    double sum = c->inputs == 3 ? in[2].data[o] : 0;
                    for (int64_t k = 0; k < w[1]; k++)
                        for (int64_t u = 0; u < w[2]; u++)
                            for (int64_t v = 0; v < w[3]; v++) {
                                int64_t y = i * a->stride[0] - a->pad[0] + u * a->dilation[0];
                                int64_t z = j * a->stride[1] - a->pad[1] + v * a->dilation[1];
                                if (y < 0 || y >= x[1] || z < 0 || z >= x[2])
                                    continue;
                                int64_t channel = o / per_group * w[1] + k;
                                sum += in[0].data[((b * x[1] + y) * x[2] + z) * x[3] + channel] *
                                       in[1].data[((o * w[1] + k) * w[2] + u) * w[3] + v];
                            }
                    out->data[((b * oh + i) * ow + j) * w[0] + o] = sum;
                }
}

static const struct {
    const char *name;
    int64_t x[4], w[4];
    struct conv_attrs a;
} convs[] = {
    {"1x1", {2, 5, 7, 3}, {4, 3, 1, 1}, {{1, 1}, {1, 1}, {0, 0, 0, 0}, 1, {0}, false}},
    {"1x1 stride 2", {2, 7, 6, 5}, {3, 5, 1, 1}, {{2, 2}, {1, 1}, {0, 0, 0, 0}, 1, {0}, false}},
    {"3x3 pad 1", {2, 7, 5, 3}, {8, 3, 3, 3}, {{1, 1}, {1, 1}, {1, 1, 1, 1}, 1, {0}, false}},
    {"3x3 valid", {1, 7, 5, 3}, {5, 3, 3, 3}, {{1, 1}, {1, 1}, {0, 0, 0, 0}, 1, {0}, false}},
    {"3x3 stride 2 pad 1", {2, 9, 7, 4}, {6, 4, 3, 3}, {{2, 2}, {1, 1}, {1, 1, 1, 1}, 1, {0}, false}},
    {"3x3 stride 2 pad 1, even", {1, 8, 6, 4}, {6, 4, 3, 3}, {{2, 2}, {1, 1}, {1, 1, 1, 1}, 1, {0}, false}},
    {"3x3 stride 2 pad 0 0 1 1", {1, 8, 6, 4}, {6, 4, 3, 3}, {{2, 2}, {1, 1}, {0, 0, 1, 1}, 1, {0}, false}},
    {"3x3 pad 2 0 1 3", {1, 5, 4, 2}, {3, 2, 3, 3}, {{1, 1}, {1, 1}, {2, 0, 1, 3}, 1, {0}, false}},
    {"7x7 stride 2 pad 3", {1, 13, 11, 3}, {9, 3, 7, 7}, {{2, 2}, {1, 1}, {3, 3, 3, 3}, 1, {0}, false}},
    {"3x5 stride 3 1", {2, 10, 9, 3}, {4, 3, 3, 5}, {{3, 1}, {1, 1}, {1, 2, 1, 2}, 1, {0}, false}},
    {"2x2 stride 2", {2, 6, 7, 3}, {5, 3, 2, 2}, {{2, 2}, {1, 1}, {0, 0, 0, 0}, 1, {0}, false}},
    {"stride over the kernel", {1, 10, 11, 2}, {3, 2, 2, 2}, {{3, 4}, {1, 1}, {0, 0, 0, 0}, 1, {0}, false}},
    {"dilation 2", {1, 9, 8, 3}, {4, 3, 3, 3}, {{1, 1}, {2, 2}, {2, 2, 2, 2}, 1, {0}, false}},
    {"dilation 3 1 stride 1 2", {1, 9, 8, 3}, {4, 3, 3, 3}, {{1, 2}, {3, 1}, {3, 0, 2, 1}, 1, {0}, false}},
    {"groups 2", {2, 6, 5, 6}, {8, 3, 3, 3}, {{1, 1}, {1, 1}, {1, 1, 1, 1}, 2, {0}, false}},
    {"groups 3 stride 2", {1, 7, 5, 9}, {6, 3, 3, 3}, {{2, 2}, {1, 1}, {1, 0, 0, 1}, 3, {0}, false}},
    {"groups of 8", {1, 5, 5, 16}, {32, 8, 3, 3}, {{1, 1}, {1, 1}, {1, 1, 1, 1}, 2, {0}, false}},
    {"depthwise", {2, 6, 5, 7}, {7, 1, 3, 3}, {{1, 1}, {1, 1}, {1, 1, 1, 1}, 7, {0}, false}},
    {"depthwise of 16", {1, 6, 5, 16}, {16, 1, 3, 3}, {{2, 2}, {1, 1}, {1, 1, 1, 1}, 16, {0}, false}},
    {"depthwise, two filters each", {1, 6, 5, 3}, {6, 1, 3, 3}, {{1, 1}, {1, 1}, {1, 1, 1, 1}, 3, {0}, false}},
    {"one pixel", {3, 1, 1, 4}, {5, 4, 1, 1}, {{1, 1}, {1, 1}, {0, 0, 0, 0}, 1, {0}, false}},
    {"one pixel, 3x3 pad 1", {2, 1, 1, 4}, {5, 4, 3, 3}, {{1, 1}, {1, 1}, {1, 1, 1, 1}, 1, {0}, false}},
    {"kernel of the whole picture", {2, 4, 5, 3}, {6, 3, 4, 5}, {{1, 1}, {1, 1}, {0, 0, 0, 0}, 1, {0}, false}},
    {"one channel each way", {2, 6, 5, 1}, {1, 1, 3, 3}, {{1, 1}, {1, 1}, {1, 1, 1, 1}, 1, {0}, false}},
    {"one row", {1, 1, 17, 2}, {3, 2, 1, 5}, {{1, 2}, {1, 1}, {0, 2, 0, 2}, 1, {0}, false}},
    {"blocked channels", {1, 6, 6, 32}, {48, 32, 3, 3}, {{1, 1}, {1, 1}, {1, 1, 1, 1}, 1, {0}, false}},
    {"picture", {1, 33, 31, 3}, {16, 3, 3, 3}, {{1, 1}, {1, 1}, {1, 1, 1, 1}, 1, {0}, false}},
};

static void check_convs(bool f32)
{
    enum { COUNT = sizeof convs / sizeof *convs };
    struct op_case cases[2 * COUNT];
    for (int i = 0; i < 2 * COUNT; i++) {
        struct op_case *c = &cases[i];
        *c = (struct op_case){.build = build_conv, .reference = reference_conv, .inputs = i & 1 ? 3 : 2};
        c->conv = convs[i / 2].a;
        c->conv.f32 = f32;
        c->bf16_tolerance = f32 ? 1e-3 : 0; /* the test itself rounds gradients on their way */
        c->in[0].shape = shape_of(convs[i / 2].x, 4);
        c->in[1] = (struct op_arg){.shape = shape_of(convs[i / 2].w, 4), .as_param = true};
        c->in[2] = (struct op_arg){.shape = SHAPE(convs[i / 2].w[0]), .as_param = true};
        c->samples = shape_count(&c->in[1].shape) > 2000 || shape_count(&c->in[0].shape) > 2000 ? 4 : 10;
        c->tolerance = c->gradient_tolerance = 2e-5;
        case_name(c, "conv2d%s %s%s", f32 ? "_f32" : "", convs[i / 2].name, i & 1 ? " bias" : "");
    }
    op_check_all(cases, 2 * COUNT);
}

static void test_conv(void **context)
{
    (void)context;
    check_convs(false);
}

/* In f32 whatever the graph is compiled for, gradients included. */
static void test_f32(void **context)
{
    (void)context;
    check_convs(true);
}

/* ---- transposed ------------------------------------------------------------------------------------------------- */

static node build_transposed(struct graph *g, const struct op_case *c, const node *in)
{
    return op_conv2d_transposed(g, in[0], in[1], c->conv.shape.dim[1], c->conv.shape.dim[2], c->conv);
}

/* Each cell of x lays its window of weights onto the output. */
static void reference_transposed(const struct op_case *c, const struct ref *in, struct ref *out)
{
    const struct conv_attrs *a = &c->conv;
    const int64_t *x = in[0].shape.dim, *w = in[1].shape.dim, *y = a->shape.dim;
    int64_t per_group = w[0] / a->groups;
    ref_shape(out, a->shape);
    for (int64_t b = 0; b < x[0]; b++)
        for (int64_t i = 0; i < x[1]; i++)
            for (int64_t j = 0; j < x[2]; j++)
                for (int64_t k = 0; k < x[3]; k++)
                    for (int64_t o = 0; o < w[1]; o++)
                        for (int64_t u = 0; u < w[2]; u++)
                            for (int64_t v = 0; v < w[3]; v++) {
                                int64_t row = i * a->stride[0] - a->pad[0] + u * a->dilation[0];
                                int64_t column = j * a->stride[1] - a->pad[1] + v * a->dilation[1];
                                if (row < 0 || row >= y[1] || column < 0 || column >= y[2])
                                    continue;
                                out->data[((b * y[1] + row) * y[2] + column) * y[3] + k / per_group * w[1] + o] +=
                                    in[0].data[((b * x[1] + i) * x[2] + j) * x[3] + k] *
                                    in[1].data[((k * w[1] + o) * w[2] + u) * w[3] + v];
                            }
}

/* The output's height and width stand in the attributes' shape. */
static const struct {
    const char *name;
    int64_t x[4], w[4];
    struct conv_attrs a;
} transposed[] = {
    {"4x4 stride 2 pad 1", {2, 5, 4, 6}, {6, 5, 4, 4}, {{2, 2}, {1, 1}, {1, 1, 1, 1}, 1, {4, {2, 10, 8, 5}}, false}},
    {"3x3 stride 2, even", {1, 4, 5, 3}, {3, 7, 3, 3}, {{2, 2}, {1, 1}, {1, 1, 1, 1}, 1, {4, {1, 8, 10, 7}}, false}},
    {"3x3 stride 2, odd", {1, 4, 5, 3}, {3, 7, 3, 3}, {{2, 2}, {1, 1}, {1, 1, 1, 1}, 1, {4, {1, 7, 9, 7}}, false}},
    {"2x2 stride 2", {2, 3, 5, 4}, {4, 3, 2, 2}, {{2, 2}, {1, 1}, {0, 0, 0, 0}, 1, {4, {2, 6, 10, 3}}, false}},
    {"3x3 stride 1", {2, 5, 4, 3}, {3, 8, 3, 3}, {{1, 1}, {1, 1}, {1, 1, 1, 1}, 1, {4, {2, 5, 4, 8}}, false}},
    {"1x1 stride 2", {2, 5, 4, 8}, {8, 16, 1, 1}, {{2, 2}, {1, 1}, {0, 0, 0, 0}, 1, {4, {2, 10, 7, 16}}, false}},
    {"1x1", {2, 5, 4, 3}, {3, 4, 1, 1}, {{1, 1}, {1, 1}, {0, 0, 0, 0}, 1, {4, {2, 5, 4, 4}}, false}},
    {"3x5 stride 3 1", {1, 4, 9, 4}, {4, 3, 3, 5}, {{3, 1}, {1, 1}, {1, 2, 1, 2}, 1, {4, {1, 11, 9, 3}}, false}},
    {"dilation 2", {1, 5, 4, 3}, {3, 4, 3, 3}, {{1, 1}, {2, 2}, {2, 2, 2, 2}, 1, {4, {1, 5, 4, 4}}, false}},
    {"groups 2", {1, 4, 5, 6}, {6, 4, 4, 4}, {{2, 2}, {1, 1}, {1, 1, 1, 1}, 2, {4, {1, 8, 10, 8}}, false}},
    {"depthwise", {1, 4, 5, 7}, {7, 1, 4, 4}, {{2, 2}, {1, 1}, {1, 1, 1, 1}, 7, {4, {1, 8, 10, 7}}, false}},
    {"blocked channels", {1, 6, 5, 32}, {32, 16, 4, 4}, {{2, 2}, {1, 1}, {1, 1, 1, 1}, 1, {4, {1, 12, 10, 16}}, false}},
};

static void test_transposed(void **context)
{
    enum { COUNT = sizeof transposed / sizeof *transposed };
    struct op_case cases[COUNT];
    (void)context;
    for (int i = 0; i < COUNT; i++) {
        struct op_case *c = &cases[i];
        *c = (struct op_case){.build = build_transposed, .reference = reference_transposed, .inputs = 2};
        c->conv = transposed[i].a;
        c->in[0].shape = shape_of(transposed[i].x, 4);
        c->in[1] = (struct op_arg){.shape = shape_of(transposed[i].w, 4), .as_param = true};
        c->samples = shape_count(&c->in[1].shape) > 2000 ? 4 : 10;
        c->tolerance = c->gradient_tolerance = 2e-5;
        case_name(c, "conv2d_transposed %s", transposed[i].name);
    }
    op_check_all(cases, COUNT);
}

static node bad_transposed_size(struct graph *g)
{
    return op_conv2d_transposed(g, constant(g, 1, SHAPE(2, 4, 4, 3)), constant(g, 1, SHAPE(3, 6, 4, 4)), 10, 8,
                                conv_square(2, 1));
}

static node bad_transposed_cell(struct graph *g)
{
    return op_conv2d_transposed(g, constant(g, 1, SHAPE(2, 4, 4, 3)), constant(g, 1, SHAPE(3, 6, 1, 1)), 9, 8,
                                conv_square(2, 0));
}

static node bad_transposed_channels(struct graph *g)
{
    return op_conv2d_transposed(g, constant(g, 1, SHAPE(2, 4, 4, 4)), constant(g, 1, SHAPE(3, 6, 4, 4)), 8, 8,
                                conv_square(2, 1));
}

static node bad_transposed_rank(struct graph *g)
{
    return op_conv2d_transposed(g, constant(g, 1, SHAPE(4, 4, 3)), constant(g, 1, SHAPE(3, 6, 4, 4)), 8, 8,
                                conv_square(2, 1));
}

static void test_square(void **context)
{
    struct conv_attrs a = conv_square(2, 3);
    (void)context;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(a.stride[i], 2);
        assert_int_equal(a.dilation[i], 1);
    }
    for (int i = 0; i < 4; i++)
        assert_int_equal(a.pad[i], 3);
    assert_int_equal(a.groups, 1);
}

static node bad_channels(struct graph *g)
{
    return op_conv2d(g, constant(g, 1, SHAPE(2, 8, 8, 3)), constant(g, 1, SHAPE(6, 4, 3, 3)), conv_square(1, 1));
}

static node bad_groups(struct graph *g)
{
    struct conv_attrs a = conv_square(1, 1);
    a.groups = 2;
    return op_conv2d(g, constant(g, 1, SHAPE(2, 8, 8, 3)), constant(g, 1, SHAPE(6, 3, 3, 3)), a);
}

static node bad_output_groups(struct graph *g)
{
    struct conv_attrs a = conv_square(1, 1);
    a.groups = 2;
    return op_conv2d(g, constant(g, 1, SHAPE(2, 8, 8, 4)), constant(g, 1, SHAPE(5, 2, 3, 3)), a);
}

static node bad_size(struct graph *g)
{
    return op_conv2d(g, constant(g, 1, SHAPE(2, 4, 8, 3)), constant(g, 1, SHAPE(6, 3, 7, 7)), conv_square(1, 1));
}

static node bad_rank(struct graph *g)
{
    return op_conv2d(g, constant(g, 1, SHAPE(8, 8, 3)), constant(g, 1, SHAPE(6, 3, 3, 3)), conv_square(1, 1));
}

static node bad_bias(struct graph *g)
{
    return op_conv2d_bias(g, constant(g, 1, SHAPE(2, 8, 8, 3)), constant(g, 1, SHAPE(6, 3, 3, 3)),
                          constant(g, 1, SHAPE(3)), conv_square(1, 1));
}

static node bad_stride(struct graph *g)
{
    return op_conv2d(g, constant(g, 1, SHAPE(2, 8, 8, 3)), constant(g, 1, SHAPE(6, 3, 3, 3)), conv_square(0, 1));
}

static node bad_padding(struct graph *g)
{
    return op_conv2d(g, constant(g, 1, SHAPE(2, 8, 8, 3)), constant(g, 1, SHAPE(6, 3, 3, 3)), conv_square(1, -1));
}

static void test_errors(void **context)
{
    (void)context;
    EXPECT_FAILURE(bad_channels, "conv2d", "[2, 8, 8, 3]", "[6, 4, 3, 3]");
    EXPECT_FAILURE(bad_groups, "conv2d", "[2, 8, 8, 3]", "[6, 3, 3, 3]");
    EXPECT_FAILURE(bad_output_groups, "conv2d", "[2, 8, 8, 4]", "[5, 2, 3, 3]");
    EXPECT_FAILURE(bad_size, "conv2d", "[2, 4, 8, 3]", "[6, 3, 7, 7]");
    EXPECT_FAILURE(bad_rank, "conv2d", "[8, 8, 3]");
    EXPECT_FAILURE(bad_bias, "conv2d", "[3]");
    EXPECT_FAILURE(bad_stride, "conv2d");
    EXPECT_FAILURE(bad_padding, "conv2d");
    EXPECT_FAILURE(bad_transposed_size, "conv2d_input_grad", "[2, 4, 4, 3]", "[3, 6, 4, 4]", "[2, 10, 8, 6]");
    EXPECT_FAILURE(bad_transposed_cell, "conv2d_input_grad", "[2, 4, 4, 3]", "[3, 6, 1, 1]", "[2, 9, 8, 6]");
    EXPECT_FAILURE(bad_transposed_channels, "conv2d_input_grad", "[2, 4, 4, 4]", "[3, 6, 4, 4]");
    EXPECT_FAILURE(bad_transposed_rank, "conv2d_input_grad", "[4, 4, 3]");
}

/* A window of one cell in steps, at a size where oneDNN 2.6 on its own reached outside its buffers: the gradient of the
 * weight came out differently now and then, or not at all. */
static void test_strided_cell(void **context)
{
    enum { B = 16, S = 128, I = 8, O = 16, RUNS = 40 };
    (void)context;
    struct store *store = test_store();
    struct graph *g = test_graph(store, true);
    static float x[B * S * S * I], w[O * I], first[O * I];
    test_fill(x, B * S * S * I, 1, -1, 1);
    test_fill(w, O * I, 2, -1, 1);
    node weight = test_param(g, store, "w", SHAPE(O, I, 1, 1), w), gradient;
    node y = op_conv2d(g, input(g, "x", SHAPE(B, S, S, I), DTYPE_F32), weight, conv_square(2, 0));
    graph_gradients(g, op_mean(g, op_square(g, y), REDUCE_ALL, false), &weight, 1, &gradient);
    tap(g, "gradient", gradient);
    struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
    for (int i = 0; i < RUNS; i++) {
        test_execute(&run, &(struct feed){"x", x}, 1, 0, 0);
        if (i == 0)
            memcpy(first, test_read(&run, "gradient"), sizeof first);
        test_same("gradient of the weight", first, test_read(&run, "gradient"), O * I);
    }
    test_release(&run);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv),   cmocka_unit_test(test_f32),          cmocka_unit_test(test_transposed),
        cmocka_unit_test(test_square), cmocka_unit_test(test_strided_cell), cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
