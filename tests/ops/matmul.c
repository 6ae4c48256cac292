/* matmul.c - the matrix product: transposes, batches that broadcast, bias, and operands that are parameters. */
#include "ops/harness.h"

#include <stdlib.h>

static node build_matmul(struct graph *g, const struct op_case *c, const node *in)
{
    if (c->inputs == 3)
        return op_matmul_bias(g, in[0], in[1], in[2], c->matmul.transpose_a, c->matmul.transpose_b);
    if (c->matmul.f32)
        return op_matmul_f32(g, in[0], in[1], c->matmul.transpose_a, c->matmul.transpose_b);
    return op_matmul(g, in[0], in[1], c->matmul.transpose_a, c->matmul.transpose_b);
}

static double element(const struct ref *x, const int64_t *batch, int batch_rank, int64_t row, int64_t column,
                      bool transpose)
{
    int64_t offset = 0;
    int rank = x->shape.rank;
    for (int i = 0; i < rank - 2; i++) {
        int64_t at = batch[batch_rank - (rank - 2) + i];
        offset = offset * x->shape.dim[i] + (x->shape.dim[i] == 1 ? 0 : at);
    }
    int64_t r = transpose ? column : row, k = transpose ? row : column;
    return x->data[(offset * x->shape.dim[rank - 2] + r) * x->shape.dim[rank - 1] + k];
}

static void reference_matmul(const struct op_case *c, const struct ref *in, struct ref *out)
{
    const struct shape *a = &in[0].shape, *b = &in[1].shape;
    int rank = a->rank > b->rank ? a->rank : b->rank;
    int64_t m = a->dim[a->rank - (c->matmul.transpose_a ? 1 : 2)],
            depth = a->dim[a->rank - (c->matmul.transpose_a ? 2 : 1)];
    int64_t n = b->dim[b->rank - (c->matmul.transpose_b ? 2 : 1)];
    struct shape shape = {.rank = rank}, batches = {.rank = rank - 2};
    for (int i = 0; i < rank - 2; i++) {
        int64_t da = i - rank + a->rank < 0 ? 1 : a->dim[i - rank + a->rank];
        int64_t db = i - rank + b->rank < 0 ? 1 : b->dim[i - rank + b->rank];
        shape.dim[i] = batches.dim[i] = da == 1 ? db : da;
    }
    shape.dim[rank - 2] = m;
    shape.dim[rank - 1] = n;
    ref_shape(out, shape);
    int64_t batch[TENSOR_MAX_RANK] = {0}, at = 0;
    do
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++) {
                double sum = c->inputs == 3 ? in[2].data[j] : 0;
                for (int64_t k = 0; k < depth; k++)
                    sum += element(&in[0], batch, rank - 2, i, k, c->matmul.transpose_a) *
                           element(&in[1], batch, rank - 2, k, j, c->matmul.transpose_b);
                out->data[at++] = sum;
            }
    while (ref_next(&batches, batch));
}

static struct shape matrix(const struct shape *batch, int64_t rows, int64_t columns, bool transpose)
{
    struct shape s = *batch;
    s.dim[s.rank++] = transpose ? columns : rows;
    s.dim[s.rank++] = transpose ? rows : columns;
    return s;
}

static struct op_case matmul_case(struct shape batch_a, struct shape batch_b, int64_t m, int64_t k, int64_t n,
                                  int variant)
{
    struct op_case c = {.build = build_matmul, .reference = reference_matmul, .inputs = variant & 4 ? 3 : 2};
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    c.matmul = (struct matmul_attrs){.transpose_a = variant & 1, .transpose_b = variant & 2};
    c.in[0].shape = matrix(&batch_a, m, k, variant & 1);
    c.in[1].shape = matrix(&batch_b, k, n, variant & 2);
    c.in[2].shape = SHAPE(n);
    c.in[1].as_param = c.in[2].as_param = true;
    c.samples = 12;
    c.tolerance = c.gradient_tolerance = 2e-5;
    case_name(&c, "matmul %s%s %s%s%s", shape_text(&c.in[0].shape, a), variant & 1 ? "T" : "",
              shape_text(&c.in[1].shape, b), variant & 2 ? "T" : "", variant & 4 ? " bias" : "");
    return c;
}

static void test_two_axes(void **context)
{
    static const int64_t sizes[][3] = {{1, 1, 1}, {3, 5, 7},  {17, 33, 9}, {1, 19, 5},
                                       {6, 1, 4}, {8, 16, 1}, {32, 64, 16}};
    struct op_case cases[7 * 8];
    int count = 0;
    (void)context;
    for (int s = 0; s < 7; s++)
        for (int variant = 0; variant < 8; variant++)
            cases[count++] = matmul_case(SHAPE_SCALAR, SHAPE_SCALAR, sizes[s][0], sizes[s][1], sizes[s][2], variant);
    op_check_all(cases, count);
}

static void test_batches(void **context)
{
    const struct shape table[][2] = {
        {SHAPE(3), SHAPE(3)},
        {SHAPE(3), SHAPE_SCALAR},
        {SHAPE_SCALAR, SHAPE(3)},
        {SHAPE(3), SHAPE(1)},
        {SHAPE(1), SHAPE(3)},
        {SHAPE(2, 3), SHAPE(2, 3)},
        {SHAPE(2, 3), SHAPE(3)},
        {SHAPE(2, 1), SHAPE(3)},
        {SHAPE(2, 1), SHAPE(1, 3)},
        {SHAPE(2, 3), SHAPE_SCALAR},
        {SHAPE(2, 3), SHAPE(2, 1)},
        {SHAPE(2, 1, 3), SHAPE(1, 2, 1)},
        {SHAPE_SCALAR, SHAPE(2, 2, 1, 2)},
    };
    struct op_case *cases = calloc(13 * 8, sizeof *cases);
    int count = 0;
    (void)context;
    for (int s = 0; s < 13; s++)
        for (int variant = 0; variant < 8; variant++) {
            if (s >= 3 && (variant + s) % 2) /* half of the many */
                continue;
            cases[count] = matmul_case(table[s][0], table[s][1], 4, 7, 5, variant);
            cases[count++].samples = 8;
        }
    op_check_all(cases, count);
    free(cases);
}

/* Large enough for blocked kernels and two threads; the first operand a parameter, too. */
static void test_large(void **context)
{
    struct op_case cases[8];
    (void)context;
    for (int variant = 0; variant < 8; variant++) {
        cases[variant] = matmul_case(SHAPE_SCALAR, SHAPE_SCALAR, 130, 67, 101, variant);
        cases[variant].samples = 1;
        cases[variant].in[0].as_param = variant >= 4;
        cases[variant].in[1].as_param = variant < 6;
    }
    op_check_all(cases, 8);
}

/* In f32 whatever the graph is compiled for, gradients included. */
static void test_f32(void **context)
{
    struct op_case cases[8];
    (void)context;
    for (int i = 0; i < 8; i++) {
        cases[i] = matmul_case(i < 4 ? SHAPE(3) : SHAPE_SCALAR, SHAPE_SCALAR, 6, 35, 4, i & 3);
        cases[i].matmul.f32 = true;
        cases[i].bf16_tolerance = 1e-3; /* the test itself rounds gradients on their way */
    }
    op_check_all(cases, 8);
}

static node build_square(struct graph *g, const struct op_case *c, const node *in)
{
    return op_matmul(g, in[0], in[0], c->matmul.transpose_a, c->matmul.transpose_b);
}

static void reference_square(const struct op_case *c, const struct ref *in, struct ref *out)
{
    reference_matmul(c, (const struct ref[]){in[0], in[0], in[0]}, out);
}

/* x x, x x^T and x^T x. */
static void test_same_operand(void **context)
{
    struct op_case cases[3];
    (void)context;
    for (int i = 0; i < 3; i++) {
        cases[i] = (struct op_case){.build = build_square, .reference = reference_square, .inputs = 1};
        cases[i].matmul = (struct matmul_attrs){.transpose_a = i == 1, .transpose_b = i == 2};
        cases[i].in[0] = (struct op_arg){.shape = i ? SHAPE(2, 5, 3) : SHAPE(4, 4), .as_param = true};
        case_name(&cases[i], "matmul of x and x, variant %d", i);
    }
    op_check_all(cases, 3);
}

static node bad_inner(struct graph *g)
{
    return op_matmul(g, constant(g, 1, SHAPE(2, 3)), constant(g, 1, SHAPE(4, 5)), false, false);
}

static node bad_transposed(struct graph *g)
{
    return op_matmul(g, constant(g, 1, SHAPE(2, 3)), constant(g, 1, SHAPE(3, 5)), true, false);
}

static node bad_batch(struct graph *g)
{
    return op_matmul(g, constant(g, 1, SHAPE(2, 4, 3)), constant(g, 1, SHAPE(3, 3, 5)), false, false);
}

static node bad_rank(struct graph *g)
{
    return op_matmul(g, constant(g, 1, SHAPE(3)), constant(g, 1, SHAPE(3, 5)), false, false);
}

static node bad_bias(struct graph *g)
{
    return op_matmul_bias(g, constant(g, 1, SHAPE(2, 3)), constant(g, 1, SHAPE(3, 5)), constant(g, 1, SHAPE(6)), false,
                          false);
}

static void test_errors(void **context)
{
    (void)context;
    EXPECT_FAILURE(bad_inner, "matmul", "[2, 3]", "[4, 5]");
    EXPECT_FAILURE(bad_transposed, "matmul", "[2, 3]", "[3, 5]");
    EXPECT_FAILURE(bad_batch, "matmul", "[2, 4, 3]", "[3, 3, 5]");
    EXPECT_FAILURE(bad_rank, "matmul", "[3]");
    EXPECT_FAILURE(bad_bias, "matmul", "[6]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_axes), cmocka_unit_test(test_batches),      cmocka_unit_test(test_large),
        cmocka_unit_test(test_f32),      cmocka_unit_test(test_same_operand), cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
