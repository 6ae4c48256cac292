/* top_k.c - places of the greatest values, seen through the values gathered from there. */
#include <math.h>

#include "ops/harness.h"

static node build_greatest(struct graph *g, const struct op_case *c, const node *in)
{
    return op_gather(g, op_reshape(g, in[0], SHAPE(-1)), op_top_k(g, in[0], c->classes));
}

static void reference_greatest(const struct op_case *c, const struct ref *in, struct ref *out)
{
    struct shape s = in[0].shape;
    int64_t length = s.dim[s.rank - 1], k = c->classes;
    s.dim[s.rank - 1] = k;
    ref_shape(out, s);
    for (int64_t row = 0; row < in[0].count / length; row++) {
        const double *x = in[0].data + row * length;
        for (int64_t a = 0; a < length; a++) {
            int64_t before = 0;
            for (int64_t b = 0; b < length; b++)
                before += x[b] > x[a] || (x[b] == x[a] && b < a);
            if (before < k)
                out->data[row * k + before] = x[a];
        }
    }
}

static void test_greatest(void **context)
{
    static const struct {
        struct shape shape;
        int64_t k;
        bool ties;
    } shapes[] = {
        {{1, {1}}, 1, false},         {{2, {3, 17}}, 5, false},     {{2, {3, 17}}, 17, false},
        {{3, {2, 3, 130}}, 1, false}, {{2, {2, 1100}}, 128, false}, {{2, {3, 40}}, 13, true},
    };
    enum { COUNT = sizeof shapes / sizeof *shapes };
    struct op_case cases[COUNT];
    (void)context;
    for (int i = 0; i < COUNT; i++) {
        char text[SHAPE_TEXT];
        cases[i] = (struct op_case){.build = build_greatest,
                                    .reference = reference_greatest,
                                    .inputs = 1,
                                    .classes = shapes[i].k,
                                    .any_threads = true,
                                    .no_bf16 = true,
                                    .samples = 4};
        cases[i].in[0] = (struct op_arg){.shape = shapes[i].shape,
                                         .values = shapes[i].ties ? ARG_TIES : ARG_DISTINCT,
                                         .no_grad = shapes[i].ties};
        case_name(&cases[i], "top_k %lld of %s", (long long)shapes[i].k, shape_text(&shapes[i].shape, text));
    }
    op_check_all(cases, COUNT);
}

/* The places themselves: of equal values the earlier comes first, minus zero below zero. */
static void test_places(void **context)
{
    (void)context;
    static const float x[2][6] = {{1, 3, 3, -2, 1, 3}, {-INFINITY, -1, -3, INFINITY, -0.0f, 0.0f}};
    static const int32_t expected[2][6] = {{1, 2, 5, 0, 4, 3}, {9, 11, 10, 7, 8, 6}};
    for (int64_t k = 1; k <= 6; k++) {
        struct store *store = test_store();
        struct graph *g = test_graph(store, false);
        tap(g, "places", op_top_k(g, input(g, "x", SHAPE(2, 6), DTYPE_F32), k));
        struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
        struct feed feed = {"x", x};
        test_execute(&run, &feed, 1, 0, 0);
        const int32_t *places = workspace_read(run.workspace, "places").data;
        for (int row = 0; row < 2; row++)
            for (int64_t i = 0; i < k; i++)
                assert_int_equal(places[row * k + i], expected[row][i]);
        test_release(&run);
        store_free(store);
    }
}

static node too_many(struct graph *g)
{
    return op_top_k(g, constant(g, 0, SHAPE(3, 4)), 5);
}

static node none(struct graph *g)
{
    return op_top_k(g, constant(g, 0, SHAPE(3, 4)), 0);
}

static void test_errors(void **context)
{
    (void)context;
    EXPECT_FAILURE(too_many, "top_k", "5", "[3, 4]");
    EXPECT_FAILURE(none, "top_k", "0", "[3, 4]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_greatest), cmocka_unit_test(test_places),
                                       cmocka_unit_test(test_errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
