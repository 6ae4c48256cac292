/* kernel.h - one kernel of the CPU backend run by hand: prepared, packed, run, compared. */
#ifndef ASSAY_TESTS_CPU_KERNEL_H
#define ASSAY_TESTS_CPU_KERNEL_H

#include "cpu/cpu.h"
#include "support/support.h"

enum { KERNEL_INPUTS = 5 };

struct kernel_case {
    const struct op *op;
    const void *attrs;
    struct shape in[KERNEL_INPUTS], out;
    int inputs;
    const float *data[KERNEL_INPUTS]; /* f32 values of each input */
    bool f32[KERNEL_INPUTS];          /* this input stays f32 in a bf16 run: parameters, statistics */
    bool param[KERNEL_INPUTS];
    uint64_t seed, step, key;
};

/* The output as floats; free it with mem_free. bf16: inputs and output are bf16 but for what stays f32; the output of
 * an op that reduces is f32 all the same. */
float *kernel_result(const struct kernel_case *c, bool bf16);

/* Values in [low, high]; free them with mem_free. `bf16`: only such as bf16 can hold. */
float *kernel_values(struct shape shape, uint64_t seed, double low, double high, bool bf16);

/* Runs the case in f32 with one and two threads, which must give the same bits, and (where `bf16_tolerance` is not 0)
 * in bf16. All are compared with `expected`: |a - b| <= tolerance max(scale, |b|), scale being the root mean square of
 * `expected` (at least 1e-6). */
void kernel_check(const char *what, const struct kernel_case *c, const double *expected, double tolerance,
                  double bf16_tolerance);

#endif
