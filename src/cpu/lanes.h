/* lanes.h - sixteen values at a time in registers, for loops over bf16 maps: going through memory as floats costs them more
 * than their arithmetic does. Vectors of the compiler's, so that one source becomes SSE2, AVX2 and AVX-512 code (HOT). */
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

/* x where gate > 0, else 0. */
INLINE lanes lanes_where_positive(lanes gate, lanes x)
{
    return (lanes)((lanes_bits)x & (lanes_bits)(gate > 0.0f));
}

#endif
