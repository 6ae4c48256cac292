/* elementwise.c - binary functions, select, sums of several tensors, casts and broadcasts. */
#include "base/parallel.h"
#include "cpu/chain.h"
#include "cpu/kernels.h"
#include "cpu/lanes.h"
#include "cpu/operand.h"
#include "ops/elementwise.h"
#include "ops/reduce.h"

#define BINARY(name, expression)                                                                                       \
    HOT static void name(float *y, const float *left, const float *right, int64_t count)                               \
    {                                                                                                                  \
        INDEPENDENT                                                                                                    \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            float a = left[i], b = right[i];                                                                           \
            y[i] = (expression);                                                                                       \
        }                                                                                                              \
    }

BINARY(loop_add, a + b)
BINARY(loop_sub, a - b)
BINARY(loop_mul, a *b)
BINARY(loop_div, a / b)
BINARY(loop_max, a > b || a != a ? a : b) /* a NaN on either side stays */
BINARY(loop_min, a < b || a != a ? a : b)
BINARY(loop_eq, a == b ? 1.0f : 0.0f)
BINARY(loop_lt, a < b ? 1.0f : 0.0f)
BINARY(loop_le, a <= b ? 1.0f : 0.0f)
BINARY(loop_gt, a > b ? 1.0f : 0.0f)
BINARY(loop_ge, a >= b ? 1.0f : 0.0f)
BINARY(loop_relu_grad, a > 0.0f ? b : 0.0f)

static binary_loop *const loops[BINARY_COUNT] = {
    [BINARY_ADD] = loop_add, [BINARY_SUB] = loop_sub, [BINARY_MUL] = loop_mul, [BINARY_DIV] = loop_div,
    [BINARY_MAX] = loop_max, [BINARY_MIN] = loop_min, [BINARY_EQ] = loop_eq,   [BINARY_LT] = loop_lt,
    [BINARY_LE] = loop_le,   [BINARY_GT] = loop_gt,   [BINARY_GE] = loop_ge,   [BINARY_RELU_GRAD] = loop_relu_grad};

binary_loop *chain_binary(enum binary_kind kind)
{
    return loops[kind];
}

/* A sum of bf16 tensors, where `gate` (NULL: everywhere) is positive. y may be the memory of any of them. */
HOT static void sum_bf16(uint16_t *y, const uint16_t *const *terms, int term_count, const uint16_t *gate, int64_t count)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        lanes sum = lanes_read_bf16(terms[0] + i);
        for (int t = 1; t < term_count; t++)
            sum += lanes_read_bf16(terms[t] + i);
        lanes_write_bf16(y + i, gate ? lanes_where_positive(lanes_read_bf16(gate + i), sum) : sum);
    }
    for (; i < count; i++) {
        float sum = bf16_to_float(terms[0][i]);
        for (int t = 1; t < term_count; t++)
            sum += bf16_to_float(terms[t][i]);
        y[i] = bf16_from_float(gate && !(bf16_to_float(gate[i]) > 0.0f) ? 0.0f : sum);
    }
}

struct binary_job {
    binary_loop *loop;
};

static void binary_body(const void *context, float *y, const float *const *inputs, int64_t count)
{
    const struct binary_job *job = context;
    job->loop(y, inputs[0], inputs[1], count);
}

/* The gradient of a relu, all in bf16. */
static void relu_grad_bf16(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct kernel_call *call = context;
    int64_t first = begin * LOOP_CHUNK, count = int64_min(end * LOOP_CHUNK, shape_count(&call->out.shape)) - first;
    const uint16_t *gate = call->in[0].data, *terms[1] = {(const uint16_t *)call->in[1].data + first};
    sum_bf16((uint16_t *)call->out.data + first, terms, 1, gate + first, count);
}

static bool is_relu_grad_bf16(const struct kernel_call *call)
{
    bool all = ((const struct binary_attrs *)call->attrs)->kind == BINARY_RELU_GRAD && call->absorbed_count == 0 &&
               call->out.dtype == DTYPE_BF16;
    for (int i = 0; i < 2; i++)
        all = all && call->in[i].dtype == DTYPE_BF16 && shape_equal(&call->in[i].shape, &call->out.shape);
    return all;
}

static void binary_run(const struct kernel_call *call)
{
    const struct binary_attrs *attrs = call->attrs;
    if (is_relu_grad_bf16(call)) {
        parallel_for(int64_div_up(shape_count(&call->out.shape), LOOP_CHUNK), LOOP_GRAIN / LOOP_CHUNK, relu_grad_bf16,
                     (void *)call);
        return;
    }
    struct binary_job job = {loops[attrs->kind]};
    operand_run(call, binary_body, &job);
}

HOT static void select_body(const void *context, float *y, const float *const *inputs, int64_t count)
{
    (void)context;
    const float *condition = inputs[0], *a = inputs[1], *b = inputs[2];
    INDEPENDENT
    for (int64_t i = 0; i < count; i++) {
        float x = a[i], z = b[i]; /* both are read, so that the choice needs no branch */
        y[i] = condition[i] != 0.0f ? x : z;
    }
}

static void select_run(const struct kernel_call *call)
{
    operand_run(call, select_body, NULL);
}

enum { ACCUMULATE_INPUTS = 16 }; /* with absorbed ones */

HOT static void add_to(float *y, const float *x, int64_t count)
{
    INDEPENDENT
    for (int64_t i = 0; i < count; i++)
        y[i] += x[i];
}

static bool accumulate_absorbs(const struct kernel_node *n, const struct kernel_node *next, int through)
{
    return n->own_count > 1 && n->input_count < ACCUMULATE_INPUTS && chain_absorbs(n, next, through, true);
}

/* Sums of gradients that meet, and then pass a relu or do not, all in bf16: without floats in memory. */
static bool accumulate_bf16(const struct kernel_call *call, const struct chain *chain, int own, int64_t first,
                            int64_t n)
{
    const uint16_t *in[ACCUMULATE_INPUTS];
    const struct chain_step *step = chain->steps;
    bool gated = chain->count == 1 && step->binary == loop_relu_grad && !step->left;
    if (chain->count > gated || call->out.dtype != DTYPE_BF16)
        return false;
    for (int i = 0; i < call->input_count; i++) {
        if (call->in[i].dtype != DTYPE_BF16)
            return false;
        in[i] = (const uint16_t *)call->in[i].data + first;
    }
    sum_bf16((uint16_t *)call->out.data + first, in, own, gated ? in[step->input] : NULL, n);
    return true;
}

/* A chunk at a time through all inputs. */
static void accumulate_body(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct kernel_call *call = context;
    float sum[LOOP_CHUNK], buffer[LOOP_CHUNK], others[KERNEL_MAX_ABSORBED][LOOP_CHUNK], result[LOOP_CHUNK];
    const struct chain chain = chain_of(call);
    int own = call->input_count;
    for (int i = 0; i < chain.count; i++)
        own -= chain.steps[i].binary != NULL;
    int64_t count = shape_count(&call->out.shape);
    for (int64_t chunk = begin; chunk < end; chunk++) {
        int64_t first = chunk * LOOP_CHUNK, n = int64_min(LOOP_CHUNK, count - first);
        if (call->input_count == 1) {
            loop_copy(&call->out, first, &call->in[0], first, n);
            continue;
        }
        if (accumulate_bf16(call, &chain, own, first, n))
            continue;
        const float *a = loop_read(&call->in[0], first, n, sum);
        const float *b = loop_read(&call->in[1], first, n, buffer);
        loop_add(sum, a, b, n); /* never in the output itself: that may be the memory of a later input */
        for (int i = 2; i < own; i++)
            add_to(sum, loop_read(&call->in[i], first, n, buffer), n);
        if (chain.count == 0) {
            loop_write(&call->out, first, n, sum);
            continue;
        }
        const float *inputs[ACCUMULATE_INPUTS];
        for (int i = own; i < call->input_count; i++)
            inputs[i] = loop_read(&call->in[i], first, n, others[i - own]);
        float *y = loop_target(&call->out, first, result);
        chain_run(&chain, sum, y, inputs, n);
        loop_write(&call->out, first, n, y);
    }
}

static void accumulate_run(const struct kernel_call *call)
{
    parallel_for(int64_div_up(shape_count(&call->out.shape), LOOP_CHUNK), LOOP_GRAIN / LOOP_CHUNK, accumulate_body,
                 (void *)call);
}

HOT static void copy_body(const void *context, float *y, const float *const *inputs, int64_t count)
{
    (void)context;
    const float *x = inputs[0];
    INDEPENDENT
    for (int64_t i = 0; i < count; i++)
        y[i] = x[i];
}

static void copy_run(const struct kernel_call *call)
{
    operand_run(call, copy_body, NULL);
}

const struct kernel cpu_binary = {.op = &op_binary_def, .bf16 = true, .absorbs = operand_absorbs, .run = binary_run};
const struct kernel cpu_select = {.op = &op_select_def, .bf16 = true, .run = select_run};
const struct kernel cpu_accumulate = {.op = &op_accumulate,
                                      .bf16 = true,
                                      .absorbs = accumulate_absorbs,
                                      .run = accumulate_run};
const struct kernel cpu_cast = {.op = &op_cast, .bf16 = true, .run = copy_run};
const struct kernel cpu_broadcast = {.op = &op_broadcast_def, .bf16 = true, .run = copy_run};
