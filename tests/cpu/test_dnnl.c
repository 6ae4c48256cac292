/* test_dnnl.c - what the work given to oneDNN promises beside its result: packed weights are shared exactly where they
 * are alike, several threads run one primitive, and the usual shapes find a fast implementation. */
#include "cpu/kernel.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cpu/dnnl.h"

struct prepared_conv {
    const struct kernel *kernel;
    struct kernel_prepared prepared;
    struct conv_attrs attrs;
    struct tensor in[2], out;
};

/* A convolution (or the gradient of its input) of a picture of the given side, 3 x 3. */
static struct prepared_conv prepare_conv(const struct op *op, int64_t side, int64_t in, int64_t out, enum dtype dtype,
                                         bool param)
{
    struct prepared_conv p = {.kernel = backend_kernel(cpu_backend(), op), .attrs = conv_square(1, 1)};
    bool gradient = op == &op_conv2d_input_grad_def;
    struct shape x = SHAPE(2, side, side, in), y = SHAPE(2, side, side, out), w = SHAPE(out, in, 3, 3);
    const bool is_param[2] = {gradient && param, !gradient && param};
    struct assay_error error;
    p.attrs.shape = x;
    p.in[gradient] = (struct tensor){NULL, dtype, gradient ? y : x};
    p.in[!gradient] = (struct tensor){NULL, param ? DTYPE_F32 : dtype, w};
    p.out = (struct tensor){NULL, dtype, gradient ? x : y};
    struct kernel_node described = {.op = op,
                                    .name = "test",
                                    .input_count = 2,
                                    .own_count = 2,
                                    .in = p.in,
                                    .in_is_param = is_param,
                                    .out = p.out,
                                    .attrs = &p.attrs};
    if (p.kernel->prepare(&described, &p.prepared, &error))
        fail_msg("%s", error.message);
    return p;
}

static void release(struct prepared_conv *p)
{
    p->kernel->release(p->prepared.state);
}

static void test_packing(void **context)
{
    float *w = kernel_values(SHAPE(40, 24, 3, 3), 1, -1, 1, false);
    (void)context;
    enum { MOST = 6 };
    struct prepared_conv all[MOST];
    int weight[MOST], count = 0;
    all[count] = prepare_conv(&op_conv2d_def, 16, 24, 40, DTYPE_F32, true), weight[count++] = 1;
    all[count] = prepare_conv(&op_conv2d_def, 23, 24, 40, DTYPE_F32, true), weight[count++] = 1;
    all[count] = prepare_conv(&op_conv2d_input_grad_def, 16, 24, 40, DTYPE_F32, true), weight[count++] = 0;
    all[count] = prepare_conv(&op_conv2d_input_grad_def, 9, 24, 40, DTYPE_F32, true), weight[count++] = 0;
    if (cpu_backend()->has_bf16()) {
        all[count] = prepare_conv(&op_conv2d_def, 16, 24, 40, DTYPE_BF16, true), weight[count++] = 1;
        all[count] = prepare_conv(&op_conv2d_input_grad_def, 16, 24, 40, DTYPE_BF16, true), weight[count++] = 0;
    }
    char *bytes[MOST];
    for (int i = 0; i < count; i++) {
        size_t size = all[i].prepared.pack[weight[i]].bytes;
        assert_true(size >= 40 * 24 * 9 * 2);
        bytes[i] = mem_alloc_aligned(size);
        memset(bytes[i], 0, size);
        all[i].kernel->pack(all[i].prepared.state, weight[i], (const float *const[]){w, w}, bytes[i]);
    }
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < i; k++) {
            size_t size = all[i].prepared.pack[weight[i]].bytes, other = all[k].prepared.pack[weight[k]].bytes;
            if (all[i].prepared.pack[weight[i]].key == all[k].prepared.pack[weight[k]].key) {
                assert_int_equal(size, other);
                assert_memory_equal(bytes[i], bytes[k], size);
            } else {
                assert_true(size != other || memcmp(bytes[i], bytes[k], size) != 0);
            }
        }
    }
    /* the size of the picture does not change the weights */
    assert_true(all[0].prepared.pack[1].key == all[1].prepared.pack[1].key);
    for (int i = 0; i < count; i++) {
        mem_free(bytes[i]);
        release(&all[i]);
    }
    mem_free(w);
}

/* The same weights packed beforehand, and reordered at each run. */
static void test_computed_weights(void **context)
{
    struct conv_attrs attrs = conv_square(2, 1);
    struct shape x = SHAPE(2, 15, 17, 24), w = SHAPE(40, 24, 3, 3), y = SHAPE(2, 8, 9, 40);
    float *data[2] = {kernel_values(x, 1, -1, 1, true), kernel_values(w, 2, -1, 1, true)};
    struct kernel_case c = {&op_conv2d_def, &attrs, {x, w}, y, 2, {data[0], data[1]}, {false}, {false, true}, 0, 0, 0};
    (void)context;
    for (int bf16 = 0; bf16 < 1 + cpu_backend()->has_bf16(); bf16++) {
        c.param[1] = true;
        float *packed = kernel_result(&c, bf16);
        c.param[1] = false;
        float *plain = kernel_result(&c, bf16);
        test_same("convolution with computed weights", packed, plain, shape_count(&y));
        mem_free(packed);
        mem_free(plain);
    }
    mem_free(data[0]);
    mem_free(data[1]);
}

struct runner {
    const struct prepared_conv *conv;
    const float *x;
    const void *packed;
    float *y;
    void *scratch;
    size_t bytes;
    const float *expected;
    bool same;
};

static void *run_often(void *context)
{
    struct runner *r = context;
    struct tensor in[2] = {r->conv->in[0], r->conv->in[1]}, out = r->conv->out;
    const void *packed[2] = {NULL, r->packed};
    in[0].data = (void *)r->x;
    out.data = r->y;
    struct kernel_call call = {.input_count = 2,
                               .in = in,
                               .packed = packed,
                               .out = out,
                               .attrs = &r->conv->attrs,
                               .state = r->conv->prepared.state,
                               .scratch = r->scratch};
    test_set_threads(1);
    for (int i = 0; i < 20; i++) {
        memset(r->y, 0xFF, r->bytes);
        r->conv->kernel->run(&call);
        r->same = r->same && (!r->expected || memcmp(r->y, r->expected, r->bytes) == 0);
    }
    return NULL;
}

static void test_concurrent(void **context)
{
    enum { THREADS = 4 };
    (void)context;
    test_set_threads(1);
    struct prepared_conv conv = prepare_conv(&op_conv2d_def, 24, 24, 40, DTYPE_F32, true);
    float *w = kernel_values(conv.in[1].shape, 1, -1, 1, false);
    float *x = kernel_values(conv.in[0].shape, 2, -1, 1, false);
    void *packed = mem_alloc_aligned(conv.prepared.pack[1].bytes);
    size_t bytes = (size_t)shape_count(&conv.out.shape) * sizeof(float);
    conv.kernel->pack(conv.prepared.state, 1, (const float *const[]){NULL, w}, packed);
    struct runner runners[THREADS + 1];
    pthread_t threads[THREADS];
    for (int i = 0; i <= THREADS; i++)
        runners[i] = (struct runner){
            &conv, x,    packed, mem_alloc_aligned(bytes), mem_alloc_aligned(conv.prepared.scratch_bytes),
            bytes, NULL, true};
    run_often(&runners[THREADS]);
    for (int i = 0; i < THREADS; i++) {
        runners[i].expected = runners[THREADS].y;
        assert_int_equal(pthread_create(&threads[i], NULL, run_often, &runners[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(runners[i].same);
    }
    for (int i = 0; i <= THREADS; i++) {
        mem_free(runners[i].y);
        mem_free(runners[i].scratch);
    }
    mem_free(packed);
    mem_free(x);
    mem_free(w);
    release(&conv);
}

/* A slow path would be noticed only by the clock. The few channels of a picture count among the usual shapes. */
static void test_implementations(void **context)
{
    static const int64_t channels[][2] = {{3, 32}, {6, 32}, {32, 32}, {64, 128}};
    static const struct op *const ops[] = {&op_conv2d_def, &op_conv2d_input_grad_def};
    (void)context;
    if (!cpu_backend()->has_bf16()) /* AVX-512 of some kind: what these shapes were measured with */
        skip();
    for (int i = 0; i < 16; i++) {
        struct prepared_conv p = prepare_conv(ops[i % 2], 32, channels[i / 4][0], channels[i / 4][1],
                                              i / 2 % 2 ? DTYPE_BF16 : DTYPE_F32, true);
        const char *name = onednn_implementation(p.prepared.state);
        if (strstr(name, "ref") || strstr(name, "gemm"))
            fail_msg("%s, %lld to %lld channels: %s", ops[i % 2]->name, (long long)channels[i / 4][0],
                     (long long)channels[i / 4][1], name);
        release(&p);
    }
}

/* The gradient of many weights of windows of one cell is a product: the same numbers, by the fast one. */
static void test_product(void **context)
{
    enum { CELLS = 2 * 3 * 5, IN = 512, OUT = 520 };
    struct conv_attrs attrs = conv_square(1, 0);
    struct shape x = SHAPE(2, 3, 5, IN), dy = SHAPE(2, 3, 5, OUT), dw = SHAPE(OUT, IN, 1, 1);
    float *data[2] = {kernel_values(x, 1, -1, 1, true), kernel_values(dy, 2, -1, 1, true)};
    double *expected = mem_alloc((size_t)OUT * IN, sizeof *expected);
    (void)context;
    assert_non_null(expected);
    for (int64_t o = 0; o < OUT; o++)
        for (int64_t cell = 0; cell < CELLS; cell++)
            for (int64_t i = 0; i < IN; i++)
                expected[o * IN + i] += (double)data[0][cell * IN + i] * data[1][cell * OUT + o];
    attrs.shape = dw;
    struct kernel_case c = {
        &op_conv2d_weight_grad_def, &attrs, {x, dy}, dw, 2, {data[0], data[1]}, {false}, {false}, 0, 0, 0};
    kernel_check("gradient of 1 x 1 weights", &c, expected, 1e-5, 1e-5);

    for (int bf16 = 0; bf16 < 2 * cpu_backend()->has_bf16(); bf16++) {
        const struct kernel *kernel = backend_kernel(cpu_backend(), c.op);
        struct tensor in[2] = {{NULL, bf16 ? DTYPE_BF16 : DTYPE_F32, x}, {NULL, bf16 ? DTYPE_BF16 : DTYPE_F32, dy}};
        struct kernel_node described = {.op = c.op,
                                        .name = "test",
                                        .input_count = 2,
                                        .own_count = 2,
                                        .in = in,
                                        .in_is_param = c.param,
                                        .out = {NULL, DTYPE_F32, dw},
                                        .attrs = &attrs};
        struct kernel_prepared prepared = {0};
        struct assay_error error;
        assert_int_equal(kernel->prepare(&described, &prepared, &error), ASSAY_OK);
        if (!strstr(onednn_implementation(prepared.state), "brg"))
            fail_msg("computed by %s", onednn_implementation(prepared.state));
        kernel->release(prepared.state);
    }
    mem_free(expected);
    mem_free(data[0]);
    mem_free(data[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_packing), cmocka_unit_test(test_computed_weights),
                                       cmocka_unit_test(test_concurrent), cmocka_unit_test(test_implementations),
                                       cmocka_unit_test(test_product)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
