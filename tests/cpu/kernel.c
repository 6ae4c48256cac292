/* kernel.c - one kernel at a time. */
#include "cpu/kernel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

float *kernel_values(struct shape shape, uint64_t seed, double low, double high, bool bf16)
{
    int64_t count = shape_count(&shape);
    float *data = mem_alloc((size_t)count, sizeof(float));
    assert_non_null(data);
    test_fill(data, count, seed, low, high);
    for (int64_t i = 0; i < count && bf16; i++)
        data[i] = bf16_to_float(bf16_from_float(data[i]));
    return data;
}

/* A copy of the values in the tensor's type. */
static void *copy_of(const float *values, const struct tensor *t)
{
    int64_t count = shape_count(&t->shape);
    char *copy = mem_alloc_aligned((size_t)count * dtype_size(t->dtype));
    assert_non_null(copy);
    for (int64_t i = 0; i < count; i++) {
        uint16_t half = bf16_from_float(values[i]);
        if (t->dtype == DTYPE_BF16)
            memcpy(copy + i * 2, &half, 2);
        else
            memcpy(copy + i * 4, &values[i], 4);
    }
    return copy;
}

float *kernel_result(const struct kernel_case *c, bool bf16)
{
    const struct kernel *kernel = backend_kernel(cpu_backend(), c->op);
    assert_non_null(kernel);
    struct tensor in[KERNEL_INPUTS];
    const void *packed[KERNEL_INPUTS] = {NULL};
    bool f32_out = !bf16 || c->op->precision == PRECISION_F32 || c->op->precision == PRECISION_COMPUTE_F32;
    struct tensor out = {NULL, f32_out ? DTYPE_F32 : DTYPE_BF16, c->out};
    struct kernel_prepared prepared;
    struct assay_error error;
    memset(&prepared, 0, sizeof(prepared));
    for (int i = 0; i < c->inputs; i++)
        in[i] = (struct tensor){NULL, bf16 && !c->f32[i] && !c->param[i] ? DTYPE_BF16 : DTYPE_F32, c->in[i]};
    struct kernel_node described = {.op = c->op,
                                    .name = "test",
                                    .input_count = c->inputs,
                                    .own_count = c->inputs,
                                    .in = in,
                                    .in_is_param = c->param,
                                    .out = out,
                                    .attrs = c->attrs};
    if (kernel->prepare && kernel->prepare(&described, &prepared, &error))
        fail_msg("%s", error.message);
    const float *stored[KERNEL_MAX_INPUTS] = {NULL};
    for (int i = 0; i < c->inputs; i++) {
        in[i].data = copy_of(c->data[i], &in[i]);
        stored[i] = in[i].data;
        void *copy = prepared.pack[i].bytes ? mem_alloc_aligned(prepared.pack[i].bytes) : NULL;
        if (copy)
            kernel->pack(prepared.state, i, stored, copy);
        packed[i] = copy;
    }
    int64_t count = shape_count(&c->out);
    size_t bytes = (size_t)count * dtype_size(out.dtype);
    out.data = mem_alloc_aligned(bytes);
    void *scratch = mem_alloc_aligned(prepared.scratch_bytes);
    float *result = mem_alloc((size_t)count, sizeof(float));
    assert_true(out.data && scratch && result);
    memset(out.data, 0xFF, bytes); /* what is left over shows as NaN */
    memset(scratch, 0xFF, prepared.scratch_bytes);
    struct kernel_call call = {.input_count = c->inputs,
                               .in = in,
                               .packed = packed,
                               .out = out,
                               .attrs = c->attrs,
                               .state = prepared.state,
                               .scratch = scratch,
                               .seed = c->seed,
                               .step = c->step,
                               .random_key = c->key};
    kernel->run(&call);
    for (int64_t i = 0; i < count; i++)
        result[i] = out.dtype == DTYPE_BF16 ? bf16_to_float(((uint16_t *)out.data)[i]) : ((float *)out.data)[i];
    for (int i = 0; i < c->inputs; i++) {
        mem_free(in[i].data);
        mem_free((void *)packed[i]);
    }
    mem_free(out.data);
    mem_free(scratch);
    if (kernel->release)
        kernel->release(prepared.state);
    return result;
}

static void compare(const char *what, const float *actual, const double *expected, int64_t count, double tolerance)
{
    double squares = 0.0;
    for (int64_t i = 0; i < count; i++)
        squares += expected[i] * expected[i];
    double scale = sqrt(squares / (double)count);
    for (int64_t i = 0; i < count; i++) {
        double allowed = tolerance * fmax(fmax(scale, 1e-6), fabs(expected[i]));
        if (!(fabs(actual[i] - expected[i]) <= allowed))
            fail_msg("%s: [%lld] is %.9g, expected %.9g", what, (long long)i, actual[i], expected[i]);
    }
}

void kernel_check(const char *what, const struct kernel_case *c, const double *expected, double tolerance,
                  double bf16_tolerance)
{
    int64_t count = shape_count(&c->out);
    test_set_threads(1);
    float *one = kernel_result(c, false);
    test_set_threads(2);
    float *two = kernel_result(c, false);
    compare(what, one, expected, count, tolerance);
    test_same(what, one, two, count);
    mem_free(one);
    mem_free(two);
    if (bf16_tolerance > 0.0) {
        float *half = kernel_result(c, true);
        compare(what, half, expected, count, bf16_tolerance);
        mem_free(half);
    }
}
