/* pool.c - maximum and average over windows of [B, H, W, C], and their gradients. The gradients gather: each element of the
 * input adds up what the windows over it send back, always in the same order, so that threads never meet. */
#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "cpu/kernels.h"
#include "cpu/loops.h"
#include "ops/pool.h"

enum { CHANNEL_BLOCK = 256 };

struct pool_job {
    const struct kernel_call *call;
    const struct pool_attrs *a;
    int64_t in_height, in_width, out_height, out_width, channels;
    uint16_t *winners; /* [B, OH, OW, C] which cell of the window, row by row, is its first maximum */
};

/* Rows or columns that the window at `index` covers: begin .. end-1, inside the picture. */
struct range {
    int64_t begin, end, from; /* `from`: where the window begins, maybe in the padding */
};

INLINE struct range window_at(const struct pool_attrs *a, int axis, int64_t index, int64_t length)
{
    int64_t from = index * a->stride[axis] - a->pad[axis];
    return (struct range){int64_max(0, from), int64_min(length, from + a->window[axis]), from};
}

/* The windows over row or column `position`. */
INLINE struct range windows_over(const struct pool_attrs *a, int axis, int64_t position, int64_t windows)
{
    int64_t shifted = position + a->pad[axis];
    int64_t first = shifted < a->window[axis] ? 0 : (shifted - a->window[axis]) / a->stride[axis] + 1;
    return (struct range){first, int64_min(windows, shifted / a->stride[axis] + 1), 0};
}

static float average_weight(const struct pool_attrs *a, struct range y, struct range x)
{
    int64_t cells = a->count_padded ? (int64_t)a->window[0] * a->window[1] : (y.end - y.begin) * (x.end - x.begin);
    return 1.0f / (float)cells;
}

HOT static void fill(float *to, float value, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = value;
}

HOT static void add(float *restrict to, const float *restrict from, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] += from[i];
}

HOT static void add_scaled(float *restrict to, const float *restrict from, float factor, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] += from[i] * factor;
}

HOT static void scale(float *to, float factor, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] *= factor;
}

/* A NaN is the greatest of all, as in torch. */
HOT static void keep_max(float *restrict to, const float *restrict from, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        float now = to[i], next = from[i];
        to[i] = next > now || next != next ? next : now;
    }
}

HOT static void keep_first_max(float *restrict most, uint16_t *restrict winner, const float *restrict from, uint16_t cell,
                               int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        float now = most[i], next = from[i];
        bool wins = next > now || (next != next && now == now);
        most[i] = wins ? next : now;
        winner[i] = wins ? cell : winner[i];
    }
}

HOT static void add_where(float *restrict to, const float *restrict from, const uint16_t *restrict winner, uint16_t cell,
                          int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        float gradient = from[i];
        to[i] += winner[i] == cell ? gradient : 0.0f;
    }
}

static struct pool_job job_of(const struct kernel_call *call, const struct shape *in, const struct shape *out)
{
    return (struct pool_job){call, call->attrs, in->dim[1], in->dim[2], out->dim[1], out->dim[2], in->dim[3], NULL};
}

/* One item is one row of outputs. */
static void forward_rows(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct pool_job *job = context;
    const struct pool_attrs *a = job->a;
    const struct tensor *in = &job->call->in[0], *out = &job->call->out;
    float value[CHANNEL_BLOCK], buffer[CHANNEL_BLOCK];
    for (int64_t item = begin; item < end; item++) {
        int64_t batch = item / job->out_height;
        struct range y = window_at(a, 0, item % job->out_height, job->in_height);
        for (int64_t column = 0; column < job->out_width; column++) {
            struct range x = window_at(a, 1, column, job->in_width);
            for (int64_t c = 0; c < job->channels; c += CHANNEL_BLOCK) {
                int64_t count = int64_min(CHANNEL_BLOCK, job->channels - c);
                fill(value, a->average ? 0.0f : -INFINITY, count);
                for (int64_t row = y.begin; row < y.end; row++) {
                    for (int64_t col = x.begin; col < x.end; col++) {
                        int64_t at = ((batch * job->in_height + row) * job->in_width + col) * job->channels + c;
                        const float *from = loop_read(in, at, count, buffer);
                        if (a->average)
                            add(value, from, count);
                        else
                            keep_max(value, from, count);
                    }
                }
                if (a->average)
                    scale(value, average_weight(a, y, x), count);
                loop_write(out, (item * job->out_width + column) * job->channels + c, count, value);
            }
        }
    }
}

static int64_t rows_grain(const struct pool_job *job, int64_t width)
{
    int64_t work = width * job->channels * job->a->window[0] * job->a->window[1];
    return int64_max(1, LOOP_GRAIN / int64_max(1, work));
}

static void pool_run(const struct kernel_call *call)
{
    struct pool_job job = job_of(call, &call->in[0].shape, &call->out.shape);
    parallel_for(call->out.shape.dim[0] * job.out_height, rows_grain(&job, job.out_width), forward_rows, &job);
}

/* --- gradients -------------------------------------------------------------------------------------------------------- */

static void find_winners(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct pool_job *job = context;
    const struct pool_attrs *a = job->a;
    float most[CHANNEL_BLOCK], buffer[CHANNEL_BLOCK];
    for (int64_t item = begin; item < end; item++) {
        int64_t batch = item / job->out_height;
        struct range y = window_at(a, 0, item % job->out_height, job->in_height);
        for (int64_t column = 0; column < job->out_width; column++) {
            struct range x = window_at(a, 1, column, job->in_width);
            for (int64_t c = 0; c < job->channels; c += CHANNEL_BLOCK) {
                int64_t count = int64_min(CHANNEL_BLOCK, job->channels - c);
                uint16_t *winner = job->winners + (item * job->out_width + column) * job->channels + c;
                uint16_t first = (uint16_t)((y.begin - y.from) * a->window[1] + x.begin - x.from);
                fill(most, -INFINITY, count);
                for (int64_t i = 0; i < count; i++)
                    winner[i] = first; /* for windows of nothing but -infinity */
                for (int64_t row = y.begin; row < y.end; row++) {
                    for (int64_t col = x.begin; col < x.end; col++) {
                        int64_t at = ((batch * job->in_height + row) * job->in_width + col) * job->channels + c;
                        uint16_t cell = (uint16_t)((row - y.from) * a->window[1] + col - x.from);
                        keep_first_max(most, winner, loop_read(&job->call->in[0], at, count, buffer), cell, count);
                    }
                }
            }
        }
    }
}

/* One item is one row of the input's gradient. */
static void backward_rows(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct pool_job *job = context;
    const struct pool_attrs *a = job->a;
    const struct tensor *gradients = &job->call->in[1], *out = &job->call->out;
    float value[CHANNEL_BLOCK], buffer[CHANNEL_BLOCK];
    for (int64_t item = begin; item < end; item++) {
        int64_t batch = item / job->in_height, row = item % job->in_height;
        struct range ys = windows_over(a, 0, row, job->out_height);
        for (int64_t col = 0; col < job->in_width; col++) {
            struct range xs = windows_over(a, 1, col, job->out_width);
            for (int64_t c = 0; c < job->channels; c += CHANNEL_BLOCK) {
                int64_t count = int64_min(CHANNEL_BLOCK, job->channels - c);
                fill(value, 0.0f, count);
                for (int64_t oy = ys.begin; oy < ys.end; oy++) {
                    for (int64_t ox = xs.begin; ox < xs.end; ox++) {
                        int64_t at = ((batch * job->out_height + oy) * job->out_width + ox) * job->channels + c;
                        const float *dy = loop_read(gradients, at, count, buffer);
                        struct range y = window_at(a, 0, oy, job->in_height), x = window_at(a, 1, ox, job->in_width);
                        if (a->average) {
                            add_scaled(value, dy, average_weight(a, y, x), count);
                        } else {
                            uint16_t cell = (uint16_t)((row - y.from) * a->window[1] + col - x.from);
                            add_where(value, dy, job->winners + at, cell, count);
                        }
                    }
                }
                loop_write(out, (item * job->in_width + col) * job->channels + c, count, value);
            }
        }
    }
}

static assay_status grad_prepare(const struct kernel_node *n, struct kernel_prepared *out, struct assay_error *error)
{
    const struct pool_attrs *a = n->attrs;
    if (a->average)
        return ASSAY_OK;
    if ((int64_t)a->window[0] * a->window[1] > UINT16_MAX + 1)
        return error_set(error, ASSAY_ERROR_LIMIT, "%s: a window of %d x %d has more than 65536 cells", n->name,
                         a->window[0], a->window[1]);
    out->scratch_bytes = (size_t)shape_count(&n->in[1].shape) * sizeof(uint16_t);
    return ASSAY_OK;
}

static void pool_grad_run(const struct kernel_call *call)
{
    struct pool_job job = job_of(call, &call->out.shape, &call->in[1].shape);
    int64_t batch = call->out.shape.dim[0];
    job.winners = call->scratch;
    if (!job.a->average)
        parallel_for(batch * job.out_height, rows_grain(&job, job.out_width), find_winners, &job);
    parallel_for(batch * job.in_height, rows_grain(&job, job.in_width), backward_rows, &job);
}

const struct kernel cpu_pool2d = {.op = &op_pool2d_def, .bf16 = true, .run = pool_run};
const struct kernel cpu_pool2d_grad = {.op = &op_pool2d_grad_def, .bf16 = true, .prepare = grad_prepare, .run = pool_grad_run};
