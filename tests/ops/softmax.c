/* softmax.c - softmax and its logarithm over the last axis. */
#include "ops/harness.h"

#include <math.h>

static node build_softmax(struct graph *g, const struct op_case *c, const node *in)
{
    return c->axis ? op_log_softmax(g, in[0]) : op_softmax(g, in[0]);
}

static void reference_softmax(const struct op_case *c, const struct ref *in, struct ref *out)
{
    int64_t length = in[0].shape.dim[in[0].shape.rank - 1];
    ref_shape(out, in[0].shape);
    for (int64_t row = 0; row < out->count; row += length) {
        double most = -INFINITY, sum = 0;
        for (int64_t i = 0; i < length; i++)
            most = fmax(most, in[0].data[row + i]);
        for (int64_t i = 0; i < length; i++)
            sum += exp(in[0].data[row + i] - most);
        for (int64_t i = 0; i < length; i++) {
            double log_y = in[0].data[row + i] - most - log(sum);
            out->data[row + i] = c->axis ? log_y : exp(log_y);
        }
    }
}

static void test_softmax(void **context)
{
    const struct shape shapes[] = {SHAPE(5),
                                   SHAPE(3, 7),
                                   SHAPE(4, 1),
                                   SHAPE(2, 3, 4),
                                   SHAPE(2, 1, 3, 17),
                                   SHAPE(2, 1, 2, 1, 5),
                                   SHAPE(1, 2, 1, 2, 1, 3),
                                   SHAPE(70, 129),
                                   SHAPE(2, 1000),
                                   SHAPE(9, 16)};
    enum { COUNT = 2 * sizeof shapes / sizeof *shapes };
    struct op_case cases[COUNT];
    (void)context;
    for (int i = 0; i < COUNT; i++) {
        char text[SHAPE_TEXT];
        cases[i] = (struct op_case){.build = build_softmax, .reference = reference_softmax, .inputs = 1, .axis = i & 1};
        cases[i].in[0].shape = shapes[i / 2];
        cases[i].samples = i / 2 >= 7 ? 3 : 0;
        if (i / 2 == 9) { /* large: exp alone would overflow */
            cases[i].in[0].low = -300;
            cases[i].in[0].high = 300;
        }
        case_name(&cases[i], "%s %s", i & 1 ? "log_softmax" : "softmax", shape_text(&shapes[i / 2], text));
    }
    op_check_all(cases, COUNT);
}

static void test_extremes(void **context)
{
    const float x[6] = {1000, 0, -1000, -1000, -1000, -1000}, third = 1 / 3.0f, log_third = -1.0986123f;
    (void)context;
    struct op_case c = {.name = "softmax of extremes",
                        .build = build_softmax,
                        .reference = reference_softmax,
                        .inputs = 1};
    c.in[0].shape = SHAPE(2, 3);
    c.no_bf16 = true;
    op_expect(&c, (const float *const[]){x}, (const float[]){1, 0, 0, third, third, third},
              (const float[]){1, 1, 1, 1, 1, 1}, (const float *const[]){(const float[6]){0}});
    c.axis = 1;
    op_expect(&c, (const float *const[]){x}, (const float[]){0, -1000, -2000, log_third, log_third, log_third},
              (const float[]){0, 1, 0, 1, 0, 0},
              (const float *const[]){(const float[]){-1, 1, 0, 2 * third, -third, -third}});
}

static node bad_scalar(struct graph *g)
{
    return op_softmax(g, constant(g, 1, SHAPE_SCALAR));
}

static node bad_log_scalar(struct graph *g)
{
    return op_log_softmax(g, constant(g, 1, SHAPE_SCALAR));
}

static void test_errors(void **context)
{
    (void)context;
    EXPECT_FAILURE(bad_scalar, "softmax", "[]");
    EXPECT_FAILURE(bad_log_scalar, "softmax", "[]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_softmax),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
