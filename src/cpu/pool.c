/* pool.c - maximum and average over windows of [B, H, W, C], and their gradients. The gradients gather: each element of
 * the input adds up what the windows over it send back, always in the same order, so that threads never meet. */
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

INLINE float from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

static float average_weight(const struct pool_attrs *a, struct range y, struct range x)
{
    int64_t cells = a->count_padded ? (int64_t)a->window[0] * a->window[1] : (y.end - y.begin) * (x.end - x.begin);
    return 1.0f / (float)cells;
}

/* --- loops over the channels of one window, or of one element ----------------------------------------------------- */

/* Element i of f32 or bf16 memory. `bf16` is a constant where this is called, so that the loop has no choice to
 * make. */
INLINE float element(const void *data, bool bf16, int64_t i)
{
    return bf16 ? from_bits((uint32_t)((const uint16_t *)data)[i] << 16) : ((const float *)data)[i];
}

/* `count` channels of a window of rows x columns elements, which begin at data[at]. */
struct window {
    const void *data;
    int64_t at, rows, columns, row_step, column_step, count;
    int32_t cell, cell_step; /* number of the first cell; from one row of cells to the next */
};

/* The maximum, and with `winner` which cell held it first. A NaN is the greatest of all, as in torch. */
INLINE void window_max(struct window w, bool bf16, float *restrict most, int32_t *restrict winner, bool track)
{
    for (int64_t i = 0; i < w.count; i++) {
        most[i] = -INFINITY;
        if (track)
            winner[i] = w.cell; /* of windows with nothing but -infinity */
    }
    for (int64_t row = 0; row < w.rows; row++) {
        for (int64_t column = 0; column < w.columns; column++) {
            int64_t at = w.at + row * w.row_step + column * w.column_step;
            int32_t cell = w.cell + (int32_t)row * w.cell_step + (int32_t)column;
            INDEPENDENT
            for (int64_t i = 0; i < w.count; i++) {
                float now = most[i], next = element(w.data, bf16, at + i);
                bool wins = (next > now) | ((next != next) & (now == now));
                most[i] = wins ? next : now;
                if (track)
                    winner[i] = wins ? cell : winner[i];
            }
        }
    }
}

INLINE void window_sum(struct window w, bool bf16, float *restrict sum)
{
    for (int64_t i = 0; i < w.count; i++)
        sum[i] = 0.0f;
    for (int64_t row = 0; row < w.rows; row++) {
        for (int64_t column = 0; column < w.columns; column++) {
            int64_t at = w.at + row * w.row_step + column * w.column_step;
            INDEPENDENT
            for (int64_t i = 0; i < w.count; i++)
                sum[i] += element(w.data, bf16, at + i);
        }
    }
}

/* What the windows over one element send back to it: their gradient where the element was their maximum. Here the rows
 * and columns are windows, and their cells count down. */
INLINE void gather_max(struct window w, bool bf16, int32_t column_cell_step, const uint16_t *winners,
                       float *restrict sum)
{
    for (int64_t i = 0; i < w.count; i++)
        sum[i] = 0.0f;
    for (int64_t row = 0; row < w.rows; row++) {
        for (int64_t column = 0; column < w.columns; column++) {
            int64_t at = w.at + row * w.row_step + column * w.column_step;
            int32_t cell = w.cell - (int32_t)row * w.cell_step - (int32_t)column * column_cell_step;
            INDEPENDENT
            for (int64_t i = 0; i < w.count; i++) {
                float gradient = element(w.data, bf16, at + i);
                sum[i] += (int32_t)winners[at + i] == cell ? gradient : 0.0f;
            }
        }
    }
}

#define FOR_BOTH_TYPES(name, parameters, call_f32, call_bf16)                                                          \
    HOT static void name##_f32 parameters                                                                              \
    {                                                                                                                  \
        call_f32;                                                                                                      \
    }                                                                                                                  \
    HOT static void name##_bf16 parameters                                                                             \
    {                                                                                                                  \
        call_bf16;                                                                                                     \
    }

FOR_BOTH_TYPES(max, (const struct window *w, float *most), window_max(*w, false, most, NULL, false),
               window_max(*w, true, most, NULL, false))
FOR_BOTH_TYPES(winners, (const struct window *w, float *most, int32_t *winner),
               window_max(*w, false, most, winner, true), window_max(*w, true, most, winner, true))
FOR_BOTH_TYPES(sum, (const struct window *w, float *to), window_sum(*w, false, to), window_sum(*w, true, to))
FOR_BOTH_TYPES(gather, (const struct window *w, int32_t column_cell_step, const uint16_t *winner, float *to),
               gather_max(*w, false, column_cell_step, winner, to), gather_max(*w, true, column_cell_step, winner, to))

HOT static void scale(float *to, float factor, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] *= factor;
}

HOT static void add_scaled(float *restrict to, const float *restrict from, float factor, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] += from[i] * factor;
}

HOT static void narrow(uint16_t *restrict to, const int32_t *restrict from, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = (uint16_t)from[i];
}

static struct pool_job job_of(const struct kernel_call *call, const struct shape *in, const struct shape *out)
{
    return (struct pool_job){call, call->attrs, in->dim[1], in->dim[2], out->dim[1], out->dim[2], in->dim[3], NULL};
}

/* The window over rows y and columns x of one picture, `count` channels from c on. */
static struct window window_of(const struct pool_job *job, int64_t batch, struct range y, struct range x, int64_t c,
                               int64_t count)
{
    return (struct window){.data = job->call->in[0].data,
                           .at = ((batch * job->in_height + y.begin) * job->in_width + x.begin) * job->channels + c,
                           .rows = y.end - y.begin,
                           .columns = x.end - x.begin,
                           .row_step = job->in_width * job->channels,
                           .column_step = job->channels,
                           .count = count,
                           .cell = (int32_t)((y.begin - y.from) * job->a->window[1] + x.begin - x.from),
                           .cell_step = job->a->window[1]};
}

/* One item is one row of outputs. */
static void forward_rows(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct pool_job *job = context;
    const struct pool_attrs *a = job->a;
    const struct tensor *out = &job->call->out;
    bool bf16 = job->call->in[0].dtype == DTYPE_BF16;
    float value[CHANNEL_BLOCK];
    for (int64_t item = begin; item < end; item++) {
        struct range y = window_at(a, 0, item % job->out_height, job->in_height);
        for (int64_t column = 0; column < job->out_width; column++) {
            struct range x = window_at(a, 1, column, job->in_width);
            for (int64_t c = 0; c < job->channels; c += CHANNEL_BLOCK) {
                int64_t count = int64_min(CHANNEL_BLOCK, job->channels - c);
                struct window w = window_of(job, item / job->out_height, y, x, c, count);
                if (a->average) {
                    (bf16 ? sum_bf16 : sum_f32)(&w, value);
                    scale(value, average_weight(a, y, x), count);
                } else {
                    (bf16 ? max_bf16 : max_f32)(&w, value);
                }
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

/* --- gradients ---------------------------------------------------------------------------------------------------- */

static void find_winners(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct pool_job *job = context;
    bool bf16 = job->call->in[0].dtype == DTYPE_BF16;
    float most[CHANNEL_BLOCK];
    int32_t winner[CHANNEL_BLOCK];
    for (int64_t item = begin; item < end; item++) {
        struct range y = window_at(job->a, 0, item % job->out_height, job->in_height);
        for (int64_t column = 0; column < job->out_width; column++) {
            struct range x = window_at(job->a, 1, column, job->in_width);
            for (int64_t c = 0; c < job->channels; c += CHANNEL_BLOCK) {
                int64_t count = int64_min(CHANNEL_BLOCK, job->channels - c);
                struct window w = window_of(job, item / job->out_height, y, x, c, count);
                (bf16 ? winners_bf16 : winners_f32)(&w, most, winner);
                narrow(job->winners + (item * job->out_width + column) * job->channels + c, winner, count);
            }
        }
    }
}

/* The gradient of an average at one element: the windows over it, each with its weight. */
static void gather_average(const struct pool_job *job, int64_t batch, struct range ys, struct range xs, int64_t c,
                           int64_t count, float *value)
{
    float buffer[CHANNEL_BLOCK];
    for (int64_t i = 0; i < count; i++)
        value[i] = 0.0f;
    for (int64_t oy = ys.begin; oy < ys.end; oy++) {
        for (int64_t ox = xs.begin; ox < xs.end; ox++) {
            int64_t at = ((batch * job->out_height + oy) * job->out_width + ox) * job->channels + c;
            float weight = average_weight(job->a, window_at(job->a, 0, oy, job->in_height),
                                          window_at(job->a, 1, ox, job->in_width));
            add_scaled(value, loop_read(&job->call->in[1], at, count, buffer), weight, count);
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
    float value[CHANNEL_BLOCK];
    for (int64_t item = begin; item < end; item++) {
        int64_t batch = item / job->in_height, row = item % job->in_height;
        struct range ys = windows_over(a, 0, row, job->out_height);
        for (int64_t col = 0; col < job->in_width; col++) {
            struct range xs = windows_over(a, 1, col, job->out_width);
            for (int64_t c = 0; c < job->channels; c += CHANNEL_BLOCK) {
                int64_t count = int64_min(CHANNEL_BLOCK, job->channels - c);
                if (a->average) {
                    gather_average(job, batch, ys, xs, c, count, value);
                } else {
                    int64_t cell_y = row - (ys.begin * a->stride[0] - a->pad[0]);
                    int64_t cell_x = col - (xs.begin * a->stride[1] - a->pad[1]);
                    struct window w = {.data = gradients->data,
                                       .at = ((batch * job->out_height + ys.begin) * job->out_width + xs.begin) *
                                                 job->channels +
                                             c,
                                       .rows = ys.end - ys.begin,
                                       .columns = xs.end - xs.begin,
                                       .row_step = job->out_width * job->channels,
                                       .column_step = job->channels,
                                       .count = count,
                                       .cell = (int32_t)(cell_y * a->window[1] + cell_x),
                                       .cell_step = a->stride[0] * a->window[1]};
                    (gradients->dtype == DTYPE_BF16 ? gather_bf16 : gather_f32)(&w, a->stride[1], job->winners, value);
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
const struct kernel cpu_pool2d_grad = {.op = &op_pool2d_grad_def,
                                       .bf16 = true,
                                       .prepare = grad_prepare,
                                       .run = pool_grad_run};
