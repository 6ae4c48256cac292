/* batch_norm.c - statistics of channels and normalisation with them. The channels are the last axis. */
#include <math.h>

#include "base/parallel.h"
#include "cpu/chain.h"
#include "cpu/columns.h"
#include "cpu/kernels.h"
#include "cpu/lanes.h"
#include "cpu/norm_bf16.h"
#include "ops/norm.h"

static struct columns columns_of_tensor(const struct shape *shape)
{
    int64_t channels = shape->rank > 0 ? shape->dim[shape->rank - 1] : 1;
    return columns_of(1, channels > 0 ? shape_count(shape) / channels : 0, channels, true);
}

static assay_status columns_prepare(const struct kernel_node *n, struct kernel_prepared *out, struct assay_error *error)
{
    (void)error;
    struct columns c = columns_of_tensor(&n->in[0].shape);
    out->scratch_bytes = columns_scratch(&c);
    return ASSAY_OK;
}

/* Elements of a bf16 tensor from `offset` on, where `count` of them are whole vectors; else NULL. */
static uint16_t *bf16_lanes(const struct tensor *t, int64_t offset, int64_t count)
{
    return t->dtype == DTYPE_BF16 && count % LANES == 0 ? (uint16_t *)t->data + offset : NULL;
}

/* --- mean and variance -------------------------------------------------------------------------------------------- */

/* A few rows at a time, from the first cache: their mean, then the squares about it, so that nothing cancels; joined
 * with the rows before as in Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample
 * variances", 1979. total[0] is the mean, total[1] the sum of squares about it. */
HOT static void stats_body(const void *context, const struct columns *c, int64_t outer, int64_t row, int64_t rows,
                           int64_t column, int64_t count, int64_t before, double total[COLUMN_VALUES][COLUMN_BLOCK])
{
    const struct kernel_call *call = context;
    float mean[COLUMN_BLOCK], squares[COLUMN_BLOCK], rest[COLUMN_BLOCK], buffer[COLUMN_BLOCK];
    const uint16_t *x16 = bf16_lanes(&call->in[0], columns_offset(c, outer, row, column), count);
    for (int64_t i = 0; i < count; i++)
        mean[i] = squares[i] = rest[i] = 0.0f;
    if (x16)
        norm_bf16_sums(x16, c->width, rows, count, mean);
    for (int64_t r = 0; r < rows && !x16; r++) {
        const float *x = loop_read(&call->in[0], columns_offset(c, outer, row + r, column), count, buffer);
        for (int64_t i = 0; i < count; i++)
            mean[i] += x[i];
    }
    float inverse = 1.0f / (float)rows;
    for (int64_t i = 0; i < count; i++)
        mean[i] *= inverse;
    /* The squares are about `mean` as rounded; `rest`, the sum of what that left over, puts both right. */
    if (x16)
        norm_bf16_squares(x16, c->width, rows, count, mean, rest, squares);
    for (int64_t r = 0; r < rows && !x16; r++) {
        const float *x = loop_read(&call->in[0], columns_offset(c, outer, row + r, column), count, buffer);
        for (int64_t i = 0; i < count; i++) {
            float away = x[i] - mean[i];
            rest[i] += away;
            squares[i] += away * away;
        }
    }
    double share = (double)rows / (double)(before + rows), weight = (double)before * share,
           per_row = 1.0 / (double)rows;
    for (int64_t i = 0; i < count; i++) {
        double off = rest[i] * per_row, here = mean[i] + off, apart = here - total[0][i];
        total[0][i] += apart * share;
        total[1][i] += squares[i] - off * rest[i] + apart * apart * weight;
    }
}

struct stats_job {
    const struct kernel_call *call;
    const struct columns *c;
};

static void finish_stats(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct stats_job *job = context;
    const struct columns *c = job->c;
    for (int64_t channel = begin; channel < end; channel++) {
        double n = 0.0, mean = 0.0, squares = 0.0;
        for (int64_t part = 0; part < columns_parts(c); part++) {
            const double *means = columns_totals(c, job->call->scratch, 0, part, 0);
            const double *sums = columns_totals(c, job->call->scratch, 0, part, 1);
            int64_t rows = part == c->parts ? 1 : int64_min(c->part_rows, c->wide_rows - part * c->part_rows);
            int64_t width = part == c->parts ? c->tail : c->width;
            for (int64_t i = channel; i < width && rows > 0; i += c->channels) {
                double apart = means[i] - mean, all = n + (double)rows;
                mean += apart * (double)rows / all;
                squares += sums[i] + apart * apart * n * (double)rows / all;
                n = all;
            }
        }
        float result[2] = {(float)mean, n > 0.0 ? (float)(squares / n) : 0.0f};
        loop_write(&job->call->out, channel, 1, &result[0]);
        loop_write(&job->call->out, c->channels + channel, 1, &result[1]);
    }
}

static void channel_stats_run(const struct kernel_call *call)
{
    struct columns c = columns_of_tensor(&call->in[0].shape);
    struct stats_job job = {call, &c};
    columns_run(&c, stats_body, call, 0.0, call->scratch);
    parallel_for(c.channels, 1024, finish_stats, &job);
}

/* --- tables: a few numbers per channel, repeated so that a stretch of the tensor meets them in order -------------- */

enum { TABLE_WIDTH = 512, TABLES = 4, NORM_INPUTS = 5 + KERNEL_MAX_ABSORBED };

/* Floats in one table: whole rows of channels side by side. */
static int64_t table_width(int64_t channels)
{
    return channels * int64_max(1, TABLE_WIDTH / int64_max(1, channels));
}

/* One stretch, `count` elements; the tables begin where it does. */
typedef void apply_body(float *y, const float *x, const float *dy, const float *const table[TABLES], int64_t count);

struct apply_job {
    const struct kernel_call *call;
    const struct tensor *x, *dy; /* dy NULL: not needed */
    apply_body *body;
    int64_t channels, width, count;
    float *table[TABLES];
    int own; /* inputs that are not those of absorbed ops */
    struct chain chain;
    bool bf16; /* all in bf16, the chain at most a sum with `other` (NULL: none) and then a relu */
    const struct tensor *other;
    bool relu;
};

static assay_status table_prepare(const struct kernel_node *n, struct kernel_prepared *out, struct assay_error *error)
{
    (void)error;
    const struct shape *shape = &n->out.shape;
    out->scratch_bytes = (size_t)table_width(shape->dim[shape->rank - 1]) * TABLES * sizeof(float);
    return ASSAY_OK;
}

/* The job, its tables in the scratch memory still to be filled. */
static struct apply_job apply_job_of(const struct kernel_call *call)
{
    const struct shape *shape = &call->out.shape;
    int64_t channels = shape->dim[shape->rank - 1];
    struct apply_job job = {.call = call,
                            .channels = channels,
                            .width = table_width(channels),
                            .count = shape_count(shape)};
    for (int i = 0; i < TABLES; i++)
        job.table[i] = (float *)call->scratch + i * job.width;
    return job;
}

/* Whether norm_bf16.h has the whole of the job, chain and all. */
static void find_bf16(struct apply_job *job)
{
    const struct kernel_call *call = job->call;
    int at = 0;
    job->bf16 = job->channels % LANES == 0 && call->out.dtype == DTYPE_BF16 && job->x->dtype == DTYPE_BF16 &&
                (!job->dy || job->dy->dtype == DTYPE_BF16);
    const struct chain_step *steps = job->chain.steps;
    if (at < job->chain.count && steps[at].binary == chain_binary(BINARY_ADD) && steps[at].input >= 0 &&
        call->in[steps[at].input].dtype == DTYPE_BF16)
        job->other = &call->in[steps[at++].input];
    const struct unary_attrs relu = {.kind = UNARY_RELU};
    job->relu = at < job->chain.count && steps[at].unary == chain_unary(&relu);
    at += job->relu;
    job->bf16 = job->bf16 && at == job->chain.count;
}

static bool apply_bf16(const struct apply_job *job, const float *const table[TABLES], int64_t offset, int64_t count)
{
    uint16_t *y = job->bf16 ? bf16_lanes(&job->call->out, offset, count) : NULL;
    if (!y)
        return false;
    const uint16_t *x = (const uint16_t *)job->x->data + offset;
    const uint16_t *other = job->other ? (const uint16_t *)job->other->data + offset : NULL;
    if (job->dy)
        norm_bf16_grad(y, x, (const uint16_t *)job->dy->data + offset, table, count);
    else
        norm_bf16_apply(y, x, other, job->relu, table, count);
    return true;
}

static void apply_rows(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct apply_job *job = context;
    float from[LOOP_CHUNK], gradient[LOOP_CHUNK], result[LOOP_CHUNK], between[LOOP_CHUNK];
    float others[KERNEL_MAX_ABSORBED][LOOP_CHUNK];
    for (int64_t row = begin; row < end; row++) {
        for (int64_t column = 0; column < job->width; column += LOOP_CHUNK) {
            int64_t offset = row * job->width + column;
            int64_t count = int64_min(int64_min(LOOP_CHUNK, job->width - column), job->count - offset);
            if (count <= 0)
                return;
            const float *const table[TABLES] = {job->table[0] + column, job->table[1] + column, job->table[2] + column,
                                                job->table[3] + column};
            if (apply_bf16(job, table, offset, count))
                continue;
            const float *x = loop_read(job->x, offset, count, from);
            const float *dy = job->dy ? loop_read(job->dy, offset, count, gradient) : NULL;
            float *y = loop_target(&job->call->out, offset, result);
            job->body(job->chain.count ? between : y, x, dy, table, count);
            const float *inputs[NORM_INPUTS];
            for (int i = job->own; i < job->call->input_count && job->chain.count > 0; i++)
                inputs[i] = loop_read(&job->call->in[i], offset, count, others[i - job->own]);
            chain_run(&job->chain, between, y, inputs, count);
            loop_write(&job->call->out, offset, count, y);
        }
    }
}

/* Repeats the first `channels` entries of each table, then goes over the tensor. */
static void apply(struct apply_job *job)
{
    if (job->count == 0)
        return;
    find_bf16(job);
    for (int t = 0; t < TABLES; t++) {
        for (int64_t i = job->channels; i < job->width; i++)
            job->table[t][i] = job->table[t][i - job->channels];
    }
    parallel_for(int64_div_up(job->count, job->width), int64_max(1, LOOP_GRAIN / job->width), apply_rows, job);
}

/* --- (x - mean) / sqrt(var + eps) * scale + shift ----------------------------------------------------------------- */

HOT static void norm_loop(float *y, const float *x, const float *dy, const float *const table[TABLES], int64_t count)
{
    (void)dy;
    const float *mean = table[0], *factor = table[1], *shift = table[2];
    INDEPENDENT
    for (int64_t i = 0; i < count; i++)
        y[i] = (x[i] - mean[i]) * factor[i] + shift[i];
}

/* Inputs from `stats` on are mean and variance, scale and shift. */
static void normalise_with(const struct kernel_call *call, const float *mean, const float *variance, int own)
{
    const struct norm_attrs *attrs = call->attrs;
    struct apply_job job = apply_job_of(call);
    int64_t channels = job.channels;
    const float *scale = loop_read(&call->in[own - 2], 0, channels, job.table[1]);
    const float *shift = loop_read(&call->in[own - 1], 0, channels, job.table[2]);
    for (int64_t i = 0; i < channels; i++) {
        job.table[0][i] = mean[i];
        job.table[1][i] = (float)(scale[i] / sqrt((double)variance[i] + (double)attrs->eps));
        job.table[2][i] = shift[i];
        job.table[3][i] = 0.0f;
    }
    job.x = &call->in[0];
    job.own = own;
    job.chain = chain_of(call);
    job.body = norm_loop;
    apply(&job);
}

static void batch_norm_run(const struct kernel_call *call)
{
    const float *stats = call->in[1].data; /* statistics are always f32 */
    int64_t channels = call->in[1].shape.dim[1];
    normalise_with(call, stats, stats + channels, 4);
}

static void batch_norm_frozen_run(const struct kernel_call *call)
{
    struct apply_job job = apply_job_of(call);
    const float *mean = loop_read(&call->in[1], 0, job.channels, job.table[0]);
    const float *variance = loop_read(&call->in[2], 0, job.channels, job.table[3]);
    normalise_with(call, mean, variance, 5);
}

static bool batch_norm_absorbs(const struct kernel_node *n, const struct kernel_node *next, int through)
{
    return chain_absorbs(n, next, through, true);
}

/* --- sums of dy and of dy * normalised x -------------------------------------------------------------------------- */

HOT static void sums_body(const void *context, const struct columns *c, int64_t outer, int64_t row, int64_t rows,
                          int64_t column, int64_t count, int64_t before, double total[COLUMN_VALUES][COLUMN_BLOCK])
{
    (void)before;
    const struct kernel_call *call = context;
    const float *means = call->in[1].data;
    float mean[COLUMN_BLOCK], plain[COLUMN_BLOCK], product[COLUMN_BLOCK];
    float from[COLUMN_BLOCK], gradient[COLUMN_BLOCK];
    int64_t channel = column % c->channels;
    for (int64_t i = 0; i < count; i++) {
        mean[i] = means[channel];
        channel = channel + 1 == c->channels ? 0 : channel + 1;
        plain[i] = product[i] = 0.0f;
    }
    const uint16_t *x16 = bf16_lanes(&call->in[0], columns_offset(c, outer, row, column), count);
    const uint16_t *dy16 = bf16_lanes(&call->in[2], columns_offset(c, outer, row, column), count);
    bool bf16 = x16 && dy16;
    if (bf16)
        norm_bf16_products(x16, dy16, c->width, rows, count, mean, plain, product);
    for (int64_t r = 0; r < rows && !bf16; r++) {
        int64_t offset = columns_offset(c, outer, row + r, column);
        const float *x = loop_read(&call->in[0], offset, count, from);
        const float *dy = loop_read(&call->in[2], offset, count, gradient);
        for (int64_t i = 0; i < count; i++) {
            plain[i] += dy[i];
            product[i] += dy[i] * (x[i] - mean[i]);
        }
    }
    for (int64_t i = 0; i < count; i++) {
        total[0][i] += plain[i];
        total[1][i] += product[i];
    }
}

static void finish_sums(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct stats_job *job = context;
    const struct kernel_call *call = job->call;
    const struct columns *c = job->c;
    const struct norm_attrs *attrs = call->attrs;
    const float *variance = (const float *)call->in[1].data + c->channels;
    for (int64_t i = begin; i < end; i++) {
        double deviation = sqrt((double)variance[i] + (double)attrs->eps);
        float sums[2] = {(float)columns_sum(c, call->scratch, 0, i, 0),
                         (float)(columns_sum(c, call->scratch, 0, i, 1) / deviation)};
        loop_write(&call->out, i, 1, &sums[0]);
        loop_write(&call->out, c->channels + i, 1, &sums[1]);
    }
}

static void batch_norm_sums_run(const struct kernel_call *call)
{
    struct columns c = columns_of_tensor(&call->in[0].shape);
    struct stats_job job = {call, &c};
    columns_run(&c, sums_body, call, 0.0, call->scratch);
    parallel_for(c.channels, 1024, finish_sums, &job);
}

/* --- gradient of x ------------------------------------------------------------------------------------------------ */

HOT static void grad_loop(float *y, const float *x, const float *dy, const float *const table[TABLES], int64_t count)
{
    const float *mean = table[0], *factor = table[1], *plain = table[2], *slope = table[3];
    INDEPENDENT
    for (int64_t i = 0; i < count; i++)
        y[i] = factor[i] * (dy[i] - plain[i] - slope[i] * (x[i] - mean[i]));
}

/* With n rows: scale / deviation (dy - sum(dy) / n - normalised x sum(dy normalised x) / n), and
 * normalised x = (x - mean) / deviation. */
static void batch_norm_grad_run(const struct kernel_call *call)
{
    const struct norm_attrs *attrs = call->attrs;
    struct apply_job job = apply_job_of(call);
    int64_t channels = job.channels;
    double n = channels > 0 ? (double)(job.count / channels) : 1.0;
    const float *mean = call->in[1].data, *variance = mean + channels;
    const float *scale = loop_read(&call->in[2], 0, channels, job.table[1]);
    const float *sums = call->in[4].data;
    for (int64_t i = 0; i < channels; i++) {
        double inverse = 1.0 / sqrt((double)variance[i] + (double)attrs->eps);
        job.table[0][i] = mean[i];
        job.table[1][i] = (float)(scale[i] * inverse);
        job.table[2][i] = (float)(sums[i] / n);
        job.table[3][i] = (float)(sums[channels + i] / n * inverse);
    }
    job.x = &call->in[0];
    job.dy = &call->in[3];
    job.body = grad_loop;
    apply(&job);
}

const struct kernel cpu_channel_stats = {.op = &op_channel_stats_def,
                                         .bf16 = true,
                                         .prepare = columns_prepare,
                                         .run = channel_stats_run};
const struct kernel cpu_batch_norm = {.op = &op_batch_norm_def,
                                      .bf16 = true,
                                      .absorbs = batch_norm_absorbs,
                                      .prepare = table_prepare,
                                      .run = batch_norm_run};
const struct kernel cpu_batch_norm_frozen = {.op = &op_batch_norm_frozen_def,
                                             .bf16 = true,
                                             .absorbs = batch_norm_absorbs,
                                             .prepare = table_prepare,
                                             .run = batch_norm_frozen_run};
const struct kernel cpu_batch_norm_sums = {.op = &op_batch_norm_sums_def,
                                           .bf16 = true,
                                           .prepare = columns_prepare,
                                           .run = batch_norm_sums_run};
const struct kernel cpu_batch_norm_grad = {.op = &op_batch_norm_grad_def,
                                           .bf16 = true,
                                           .prepare = table_prepare,
                                           .run = batch_norm_grad_run};
