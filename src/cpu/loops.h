/* loops.h - what the backend's own loops share: the compiler hints that let one source run as SSE2, AVX2 and AVX-512
 * code, and reading and writing stretches of tensors as floats whatever their element type. */
#ifndef ASSAY_CPU_LOOPS_H
#define ASSAY_CPU_LOOPS_H

#include <stdbool.h>
#include <stdint.h>

#include "graph/tensor.h"

/* A function with a loop worth compiling once for each vector width; the processor picks at load time. Sanitised and
 * clang builds have the plain version only. */
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__) &&                       \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && __GNUC__ >= 12
#define HOT __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define HOT
#endif

/* Must become part of the loop that calls it, so that the loop's instruction set applies. */
#define INLINE static inline __attribute__((always_inline))

#define PRAGMA(x) _Pragma(#x)

/* INDEPENDENT: before a loop whose iterations do not touch each other's elements. An output may be the very same memory
 * as an input (never a shifted one), which the compiler could not rule out. SUMMING: before a loop that sums into the
 * named variables, in as many partial sums as a vector has lanes. clang, which only builds for fuzzing and sanitising,
 * would warn wherever it does not follow. */
#ifdef __clang__
#define INDEPENDENT
#define SUMMING(...)
#else
#define INDEPENDENT PRAGMA(GCC ivdep)
#define SUMMING(...) PRAGMA(omp simd reduction(+ : __VA_ARGS__))
#endif

enum {
    LOOP_CHUNK = 1024,  /* floats that are worked on at a time where they are converted on the way */
    LOOP_GRAIN = 16384, /* elements below which another thread is not worth waking */
};

/* Elements offset .. offset+count-1 as floats: where they lie if they are f32, else converted into `buffer`. Integers
 * are never computed with, only moved (loop_copy). */
const float *loop_read(const struct tensor *t, int64_t offset, int64_t count, float *buffer);

/* Where to compute elements from `offset` on: in place if they are f32, else in `buffer`... */
float *loop_target(const struct tensor *t, int64_t offset, float *buffer);
/* ... and then this puts them there, if they were not computed in place. */
void loop_write(const struct tensor *t, int64_t offset, int64_t count, const float *values);

/* `count` elements from one place to another, converted where the types differ. */
void loop_copy(const struct tensor *to, int64_t to_offset, const struct tensor *from, int64_t from_offset,
               int64_t count);
void loop_zero(const struct tensor *to, int64_t offset, int64_t count);

/* The memory does not overlap. */
void loop_bf16_to_float(float *to, const uint16_t *from, int64_t count);
void loop_float_to_bf16(uint16_t *to, const float *from, int64_t count);

INLINE int64_t int64_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

INLINE int64_t int64_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

INLINE int64_t int64_div_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

#endif
