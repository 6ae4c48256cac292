/* bench_kernels.c - how fast the kernels of the CPU backend are, as CSV: op, shapes, type, implementation, milliseconds
 * (the best of several runs), GFLOP/s, GB/s (each operand counted once).
 *
 *     bench_kernels [--bf16 | --f32] [--batch N] [--cpu] [TEXT]
 *
 * TEXT: only lines whose op or case contains it. --cpu: processor time instead of the clock's, for a busy machine; set
 * OMP_NUM_THREADS=1 with it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/progress.h"
#include "base/random.h"
#include "cpu/cpu.h"
#include "cpu/dnnl.h"
#include "ops/ops.h"

enum { MAX_INPUTS = 5 };

struct bench_case {
    const char *name;
    const struct op *op;
    struct shape in[MAX_INPUTS], out;
    int inputs;
    int params; /* which inputs are stored parameters, one bit each */
    double flops;
    union {
        struct unary_attrs unary;
        struct binary_attrs binary;
        struct conv_attrs conv;
        struct pool_attrs pool;
        struct matmul_attrs matmul;
        struct norm_attrs norm;
        struct reduce_attrs reduce;
        struct permute_attrs permute;
        struct slice_attrs slice;
        struct pad_attrs pad;
        struct concat_attrs concat;
        struct random_attrs random;
        struct broadcast_attrs broadcast;
    } attrs;
};

struct filter {
    const char *text;
    bool f32, bf16, processor_time;
    int64_t batch; /* pictures at a time */
};

static void *random_tensor(const struct tensor *t)
{
    int64_t count = shape_count(&t->shape);
    char *data = mem_alloc_aligned((size_t)count * dtype_size(t->dtype));
    for (int64_t i = 0; data && i < count; i++) {
        uint32_t words[4];
        random_at(1, (uint64_t)i, 0, words);
        float value = random_word_uniform(words[0]) - 0.5f;
        uint16_t half = bf16_from_float(value);
        if (t->dtype == DTYPE_BF16)
            memcpy(data + i * 2, &half, 2);
        else
            memcpy(data + i * 4, &value, 4);
    }
    return data;
}

static void print_shapes(const struct bench_case *c)
{
    char text[SHAPE_TEXT];
    for (int i = 0; i < c->inputs; i++)
        printf("%s%s", i ? " " : "", shape_text(&c->in[i], text));
    printf(" -> %s", shape_text(&c->out, text));
}

static double now(const struct filter *filter)
{
    struct timespec t;
    if (!filter->processor_time)
        return clock_seconds();
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The plan's part: prepare, pack, run. */
static void bench(const struct bench_case *c, enum dtype dtype, const struct filter *filter)
{
    const struct kernel *kernel = backend_kernel(cpu_backend(), c->op);
    if ((filter->text && !strstr(c->name, filter->text) && !strstr(c->op->name, filter->text)) || !kernel)
        return;
    struct tensor in[MAX_INPUTS];
    bool is_param[MAX_INPUTS];
    const void *packed[MAX_INPUTS] = {NULL};
    enum precision_class precision = c->op->precision;
    double bytes = 0.0;
    for (int i = 0; i < c->inputs; i++) {
        is_param[i] = (c->params >> i) & 1;
        /* vectors are scales, statistics and the like: always f32 */
        bool small = c->in[i].rank == 1 || (c->in[i].rank == 2 && c->in[i].dim[0] == 2);
        in[i] = (struct tensor){NULL, is_param[i] || small ? DTYPE_F32 : dtype, c->in[i]};
        bytes += (double)shape_count(&c->in[i]) * (double)dtype_size(in[i].dtype);
    }
    bool f32_out = precision == PRECISION_F32 || precision == PRECISION_COMPUTE_F32;
    struct tensor out = {NULL, f32_out ? DTYPE_F32 : dtype, c->out};
    bytes += (double)shape_count(&c->out) * (double)dtype_size(out.dtype);
    struct kernel_node described = {.op = c->op,
                                    .name = c->name,
                                    .input_count = c->inputs,
                                    .own_count = c->inputs,
                                    .in = in,
                                    .in_is_param = is_param,
                                    .out = out,
                                    .attrs = &c->attrs};
    struct kernel_prepared prepared;
    struct assay_error error;
    memset(&prepared, 0, sizeof(prepared));
    if (kernel->prepare && kernel->prepare(&described, &prepared, &error)) {
        printf("# %s: %s\n", c->name, error.message);
        return;
    }
    for (int i = 0; i < c->inputs; i++)
        in[i].data = random_tensor(&in[i]);
    out.data = mem_alloc_aligned((size_t)shape_count(&out.shape) * dtype_size(out.dtype));
    void *scratch = mem_alloc_aligned(prepared.scratch_bytes);
    const float *stored[MAX_INPUTS];
    for (int i = 0; i < c->inputs; i++)
        stored[i] = in[i].data;
    for (int i = 0; i < c->inputs; i++) {
        void *copy = prepared.pack[i].bytes ? mem_alloc_aligned(prepared.pack[i].bytes) : NULL;
        if (copy)
            kernel->pack(prepared.state, i, stored, copy);
        packed[i] = copy;
    }
    struct kernel_call call = {.input_count = c->inputs,
                               .in = in,
                               .packed = packed,
                               .out = out,
                               .attrs = &c->attrs,
                               .state = prepared.state,
                               .scratch = scratch};
    double best = 1e30, begun = now(filter);
    for (int run = 0; run < 3 || (run < 1000 && now(filter) - begun < 0.3); run++) {
        double start = now(filter);
        kernel->run(&call);
        double took = now(filter) - start;
        best = took < best ? took : best;
    }
    bool product = precision == PRECISION_COMPUTE || precision == PRECISION_COMPUTE_F32;
    printf("%s,%s,", c->op->name, c->name);
    print_shapes(c);
    printf(",%s,%s,%.4f,%.1f,%.2f,%.1f\n", dtype_name(dtype), product ? onednn_implementation(prepared.state) : "loops",
           best * 1e3, c->flops / best * 1e-9, bytes / best * 1e-9, (double)prepared.scratch_bytes * 1e-6);
    fflush(stdout);
    for (int i = 0; i < c->inputs; i++) {
        mem_free(in[i].data);
        mem_free((void *)packed[i]);
    }
    mem_free(out.data);
    mem_free(scratch);
    if (kernel->release)
        kernel->release(prepared.state);
}

static void both(const struct bench_case *c, const struct filter *filter)
{
    if (filter->f32)
        bench(c, DTYPE_F32, filter);
    if (filter->bf16)
        bench(c, DTYPE_BF16, filter);
}

/* --- convolutions: forward and both gradients --------------------------------------------------------------------- */

struct conv_case {
    const char *name;
    int64_t side, in, out;
    int kernel, stride, pad, groups;
};

static const struct conv_case convs[] = {
    {"first 3 to 32", 128, 3, 32, 3, 1, 1, 1},
    {"first 6 to 32", 128, 6, 32, 3, 1, 1, 1},
    {"first 8 to 32", 128, 8, 32, 3, 1, 1, 1},
    {"first 6 to 32 stride 2", 128, 6, 32, 3, 2, 1, 1},
    {"resnet stem", 224, 3, 64, 7, 2, 3, 1},
    {"npr stem", 224, 3, 64, 3, 2, 1, 1},
    {"32 to 32", 128, 32, 32, 3, 1, 1, 1},
    {"32 to 64 stride 2", 128, 32, 64, 3, 2, 1, 1},
    {"64 to 64", 56, 64, 64, 3, 1, 1, 1},
    {"64 to 256 1x1", 56, 64, 256, 1, 1, 0, 1},
    {"512 to 128 1x1", 28, 512, 128, 1, 1, 0, 1},
    {"1024 to 256 1x1", 14, 1024, 256, 1, 1, 0, 1},
    {"512 to 2048 1x1", 7, 512, 2048, 1, 1, 0, 1},
    {"1024 to 2048 1x1", 7, 1024, 2048, 1, 1, 0, 1},
    {"256 to 64 1x1", 56, 256, 64, 1, 1, 0, 1},
    {"128 to 128 stride 2", 56, 128, 128, 3, 2, 1, 1},
    {"256 to 512 1x1 stride 2", 56, 256, 512, 1, 2, 0, 1},
    {"256 to 256", 14, 256, 256, 3, 1, 1, 1},
    {"512 to 512", 7, 512, 512, 3, 1, 1, 1},
    {"depthwise 64", 56, 64, 64, 3, 1, 1, 64},
    {"depthwise 64 stride 2", 56, 64, 64, 3, 2, 1, 64},
    {"4 groups of 16", 56, 64, 64, 3, 1, 1, 4},
    {"24 to 40", 56, 24, 40, 3, 1, 1, 1},
};

static void bench_convs(const struct filter *filter)
{
    for (size_t i = 0; i < sizeof(convs) / sizeof(convs[0]); i++) {
        const struct conv_case *k = &convs[i];
        int64_t size = (k->side + 2 * k->pad - k->kernel) / k->stride + 1;
        struct shape x = SHAPE(filter->batch, k->side, k->side, k->in), y = SHAPE(filter->batch, size, size, k->out);
        struct shape w = SHAPE(k->out, k->in / k->groups, k->kernel, k->kernel);
        double flops = 2.0 * (double)shape_count(&y) * (double)(k->in / k->groups) * k->kernel * k->kernel;
        struct bench_case c = {k->name, &op_conv2d_def, {x, w, SHAPE(k->out)}, y, 3, 6, flops, {{0}}};
        c.attrs.conv = conv_square(k->stride, k->pad);
        c.attrs.conv.groups = k->groups;
        both(&c, filter);
        struct bench_case d = {k->name, &op_conv2d_input_grad_def, {w, y}, x, 2, 1, flops, {{0}}};
        d.attrs.conv = c.attrs.conv;
        both(&d, filter);
        struct bench_case e = {k->name, &op_conv2d_weight_grad_def, {x, y}, w, 2, 0, flops, {{0}}};
        e.attrs.conv = c.attrs.conv;
        both(&e, filter);
    }
}

/* --- matrix products ---------------------------------------------------------------------------------------------- */

struct matmul_case {
    const char *name;
    int64_t batch, m, n, k;
    bool transpose_a, transpose_b, weight;
};

static const struct matmul_case matmuls[] = {
    {"linear", 1, 1024, 1024, 1024, false, true, true},
    {"linear, wide", 1, 1576, 3072, 768, false, true, true},
    {"linear, one row", 1, 1, 1000, 2048, false, true, true},
    {"linear, one column", 1, 1024, 1, 2048, false, true, true},
    {"linear, odd sizes", 1, 33, 1000, 513, false, true, true},
    {"input gradient", 1, 1024, 1024, 1024, false, false, true},
    {"weight gradient", 1, 1024, 1024, 1024, true, false, false},
    {"weight gradient, tall", 1, 3072, 768, 1576, true, false, false},
    {"weight gradient, small", 1, 1000, 512, 32, true, false, false},
    {"weight gradient, 1x1 56", 1, 256, 64, 100352, true, false, false},
    {"weight gradient, 1x1 56 b", 1, 64, 256, 100352, true, false, false},
    {"weight gradient, 1x1 28", 1, 512, 128, 25088, true, false, false},
    {"weight gradient, 1x1 14", 1, 1024, 256, 6272, true, false, false},
    {"weight gradient, 1x1 7", 1, 2048, 512, 1568, true, false, false},
    {"weight gradient, 1x1 7 b", 1, 512, 2048, 1568, true, false, false},
    {"attention scores", 96, 197, 197, 64, false, true, false},
    {"attention values", 96, 197, 64, 197, false, false, false},
    {"attention gradient", 96, 197, 64, 197, true, false, false},
};

static void bench_matmuls(const struct filter *filter)
{
    for (size_t i = 0; i < sizeof(matmuls) / sizeof(matmuls[0]); i++) {
        const struct matmul_case *k = &matmuls[i];
        struct shape a = k->transpose_a ? SHAPE(k->batch, k->k, k->m) : SHAPE(k->batch, k->m, k->k);
        struct shape b = k->transpose_b ? SHAPE(k->batch, k->n, k->k) : SHAPE(k->batch, k->k, k->n);
        double flops = 2.0 * (double)k->batch * (double)k->m * (double)k->n * (double)k->k;
        struct bench_case c = {k->name, &op_matmul_def,    {a, b}, SHAPE(k->batch, k->m, k->n),
                               2,       k->weight ? 2 : 0, flops,  {{0}}};
        c.attrs.matmul = (struct matmul_attrs){k->transpose_a, k->transpose_b, false};
        both(&c, filter);
    }
}

/* --- our own loops ------------------------------------------------------------------------------------------------ */

static void bench_loops(const struct filter *filter)
{
    int64_t b = filter->batch;
    struct shape x = SHAPE(b, 56, 56, 64), few = SHAPE(b, 224, 224, 3), c = SHAPE(64), stats = SHAPE(2, 64);
    struct shape rows = SHAPE(b * 197, 768), wide = SHAPE(768), scores = SHAPE(b * 12, 197, 197);
    double n = (double)shape_count(&x);
    static const struct {
        const char *name;
        enum unary_kind kind;
    } unaries[] = {{"affine", UNARY_AFFINE}, {"relu", UNARY_RELU},       {"exp", UNARY_EXP},   {"log", UNARY_LOG},
                   {"gelu", UNARY_GELU},     {"sigmoid", UNARY_SIGMOID}, {"silu", UNARY_SILU}, {"tanh", UNARY_TANH}};
    for (size_t i = 0; i < sizeof(unaries) / sizeof(unaries[0]); i++)
        both(&(struct bench_case){unaries[i].name,
                                  &op_unary_def,
                                  {x},
                                  x,
                                  .inputs = 1,
                                  .flops = n,
                                  .attrs.unary = {unaries[i].kind, 2, 1}},
             filter);
    struct bench_case cases[] = {
        {"add", &op_binary_def, {x, x}, x, .inputs = 2, .attrs.binary = {BINARY_ADD}},
        {"add per channel", &op_binary_def, {x, c}, x, .inputs = 2, .attrs.binary = {BINARY_ADD}},
        {"add per colour", &op_binary_def, {few, SHAPE(3)}, few, .inputs = 2, .attrs.binary = {BINARY_ADD}},
        {"add per picture", &op_binary_def, {x, SHAPE(b, 1, 1, 1)}, x, .inputs = 2, .attrs.binary = {BINARY_ADD}},
        {"sum of three", &op_accumulate, {x, x, x}, x, .inputs = 3},
        {"broadcast", &op_broadcast_def, {c}, x, .inputs = 1, .attrs.broadcast = {x}},
        {"sum to channels", &op_reduce_def, {x}, c, .inputs = 1, .attrs.reduce = {REDUCE_SUM, 7, false}},
        {"sum to 3", &op_reduce_def, {few}, SHAPE(3), .inputs = 1, .attrs.reduce = {REDUCE_SUM, 7, false}},
        {"sum to 1", &op_reduce_def, {x}, SHAPE_SCALAR, .inputs = 1, .attrs.reduce = {REDUCE_SUM, 15, false}},
        {"sum of rows", &op_reduce_def, {rows}, SHAPE(b * 197), .inputs = 1, .attrs.reduce = {REDUCE_SUM, 2, false}},
        {"max of all", &op_reduce_def, {x}, SHAPE_SCALAR, .inputs = 1, .attrs.reduce = {REDUCE_MAX, 15, false}},
        {"global average", &op_reduce_def, {x}, SHAPE(b, 64), .inputs = 1, .attrs.reduce = {REDUCE_MEAN, 6, false}},
        {"channel_stats", &op_channel_stats_def, {x}, stats, .inputs = 1},
        {"channel_stats of 3", &op_channel_stats_def, {few}, SHAPE(2, 3), .inputs = 1},
        {"channel_stats of 512", &op_channel_stats_def, {SHAPE(b, 28, 28, 512)}, SHAPE(2, 512), .inputs = 1},
        {"batch_norm", &op_batch_norm_def, {x, stats, c, c}, x, .inputs = 4, .attrs.norm = {1e-5f}},
        {"batch_norm_sums", &op_batch_norm_sums_def, {x, stats, x}, stats, .inputs = 3, .attrs.norm = {1e-5f}},
        {"batch_norm_grad", &op_batch_norm_grad_def, {x, stats, c, x, stats}, x, .inputs = 5, .attrs.norm = {1e-5f}},
        {"layer_norm", &op_layer_norm_def, {rows, wide, wide}, rows, .inputs = 3, .attrs.norm = {1e-5f}},
        {"layer_norm_grad", &op_layer_norm_grad_def, {rows, wide, rows}, rows, .inputs = 3, .attrs.norm = {1e-5f}},
        {"layer_norm_sums", &op_layer_norm_sums_def, {rows, rows}, SHAPE(2, 768), .inputs = 2, .attrs.norm = {1e-5f}},
        {"softmax", &op_softmax_def, {scores}, scores, .inputs = 1},
        {"softmax_grad", &op_softmax_grad_def, {scores, scores}, scores, .inputs = 2},
        {"log_softmax of 2", &op_log_softmax_def, {SHAPE(b * 1000, 2)}, SHAPE(b * 1000, 2), .inputs = 1},
        {"to channels first", &op_permute_def, {x}, SHAPE(b, 64, 56, 56), .inputs = 1, .attrs.permute = {{0, 3, 1, 2}}},
        {"colours first", &op_permute_def, {few}, SHAPE(b, 3, 224, 224), .inputs = 1, .attrs.permute = {{0, 3, 1, 2}}},
        {"heads",
         &op_permute_def,
         {SHAPE(b, 197, 12, 64)},
         SHAPE(b, 12, 197, 64),
         .inputs = 1,
         .attrs.permute = {{0, 2, 1, 3}}},
        {"crop",
         &op_slice_def,
         {few},
         SHAPE(b, 128, 128, 3),
         .inputs = 1,
         .attrs.slice = {{0, 9, 9, 0}, {b, 128, 128, 3}}},
        {"pad by 1", &op_pad_def, {few}, SHAPE(b, 226, 226, 3), .inputs = 1, .attrs.pad = {{0, 1, 1, 0}, {0, 1, 1, 0}}},
        {"concat 3 and 3", &op_concat_def, {few, few}, SHAPE(b, 224, 224, 6), .inputs = 2, .attrs.concat = {3}},
        {"uniform", &op_random_def, {x}, x, .inputs = 0, .attrs.random = {RANDOM_UNIFORM, x}},
        {"normal", &op_random_def, {x}, x, .inputs = 0, .attrs.random = {RANDOM_NORMAL, x}},
        {"max 3 stride 2",
         &op_pool2d_def,
         {SHAPE(b, 112, 112, 64)},
         x,
         .inputs = 1,
         .attrs.pool = {false, {3, 3}, {2, 2}, {1, 1, 1, 1}, true}},
        {"max 3 stride 2",
         &op_pool2d_grad_def,
         {SHAPE(b, 112, 112, 64), x},
         SHAPE(b, 112, 112, 64),
         .inputs = 2,
         .attrs.pool = {false, {3, 3}, {2, 2}, {1, 1, 1, 1}, true}},
        {"average 2",
         &op_pool2d_def,
         {SHAPE(b, 112, 112, 64)},
         x,
         .inputs = 1,
         .attrs.pool = {true, {2, 2}, {2, 2}, {0, 0, 0, 0}, true}},
        {"average 2",
         &op_pool2d_grad_def,
         {SHAPE(b, 112, 112, 64), x},
         SHAPE(b, 112, 112, 64),
         .inputs = 2,
         .attrs.pool = {true, {2, 2}, {2, 2}, {0, 0, 0, 0}, true}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        both(&cases[i], filter);
    if (filter->bf16)
        bench(&(struct bench_case){"from bf16", &op_cast, {x}, x, .inputs = 1}, DTYPE_BF16, filter);
}

int main(int argc, char **argv)
{
    struct filter filter = {NULL, true, cpu_backend()->has_bf16(), false, 32};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--bf16") == 0)
            filter.f32 = false;
        else if (strcmp(argv[i], "--f32") == 0)
            filter.bf16 = false;
        else if (strcmp(argv[i], "--batch") == 0 && i + 1 < argc)
            filter.batch = strtol(argv[++i], NULL, 10) > 0 ? strtol(argv[i], NULL, 10) : 1;
        else if (strcmp(argv[i], "--cpu") == 0)
            filter.processor_time = true;
        else
            filter.text = argv[i];
    }
    printf("op,case,shapes,type,implementation,ms,GFLOP/s,GB/s,scratch MB\n");
    bench_convs(&filter);
    bench_matmuls(&filter);
    bench_loops(&filter);
    return EXIT_SUCCESS;
}
