/* attention.c - attention one head at a time: a few queries' scores are made, normalised and used while they are in the
 * cache. The gradient makes them again. Products are oneDNN's sgemm, on one thread each; heads are what is shared
 * out. */
#include <math.h>
#include <oneapi/dnnl/dnnl.h>
#include <string.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "cpu/chain.h"
#include "cpu/kernels.h"
#include "cpu/lanes.h"
#include "ops/attention.h"

enum { MOST_QUERIES = 136 }; /* at a time: their scores stay in the second cache */

/* [rows, heads, D] of each picture, inside a tensor: element (b, i, h, d) is the
 * offset + (b * rows + i) * step + h * D + d-th. */
struct heads {
    const struct tensor *tensor;
    int64_t offset, rows, step;
};

/* One call's shapes, and where a thread's scratch memory lies. */
struct attention {
    const struct kernel_call *call;
    const struct attention_attrs *attrs;
    int64_t batch, queries, keys, heads, size; /* size: of a head */
    int64_t block;                             /* queries at a time */
    int64_t row;                               /* keys in whole vectors: from one query's scores to the next one's */
    struct heads in[5];                        /* q, k, v, and for gradients the output and its gradient */
    struct heads result[3];                    /* where the output is, or the gradients of q, k and v are */
    const struct tensor *bias;                 /* NULL: none */
    int64_t bias_stride[4];                    /* by batch, head, query, key; 0 where it broadcasts */
    size_t thread_floats;
};

/* ---- Scratch: floats of one thread ---------------------------------------------------------------------------- */

struct scratch {
    float *q, *k, *v;                    /* one head, plain: [NQ, D], [NK, D], [NK, D] */
    float *out, *d_out;                  /* [NQ, D] */
    float *dq, *dk, *dv;                 /* [NQ, D], [NK, D], [NK, D] */
    float *scores, *weights, *d_weights; /* [block, row], of which NK count */
};

static int64_t row_of(int64_t keys)
{
    return int64_div_up(keys, LANES) * LANES;
}

/* All but equal shares: a ViT of 257 tokens would else have a block of one. */
static int64_t block_of(int64_t queries)
{
    int64_t blocks = int64_max(1, int64_div_up(queries, MOST_QUERIES));
    return int64_max(1, int64_div_up(queries, blocks));
}

static size_t scratch_floats(int64_t queries, int64_t keys, int64_t size)
{
    size_t floats = (size_t)(4 * queries * size + 4 * keys * size + 3 * block_of(queries) * row_of(keys));
    return (floats + 15) / 16 * 16;
}

static struct scratch scratch_of(const struct attention *a, int thread)
{
    float *at = (float *)a->call->scratch + (size_t)thread * a->thread_floats;
    int64_t q = a->queries * a->size, k = a->keys * a->size, s = a->block * a->row;
    struct scratch w = {.q = at, .out = at + q, .d_out = at + 2 * q, .dq = at + 3 * q};
    at += 4 * q;
    w.k = at;
    w.v = at + k;
    w.dk = at + 2 * k;
    w.dv = at + 3 * k;
    at += 4 * k;
    w.scores = at;
    w.weights = at + s;
    w.d_weights = at + 2 * s;
    return w;
}

static assay_status attention_prepare(const struct kernel_node *n, struct kernel_prepared *out,
                                      struct assay_error *error)
{
    bool packed = n->in[0].shape.rank == 5;
    struct shape q = n->in[0].shape, k = packed ? q : n->in[1].shape;
    int64_t size = q.dim[q.rank - 1];
    size_t floats = scratch_floats(q.dim[1], k.dim[1], size);
    int *threads = mem_alloc(1, sizeof *threads);
    if (!threads || !size_mul(floats * sizeof(float), (size_t)parallel_threads(), &out->scratch_bytes)) {
        mem_free(threads);
        return error_memory(error, n->name);
    }
    *threads = parallel_threads();
    out->state = threads;
    return ASSAY_OK;
}

static void attention_release(void *state)
{
    mem_free(state);
}

/* Tasks of which each thread has scratch memory: for as many threads as there were when the plan was made, even if the
 * thread that runs it may use more. */
static void run_tasks(struct attention *a, int64_t tasks, parallel_body *body)
{
    const int *threads = a->call->state;
    parallel_for(tasks, int64_div_up(tasks, *threads), body, a);
}

/* Queries, keys and values side by side, [B, N, 3, heads, D]; `gradients`: and so is the output. */
static struct attention attention_packed_of(const struct kernel_call *call, bool gradients)
{
    const struct shape *s = &call->in[0].shape;
    int64_t n = s->dim[1], width = s->dim[3] * s->dim[4];
    struct attention a = {.call = call,
                          .attrs = call->attrs,
                          .batch = s->dim[0],
                          .queries = n,
                          .heads = s->dim[3],
                          .size = s->dim[4],
                          .keys = n,
                          .block = block_of(n),
                          .row = row_of(n)};
    a.thread_floats = scratch_floats(n, n, a.size);
    for (int i = 0; i < 3; i++)
        a.in[i] = (struct heads){&call->in[0], i * width, n, 3 * width};
    for (int i = 1; i < call->input_count; i++)
        a.in[2 + i] = (struct heads){&call->in[i], 0, n, width};
    for (int i = 0; i < 3; i++)
        a.result[i] =
            gradients ? (struct heads){&call->out, i * width, n, 3 * width} : (struct heads){&call->out, 0, n, width};
    return a;
}

/* `gradients`: the output is those of q, k and v one after another. */
static struct attention attention_of(const struct kernel_call *call, int bias_at, bool gradients)
{
    const struct shape *q = &call->in[0].shape, *k = &call->in[1].shape;
    struct attention a = {.call = call,
                          .attrs = call->attrs,
                          .batch = q->dim[0],
                          .queries = q->dim[1],
                          .heads = q->dim[2],
                          .size = q->dim[3],
                          .keys = k->dim[1],
                          .block = block_of(q->dim[1]),
                          .row = row_of(k->dim[1])};
    a.thread_floats = scratch_floats(a.queries, a.keys, a.size);
    int64_t width = a.heads * a.size, q_count = a.batch * a.queries * width, k_count = a.batch * a.keys * width;
    for (int i = 0; i < 5 && i < bias_at; i++)
        a.in[i] = (struct heads){&call->in[i], 0, call->in[i].shape.dim[1], width};
    a.result[0] = (struct heads){&call->out, 0, a.queries, width};
    if (gradients) {
        a.result[1] = (struct heads){&call->out, q_count, a.keys, width};
        a.result[2] = (struct heads){&call->out, q_count + k_count, a.keys, width};
    }
    if (call->input_count > bias_at) {
        int64_t step = 1;
        a.bias = &call->in[bias_at];
        for (int i = 3; i >= 0; i--) {
            a.bias_stride[i] = a.bias->shape.dim[i] == 1 ? 0 : step;
            step *= a.bias->shape.dim[i];
        }
    }
    return a;
}

/* ---- One head in and out -------------------------------------------------------------------------------------- */

/* Rows of one head as plain floats. */
static void read_head(const struct attention *a, const struct heads *in, int64_t b, int64_t h, float *out)
{
    for (int64_t i = 0; i < in->rows; i++) {
        int64_t at = in->offset + (b * in->rows + i) * in->step + h * a->size;
        const float *from = loop_read(in->tensor, at, a->size, out + i * a->size);
        if (from != out + i * a->size)
            memcpy(out + i * a->size, from, (size_t)a->size * sizeof *out);
    }
}

static void write_head(const struct attention *a, const struct heads *out, int64_t b, int64_t h, const float *from)
{
    for (int64_t i = 0; i < out->rows; i++)
        loop_write(out->tensor, out->offset + (b * out->rows + i) * out->step + h * a->size, a->size,
                   from + i * a->size);
}

/* ---- Softmax of a block of scores ----------------------------------------------------------------------------- */

/* The softmax of the first `count` of a row, which has room for whole vectors; false where all are -infinity. */
HOT static bool softmax_row(float *x, int64_t count)
{
    int64_t end = row_of(count);
    if (count == 0)
        return false;
    for (int64_t i = count; i < end; i++)
        x[i] = -INFINITY;
    lanes even = lanes_read(x), odd = lanes_read(x + end - LANES); /* two chains of comparisons */
    for (int64_t i = LANES; i + LANES < end; i += 2 * LANES) {
        even = lanes_larger(lanes_read(x + i), even);
        odd = lanes_larger(lanes_read(x + i + LANES), odd);
    }
    float most = lanes_largest(lanes_larger(even, odd));
    if (most == -INFINITY)
        return false;
    lanes sum = {0};
    for (int64_t i = 0; i < end; i += LANES) {
        lanes y = lanes_exp_below(lanes_read(x + i) - most);
        sum += y;
        lanes_write(x + i, y);
    }
    float factor = 1.0f / lanes_sum(sum);
    for (int64_t i = 0; i < end; i += LANES)
        lanes_write(x + i, lanes_read(x + i) * factor);
    return true;
}

/* Scores of queries first .. first+rows-1, in place: bias, mask, softmax. */
static void weigh(const struct attention *a, int64_t b, int64_t h, int64_t first, int64_t rows, float *scores)
{
    for (int64_t r = 0; r < rows; r++) {
        float *row = scores + r * a->row;
        int64_t query = first + r, seen = a->keys;
        if (a->bias) {
            const float *bias = (const float *)a->bias->data;
            const uint16_t *bias16 = (const uint16_t *)a->bias->data;
            int64_t at = b * a->bias_stride[0] + h * a->bias_stride[1] + query * a->bias_stride[2];
            bool is_f32 = a->bias->dtype == DTYPE_F32;
            for (int64_t j = 0; j < a->keys; j++, at += a->bias_stride[3])
                row[j] += is_f32 ? bias[at] : bf16_to_float(bias16[at]);
        }
        if (a->attrs->causal)
            seen = int64_min(a->keys, int64_max(0, query + a->keys - a->queries + 1));
        if (!softmax_row(row, seen))
            seen = 0; /* everything is masked */
        for (int64_t j = seen; j < a->keys; j++)
            row[j] = 0.0f;
    }
}

/* Multiplies weights (or their gradients) by 0 or 1 / (1 - p): the same draw forwards and backwards. */
static void drop(const struct attention *a, int64_t b, int64_t h, int64_t first, int64_t rows, const float *from,
                 float *to)
{
    float keep = 1.0f / (1.0f - a->attrs->dropout);
    uint64_t key = a->call->seed ^ a->attrs->key, blocks = (uint64_t)(a->keys + 3) / 4;
    for (int64_t r = 0; r < rows; r++) {
        uint64_t row = (uint64_t)((b * a->heads + h) * a->queries + first + r);
        for (int64_t j = 0; j < a->keys; j += 4) {
            uint32_t words[4];
            random_at(key, row * blocks + (uint64_t)j / 4, a->call->step, words);
            for (int64_t i = j; i < j + 4 && i < a->keys; i++)
                to[r * a->row + i] =
                    random_word_uniform(words[i - j]) >= a->attrs->dropout ? from[r * a->row + i] * keep : 0.0f;
        }
    }
}

/* Row-major C [m, n] = alpha A B + beta C, each operand transposed or not. */
static void product(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float *x,
                    int64_t x_row, const float *y, int64_t y_row, float beta, float *z, int64_t z_row)
{
    dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k, alpha, x, x_row, y, y_row, beta, z, z_row);
}

/* The weights of a block of queries: softmax(scale Q K^T + bias), [rows, NK] in rows of a->row. */
static void block_weights(const struct attention *a, const struct scratch *w, int64_t b, int64_t h, int64_t first,
                          int64_t rows)
{
    product(false, true, rows, a->keys, a->size, a->attrs->scale, w->q + first * a->size, a->size, w->k, a->size, 0,
            w->scores, a->row);
    weigh(a, b, h, first, rows, w->scores);
}

/* ---- Forward -------------------------------------------------------------------------------------------------- */

static void forward_heads(void *context, int64_t begin, int64_t end, int thread)
{
    const struct attention *a = context;
    struct scratch w = scratch_of(a, thread);
    for (int64_t task = begin; task < end; task++) {
        int64_t b = task / a->heads, h = task % a->heads;
        read_head(a, &a->in[0], b, h, w.q);
        read_head(a, &a->in[1], b, h, w.k);
        read_head(a, &a->in[2], b, h, w.v);
        for (int64_t first = 0; first < a->queries; first += a->block) {
            int64_t rows = int64_min(a->block, a->queries - first);
            block_weights(a, &w, b, h, first, rows);
            if (a->attrs->dropout > 0)
                drop(a, b, h, first, rows, w.scores, w.scores);
            product(false, false, rows, a->size, a->keys, 1, w.scores, a->row, w.v, a->size, 0, w.out + first * a->size,
                    a->size);
        }
        write_head(a, &a->result[0], b, h, w.out);
    }
}

static void attention_run(const struct kernel_call *call)
{
    struct attention a = attention_of(call, 3, false);
    run_tasks(&a, a.batch * a.heads, forward_heads);
}

static void attention_packed_run(const struct kernel_call *call)
{
    struct attention a = attention_packed_of(call, false);
    run_tasks(&a, a.batch * a.heads, forward_heads);
}

/* ---- Backward ------------------------------------------------------------------------------------------------- */

/* With P the weights and P' after dropout: dP' = dO V^T, dP = dropped dP', dS = P (dP - rowsum(dO O)). Leaves P' in
 * w->weights and dS in w->d_weights. */
static void block_gradients(const struct attention *a, const struct scratch *w, int64_t b, int64_t h, int64_t first,
                            int64_t rows)
{
    const float *d_out = w->d_out + first * a->size, *out = w->out + first * a->size;
    block_weights(a, w, b, h, first, rows);
    product(false, true, rows, a->keys, a->size, 1, d_out, a->size, w->v, a->size, 0, w->d_weights, a->row);
    if (a->attrs->dropout > 0) {
        drop(a, b, h, first, rows, w->scores, w->weights);
        drop(a, b, h, first, rows, w->d_weights, w->d_weights);
    } else {
        memcpy(w->weights, w->scores, (size_t)(rows * a->row) * sizeof *w->weights);
    }
    for (int64_t r = 0; r < rows; r++) {
        float sum = 0.0f;
        for (int64_t i = 0; i < a->size; i++)
            sum += d_out[r * a->size + i] * out[r * a->size + i];
        for (int64_t j = 0; j < a->keys; j++)
            w->d_weights[r * a->row + j] = w->scores[r * a->row + j] * (w->d_weights[r * a->row + j] - sum);
    }
}

static void read_all(const struct attention *a, const struct scratch *w, int64_t b, int64_t h)
{
    read_head(a, &a->in[0], b, h, w->q);
    read_head(a, &a->in[1], b, h, w->k);
    read_head(a, &a->in[2], b, h, w->v);
    read_head(a, &a->in[3], b, h, w->out);
    read_head(a, &a->in[4], b, h, w->d_out);
}

static void backward_heads(void *context, int64_t begin, int64_t end, int thread)
{
    const struct attention *a = context;
    struct scratch w = scratch_of(a, thread);
    for (int64_t task = begin; task < end; task++) {
        int64_t b = task / a->heads, h = task % a->heads;
        read_all(a, &w, b, h);
        for (int64_t first = 0; first < a->queries; first += a->block) {
            int64_t rows = int64_min(a->block, a->queries - first), at = first * a->size;
            float more = first > 0; /* the first block starts the sums of dK and dV */
            block_gradients(a, &w, b, h, first, rows);
            product(false, false, rows, a->size, a->keys, a->attrs->scale, w.d_weights, a->row, w.k, a->size, 0,
                    w.dq + at, a->size);
            product(true, false, a->keys, a->size, rows, a->attrs->scale, w.d_weights, a->row, w.q + at, a->size, more,
                    w.dk, a->size);
            product(true, false, a->keys, a->size, rows, 1, w.weights, a->row, w.d_out + at, a->size, more, w.dv,
                    a->size);
        }
        write_head(a, &a->result[0], b, h, w.dq);
        write_head(a, &a->result[1], b, h, w.dk);
        write_head(a, &a->result[2], b, h, w.dv);
    }
}

static void attention_grad_run(const struct kernel_call *call)
{
    struct attention a = attention_of(call, 5, true);
    run_tasks(&a, a.batch * a.heads, backward_heads);
}

static void attention_packed_grad_run(const struct kernel_call *call)
{
    struct attention a = attention_packed_of(call, true);
    run_tasks(&a, a.batch * a.heads, backward_heads);
}

/* Adds a block's dS to the bias's gradient, summed over what the bias broadcasts. */
static void add_to_bias(const struct attention *a, const struct scratch *w, int64_t b, int64_t h, int64_t first,
                        int64_t rows)
{
    float *out = a->call->out.data;
    for (int64_t r = 0; r < rows; r++) {
        int64_t at = b * a->bias_stride[0] + h * a->bias_stride[1] + (first + r) * a->bias_stride[2];
        for (int64_t j = 0; j < a->keys; j++, at += a->bias_stride[3])
            out[at] += w->d_weights[r * a->row + j];
    }
}

/* Heads that share a bias are summed in order by one thread: the result is the same at any thread count. */
static void bias_heads(void *context, int64_t begin, int64_t end, int thread)
{
    const struct attention *a = context;
    struct scratch w = scratch_of(a, thread);
    int64_t own_batches = a->bias_stride[0] ? a->batch : 1, own_heads = a->bias_stride[1] ? a->heads : 1;
    for (int64_t task = begin; task < end; task++) {
        for (int64_t b = 0; b < a->batch; b++) {
            for (int64_t h = 0; h < a->heads; h++) {
                int64_t owner = (own_batches > 1 ? b : 0) * own_heads + (own_heads > 1 ? h : 0);
                if (owner != task)
                    continue;
                read_all(a, &w, b, h);
                for (int64_t first = 0; first < a->queries; first += a->block) {
                    int64_t rows = int64_min(a->block, a->queries - first);
                    block_gradients(a, &w, b, h, first, rows);
                    add_to_bias(a, &w, b, h, first, rows);
                }
            }
        }
    }
}

static void attention_bias_grad_run(const struct kernel_call *call)
{
    struct attention a = attention_of(call, 5, false);
    int64_t own_batches = a.bias_stride[0] ? a.batch : 1, own_heads = a.bias_stride[1] ? a.heads : 1;
    loop_zero(&call->out, 0, shape_count(&call->out.shape));
    run_tasks(&a, own_batches * own_heads, bias_heads);
}

const struct kernel cpu_attention = {.op = &op_attention_def,
                                     .bf16 = true,
                                     .absorbs = chain_absorbs_cast,
                                     .prepare = attention_prepare,
                                     .run = attention_run,
                                     .release = attention_release};
const struct kernel cpu_attention_grad = {.op = &op_attention_grad_def,
                                          .bf16 = true,
                                          .prepare = attention_prepare,
                                          .run = attention_grad_run,
                                          .release = attention_release};
const struct kernel cpu_attention_bias_grad = {.op = &op_attention_bias_grad_def,
                                               .bf16 = true,
                                               .prepare = attention_prepare,
                                               .run = attention_bias_grad_run,
                                               .release = attention_release};
const struct kernel cpu_attention_packed = {.op = &op_attention_packed_def,
                                            .bf16 = true,
                                            .absorbs = chain_absorbs_cast,
                                            .prepare = attention_prepare,
                                            .run = attention_packed_run,
                                            .release = attention_release};
const struct kernel cpu_attention_packed_grad = {.op = &op_attention_packed_grad_def,
                                                 .bf16 = true,
                                                 .prepare = attention_prepare,
                                                 .run = attention_packed_grad_run,
                                                 .release = attention_release};
