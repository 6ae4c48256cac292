/* gather.c - rows by index. */
#include "ops/harness.h"

static node build_gather(struct graph *g, const struct op_case *c, const node *in)
{
    (void)c;
    return op_gather(g, in[0], in[1]);
}

static void reference_gather(const struct op_case *c, const struct ref *in, struct ref *out)
{
    (void)c;
    struct shape s = in[1].shape;
    int64_t rows = in[0].shape.dim[0], width = in[0].count / rows;
    for (int i = 1; i < in[0].shape.rank; i++)
        s.dim[s.rank++] = in[0].shape.dim[i];
    ref_shape(out, s);
    for (int64_t k = 0; k < in[1].count; k++) {
        int64_t row = (int64_t)in[1].data[k];
        for (int64_t i = 0; i < width; i++)
            out->data[k * width + i] = row >= 0 && row < rows ? in[0].data[row * width + i] : 0;
    }
}

static void test_gather(void **context)
{
    static const struct {
        struct shape table, indices;
    } shapes[] = {
        {{1, {5}}, {1, {3}}},       {{2, {7, 3}}, {1, {11}}},         {{2, {3, 1025}}, {2, {2, 4}}},
        {{3, {4, 2, 3}}, {0, {0}}}, {{3, {2, 3, 2}}, {3, {2, 2, 2}}},
    };
    enum { COUNT = sizeof shapes / sizeof *shapes };
    struct op_case cases[COUNT];
    (void)context;
    for (int i = 0; i < COUNT; i++) {
        char a[SHAPE_TEXT], b[SHAPE_TEXT];
        cases[i] =
            (struct op_case){.build = build_gather, .reference = reference_gather, .inputs = 2, .any_threads = true};
        cases[i].in[0].shape = shapes[i].table;
        cases[i].in[1] = (struct op_arg){.shape = shapes[i].indices,
                                         .values = ARG_INDEX,
                                         .low = -1,
                                         .high = (double)shapes[i].table.dim[0],
                                         .no_grad = true};
        cases[i].samples = i == 2 ? 4 : 0;
        case_name(&cases[i], "gather %s %s", shape_text(&shapes[i].table, a), shape_text(&shapes[i].indices, b));
    }
    op_check_all(cases, COUNT);
}

static node bad_indices(struct graph *g)
{
    return op_gather(g, constant(g, 0, SHAPE(3, 2)), constant(g, 0, SHAPE(4)));
}

static void test_errors(void **context)
{
    (void)context;
    EXPECT_FAILURE(bad_indices, "gather", "[3, 2]", "[4]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_gather), cmocka_unit_test(test_errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
