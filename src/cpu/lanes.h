/* lanes.h - sixteen values at a time in registers, for loops over bf16 maps: going through memory as floats costs them
 * more than their arithmetic does. Vectors of the compiler's, so that one source becomes SSE2, AVX2 and AVX-512 code
 * (HOT). */
#ifndef ASSAY_CPU_LANES_H
#define ASSAY_CPU_LANES_H

#include <stdint.h>

#include "cpu/loops.h"

enum { LANES = 16 };

typedef float lanes __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint32_t lanes_bits __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint16_t lanes_half __attribute__((vector_size(32), aligned(2), may_alias));

INLINE lanes lanes_read(const float *x)
{
    return *(const lanes *)x;
}

INLINE void lanes_write(float *y, lanes x)
{
    *(lanes *)y = x;
}

INLINE lanes lanes_read_bf16(const uint16_t *x)
{
    return (lanes)(__builtin_convertvector(*(const lanes_half *)x, lanes_bits) << 16);
}

/* As loop_float_to_bf16: to nearest, ties to even; a NaN stays one. */
INLINE void lanes_write_bf16(uint16_t *y, lanes x)
{
    lanes_bits bits = (lanes_bits)x, high = bits >> 16;
    lanes_bits nan = (lanes_bits)((bits & 0x7FFFFFFF) > 0x7F800000);
    lanes_bits result = ((high | 0x40) & nan) | (((bits + 0x7FFF + (high & 1)) >> 16) & ~nan);
    *(lanes_half *)y = __builtin_convertvector(result, lanes_half);
}

/* Negative values made zero; a NaN stays. */
INLINE lanes lanes_not_negative(lanes x)
{
    return (lanes)((lanes_bits)x & ~(lanes_bits)(x < 0.0f));
}

INLINE lanes lanes_larger(lanes a, lanes b)
{
    lanes y;
    for (int i = 0; i < LANES; i++) /* one instruction, which comparing and choosing vectors is not */
        y[i] = a[i] > b[i] ? a[i] : b[i];
    return y;
}

/* Across the lanes, in halves: each loop is one instruction. */
#define LANES_ACROSS(x, expression)                                                                                    \
    float x[LANES];                                                                                                    \
    lanes_write(x, values);                                                                                            \
    for (int i = 0, half = 8; i < 8; i++)                                                                              \
        x[i] = (expression);                                                                                           \
    for (int i = 0, half = 4; i < 4; i++)                                                                              \
        x[i] = (expression);                                                                                           \
    for (int i = 0, half = 2; i < 2; i++)                                                                              \
        x[i] = (expression);                                                                                           \
    for (int i = 0, half = 1; i < 1; i++)                                                                              \
        x[i] = (expression);

INLINE float lanes_sum(lanes values)
{
    LANES_ACROSS(x, x[i] + x[i + half])
    return x[0];
}

INLINE float lanes_largest(lanes values)
{
    LANES_ACROSS(x, x[i] > x[i + half] ? x[i] : x[i + half])
    return x[0];
}

/* e^x for x <= 0, as math_exp of elementary.h but for one: below -87 it is 0. A NaN stays. */
INLINE lanes lanes_exp_below(lanes x)
{
    const float to_integer = 0x1.8p23f;
    lanes shifted = x * 1.44269504f + to_integer, n = shifted - to_integer;
    lanes r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
    lanes p = r * 0.00139517173f + 0.00836959841f;
    p = p * r + 0.0416661873f;
    p = p * r + 0.166665129f;
    p = p * r + 0.50000001f;
    p = p * (r * r) + r + 1.0f;
    lanes_bits y = (lanes_bits)p + ((lanes_bits)shifted << 23); /* times 2^n: neither is subnormal */
    return (lanes)(y & ~(lanes_bits)(x < -87.0f));
}

/* x where gate > 0, else 0. */
INLINE lanes lanes_where_positive(lanes gate, lanes x)
{
    return (lanes)((lanes_bits)x & (lanes_bits)(gate > 0.0f));
}

#endif
