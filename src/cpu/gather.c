/* gather.c - rows of a table by index, and the sum of gradients back into them. */
#include "base/parallel.h"
#include "cpu/kernels.h"
#include "cpu/loops.h"
#include "ops/gather.h"

struct gather_job {
    const struct kernel_call *call;
    const int32_t *indices;
    int64_t rows, width, count; /* of the table; elements of a row; indices */
};

static struct gather_job gather_job_of(const struct kernel_call *call, const struct shape *table,
                                       const struct tensor *indices)
{
    int64_t rows = table->dim[0];
    return (struct gather_job){call, indices->data, rows, rows > 0 ? shape_count(table) / rows : 0,
                               shape_count(&indices->shape)};
}

static void gather_rows(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct gather_job *job = context;
    for (int64_t i = begin; i < end; i++) {
        int64_t row = job->indices[i];
        if (row >= 0 && row < job->rows)
            loop_copy(&job->call->out, i * job->width, &job->call->in[0], row * job->width, job->width);
        else
            loop_zero(&job->call->out, i * job->width, job->width);
    }
}

static void gather_run(const struct kernel_call *call)
{
    struct gather_job job = gather_job_of(call, &call->in[0].shape, &call->in[1]);
    parallel_for(job.count, int64_max(1, LOOP_GRAIN / int64_max(1, job.width)), gather_rows, &job);
}

/* Columns of the table are shared out, so that each row is summed in the order of the indices at any thread count. */
static void scatter_columns(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct gather_job *job = context;
    float *out = job->call->out.data, buffer[LOOP_CHUNK];
    for (int64_t row = 0; row < job->rows; row++)
        for (int64_t i = begin; i < end; i++)
            out[row * job->width + i] = 0.0f;
    for (int64_t k = 0; k < job->count; k++) {
        int64_t row = job->indices[k];
        if (row < 0 || row >= job->rows)
            continue;
        for (int64_t from = begin; from < end; from += LOOP_CHUNK) {
            int64_t count = int64_min(LOOP_CHUNK, end - from);
            const float *d = loop_read(&job->call->in[1], k * job->width + from, count, buffer);
            for (int64_t i = 0; i < count; i++)
                out[row * job->width + from + i] += d[i];
        }
    }
}

static void scatter_add_run(const struct kernel_call *call)
{
    struct gather_job job = gather_job_of(call, &call->out.shape, &call->in[0]);
    parallel_for(job.width, 64, scatter_columns, &job);
}

const struct kernel cpu_gather = {.op = &op_gather_def, .bf16 = true, .run = gather_run};
const struct kernel cpu_scatter_add = {.op = &op_scatter_add_def, .bf16 = true, .run = scatter_add_run};
