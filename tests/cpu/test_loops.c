/* test_loops.c - elementwise work, reductions, softmax, moves and fills at sizes where the kernels cut them up: several
 * chunks, periods that do not fit a chunk, several parts, columns beside columns, left-over rows. */
#include "cpu/kernel.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/random.h"

static double *doubles(int64_t count)
{
    double *data = mem_alloc((size_t)count, sizeof(*data));
    assert_non_null(data);
    return data;
}

/* --- broadcasting ------------------------------------------------------------------------------------------------- */

/* Offset in `s` of element i of the larger shape. */
static int64_t broadcast_offset(const struct shape *s, const struct shape *out, int64_t i)
{
    int64_t offset = 0, stride = 1;
    for (int axis = 0; axis < out->rank; axis++) {
        int at = out->rank - 1 - axis, own = s->rank - 1 - axis;
        if (own >= 0) {
            offset += s->dim[own] == 1 ? 0 : i % out->dim[at] * stride;
            stride *= s->dim[own];
        }
        i /= out->dim[at];
    }
    return offset;
}

static void check_broadcast(struct shape a, struct shape b)
{
    struct shape out;
    char text[2][SHAPE_TEXT], what[2 * SHAPE_TEXT + 16];
    assert_true(shape_broadcast(&a, &b, &out));
    snprintf(what, sizeof(what), "%s - %s", shape_text(&a, text[0]), shape_text(&b, text[1]));
    const struct binary_attrs attrs = {BINARY_SUB};
    float *x = kernel_values(a, 1, -1, 1, true), *y = kernel_values(b, 2, -1, 1, true);
    struct kernel_case c = {&op_binary_def, &attrs, {a, b}, out, 2, {x, y}, {false}, {false}, 0, 0, 0};
    double *expected = doubles(shape_count(&out));
    for (int64_t i = 0; i < shape_count(&out); i++)
        expected[i] = (double)x[broadcast_offset(&a, &out, i)] - (double)y[broadcast_offset(&b, &out, i)];
    kernel_check(what, &c, expected, 1e-6, 5e-3);
    mem_free(x);
    mem_free(y);
    mem_free(expected);
}

static void test_broadcast(void **context)
{
    (void)context;
    check_broadcast(SHAPE(30, 40, 50), SHAPE(30, 40, 50));
    check_broadcast(SHAPE(7000, 3), SHAPE(3));
    check_broadcast(SHAPE(3), SHAPE(7000, 3));
    check_broadcast(SHAPE(40, 700), SHAPE(700));
    check_broadcast(SHAPE(40, 1500), SHAPE(1500));
    check_broadcast(SHAPE(60, 30, 21), SHAPE(1, 30, 21));
    check_broadcast(SHAPE(60, 30, 21), SHAPE(30, 1));
    check_broadcast(SHAPE(60, 1, 21), SHAPE(1, 300, 1));
    check_broadcast(SHAPE(40000), SHAPE_SCALAR);
    check_broadcast(SHAPE(20, 1, 40, 1, 3), SHAPE(30, 1, 2, 1));
    check_broadcast(SHAPE(5000, 1), SHAPE(1, 7));
}

/* Three inputs: periods within a chunk and beyond it, long ones before short ones. */
static void check_select(struct shape condition, struct shape a, struct shape b, struct shape out)
{
    struct shape in[3] = {condition, a, b};
    float *data[3];
    double *expected = doubles(shape_count(&out));
    for (int i = 0; i < 3; i++)
        data[i] = kernel_values(in[i], (uint64_t)i, -1, 1, true);
    for (int64_t i = 0; i < shape_count(&in[0]); i += 5)
        data[0][i] = 0.0f;
    struct kernel_case c = {
        &op_select_def, NULL, {in[0], in[1], in[2]}, out, 3, {data[0], data[1], data[2]}, {false}, {false}, 0, 0, 0};
    for (int64_t i = 0; i < shape_count(&out); i++)
        expected[i] = data[0][broadcast_offset(&in[0], &out, i)] != 0.0f ? data[1][broadcast_offset(&in[1], &out, i)]
                                                                         : data[2][broadcast_offset(&in[2], &out, i)];
    kernel_check("select", &c, expected, 0, 1e-9);
    for (int i = 0; i < 3; i++)
        mem_free(data[i]);
    mem_free(expected);
}

static void test_periods(void **context)
{
    (void)context;
    check_select(SHAPE(97, 89), SHAPE(89), SHAPE(10, 97, 89), SHAPE(10, 97, 89));
    check_select(SHAPE(33, 3), SHAPE(3), SHAPE(200, 33, 3), SHAPE(200, 33, 3));
    check_select(SHAPE(3), SHAPE(33, 3), SHAPE(200, 33, 1), SHAPE(200, 33, 3));
}

/* --- reductions --------------------------------------------------------------------------------------------------- */

static void check_reduce(struct shape in, uint32_t axes, enum reduce_kind kind)
{
    struct shape out = {0};
    int64_t all = shape_count(&in), kept = 1;
    char text[SHAPE_TEXT], what[SHAPE_TEXT + 64];
    for (int axis = 0; axis < in.rank; axis++) {
        if (!(axes & REDUCE_AXIS(axis))) {
            out.dim[out.rank++] = in.dim[axis];
            kept *= in.dim[axis];
        }
    }
    snprintf(what, sizeof(what), "reduction %d of axes %x of %s", (int)kind, (unsigned)axes, shape_text(&in, text));
    const struct reduce_attrs attrs = {kind, axes, false};
    float *x = kernel_values(in, 3, -1, 2, true);
    struct kernel_case c = {&op_reduce_def, &attrs, {in}, out, 1, {x}, {false}, {false}, 0, 0, 0};
    double *expected = doubles(kept);
    for (int64_t i = 0; i < kept; i++)
        expected[i] = kind == REDUCE_MAX ? -INFINITY : 0.0;
    for (int64_t i = 0; i < all; i++) {
        int64_t rest = i, at = 0, stride = 1;
        for (int axis = in.rank - 1; axis >= 0; axis--) {
            if (!(axes & REDUCE_AXIS(axis))) {
                at += rest % in.dim[axis] * stride;
                stride *= in.dim[axis];
            }
            rest /= in.dim[axis];
        }
        expected[at] = kind == REDUCE_MAX ? fmax(expected[at], x[i]) : expected[at] + x[i];
    }
    for (int64_t i = 0; i < kept && kind == REDUCE_MEAN; i++)
        expected[i] /= (double)(all / kept);
    kernel_check(what, &c, expected, kind == REDUCE_MAX ? 0 : 1e-6, kind == REDUCE_MAX ? 1e-9 : 1e-6);
    mem_free(x);
    mem_free(expected);
}

static void test_reduce(void **context)
{
    static const enum reduce_kind kinds[] = {REDUCE_SUM, REDUCE_MEAN, REDUCE_MAX};
    (void)context;
    for (int k = 0; k < 3; k++) {
        check_reduce(SHAPE(100003), 1, kinds[k]);
        check_reduce(SHAPE(50, 3001), 2, kinds[k]);
        check_reduce(SHAPE(3, 40001), 2, kinds[k]);
        check_reduce(SHAPE(70001, 3), 1, kinds[k]);
        check_reduce(SHAPE(3001, 50), 1, kinds[k]);
        check_reduce(SHAPE(900, 300), 1, kinds[k]);
        check_reduce(SHAPE(4, 500, 100), 2, kinds[k]);
        check_reduce(SHAPE(2, 30000, 5), 2, kinds[k]);
        check_reduce(SHAPE(30, 50, 60), 5, kinds[k]);
        check_reduce(SHAPE(8, 9, 10, 11, 12), 21, kinds[k]);
        check_reduce(SHAPE(8, 9, 10, 11, 12), 10, kinds[k]);
        check_reduce(SHAPE(9000, 3, 2), 2, kinds[k]);
        check_reduce(SHAPE(9000, 3), 2, kinds[k]);
        check_reduce(SHAPE(40, 50), 0, kinds[k]);
    }
}

static void check_softmax(int64_t rows, int64_t length, bool take_log)
{
    struct shape s = SHAPE(rows, length);
    float *x = kernel_values(s, 4, -5, 5, true);
    struct kernel_case c = {
        take_log ? &op_log_softmax_def : &op_softmax_def, NULL, {s}, s, 1, {x}, {false}, {false}, 0, 0, 0};
    double *expected = doubles(rows * length);
    char what[64];
    snprintf(what, sizeof(what), "softmax of %lld", (long long)length);
    for (int64_t row = 0; row < rows; row++) {
        double sum = 0.0;
        for (int64_t i = 0; i < length; i++)
            sum += exp(x[row * length + i]);
        for (int64_t i = 0; i < length; i++)
            expected[row * length + i] = take_log ? x[row * length + i] - log(sum) : exp(x[row * length + i]) / sum;
    }
    kernel_check(what, &c, expected, 2e-6, 2e-6); /* softmax gives f32 whatever comes in */
    mem_free(x);
    mem_free(expected);
}

static void test_softmax(void **context)
{
    static const int64_t lengths[] = {1, 2, 31, 33, 197, 1023, 1024, 1025, 5000};
    (void)context;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        check_softmax(1 + 20000 / lengths[i], lengths[i], false);
        check_softmax(1 + 20000 / lengths[i], lengths[i], true);
    }
}

/* --- moves -------------------------------------------------------------------------------------------------------- */

static void test_permute(void **context)
{
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    static const int64_t sizes[3][3] = {{37, 70, 129}, {300, 50, 3}, {2, 17, 1000}};
    (void)context;
    for (int k = 0; k < 18; k++) {
        const int *order = orders[k % 6];
        const int64_t *d = sizes[k / 6];
        struct shape in = SHAPE(d[0], d[1], d[2]), out = SHAPE(d[order[0]], d[order[1]], d[order[2]]);
        struct permute_attrs attrs = {{order[0], order[1], order[2]}};
        float *x = kernel_values(in, 5, -1, 1, true);
        double *expected = doubles(shape_count(&out));
        const int64_t stride[3] = {d[1] * d[2], d[2], 1};
        for (int64_t i = 0; i < shape_count(&out); i++)
            expected[i] = x[i / (out.dim[1] * out.dim[2]) * stride[order[0]] +
                            i / out.dim[2] % out.dim[1] * stride[order[1]] + i % out.dim[2] * stride[order[2]]];
        struct kernel_case c = {&op_permute_def, &attrs, {in}, out, 1, {x}, {false}, {false}, 0, 0, 0};
        kernel_check("permute", &c, expected, 0, 1e-9);
        mem_free(x);
        mem_free(expected);
    }
}

/* Runs of 1, 2, 3, 4, 7 and 40 elements side by side, then each cut out again. */
static void test_concat_slice(void **context)
{
    static const int64_t widths[] = {3, 1, 7, 40, 4};
    enum { PARTS = 5, ROWS = 2111, WIDTH = 55 };
    (void)context;
    struct concat_attrs attrs = {1};
    struct kernel_case c = {
        &op_concat_def, &attrs, {{0}}, SHAPE(ROWS, WIDTH), PARTS, {NULL}, {false}, {false}, 0, 0, 0};
    double *expected = doubles(ROWS * WIDTH);
    for (int64_t part = 0, begin = 0; part < PARTS; begin += widths[part++]) {
        c.in[part] = SHAPE(ROWS, widths[part]);
        c.data[part] = kernel_values(c.in[part], (uint64_t)part, -1, 1, true);
        for (int64_t i = 0; i < ROWS * widths[part]; i++)
            expected[i / widths[part] * WIDTH + begin + i % widths[part]] = c.data[part][i];
    }
    kernel_check("concat", &c, expected, 0, 1e-9);
    float *whole = kernel_result(&c, false);
    for (int64_t part = 0, begin = 0; part < PARTS; begin += widths[part++]) {
        struct slice_attrs cut = {{5, begin}, {ROWS - 9, widths[part]}, {1, 1}};
        struct shape out = SHAPE(ROWS - 9, widths[part]);
        struct kernel_case s = {&op_slice_def, &cut, {c.out}, out, 1, {whole}, {false}, {false}, 0, 0, 0};
        for (int64_t i = 0; i < shape_count(&out); i++)
            expected[i] = c.data[part][5 * widths[part] + i];
        kernel_check("slice", &s, expected, 0, 1e-9);
        mem_free((void *)c.data[part]);
    }
    mem_free(whole);
    mem_free(expected);
}

static void test_pad(void **context)
{
    (void)context;
    struct shape in = SHAPE(3, 40, 50, 3), out = SHAPE(3, 43, 53, 3);
    struct pad_attrs attrs = {{0, 1, 3, 0}, {0, 2, 0, 0}, {0}};
    float *x = kernel_values(in, 6, -1, 1, true);
    double *expected = doubles(shape_count(&out));
    for (int64_t i = 0; i < shape_count(&in); i++) {
        int64_t pixel = i / 3, row = pixel / 50;
        expected[((row / 40 * 43 + row % 40 + 1) * 53 + pixel % 50 + 3) * 3 + i % 3] = x[i];
    }
    struct kernel_case c = {&op_pad_def, &attrs, {in}, out, 1, {x}, {false}, {false}, 0, 0, 0};
    kernel_check("pad", &c, expected, 0, 1e-9);
    mem_free(x);
    mem_free(expected);
}

static void test_random(void **context)
{
    (void)context;
    for (int kind = 0; kind < 2; kind++) {
        struct random_attrs attrs = {kind ? RANDOM_NORMAL : RANDOM_UNIFORM, SHAPE(5003)};
        struct kernel_case c = {&op_random_def, &attrs,  {{0}}, attrs.shape, 0,      {NULL},
                                {false},        {false}, 77,    5,           1234567};
        double *expected = doubles(5004);
        for (int64_t i = 0; i < 5004; i += 4) {
            uint32_t words[4];
            float pair[4];
            random_at(77 ^ 1234567, (uint64_t)i / 4, 5, words);
            random_words_normal(words[0], words[1], pair);
            random_words_normal(words[2], words[3], pair + 2);
            for (int word = 0; word < 4; word++)
                expected[i + word] = kind ? pair[word] : random_word_uniform(words[word]);
        }
        kernel_check("random", &c, expected, kind ? 1e-6 : 0, 5e-3);
        mem_free(expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broadcast), cmocka_unit_test(test_periods), cmocka_unit_test(test_reduce),
        cmocka_unit_test(test_softmax),   cmocka_unit_test(test_permute), cmocka_unit_test(test_concat_slice),
        cmocka_unit_test(test_pad),       cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
