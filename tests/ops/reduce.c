/* reduce.c - sums, means and maxima over every set of axes, broadcasting and its reverse, and what is built on them. */
#include "ops/harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static node build_reduce(struct graph *g, const struct op_case *c, const node *in)
{
    return op_reduce(g, c->reduce.kind, in[0], c->reduce.axes, c->reduce.keep_dims);
}

static void reference_reduce(const struct op_case *c, const struct ref *in, struct ref *out)
{
    struct shape shape = {0}, kept = in[0].shape;
    int64_t each = 1;
    for (int i = 0; i < in[0].shape.rank; i++)
        if (c->reduce.axes >> i & 1) {
            kept.dim[i] = 1;
            each *= in[0].shape.dim[i];
            if (c->reduce.keep_dims)
                shape.dim[shape.rank++] = 1;
        } else {
            shape.dim[shape.rank++] = in[0].shape.dim[i];
        }
    ref_shape(out, shape);
    for (int64_t i = 0; i < out->count && c->reduce.kind == REDUCE_MAX; i++)
        out->data[i] = -INFINITY;
    int64_t index[TENSOR_MAX_RANK] = {0}, i = 0;
    do {
        int64_t at[TENSOR_MAX_RANK];
        for (int j = 0; j < kept.rank; j++)
            at[j] = kept.dim[j] == 1 ? 0 : index[j];
        double x = in[0].data[i++], *y = &out->data[ref_offset(&kept, at)];
        *y = c->reduce.kind == REDUCE_MAX ? fmax(*y, x) : *y + x / (c->reduce.kind == REDUCE_MEAN ? (double)each : 1);
    } while (ref_next(&in[0].shape, index));
}

static const char *const kind_name[] = {"sum", "mean", "max"};

static struct op_case reduce_case(enum reduce_kind kind, struct shape shape, uint32_t axes, bool keep_dims)
{
    struct op_case c = {.build = build_reduce, .reference = reference_reduce, .inputs = 1};
    char text[SHAPE_TEXT];
    c.in[0].shape = shape;
    c.reduce = (struct reduce_attrs){.kind = kind, .axes = axes, .keep_dims = keep_dims};
    if (kind == REDUCE_MAX) {
        c.in[0].values = ARG_DISTINCT;
        c.no_bf16 = shape_count(&shape) > 256;
    }
    case_name(&c, "%s of %s over axes %x%s", kind_name[kind], shape_text(&shape, text), axes, keep_dims ? " kept" : "");
    return c;
}

static void test_every_mask(void **context)
{
    const struct shape shapes[] = {SHAPE_SCALAR,           SHAPE(17),         SHAPE(5, 7),
                                   SHAPE(3, 4, 5),         SHAPE(2, 3, 4, 5), SHAPE(2, 3, 1, 2, 3),
                                   SHAPE(2, 1, 3, 2, 1, 2)};
    struct op_case *cases = calloc(3 * 2 * 128, sizeof *cases);
    int count = 0;
    (void)context;
    for (int s = 0; s < 7; s++)
        for (uint32_t axes = 0; axes < UINT32_C(1) << shapes[s].rank; axes++)
            for (int kind = 0; kind < 3; kind++) {
                if (shapes[s].rank >= 5 && (axes + (uint32_t)kind) % 3 != 0) /* a third of the many */
                    continue;
                cases[count] = reduce_case(kind, shapes[s], axes, false);
                cases[count++].samples = 8;
                if (shapes[s].rank < 4 || axes % 5 == 0) {
                    cases[count] = reduce_case(kind, shapes[s], axes, true);
                    cases[count++].samples = 8;
                }
            }
    op_check_all(cases, count);
    free(cases);
}

/* Many elements: over rows, over columns, over the middle, and over everything. */
static void test_large(void **context)
{
    const struct {
        struct shape shape;
        uint32_t axes;
    } table[] = {
        {SHAPE(4, 20011), 2}, {SHAPE(20011, 4), 1}, {SHAPE(23, 301, 7), 2}, {SHAPE(23, 301, 7), 5}, {SHAPE(50021), 1},
    };
    struct op_case cases[15];
    (void)context;
    for (int i = 0; i < 15; i++) {
        cases[i] = reduce_case(i % 3, table[i / 3].shape, table[i / 3].axes, false);
        cases[i].samples = 2;
        if (i % 3 < 2) { /* a sum that a naive f32 loop would get wrong in the fourth digit or worse */
            cases[i].in[0].low = 0.5;
            cases[i].in[0].high = 1.5;
        }
        if (i % 3 == 2)
            cases[i].step = 1.0 / 256;
    }
    op_check_all(cases, 15);
}

/* The gradient of a maximum is shared by equal values; REDUCE_ALL is every axis. */
static void test_max_ties(void **context)
{
    const float x[6] = {1, 3, 3, 2, 2, 2}, rows[2] = {3, 2}, dy[2] = {4, 6}, dx[6] = {0, 2, 2, 2, 2, 2};
    const float all = 3, one = 8, d_all[6] = {0, 4, 4, 0, 0, 0};
    (void)context;
    struct op_case c = reduce_case(REDUCE_MAX, SHAPE(2, 3), REDUCE_AXIS(1), false);
    op_expect(&c, (const float *const[]){x}, rows, dy, (const float *const[]){dx});
    c.reduce.axes = 3;
    op_expect(&c, (const float *const[]){x}, &all, &one, (const float *const[]){d_all});

    struct store *store = test_store();
    struct graph *g = test_graph(store, false);
    node in = input(g, "x", SHAPE(2, 3), DTYPE_F32);
    tap(g, "all", op_reduce(g, REDUCE_MAX, in, REDUCE_ALL, false));
    tap(g, "kept", op_sum(g, in, REDUCE_ALL, true));
    tap(g, "mean", op_mean(g, in, REDUCE_AXIS(0), false));
    assert_int_equal(graph_rank(g, op_sum(g, in, REDUCE_ALL, true)), 2);
    struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
    test_execute(&run, &(struct feed){"x", x}, 1, 0, 0);
    test_close("all", test_read(&run, "all"), &all, 1, 0);
    test_close("kept", test_read(&run, "kept"), &(const float){13}, 1, 0);
    test_close("mean", test_read(&run, "mean"), (const float[]){1.5f, 2.5f, 2.5f}, 3, 1e-7);
    test_release(&run);
    store_free(store);
}

static node build_broadcast(struct graph *g, const struct op_case *c, const node *in)
{
    return op_broadcast(g, in[0], c->shape);
}

static void reference_broadcast(const struct op_case *c, const struct ref *in, struct ref *out)
{
    ref_shape(out, c->shape);
    int64_t index[TENSOR_MAX_RANK] = {0}, i = 0;
    do
        out->data[i++] = ref_broadcast_at(&in[0], index, c->shape.rank);
    while (ref_next(&c->shape, index));
}

static node build_sum_to(struct graph *g, const struct op_case *c, const node *in)
{
    return op_sum_to(g, in[0], c->shape);
}

static void reference_sum_to(const struct op_case *c, const struct ref *in, struct ref *out)
{
    ref_shape(out, c->shape);
    int64_t index[TENSOR_MAX_RANK] = {0}, i = 0;
    int skip = in[0].shape.rank - c->shape.rank;
    do {
        int64_t at[TENSOR_MAX_RANK];
        for (int j = 0; j < c->shape.rank; j++)
            at[j] = c->shape.dim[j] == 1 ? 0 : index[j + skip];
        out->data[ref_offset(&c->shape, at)] += in[0].data[i++];
    } while (ref_next(&in[0].shape, index));
}

static void test_broadcast(void **context)
{
    const struct shape table[][2] = {
        {SHAPE_SCALAR, SHAPE(3, 4)},
        {SHAPE(1), SHAPE(7)},
        {SHAPE(4), SHAPE(2, 3, 4)},
        {SHAPE(3, 1), SHAPE(3, 5)},
        {SHAPE(1, 5), SHAPE(3, 5)},
        {SHAPE(3, 1), SHAPE(2, 3, 4)},
        {SHAPE(2, 3), SHAPE(2, 3)},
        {SHAPE_SCALAR, SHAPE_SCALAR},
        {SHAPE(2, 1, 3, 1), SHAPE(2, 4, 3, 5)},
        {SHAPE(1, 1), SHAPE(1, 1, 1)},
        {SHAPE(2, 1, 1, 2, 1, 2), SHAPE(2, 3, 1, 2, 2, 2)},
        {SHAPE(13, 1, 17), SHAPE(13, 60, 17)},
    };
    enum { COUNT = sizeof table / sizeof *table };
    struct op_case cases[2 * COUNT];
    (void)context;
    for (int i = 0; i < 2 * COUNT; i++) {
        const struct shape *small = &table[i / 2][0], *large = &table[i / 2][1];
        char a[SHAPE_TEXT], b[SHAPE_TEXT];
        cases[i] = (struct op_case){.inputs = 1, .any_threads = i % 2 == 0};
        cases[i].build = i % 2 ? build_sum_to : build_broadcast;
        cases[i].reference = i % 2 ? reference_sum_to : reference_broadcast;
        cases[i].in[0].shape = i % 2 ? *large : *small;
        cases[i].shape = i % 2 ? *small : *large;
        cases[i].samples = 6;
        case_name(&cases[i], i % 2 ? "sum %s to %s" : "broadcast %s to %s", shape_text(&cases[i].in[0].shape, a),
                  shape_text(&cases[i].shape, b));
    }
    op_check_all(cases, 2 * COUNT);
}

static node build_global(struct graph *g, const struct op_case *c, const node *in)
{
    return c->reduce.kind == REDUCE_MAX ? op_global_max_pool(g, in[0]) : op_global_avg_pool(g, in[0]);
}

static void test_global_pool(void **context)
{
    struct op_case cases[6];
    (void)context;
    for (int i = 0; i < 6; i++) {
        const struct shape shapes[] = {SHAPE(2, 3, 5, 7), SHAPE(1, 1, 1, 4), SHAPE(3, 4, 1, 17)};
        cases[i] = reduce_case(i & 1 ? REDUCE_MAX : REDUCE_MEAN, shapes[i / 2], REDUCE_AXIS(1) | REDUCE_AXIS(2), false);
        cases[i].build = build_global;
        memmove(cases[i].name + 7, cases[i].name, CASE_NAME - 8);
        memcpy(cases[i].name, "global ", 7);
    }
    op_check_all(cases, 6);
}

static node build_l2(struct graph *g, const struct op_case *c, const node *in)
{
    return op_l2_normalize(g, in[0], c->value);
}

static void reference_l2(const struct op_case *c, const struct ref *in, struct ref *out)
{
    int64_t length = in[0].shape.dim[in[0].shape.rank - 1];
    ref_shape(out, in[0].shape);
    for (int64_t i = 0; i < out->count; i += length) {
        double sum = 0;
        for (int64_t j = 0; j < length; j++)
            sum += in[0].data[i + j] * in[0].data[i + j];
        for (int64_t j = 0; j < length; j++)
            out->data[i + j] = in[0].data[i + j] / fmax(sqrt(sum), (double)c->value);
    }
}

static void test_l2_normalize(void **context)
{
    const struct shape shapes[] = {SHAPE(3, 9), SHAPE(7), SHAPE(2, 3, 5), SHAPE(4, 1), SHAPE(30, 512)};
    struct op_case cases[6];
    (void)context;
    for (int i = 0; i < 6; i++) {
        char text[SHAPE_TEXT];
        cases[i] = (struct op_case){.build = build_l2, .reference = reference_l2, .inputs = 1, .bf16_tolerance = 2e-2};
        cases[i].value = i == 5 ? 1000 : 1e-12f; /* eps above every norm: a division by it */
        cases[i].in[0].shape = shapes[i % 5];
        cases[i].samples = i == 4 ? 4 : 0;
        case_name(&cases[i], "l2_normalize %s eps %g", shape_text(&shapes[i % 5], text), (double)cases[i].value);
    }
    cases[3].in[0].low = 0.5; /* the norm of one element is its absolute value */
    cases[3].in[0].high = 2;
    cases[3].no_bf16 = true; /* its gradient is zero, of which no share can be compared */
    op_check_all(cases, 6);

    /* A row of zeros stays zeros. */
    const float zeros[3] = {0, 0, 0};
    struct op_case c = {.name = "l2_normalize of zeros", .build = build_l2, .reference = reference_l2, .inputs = 1};
    c.in[0].shape = SHAPE(3);
    c.value = 1e-12f;
    op_expect(&c, (const float *const[]){zeros}, zeros, NULL, NULL);
}

static node bad_axis(struct graph *g)
{
    return op_sum(g, constant(g, 1, SHAPE(2, 3)), REDUCE_AXIS(2), false);
}

static node bad_broadcast(struct graph *g)
{
    return op_broadcast(g, constant(g, 1, SHAPE(2, 3)), SHAPE(2, 4));
}

static node bad_shrink(struct graph *g)
{
    return op_broadcast(g, constant(g, 1, SHAPE(2, 3)), SHAPE(3));
}

static node bad_sum_to(struct graph *g)
{
    return op_sum_to(g, constant(g, 1, SHAPE(2, 3)), SHAPE(4));
}

static node bad_pool(struct graph *g)
{
    return op_global_avg_pool(g, constant(g, 1, SHAPE(2, 3)));
}

static void test_errors(void **context)
{
    (void)context;
    EXPECT_FAILURE(bad_axis, "[2, 3]");
    EXPECT_FAILURE(bad_broadcast, "[2, 3]", "[2, 4]");
    EXPECT_FAILURE(bad_shrink, "[2, 3]", "[3]");
    EXPECT_FAILURE(bad_sum_to, "[2, 3]", "[4]");
    EXPECT_FAILURE(bad_pool, "[2, 3]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_mask), cmocka_unit_test(test_large),       cmocka_unit_test(test_max_ties),
        cmocka_unit_test(test_broadcast),  cmocka_unit_test(test_global_pool), cmocka_unit_test(test_l2_normalize),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
