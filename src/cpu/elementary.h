/* elementary.h - elementary functions that vectorise: short polynomials without branches or calls, within two or three
 * units in the last place of the exact value. Fitted by tools of our own in relative error (Lawson's iteration). */
#ifndef ASSAY_CPU_ELEMENTARY_H
#define ASSAY_CPU_ELEMENTARY_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "cpu/loops.h"

INLINE float math_from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

INLINE uint32_t math_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

/* e^x = 2^n e^r with |r| <= log(2) / 2. */
INLINE float math_exp(float x)
{
    x = x > 89.0f ? 89.0f : x; /* overflows to infinity below; a NaN passes both */
    x = x < -105.0f ? -105.0f : x;
    const float to_integer = 0x1.8p23f;
    float shifted = x * 1.44269504f + to_integer, n = shifted - to_integer;
    float r = (x - n * 0.693359375f) - n * -2.12194440e-4f; /* log(2) in two parts, the first exact in products */
    float p = 0.00139517173f;
    p = p * r + 0.00836959841f;
    p = p * r + 0.0416661873f;
    p = p * r + 0.166665129f;
    p = p * r + 0.50000001f;
    p = p * (r * r) + r + 1.0f;
    /* 2^n in two factors, since n reaches from -151 to 128 */
    int32_t power = (int32_t)(math_bits(shifted) - math_bits(to_integer)), half = power / 2;
    return p * math_from_bits((uint32_t)(half + 127) << 23) * math_from_bits((uint32_t)(power - half + 127) << 23);
}

/* log(1 + f) + exponent log(2), -0.293 <= f <= 0.4143. */
INLINE float math_log_near(float f, float exponent)
{
    float p = 0.0674660133f;
    p = p * f + -0.116756413f;
    p = p * f + 0.118881746f;
    p = p * f + -0.124055914f;
    p = p * f + 0.142195509f;
    p = p * f + -0.166679957f;
    p = p * f + 0.200021187f;
    p = p * f + -0.250000096f;
    p = p * f + 0.333333126f;
    float f2 = f * f;
    float low = p * f2 * f + exponent * -2.12194440e-4f - 0.5f * f2;
    return f + low + exponent * 0.693359375f;
}

INLINE float math_log(float x)
{
    float scaled = x < 0x1p-126f ? x * 0x1p24f : x; /* subnormal numbers */
    uint32_t bits = math_bits(scaled);
    /* the exponent for which the mantissa lies in sqrt(1/2) .. sqrt(2) */
    int32_t exponent = (int32_t)(bits - 0x3F3504F3u) >> 23;
    float mantissa = math_from_bits(bits - ((uint32_t)exponent << 23));
    float y = math_log_near(mantissa - 1.0f, (float)exponent - (x < 0x1p-126f ? 24.0f : 0.0f));
    y = x == 0.0f ? -INFINITY : y;
    y = x < 0.0f ? NAN : y;
    return x < INFINITY ? y : x; /* infinity and NaN stay */
}

/* log(1 + e), 0 <= e <= 1. */
INLINE float math_log1p_unit(float e)
{
    return e > 0.4142f ? math_log_near(0.5f * (e - 1.0f), 1.0f) : math_log_near(e, 0.0f);
}

INLINE float math_softplus(float x)
{
    float e = math_exp(x < 0.0f ? x : -x);
    return (x > 0.0f ? x : 0.0f) + (x == x ? math_log1p_unit(e) : x);
}

INLINE float math_sigmoid(float x)
{
    float e = math_exp(x < 0.0f ? x : -x); /* never overflows, so that a small result keeps its digits */
    return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

INLINE float math_tanh(float x)
{
    float x2 = x * x, p = 0.00206466709f;
    p = p * x2 + -0.00809197087f;
    p = p * x2 + 0.0216663482f;
    p = p * x2 + -0.0539405635f;
    p = p * x2 + 0.133331579f;
    p = p * x2 + -0.333333296f;
    float size = x < 0.0f ? -x : x;
    float large = 1.0f - 2.0f / (math_exp(2.0f * size) + 1.0f);
    large = x < 0.0f ? -large : large;
    return size < 0.65f ? x + x * x2 * p : large;
}

/* exp(-x^2 / 2), keeping its digits where the exponent is large: x = high + low, high^2 exact. */
INLINE float math_gauss(float x)
{
    float high = math_from_bits(math_bits(x) & 0xFFFFF000u);
    float e = -0.5f * (x - high) * (x + high);
    return math_exp(-0.5f * high * high) * (1.0f + e * (1.0f + e * (0.5f + e * 0.166666667f)));
}

/* Phi(x), the standard normal distribution, given gauss = exp(-x^2 / 2): the tail is gauss times a smooth function of
 * s = (|x| - 2.5) / (|x| + 2.5), over |x| + 2.5. */
INLINE float math_phi(float x, float gauss)
{
    float u = x < 0.0f ? -x : x, w = 1.0f / (u + 2.5f), s = (u - 2.5f) * w;
    float p = -0.000156732944f;
    p = p * s + -0.000309925129f;
    p = p * s + 0.000684283677f;
    p = p * s + 0.00252252582f;
    p = p * s + -0.001601132f;
    p = p * s + -0.0163858265f;
    p = p * s + 0.0092359637f;
    p = p * s + 0.13198695f;
    p = p * s + -0.433692017f;
    p = p * s + 0.70665666f;
    float tail = gauss * p * w;
    tail = u > 14.5f ? 0.0f : tail;
    return x < 0.0f ? tail : 1.0f - tail;
}

INLINE float math_gelu(float x)
{
    float bounded = x < -15.0f ? -15.0f : x; /* -infinity times 0 would be NaN; an infinite x^2 - high^2 as well */
    float u = bounded > 15.0f ? 15.0f : bounded;
    float y = bounded * math_phi(u, math_gauss(u));
    return y;
}

INLINE float math_gelu_grad(float x)
{
    float u = x < -15.0f ? -15.0f : x;
    u = u > 15.0f ? 15.0f : u;
    float gauss = math_gauss(u);
    return math_phi(u, gauss) + u * gauss * 0.398942280f;
}

#endif
