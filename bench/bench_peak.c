/* bench_peak.c - what this machine's cores could do at most, measured: multiply-adds that stay in registers, f32 and
 * bf16, and reading memory. CSV; what other figures are shares of.
 *
 *     bench_peak      with OMP_NUM_THREADS threads */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "cpu/dnnl.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#include <immintrin.h>
#define HAS_LOOPS 1
#else
#define HAS_LOOPS 0
#endif

enum { ROUNDS = 20000000, RUNS = 5 };

static volatile float sink;

#if HAS_LOOPS

/* Twelve independent sums: more than latency times the units. */
#define TWELVE(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)

__attribute__((target("avx512f"))) static void f32_512(void *context, int64_t begin, int64_t end, int thread)
{
    (void)context, (void)begin, (void)end, (void)thread;
    __m512 a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(1e-3f);
#define DECLARE(i) __m512 s##i = _mm512_set1_ps((float)i);
#define STEP(i) s##i = _mm512_fmadd_ps(s##i, a, b);
    TWELVE(DECLARE)
    for (int k = 0; k < ROUNDS; k++) {
        TWELVE(STEP)
        __asm__ volatile("" : "+v"(a), "+v"(b));
    }
#define FOLD(i) a = _mm512_add_ps(a, s##i);
    TWELVE(FOLD)
    sink = _mm512_reduce_add_ps(a);
#undef DECLARE
#undef STEP
#undef FOLD
}

__attribute__((target("avx512f,avx512bf16"))) static void bf16_512(void *context, int64_t begin, int64_t end,
                                                                   int thread)
{
    (void)context, (void)begin, (void)end, (void)thread;
    __m512 zero = _mm512_setzero_ps(), total = zero;
    __m512bh a = _mm512_cvtne2ps_pbh(zero, zero), b = a;
#define DECLARE(i) __m512 s##i = _mm512_set1_ps((float)i);
#define STEP(i) s##i = _mm512_dpbf16_ps(s##i, a, b);
#define FOLD(i) total = _mm512_add_ps(total, s##i);
    TWELVE(DECLARE)
    for (int k = 0; k < ROUNDS; k++) {
        TWELVE(STEP)
        __asm__ volatile("" : "+v"(a), "+v"(b));
    }
    TWELVE(FOLD)
    sink = _mm512_reduce_add_ps(total);
#undef DECLARE
#undef STEP
#undef FOLD
}

__attribute__((target("avx2,fma"))) static void f32_256(void *context, int64_t begin, int64_t end, int thread)
{
    (void)context, (void)begin, (void)end, (void)thread;
    __m256 a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(1e-3f);
#define DECLARE(i) __m256 s##i = _mm256_set1_ps((float)i);
#define STEP(i) s##i = _mm256_fmadd_ps(s##i, a, b);
#define FOLD(i) a = _mm256_add_ps(a, s##i);
    TWELVE(DECLARE)
    for (int k = 0; k < ROUNDS; k++) {
        TWELVE(STEP)
        __asm__ volatile("" : "+x"(a), "+x"(b));
    }
    TWELVE(FOLD)
    sink = a[0];
}

/* `flops` in one round of one thread. */
static void compute(const char *name, parallel_body *loop, double flops)
{
    double best = 0.0;
    int threads = parallel_threads();
    for (int run = 0; run < RUNS; run++) {
        double start = clock_seconds();
        parallel_for(threads, 1, loop, NULL);
        double rate = flops * ROUNDS * threads / (clock_seconds() - start);
        best = rate > best ? rate : best;
    }
    printf("%s,%d,%.1f,GFLOP/s\n", name, threads, best * 1e-9);
}

#endif

struct memory_job {
    const uint64_t *data;
    int64_t count;
};

static void read_memory(void *context, int64_t begin, int64_t end, int thread)
{
    const struct memory_job *job = context;
    uint64_t sum = 0;
    (void)thread;
    for (int64_t i = begin; i < end; i++)
        sum += job->data[i];
    sink = (float)sum;
}

static void memory(void)
{
    struct memory_job job = {.count = 1 << 26};
    uint64_t *data = mem_alloc((size_t)job.count, sizeof *data);
    double best = 0.0;
    if (!data)
        return;
    for (int64_t i = 0; i < job.count; i++)
        data[i] = (uint64_t)i;
    job.data = data;
    for (int run = 0; run < RUNS; run++) {
        double start = clock_seconds();
        parallel_for(job.count, 1 << 20, read_memory, &job);
        double rate = (double)job.count * sizeof *data / (clock_seconds() - start);
        best = rate > best ? rate : best;
    }
    printf("read memory,%d,%.1f,GB/s\n", parallel_threads(), best * 1e-9);
    mem_free(data);
}

int main(void)
{
    puts("what,threads,best,unit");
#if HAS_LOOPS
    enum { SUMS = 12 };
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        compute("f32 AVX2", f32_256, SUMS * 8 * 2);
    if (__builtin_cpu_supports("avx512f"))
        compute("f32 AVX-512", f32_512, SUMS * 16 * 2);
    if (onednn_has_bf16())
        compute("bf16 AVX-512", bf16_512, SUMS * 32 * 2);
#endif
    memory();
    return EXIT_SUCCESS;
}
