/* loss.c - one-hot, cross-entropy of classes and of bits. */
#include "ops/harness.h"

#include <math.h>

static node build_one_hot(struct graph *g, const struct op_case *c, const node *in)
{
    return op_one_hot(g, in[0], c->classes);
}

static void reference_one_hot(const struct op_case *c, const struct ref *in, struct ref *out)
{
    struct shape shape = in[0].shape;
    shape.dim[shape.rank++] = c->classes;
    ref_shape(out, shape);
    for (int64_t i = 0; i < in[0].count; i++)
        if (in[0].data[i] >= 0 && in[0].data[i] < (double)c->classes)
            out->data[i * c->classes + (int64_t)in[0].data[i]] = 1;
}

static void test_one_hot(void **context)
{
    const struct shape shapes[] = {SHAPE(9), SHAPE_SCALAR, SHAPE(3, 4), SHAPE(1), SHAPE(2, 1, 3)};
    struct op_case cases[10];
    (void)context;
    for (int i = 0; i < 10; i++) {
        char text[SHAPE_TEXT];
        cases[i] = (struct op_case){.build = build_one_hot, .reference = reference_one_hot, .inputs = 1};
        cases[i].classes = i & 1 ? 5 : 1;
        cases[i].any_threads = true;
        cases[i].in[0] = (struct op_arg){.shape = shapes[i / 2], .values = ARG_INDEX, .low = -2, .high = 6};
        case_name(&cases[i], "one_hot %s to %d", shape_text(&shapes[i / 2], text), i & 1 ? 5 : 1);
    }
    op_check_all(cases, 10);
}

static node build_cross_entropy(struct graph *g, const struct op_case *c, const node *in)
{
    return op_cross_entropy(g, in[0], in[1], c->value);
}

static void reference_cross_entropy(const struct op_case *c, const struct ref *in, struct ref *out)
{
    int64_t batch = in[0].shape.dim[0], classes = in[0].shape.dim[1];
    double smoothing = (double)c->value;
    ref_shape(out, SHAPE_SCALAR);
    for (int64_t b = 0; b < batch; b++) {
        const double *x = in[0].data + b * classes;
        double most = -INFINITY, sum = 0;
        for (int64_t i = 0; i < classes; i++)
            most = fmax(most, x[i]);
        for (int64_t i = 0; i < classes; i++)
            sum += exp(x[i] - most);
        for (int64_t i = 0; i < classes; i++) {
            double target = smoothing / (double)classes + (i == (int64_t)in[1].data[b] ? 1 - smoothing : 0);
            out->data[0] -= target * (x[i] - most - log(sum)) / (double)batch;
        }
    }
}

static void test_cross_entropy(void **context)
{
    static const int64_t sizes[][2] = {{1, 2}, {4, 3}, {7, 10}, {3, 1}, {33, 101}};
    struct op_case cases[10];
    (void)context;
    for (int i = 0; i < 10; i++) {
        cases[i] = (struct op_case){.build = build_cross_entropy, .reference = reference_cross_entropy, .inputs = 2};
        cases[i].value = i & 1 ? 0.1f : 0;
        cases[i].in[0] = (struct op_arg){.shape = SHAPE(sizes[i / 2][0], sizes[i / 2][1]), .low = -5, .high = 5};
        cases[i].in[1] = (struct op_arg){.shape = SHAPE(sizes[i / 2][0]),
                                         .values = ARG_INDEX,
                                         .low = 0,
                                         .high = (double)sizes[i / 2][1] - 1};
        cases[i].samples = i / 2 == 4 ? 4 : 0;
        case_name(&cases[i], "cross_entropy [%d, %d] smoothing %g", (int)sizes[i / 2][0], (int)sizes[i / 2][1],
                  (double)cases[i].value);
    }
    op_check_all(cases, 10);
}

static node build_bce(struct graph *g, const struct op_case *c, const node *in)
{
    (void)c;
    return op_bce_with_logits(g, in[0], in[1]);
}

static void reference_bce(const struct op_case *c, const struct ref *in, struct ref *out)
{
    (void)c;
    ref_shape(out, SHAPE_SCALAR);
    for (int64_t i = 0; i < in[0].count; i++) {
        double x = in[0].data[i], t = in[1].data[i];
        out->data[0] += (fmax(x, 0) + log1p(exp(-fabs(x))) - x * t) / (double)in[0].count;
    }
}

static void test_bce(void **context)
{
    const struct shape shapes[] = {SHAPE(6, 1), SHAPE(13), SHAPE(2, 3, 5), SHAPE_SCALAR, SHAPE(1, 1)};
    struct op_case cases[5];
    (void)context;
    for (int i = 0; i < 5; i++) {
        char text[SHAPE_TEXT];
        cases[i] = (struct op_case){.build = build_bce, .reference = reference_bce, .inputs = 2};
        cases[i].in[0] = (struct op_arg){.shape = shapes[i], .low = -6, .high = 6};
        cases[i].in[1] = (struct op_arg){.shape = shapes[i], .low = 0.01, .high = 0.99, .no_grad = true};
        case_name(&cases[i], "bce_with_logits %s", shape_text(&shapes[i], text));
    }
    op_check_all(cases, 5);

    /* Far out: no overflow, and a saturated right answer costs nothing. */
    struct op_case c = {.name = "bce_with_logits of extremes",
                        .build = build_bce,
                        .reference = reference_bce,
                        .inputs = 2};
    c.in[0].shape = c.in[1].shape = SHAPE(4);
    c.in[1].no_grad = true;
    const float x[4] = {500, -500, 300, -300}, t[4] = {1, 0, 0, 1}, one = 1, loss = 150;
    op_expect(&c, (const float *const[]){x, t}, &loss, &one,
              (const float *const[]){(const float[]){0, 0, 0.25f, -0.25f}, NULL});
}

static node bad_labels(struct graph *g)
{
    return op_cross_entropy(g, constant(g, 1, SHAPE(4, 3)), input(g, "labels", SHAPE(5), DTYPE_I32), 0);
}

static node bad_label_type(struct graph *g)
{
    return op_cross_entropy(g, constant(g, 1, SHAPE(4, 3)), constant(g, 1, SHAPE(4)), 0);
}

static node bad_logits(struct graph *g)
{
    return op_cross_entropy(g, constant(g, 1, SHAPE(4)), input(g, "labels", SHAPE(4), DTYPE_I32), 0);
}

static node bad_targets(struct graph *g)
{
    return op_bce_with_logits(g, constant(g, 1, SHAPE(4, 1)), constant(g, 1, SHAPE(4)));
}

static node bad_classes(struct graph *g)
{
    return op_one_hot(g, input(g, "labels", SHAPE(4), DTYPE_I32), 0);
}

static node bad_indices(struct graph *g)
{
    return op_one_hot(g, constant(g, 1, SHAPE(4)), 3);
}

static void test_errors(void **context)
{
    (void)context;
    EXPECT_FAILURE(bad_labels, "[4, 3]", "[5]");
    EXPECT_FAILURE(bad_label_type, "[4]", "f32");
    EXPECT_FAILURE(bad_logits, "[4]");
    EXPECT_FAILURE(bad_targets, "[4, 1]", "[4]");
    EXPECT_FAILURE(bad_classes, "one_hot");
    EXPECT_FAILURE(bad_indices, "f32");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_hot),
        cmocka_unit_test(test_cross_entropy),
        cmocka_unit_test(test_bce),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
