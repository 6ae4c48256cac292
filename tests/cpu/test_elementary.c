/* test_elementary.c - the vectorised elementary functions against the C library's in double precision, in units in the
 * last place; and the conversions to and from bf16 against those of tensor.h. */
#include "support/support.h"

#include <math.h>

#include "base/memory.h"
#include "cpu/elementary.h"
#include "cpu/lanes.h"

static double phi(double x)
{
    return 0.5 * erfc(-x / sqrt(2.0));
}

static double gelu(double x)
{
    return x * phi(x);
}

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

static double softplus(double x)
{
    return x > 0.0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double gelu_grad(double x)
{
    return phi(x) + x * exp(-0.5 * x * x) * 0.39894228040143267794;
}

#define FUNCTION(name)                                                                                                 \
    static float float_##name(float x)                                                                                 \
    {                                                                                                                  \
        return math_##name(x);                                                                                         \
    }

FUNCTION(exp)
FUNCTION(log)
FUNCTION(softplus)
FUNCTION(sigmoid)
FUNCTION(tanh)
FUNCTION(gelu)
FUNCTION(gelu_grad)

static double ulps(float actual, double expected)
{
    int exponent;
    if ((double)actual == expected)
        return 0.0;
    frexp(expected, &exponent);
    return fabs(actual - expected) / fmax(ldexp(1.0, exponent - 24), 0x1p-149);
}

static void test_accuracy(void **context)
{
    static const struct {
        const char *name;
        float (*actual)(float);
        double (*expected)(double);
        double low, high, ulps;
    } table[] = {
        {"exp", float_exp, exp, -103.9, 88.7, 2},
        {"exp", float_exp, exp, -1, 1, 1.5},
        {"log", float_log, log, 1e-40, 1e-37, 1.5},
        {"log", float_log, log, 0.5, 2, 1.5},
        {"log", float_log, log, 2, 1e30, 1.5},
        {"softplus", float_softplus, softplus, -100, 100, 3},
        {"softplus", float_softplus, softplus, -2, 2, 3},
        {"sigmoid", float_sigmoid, sigmoid, -87, 100, 4},
        {"tanh", float_tanh, tanh, -10, 10, 3},
        {"tanh", float_tanh, tanh, -1, 1, 3},
        {"gelu", float_gelu, gelu, -13, 10, 24},
        {"gelu", float_gelu, gelu, -1, 1, 12},
        {"gelu'", float_gelu_grad, gelu_grad, -13, -1, 40},
        {"gelu'", float_gelu_grad, gelu_grad, -0.5, 8, 24},
    };
    enum { STEPS = 100000 };
    (void)context;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        for (int step = 0; step <= STEPS; step++) {
            float x = (float)(table[i].low + (table[i].high - table[i].low) * step / STEPS);
            double off = ulps(table[i].actual(x), table[i].expected((double)x));
            if (!(off <= table[i].ulps))
                fail_msg("%s(%.9g) = %.9g is off by %.1f units", table[i].name, x, table[i].actual(x), off);
        }
    }
}

static void test_extremes(void **context)
{
    (void)context;
    assert_true(isinf(float_exp(INFINITY)) && float_exp(-INFINITY) == 0.0f && isnan(float_exp(NAN)));
    assert_true(isinf(float_exp(88.8f)) && float_exp(-104.5f) == 0.0f);
    assert_true(float_log(0.0f) == -INFINITY && isnan(float_log(-1.0f)) && isinf(float_log(INFINITY)));
    assert_true(isnan(float_log(NAN)) && float_log(1.0f) == 0.0f);
    assert_true(isinf(float_softplus(INFINITY)) && float_softplus(-INFINITY) == 0.0f && isnan(float_softplus(NAN)));
    assert_true(float_sigmoid(INFINITY) == 1.0f && float_sigmoid(-INFINITY) == 0.0f && isnan(float_sigmoid(NAN)));
    assert_true(float_tanh(INFINITY) == 1.0f && float_tanh(-INFINITY) == -1.0f && isnan(float_tanh(NAN)));
    assert_true(isinf(float_gelu(INFINITY)) && float_gelu(-INFINITY) == 0.0f && isnan(float_gelu(NAN)));
    assert_true(float_gelu_grad(INFINITY) == 1.0f && float_gelu_grad(-INFINITY) == 0.0f && isnan(float_gelu_grad(NAN)));
}

/* Every bf16 pattern, and roundings of floats in between. */
static void test_bf16(void **context)
{
    enum { ALL = 1 << 16 };
    uint16_t *halves = mem_alloc(ALL, sizeof(*halves));
    float *floats = mem_alloc(ALL, sizeof(*floats));
    (void)context;
    assert_true(halves && floats);
    for (int i = 0; i < ALL; i++)
        halves[i] = (uint16_t)i;
    loop_bf16_to_float(floats, halves, ALL);
    for (int i = 0; i < ALL; i++)
        assert_int_equal(math_bits(floats[i]), (uint32_t)i << 16);
    for (uint32_t low = 0; low < ALL; low += 0x1555) { /* above, below and at ties */
        for (int tie = 0; tie < 2; tie++) {
            for (int i = 0; i < ALL; i++)
                floats[i] = math_from_bits((uint32_t)i << 16 | (tie ? 0x8000 : low));
            loop_float_to_bf16(halves, floats, ALL);
            for (int i = 0; i < ALL; i++)
                assert_int_equal(halves[i], bf16_from_float(floats[i]));
        }
    }
    mem_free(halves);
    mem_free(floats);
}

/* The exponential of attention: for arguments down from 0, sixteen at once. */
static void test_exp_below(void **context)
{
    double worst = 0;
    (void)context;
    for (int64_t i = 0; i <= 87 * 4096; i += LANES) {
        float x[LANES], y[LANES];
        for (int k = 0; k < LANES; k++)
            x[k] = -(float)(i + k) / 4096;
        lanes_write(y, lanes_exp_below(lanes_read(x)));
        for (int k = 0; k < LANES && x[k] >= -87; k++)
            worst = fmax(worst, ulps(y[k], exp((double)x[k])));
    }
    if (worst > 2)
        fail_msg("%.2f units in the last place", worst);
    float ends[LANES] = {-0.0f, -87.1f, -1e30f, -INFINITY, NAN, -1e-30f}, y[LANES];
    lanes_write(y, lanes_exp_below(lanes_read(ends)));
    const float expected[] = {1, 0, 0, 0};
    test_same("exp", y, expected, 4);
    assert_true(y[4] != y[4]);
    assert_true(y[5] == 1);
}

/* Sums and maxima across the lanes, whichever lane holds what counts. */
static void test_across(void **context)
{
    (void)context;
    for (int i = 0; i < LANES; i++) {
        float x[LANES];
        for (int k = 0; k < LANES; k++)
            x[k] = k == i ? 5 : -(float)k;
        assert_true(lanes_largest(lanes_read(x)) == 5);
        assert_true(lanes_sum(lanes_read(x)) == 5 - LANES * (LANES - 1) / 2 + (float)i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_accuracy), cmocka_unit_test(test_extremes),
                                       cmocka_unit_test(test_bf16), cmocka_unit_test(test_exp_below),
                                       cmocka_unit_test(test_across)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
