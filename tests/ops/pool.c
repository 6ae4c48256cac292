/* pool.c - maximum and average over windows: padding, overlap, gaps, ties. */
#include "ops/harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

static node build_pool(struct graph *g, const struct op_case *c, const node *in)
{
    return op_pool2d(g, in[0], c->pool);
}

/* One window: its cells inside the picture, row by row. */
struct window {
    int64_t top, left, bottom, right, cells;
};

static struct window window_at(const struct pool_attrs *a, const struct shape *x, int64_t i, int64_t j)
{
    int64_t y = i * a->stride[0] - a->pad[0], z = j * a->stride[1] - a->pad[1];
    struct window w = {y < 0 ? 0 : y, z < 0 ? 0 : z, y + a->window[0], z + a->window[1], 0};
    if (w.bottom > x->dim[1])
        w.bottom = x->dim[1];
    if (w.right > x->dim[2])
        w.right = x->dim[2];
    w.cells = a->count_padded ? (int64_t)a->window[0] * a->window[1] : (w.bottom - w.top) * (w.right - w.left);
    return w;
}

static struct shape pooled_shape(const struct pool_attrs *a, const struct shape *x)
{
    return SHAPE(x->dim[0], (x->dim[1] + a->pad[0] + a->pad[2] - a->window[0]) / a->stride[0] + 1,
                 (x->dim[2] + a->pad[1] + a->pad[3] - a->window[1]) / a->stride[1] + 1, x->dim[3]);
}

static void reference_pool(const struct op_case *c, const struct ref *in, struct ref *out)
{
    const struct shape *x = &in[0].shape;
    ref_shape(out, pooled_shape(&c->pool, x));
    int64_t at[4] = {0}, n = 0;
    do {
        struct window w = window_at(&c->pool, x, at[1], at[2]);
        double value = c->pool.average ? 0 : -INFINITY;
        for (int64_t y = w.top; y < w.bottom; y++)
            for (int64_t z = w.left; z < w.right; z++) {
                double cell = in[0].data[((at[0] * x->dim[1] + y) * x->dim[2] + z) * x->dim[3] + at[3]];
                value = c->pool.average ? value + cell / (double)w.cells : fmax(value, cell);
            }
        out->data[n++] = value;
    } while (ref_next(&out->shape, at));
}

static const struct {
    int64_t x[4];
    int window[2], stride[2], pad[4];
} windows[] = {
    {{2, 6, 4, 3}, {2, 2}, {2, 2}, {0, 0, 0, 0}},    {{1, 7, 5, 4}, {2, 2}, {2, 2}, {0, 0, 0, 0}},
    {{2, 7, 5, 3}, {3, 3}, {2, 2}, {1, 1, 1, 1}},    {{1, 8, 6, 5}, {3, 3}, {2, 2}, {1, 1, 1, 1}},
    {{2, 5, 5, 2}, {3, 3}, {1, 1}, {1, 1, 1, 1}},    {{1, 6, 7, 2}, {3, 2}, {1, 3}, {2, 0, 1, 1}},
    {{1, 5, 7, 1}, {2, 3}, {3, 4}, {0, 0, 0, 0}},    {{3, 1, 1, 4}, {1, 1}, {1, 1}, {0, 0, 0, 0}},
    {{2, 4, 5, 3}, {4, 5}, {1, 1}, {0, 0, 0, 0}},    {{1, 4, 4, 16}, {2, 2}, {2, 2}, {0, 0, 1, 1}},
    {{1, 3, 3, 17}, {3, 3}, {2, 2}, {2, 2, 2, 2}},   {{1, 1, 9, 2}, {1, 3}, {1, 2}, {0, 1, 0, 1}},
    {{1, 17, 16, 32}, {3, 3}, {2, 2}, {1, 1, 1, 1}},
};
enum { WINDOWS = sizeof windows / sizeof *windows };

static struct op_case pool_case(int i, int kind) /* kind 0: maximum, 1: average over all, 2: over the cells inside */
{
    struct op_case c = {.build = build_pool, .reference = reference_pool, .inputs = 1};
    char text[SHAPE_TEXT];
    c.in[0].shape = shape_of(windows[i].x, 4);
    c.in[0].values = kind ? ARG_UNIFORM : ARG_DISTINCT;
    c.no_bf16 = kind == 0 && shape_count(&c.in[0].shape) > 256;
    c.pool = (struct pool_attrs){.average = kind > 0, .count_padded = kind == 1};
    memcpy(c.pool.window, windows[i].window, sizeof c.pool.window);
    memcpy(c.pool.stride, windows[i].stride, sizeof c.pool.stride);
    memcpy(c.pool.pad, windows[i].pad, sizeof c.pool.pad);
    case_name(&c, "%s pool %d of %s", (const char *const[]){"max", "average", "average of cells inside"}[kind], i,
              shape_text(&c.in[0].shape, text));
    return c;
}

static void test_pool(void **context)
{
    struct op_case cases[3 * WINDOWS];
    (void)context;
    for (int i = 0; i < 3 * WINDOWS; i++)
        cases[i] = pool_case(i / 3, i % 3);
    op_check_all(cases, 3 * WINDOWS);
}

/* Few different values, all negative in one of the two rounds (padding must not win): the first maximum of each window,
 * row by row, takes its gradient. */
static void test_ties(void **context)
{
    (void)context;
    for (int i = 0; i < WINDOWS; i++)
        for (int negative = 0; negative < 2; negative++) {
            struct op_case c = pool_case(i, 0);
            const struct shape x = c.in[0].shape, y = pooled_shape(&c.pool, &x);
            float *value = calloc((size_t)shape_count(&x), sizeof *value),
                  *dx = calloc((size_t)shape_count(&x), sizeof *dx);
            float *best = calloc((size_t)shape_count(&y), sizeof *best),
                  *dy = calloc((size_t)shape_count(&y), sizeof *dy);
            struct random r = random_open((uint64_t)i, (uint64_t)negative, 0);
            for (int64_t j = 0; j < shape_count(&x); j++)
                value[j] = (float)random_below(&r, 3) - (negative ? 4 : 1);
            int64_t at[4] = {0}, n = 0;
            do {
                struct window w = window_at(&c.pool, &x, at[1], at[2]);
                int64_t winner = -1;
                for (int64_t row = w.top; row < w.bottom; row++)
                    for (int64_t column = w.left; column < w.right; column++) {
                        int64_t cell = ((at[0] * x.dim[1] + row) * x.dim[2] + column) * x.dim[3] + at[3];
                        if (winner < 0 || value[cell] > value[winner])
                            winner = cell;
                    }
                assert_true(winner >= 0);
                best[n] = value[winner];
                dy[n] = (float)(n % 7) - 3;
                dx[winner] += dy[n++];
            } while (ref_next(&y, at));
            op_expect(&c, (const float *const[]){value}, best, dy, (const float *const[]){dx});
            free(value);
            free(dx);
            free(best);
            free(dy);
        }
}

static void test_short_forms(void **context)
{
    float x[2 * 5 * 5 * 3], want[2 * 3 * 3 * 3];
    struct store *store = test_store();
    struct graph *g = test_graph(store, false);
    (void)context;
    test_fill(x, 150, 3, -2, 2);
    node in = input(g, "x", SHAPE(2, 5, 5, 3), DTYPE_F32);
    tap(g, "max", op_max_pool2d(g, in, 3, 2, 1));
    tap(g, "average", op_avg_pool2d(g, in, 3, 2, 1));
    struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
    test_execute(&run, &(struct feed){"x", x}, 1, 0, 0);
    for (int average = 0; average < 2; average++) {
        struct op_case c = {.pool = {average, {3, 3}, {2, 2}, {1, 1, 1, 1}, true}};
        struct ref in_ref = {0}, out = {0};
        ref_shape(&in_ref, SHAPE(2, 5, 5, 3));
        for (int i = 0; i < 150; i++)
            in_ref.data[i] = (double)x[i];
        reference_pool(&c, &in_ref, &out);
        for (int i = 0; i < 54; i++)
            want[i] = (float)out.data[i];
        test_close(average ? "average" : "max", test_read(&run, average ? "average" : "max"), want, 54, 1e-6);
        free(in_ref.data);
        free(out.data);
    }
    test_release(&run);
    store_free(store);
}

static node bad_window(struct graph *g)
{
    return op_max_pool2d(g, constant(g, 1, SHAPE(2, 3, 3, 4)), 5, 1, 0);
}

static node bad_rank(struct graph *g)
{
    return op_avg_pool2d(g, constant(g, 1, SHAPE(3, 3, 4)), 2, 2, 0);
}

static node bad_padding(struct graph *g)
{
    return op_max_pool2d(g, constant(g, 1, SHAPE(2, 3, 3, 4)), 2, 2, 2);
}

static node bad_stride(struct graph *g)
{
    return op_max_pool2d(g, constant(g, 1, SHAPE(2, 3, 3, 4)), 2, 0, 0);
}

static void test_errors(void **context)
{
    (void)context;
    EXPECT_FAILURE(bad_window, "[2, 3, 3, 4]");
    EXPECT_FAILURE(bad_rank, "[3, 3, 4]");
    EXPECT_FAILURE(bad_padding, "[2, 3, 3, 4]");
    EXPECT_FAILURE(bad_stride, "[2, 3, 3, 4]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool),
        cmocka_unit_test(test_ties),
        cmocka_unit_test(test_short_forms),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
