/* softmax.c - softmax and its logarithm along the last axis, and their gradients. */
#include "cpu/kernels.h"
#include "cpu/elementary.h"
#include "cpu/rows.h"
#include "ops/softmax.h"

enum { LANES = 32 };

/* The greatest of whole vectors' worth of values. */
INLINE float most_of_lanes(const float *x, int64_t count)
{
    float lanes[LANES];
    for (int lane = 0; lane < LANES; lane++)
        lanes[lane] = -INFINITY;
    for (int64_t i = 0; i < count; i += LANES) {
        for (int lane = 0; lane < LANES; lane++)
            lanes[lane] = lanes[lane] > x[i + lane] ? lanes[lane] : x[i + lane];
    }
    for (int half = LANES / 2; half > 0; half /= 2) {
        for (int lane = 0; lane < half; lane++)
            lanes[lane] = lanes[lane] > lanes[lane + half] ? lanes[lane] : lanes[lane + half];
    }
    return lanes[0];
}

HOT static float most_of(const float *x, int64_t count)
{
    int64_t whole = count / LANES * LANES;
    float most = most_of_lanes(x, whole);
    for (int64_t i = whole; i < count; i++)
        most = most > x[i] ? most : x[i];
    return most;
}

HOT static float sum_exp(const float *x, float most, int64_t count)
{
    float sum = 0.0f;
    SUMMING(sum)
    for (int64_t i = 0; i < count; i++)
        sum += math_exp(x[i] - most);
    return sum;
}

HOT static void exp_scaled(float *y, const float *x, float most, float factor, int64_t count)
{
    INDEPENDENT
    for (int64_t i = 0; i < count; i++)
        y[i] = math_exp(x[i] - most) * factor;
}

HOT static void subtract(float *y, const float *x, float most, float rest, int64_t count)
{
    INDEPENDENT
    for (int64_t i = 0; i < count; i++)
        y[i] = x[i] - most - rest;
}

/* A row of up to LOOP_CHUNK values in one go, filled up with -infinity to whole vectors: e^-infinity adds nothing. */
HOT static void short_row(float *y, const float *x, int64_t count, bool take_log)
{
    float e[LOOP_CHUNK + LANES], sum = 0.0f;
    int64_t padded = int64_div_up(count, LANES) * LANES;
    for (int64_t i = 0; i < count; i++)
        e[i] = x[i];
    for (int64_t i = count; i < padded; i++)
        e[i] = -INFINITY;
    float most = most_of_lanes(e, padded);
    SUMMING(sum)
    for (int64_t i = 0; i < padded; i++) {
        e[i] = math_exp(e[i] - most);
        sum += e[i];
    }
    if (take_log) {
        float rest = logf(sum);
        INDEPENDENT
        for (int64_t i = 0; i < count; i++)
            y[i] = x[i] - most - rest;
    } else {
        float factor = 1.0f / sum;
        INDEPENDENT
        for (int64_t i = 0; i < count; i++)
            y[i] = e[i] * factor;
    }
}

struct softmax_job {
    const struct kernel_call *call;
    struct rows rows;
    bool log;
};

static void forward_rows(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct softmax_job *job = context;
    const struct tensor *in = &job->call->in[0], *out = &job->call->out;
    int64_t length = job->rows.length;
    float buffer[LOOP_CHUNK], result[LOOP_CHUNK];
    for (int64_t row = begin; row < end; row++) {
        int64_t first = row * length;
        float most = -INFINITY;
        double sum = 0.0;
        if (length <= LOOP_CHUNK) {
            const float *x = loop_read(in, first, length, buffer);
            float *y = loop_target(out, first, result);
            short_row(y, x, length, job->log);
            loop_write(out, first, length, y);
            continue;
        }
        ROW_PIECES(from, count, length)
        {
            float here = most_of(loop_read(in, first + from, count, buffer), count);
            most = here > most ? here : most;
        }
        if (most == -INFINITY)
            most = 0.0f; /* a row of nothing but -infinity (or NaN) becomes NaN below, as it should */
        ROW_PIECES(from, count, length)
        sum += sum_exp(loop_read(in, first + from, count, buffer), most, count);
        float rest = job->log ? (float)log(sum) : (float)(1.0 / sum);
        ROW_PIECES(from, count, length)
        {
            const float *x = loop_read(in, first + from, count, buffer);
            float *y = loop_target(out, first + from, result);
            if (job->log)
                subtract(y, x, most, rest, count);
            else
                exp_scaled(y, x, most, rest, count);
            loop_write(out, first + from, count, y);
        }
    }
}

static void softmax_run(const struct kernel_call *call)
{
    struct softmax_job job = {call, rows_of(&call->out.shape), false};
    parallel_for(job.rows.count, rows_grain(&job.rows), forward_rows, &job);
}

static void log_softmax_run(const struct kernel_call *call)
{
    struct softmax_job job = {call, rows_of(&call->out.shape), true};
    parallel_for(job.rows.count, rows_grain(&job.rows), forward_rows, &job);
}

HOT static float sum_products(const float *a, const float *b, int64_t count)
{
    float sum = 0.0f;
    SUMMING(sum)
    for (int64_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

HOT static float sum_values(const float *a, int64_t count)
{
    float sum = 0.0f;
    SUMMING(sum)
    for (int64_t i = 0; i < count; i++)
        sum += a[i];
    return sum;
}

HOT static void softmax_slope(float *dx, const float *y, const float *dy, float sum, int64_t count)
{
    INDEPENDENT
    for (int64_t i = 0; i < count; i++)
        dx[i] = y[i] * (dy[i] - sum);
}

HOT static void log_softmax_slope(float *dx, const float *y, const float *dy, float sum, int64_t count)
{
    INDEPENDENT
    for (int64_t i = 0; i < count; i++)
        dx[i] = dy[i] - math_exp(y[i]) * sum;
}

static void backward_rows(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct softmax_job *job = context;
    const struct tensor *outputs = &job->call->in[0], *gradients = &job->call->in[1], *out = &job->call->out;
    int64_t length = job->rows.length;
    float left[LOOP_CHUNK], right[LOOP_CHUNK], result[LOOP_CHUNK];
    for (int64_t row = begin; row < end; row++) {
        int64_t first = row * length;
        double sum = 0.0;
        ROW_PIECES(from, count, length)
        {
            const float *dy = loop_read(gradients, first + from, count, right);
            sum += job->log ? sum_values(dy, count)
                            : sum_products(loop_read(outputs, first + from, count, left), dy, count);
        }
        ROW_PIECES(from, count, length)
        {
            const float *y = loop_read(outputs, first + from, count, left);
            const float *dy = loop_read(gradients, first + from, count, right);
            float *dx = loop_target(out, first + from, result);
            (job->log ? log_softmax_slope : softmax_slope)(dx, y, dy, (float)sum, count);
            loop_write(out, first + from, count, dx);
        }
    }
}

static void softmax_grad_run(const struct kernel_call *call)
{
    struct softmax_job job = {call, rows_of(&call->out.shape), false};
    parallel_for(job.rows.count, rows_grain(&job.rows), backward_rows, &job);
}

static void log_softmax_grad_run(const struct kernel_call *call)
{
    struct softmax_job job = {call, rows_of(&call->out.shape), true};
    parallel_for(job.rows.count, rows_grain(&job.rows), backward_rows, &job);
}

const struct kernel cpu_softmax = {.op = &op_softmax_def, .bf16 = true, .run = softmax_run};
const struct kernel cpu_log_softmax = {.op = &op_log_softmax_def, .bf16 = true, .run = log_softmax_run};
const struct kernel cpu_softmax_grad = {.op = &op_softmax_grad_def, .bf16 = true, .run = softmax_grad_run};
const struct kernel cpu_log_softmax_grad = {.op = &op_log_softmax_grad_def, .bf16 = true, .run = log_softmax_grad_run};
