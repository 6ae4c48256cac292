/* test_pools.c - pooling with more channels than are worked on at a time, ties, and windows that overlap or leave
 * gaps. */
#include "cpu/kernel.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"

static double *doubles(int64_t count)
{
    double *data = mem_alloc((size_t)count, sizeof(*data));
    assert_non_null(data);
    return data;
}

/* Forward into y; with dy, the gradient into dx (zeroed). */
static void reference(const struct pool_attrs *a, const struct shape *in, const struct shape *out, const float *x,
                      const float *dy, double *y, double *dx)
{
    for (int64_t o = 0; o < shape_count(out); o++) {
        int64_t c = o % out->dim[3], ox = o / out->dim[3] % out->dim[2],
                oy = o / out->dim[3] / out->dim[2] % out->dim[1];
        int64_t b = o / out->dim[3] / out->dim[2] / out->dim[1], first = -1, cells = 0;
        double most = -INFINITY, sum = 0.0;
        for (int pass = 0; pass < 2; pass++) {
            double share = a->count_padded ? (double)a->window[0] * a->window[1] : (double)cells;
            for (int64_t i = 0; i < (int64_t)a->window[0] * a->window[1]; i++) {
                int64_t row = oy * a->stride[0] - a->pad[0] + i / a->window[1];
                int64_t col = ox * a->stride[1] - a->pad[1] + i % a->window[1];
                int64_t at = ((b * in->dim[1] + row) * in->dim[2] + col) * in->dim[3] + c;
                if (row < 0 || row >= in->dim[1] || col < 0 || col >= in->dim[2])
                    continue;
                if (pass == 0) {
                    cells++;
                    sum += x[at];
                    if (first < 0 || x[at] > most) {
                        most = x[at];
                        first = at;
                    }
                } else if (a->average) {
                    dx[at] += dy[o] / share;
                }
            }
            if (pass == 1)
                y[o] = a->average ? sum / share : most;
        }
        if (!a->average)
            dx[first] += dy[o];
    }
}

static void test_pool(void **context)
{
    static const struct pool_attrs table[] = {
        {false, {3, 3}, {2, 2}, {1, 1, 1, 1}, true}, {false, {2, 2}, {2, 2}, {0, 0, 0, 0}, true},
        {false, {3, 2}, {1, 3}, {2, 0, 1, 1}, true}, {false, {2, 2}, {3, 3}, {0, 0, 0, 0}, true},
        {true, {3, 3}, {2, 2}, {1, 1, 1, 1}, true},  {true, {3, 3}, {2, 2}, {1, 1, 1, 1}, false},
        {true, {2, 2}, {3, 3}, {0, 0, 0, 0}, true},  {true, {2, 3}, {1, 1}, {0, 2, 1, 0}, false}};
    static const int64_t sizes[][4] = {{2, 17, 19, 300}, {3, 30, 31, 3}, {1, 9, 11, 64}};
    (void)context;
    for (size_t k = 0; k < 3 * sizeof(table) / sizeof(table[0]); k++) {
        const struct pool_attrs *a = &table[k / 3];
        const int64_t *d = sizes[k % 3];
        struct shape in = SHAPE(d[0], d[1], d[2], d[3]), out = in;
        char what[64];
        for (int i = 0; i < 2; i++)
            out.dim[1 + i] = (d[1 + i] + a->pad[i] + a->pad[2 + i] - a->window[i]) / a->stride[i] + 1;
        float *x = kernel_values(in, 1, -1, 1, true), *dy = kernel_values(out, 2, -1, 1, true);
        for (int64_t i = 0; i < shape_count(&in) && k % 3 != 2; i++)
            x[i] = (float)(int)(x[i] * 3.0f); /* -2 .. 2: ties everywhere */
        double *y = doubles(shape_count(&out)), *dx = doubles(shape_count(&in));
        reference(a, &in, &out, x, dy, y, dx);
        snprintf(what, sizeof(what), "pool %d of %lld channels", (int)k, (long long)d[3]);
        struct kernel_case forward = {&op_pool2d_def, a, {in}, out, 1, {x}, {false}, {false}, 0, 0, 0};
        kernel_check(what, &forward, y, 1e-6, 5e-3);
        struct kernel_case backward = {&op_pool2d_grad_def, a, {in, out}, in, 2, {x, dy}, {false}, {false}, 0, 0, 0};
        kernel_check(what, &backward, dx, 1e-6, 5e-3);
        mem_free(x), mem_free(dy), mem_free(y), mem_free(dx);
    }
}

static void test_nan(void **context)
{
    const struct pool_attrs a = {false, {2, 2}, {2, 2}, {0, 0, 0, 0}, true};
    const float x[16] = {1, 2, NAN, 9, 3, 4, 8, 7, -INFINITY, -INFINITY, 1, 2, -INFINITY, -INFINITY, 4, NAN};
    const float dy[4] = {1, 2, 3, 4};
    const float dx[16] = {0, 0, 2, 0, 0, 1, 0, 0, 3, 0, 0, 0, 0, 0, 0, 4};
    struct kernel_case forward = {
        &op_pool2d_def, &a, {SHAPE(1, 4, 4, 1)}, SHAPE(1, 2, 2, 1), 1, {x}, {false}, {false}, 0, 0, 0};
    struct kernel_case backward = {&op_pool2d_grad_def,
                                   &a,
                                   {SHAPE(1, 4, 4, 1), SHAPE(1, 2, 2, 1)},
                                   SHAPE(1, 4, 4, 1),
                                   2,
                                   {x, dy},
                                   {false},
                                   {false},
                                   0,
                                   0,
                                   0};
    (void)context;
    for (int bf16 = 0; bf16 < 2; bf16++) {
        float *y = kernel_result(&forward, bf16), *slope = kernel_result(&backward, bf16);
        assert_true(y[0] == 4 && isnan(y[1]) && y[2] == -INFINITY && isnan(y[3]));
        test_same("gradient of a maximum", slope, dx, 16);
        mem_free(y), mem_free(slope);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pool), cmocka_unit_test(test_nan)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
