/* layer_norm.c - normalisation of each row, and its gradients. The statistics of a row are computed again where the
 * gradient needs them: reading a row that lies in the cache costs less than keeping them. */
#include <math.h>

#include "cpu/chain.h"
#include "cpu/columns.h"
#include "cpu/kernels.h"
#include "cpu/rows.h"
#include "ops/norm.h"

HOT static float sum_values(const float *x, int64_t count)
{
    float sum = 0.0f;
    SUMMING(sum)
    for (int64_t i = 0; i < count; i++)
        sum += x[i];
    return sum;
}

HOT static float sum_squares_about(const float *x, float mean, int64_t count)
{
    float sum = 0.0f;
    SUMMING(sum)
    for (int64_t i = 0; i < count; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return sum;
}

struct row_stats {
    float mean, inverse; /* 1 / sqrt(var + eps) */
};

static struct row_stats stats_of(const struct tensor *x, int64_t first, int64_t length, float eps)
{
    float buffer[LOOP_CHUNK];
    double sum = 0.0, squares = 0.0;
    ROW_PIECES(from, count, length)
    sum += sum_values(loop_read(x, first + from, count, buffer), count);
    float mean = (float)(sum / (double)length);
    ROW_PIECES(from, count, length)
    squares += sum_squares_about(loop_read(x, first + from, count, buffer), mean, count);
    return (struct row_stats){mean, (float)(1.0 / sqrt(squares / (double)length + (double)eps))};
}

struct norm_job {
    const struct kernel_call *call;
    struct rows rows;
    float eps;
    struct row_stats *stats; /* [rows], for the sums */
};

static struct norm_job job_of(const struct kernel_call *call)
{
    const struct norm_attrs *attrs = call->attrs;
    return (struct norm_job){call, rows_of(&call->in[0].shape), attrs->eps, NULL};
}

/* --- forward ------------------------------------------------------------------------------------------------------ */

HOT static void normalise(float *y, const float *x, const float *scale, const float *shift, struct row_stats s,
                          int64_t count)
{
    INDEPENDENT
    for (int64_t i = 0; i < count; i++)
        y[i] = (x[i] - s.mean) * s.inverse * scale[i] + shift[i];
}

static void norm_rows(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct norm_job *job = context;
    const struct kernel_call *call = job->call;
    int64_t length = job->rows.length;
    float buffer[LOOP_CHUNK], scales[LOOP_CHUNK], shifts[LOOP_CHUNK], result[LOOP_CHUNK];
    for (int64_t row = begin; row < end; row++) {
        int64_t first = row * length;
        struct row_stats s = stats_of(&call->in[0], first, length, job->eps);
        ROW_PIECES(from, count, length)
        {
            const float *x = loop_read(&call->in[0], first + from, count, buffer);
            float *y = loop_target(&call->out, first + from, result);
            normalise(y, x, loop_read(&call->in[1], from, count, scales), loop_read(&call->in[2], from, count, shifts),
                      s, count);
            loop_write(&call->out, first + from, count, y);
        }
    }
}

static void layer_norm_run(const struct kernel_call *call)
{
    struct norm_job job = job_of(call);
    parallel_for(job.rows.count, rows_grain(&job.rows), norm_rows, &job);
}

/* --- gradient of x ------------------------------------------------------------------------------------------------ */

struct pair {
    float plain, product;
};

/* Sums of g and of g (x - mean), g = dy scale. */
HOT static struct pair sum_pair(const float *x, const float *dy, const float *scale, float mean, int64_t count)
{
    float plain = 0.0f, product = 0.0f;
    SUMMING(plain, product)
    for (int64_t i = 0; i < count; i++) {
        plain += dy[i] * scale[i];
        product += dy[i] * scale[i] * (x[i] - mean);
    }
    return (struct pair){plain, product};
}

HOT static void slope(float *dx, const float *x, const float *dy, const float *scale, struct row_stats s, float plain,
                      float product, int64_t count)
{
    INDEPENDENT
    for (int64_t i = 0; i < count; i++)
        dx[i] = s.inverse * (dy[i] * scale[i] - plain - product * (x[i] - s.mean));
}

/* (g - mean(g) - normalised x mean(g normalised x)) / deviation, g = dy scale. */
static void grad_rows(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct norm_job *job = context;
    const struct tensor *inputs = job->call->in, *out = &job->call->out;
    int64_t length = job->rows.length;
    float xs[LOOP_CHUNK], scales[LOOP_CHUNK], gradients[LOOP_CHUNK], result[LOOP_CHUNK];
    for (int64_t row = begin; row < end; row++) {
        int64_t first = row * length;
        struct row_stats s = stats_of(&inputs[0], first, length, job->eps);
        double plain = 0.0, product = 0.0;
        ROW_PIECES(from, count, length)
        {
            struct pair sums = sum_pair(loop_read(&inputs[0], first + from, count, xs),
                                        loop_read(&inputs[2], first + from, count, gradients),
                                        loop_read(&inputs[1], from, count, scales), s.mean, count);
            plain += sums.plain;
            product += sums.product;
        }
        plain /= (double)length;
        product *= (double)s.inverse * s.inverse / (double)length;
        ROW_PIECES(from, count, length)
        {
            float *dx = loop_target(out, first + from, result);
            slope(dx, loop_read(&inputs[0], first + from, count, xs),
                  loop_read(&inputs[2], first + from, count, gradients), loop_read(&inputs[1], from, count, scales), s,
                  (float)plain, (float)product, count);
            loop_write(out, first + from, count, dx);
        }
    }
}

static void layer_norm_grad_run(const struct kernel_call *call)
{
    struct norm_job job = job_of(call);
    parallel_for(job.rows.count, rows_grain(&job.rows), grad_rows, &job);
}

/* --- sums over the rows of dy and of dy * normalised x ------------------------------------------------------------ */

static struct columns columns_of_rows(const struct rows *rows)
{
    return columns_of(1, rows->count, rows->length, false);
}

static assay_status sums_prepare(const struct kernel_node *n, struct kernel_prepared *out, struct assay_error *error)
{
    (void)error;
    struct rows rows = rows_of(&n->in[0].shape);
    struct columns c = columns_of_rows(&rows);
    out->scratch_bytes = columns_scratch(&c) + (size_t)rows.count * sizeof(struct row_stats);
    return ASSAY_OK;
}

static void stats_rows(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct norm_job *job = context;
    for (int64_t row = begin; row < end; row++)
        job->stats[row] = stats_of(&job->call->in[0], row * job->rows.length, job->rows.length, job->eps);
}

HOT static void sums_body(const void *context, const struct columns *c, int64_t outer, int64_t row, int64_t rows,
                          int64_t column, int64_t count, int64_t before, double total[COLUMN_VALUES][COLUMN_BLOCK])
{
    (void)before;
    const struct norm_job *job = context;
    float plain[COLUMN_BLOCK], product[COLUMN_BLOCK], from[COLUMN_BLOCK], gradient[COLUMN_BLOCK];
    for (int64_t i = 0; i < count; i++)
        plain[i] = product[i] = 0.0f;
    for (int64_t r = 0; r < rows; r++) {
        int64_t offset = columns_offset(c, outer, row + r, column);
        const float *x = loop_read(&job->call->in[0], offset, count, from);
        const float *dy = loop_read(&job->call->in[1], offset, count, gradient);
        struct row_stats s = job->stats[row + r];
        for (int64_t i = 0; i < count; i++) {
            plain[i] += dy[i];
            product[i] += dy[i] * ((x[i] - s.mean) * s.inverse);
        }
    }
    for (int64_t i = 0; i < count; i++) {
        total[0][i] += plain[i];
        total[1][i] += product[i];
    }
}

static void layer_norm_sums_run(const struct kernel_call *call)
{
    struct norm_job job = job_of(call);
    struct columns c = columns_of_rows(&job.rows);
    job.stats = (struct row_stats *)((char *)call->scratch + columns_scratch(&c));
    parallel_for(job.rows.count, rows_grain(&job.rows), stats_rows, &job);
    columns_run(&c, sums_body, &job, 0.0, call->scratch);
    for (int64_t i = 0; i < c.channels; i++) {
        for (int value = 0; value < 2; value++) {
            float sum = (float)columns_sum(&c, call->scratch, 0, i, value);
            loop_write(&call->out, value * c.channels + i, 1, &sum);
        }
    }
}

const struct kernel cpu_layer_norm = {.op = &op_layer_norm_def,
                                      .bf16 = true,
                                      .absorbs = chain_absorbs_cast,
                                      .run = layer_norm_run};
const struct kernel cpu_layer_norm_grad = {.op = &op_layer_norm_grad_def, .bf16 = true, .run = layer_norm_grad_run};
const struct kernel cpu_layer_norm_sums = {.op = &op_layer_norm_sums_def,
                                           .bf16 = true,
                                           .prepare = sums_prepare,
                                           .run = layer_norm_sums_run};
