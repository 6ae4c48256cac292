/* norm.c - channel statistics, batch norm with the batch's and with given statistics, layer norm. */
#include "ops/harness.h"

#include <math.h>
#include <string.h>

static int64_t last(const struct shape *s)
{
    return s->dim[s->rank - 1];
}

/* Mean and biased variance of column `channel` of rows of `width`. */
static void moments(const double *x, int64_t rows, int64_t width, int64_t channel, double *mean, double *var)
{
    *mean = *var = 0;
    for (int64_t i = 0; i < rows; i++)
        *mean += x[i * width + channel] / (double)rows;
    for (int64_t i = 0; i < rows; i++)
        *var += (x[i * width + channel] - *mean) * (x[i * width + channel] - *mean) / (double)rows;
}

static node build_stats(struct graph *g, const struct op_case *c, const node *in)
{
    (void)c;
    return op_channel_stats(g, in[0]);
}

static void reference_stats(const struct op_case *c, const struct ref *in, struct ref *out)
{
    int64_t width = last(&in[0].shape);
    (void)c;
    ref_shape(out, SHAPE(2, width));
    for (int64_t i = 0; i < width; i++)
        moments(in[0].data, in[0].count / width, width, i, &out->data[i], &out->data[width + i]);
}

static node build_batch_norm(struct graph *g, const struct op_case *c, const node *in)
{
    return op_batch_norm(g, in[0], op_channel_stats(g, in[0]), in[1], in[2], c->norm.eps);
}

static void reference_batch_norm(const struct op_case *c, const struct ref *in, struct ref *out)
{
    int64_t width = last(&in[0].shape);
    ref_shape(out, in[0].shape);
    for (int64_t i = 0; i < width; i++) {
        double mean, var;
        moments(in[0].data, in[0].count / width, width, i, &mean, &var);
        for (int64_t j = i; j < in[0].count; j += width)
            out->data[j] = (in[0].data[j] - mean) / sqrt(var + (double)c->norm.eps) * in[1].data[i] + in[2].data[i];
    }
}

static node build_frozen(struct graph *g, const struct op_case *c, const node *in)
{
    return op_batch_norm_frozen(g, in[0], in[1], in[2], in[3], in[4], c->norm.eps);
}

static void reference_frozen(const struct op_case *c, const struct ref *in, struct ref *out)
{
    int64_t width = last(&in[0].shape);
    ref_shape(out, in[0].shape);
    for (int64_t j = 0; j < out->count; j++) {
        int64_t i = j % width;
        out->data[j] =
            (in[0].data[j] - in[1].data[i]) / sqrt(in[2].data[i] + (double)c->norm.eps) * in[3].data[i] + in[4].data[i];
    }
}

static node build_layer_norm(struct graph *g, const struct op_case *c, const node *in)
{
    return op_layer_norm(g, in[0], in[1], in[2], c->norm.eps);
}

static void reference_layer_norm(const struct op_case *c, const struct ref *in, struct ref *out)
{
    int64_t width = last(&in[0].shape);
    ref_shape(out, in[0].shape);
    for (int64_t row = 0; row < out->count; row += width) {
        double mean, var;
        moments(in[0].data + row, width, 1, 0, &mean, &var);
        for (int64_t i = 0; i < width; i++)
            out->data[row + i] =
                (in[0].data[row + i] - mean) / sqrt(var + (double)c->norm.eps) * in[1].data[i] + in[2].data[i];
    }
}

enum { KINDS = 4, SHAPES = 9 };

static void test_norms(void **context)
{
    static const struct {
        const char *name;
        node (*build)(struct graph *, const struct op_case *, const node *);
        void (*reference)(const struct op_case *, const struct ref *, struct ref *);
        int inputs;
    } kinds[KINDS] = {{"channel_stats", build_stats, reference_stats, 1},
                      {"batch_norm", build_batch_norm, reference_batch_norm, 3},
                      {"batch_norm frozen", build_frozen, reference_frozen, 5},
                      {"layer_norm", build_layer_norm, reference_layer_norm, 3}};
    const struct shape shapes[SHAPES] = {SHAPE(7, 5),          SHAPE(2, 3, 5, 7), SHAPE(3, 4, 16),
                                         SHAPE(5, 3),          SHAPE(9, 33),      SHAPE(2, 9, 2, 4),
                                         SHAPE(2, 1, 2, 6, 3), SHAPE(40, 9, 64),  SHAPE(11, 8)};
    struct op_case cases[KINDS * SHAPES];
    (void)context;
    for (int i = 0; i < KINDS * SHAPES; i++) {
        struct op_case *c = &cases[i];
        const struct shape *shape = &shapes[i / KINDS];
        char text[SHAPE_TEXT];
        *c = (struct op_case){.build = kinds[i % KINDS].build, .reference = kinds[i % KINDS].reference};
        c->inputs = kinds[i % KINDS].inputs;
        c->norm.eps = (const float[]){1e-5f, 1e-6f, 1e-3f, 0.1f}[i / KINDS % 4];
        c->in[0].shape = *shape;
        for (int j = 1; j < c->inputs; j++)
            c->in[j] = (struct op_arg){.shape = SHAPE(last(shape)), .as_param = true};
        if (c->inputs == 5) { /* statistics are states: no gradient is promised */
            c->in[1].no_grad = c->in[2].no_grad = true;
            c->in[2].low = 0.25;
            c->in[2].high = 4;
        }
        c->bf16_tolerance = 1.5e-2;
        c->gradient_tolerance = 1e-4;
        c->step = 1.0 / 512;
        if (i / KINDS == 8) { /* far from zero: a variance computed as E x^2 - (E x)^2 would be lost */
            c->in[0].low = 1000;
            c->in[0].high = 1064;
            c->step = 1.0 / 16;
            if (i % KINDS == 2)
                c->in[1].low = 1000, c->in[1].high = 1064;
            c->bf16_tolerance = 3e-2;
            c->gradient_tolerance = 5e-4;
            c->tolerance = 5e-5;
        }
        if (shape_count(shape) > 1000)
            c->samples = 2;
        case_name(c, "%s %s eps %g", kinds[i % KINDS].name, shape_text(shape, text), (double)c->norm.eps);
    }
    op_check_all(cases, KINDS * SHAPES);

    /* A vector is one row of layer norm. */
    struct op_case vector = {.name = "layer_norm of a vector", .build = build_layer_norm, .inputs = 3};
    vector.reference = reference_layer_norm;
    vector.norm.eps = 1e-5f;
    for (int j = 0; j < 3; j++)
        vector.in[j].shape = SHAPE(13);
    op_check_all(&vector, 1);
}

/* Constant rows and channels: the variance is zero and eps carries the division. */
static void test_constant(void **context)
{
    const float x[6] = {3, 3, 3, 3, 3, 3}, scale[3] = {1, 2, 3}, shift[3] = {4, 5, 6}, y[6] = {4, 5, 6, 4, 5, 6};
    (void)context;
    struct op_case c = {.name = "layer_norm of constants",
                        .build = build_layer_norm,
                        .reference = reference_layer_norm};
    c.inputs = 3;
    c.norm.eps = 1e-5f;
    c.in[0].shape = SHAPE(2, 3);
    c.in[1].shape = c.in[2].shape = SHAPE(3);
    op_expect(&c, (const float *const[]){x, scale, shift}, y, NULL, NULL);
    c.build = build_batch_norm;
    c.reference = reference_batch_norm;
    case_name(&c, "batch_norm of constants");
    op_expect(&c, (const float *const[]){x, scale, shift}, y, NULL, NULL);
}

static node bad_scale(struct graph *g)
{
    return op_layer_norm(g, constant(g, 1, SHAPE(2, 3)), constant(g, 1, SHAPE(4)), constant(g, 1, SHAPE(3)), 1e-5f);
}

static node bad_stats(struct graph *g)
{
    node x = constant(g, 1, SHAPE(2, 3));
    return op_batch_norm(g, x, op_channel_stats(g, constant(g, 1, SHAPE(2, 5))), constant(g, 1, SHAPE(3)),
                         constant(g, 1, SHAPE(3)), 1e-5f);
}

static node bad_mean(struct graph *g)
{
    node v = constant(g, 1, SHAPE(3));
    return op_batch_norm_frozen(g, constant(g, 1, SHAPE(2, 2, 2, 3)), constant(g, 1, SHAPE(5)), v, v, v, 1e-5f);
}

static node bad_scalar(struct graph *g)
{
    return op_channel_stats(g, constant(g, 1, SHAPE_SCALAR));
}

static void test_errors(void **context)
{
    (void)context;
    EXPECT_FAILURE(bad_scale, "[2, 3]", "[4]");
    EXPECT_FAILURE(bad_stats, "[2, 3]", "[2, 5]");
    EXPECT_FAILURE(bad_mean, "5]");
    EXPECT_FAILURE(bad_scalar, "[]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_norms),
        cmocka_unit_test(test_constant),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
