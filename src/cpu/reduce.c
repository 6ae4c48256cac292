/* reduce.c - sums, means and maxima over axes. Neighbouring reduced axes are merged, then one group is reduced at a
 * time, the last first: [outer, length, inner] to [outer, inner]. */
#include <math.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "cpu/columns.h"
#include "cpu/kernels.h"
#include "ops/reduce.h"

enum {
    SHORT_ELEMENTS = 512,  /* length * inner up to this: a plain loop for each of `outer` */
    ROW_BLOCK = 16384,     /* a long row is summed in blocks of this many elements */
    SUM_BLOCK = LOOP_CHUNK /* floats summed before doubles take over */
};

struct pass {
    int64_t outer, length, inner;
};

struct plan {
    struct pass passes[TENSOR_MAX_RANK];
    int count;
};

static struct plan plan_of(const struct shape *in, uint32_t axes)
{
    struct plan plan = {.count = 0};
    int64_t inner = 1;
    for (int axis = in->rank - 1; axis >= 0; axis--) {
        int64_t length = in->dim[axis];
        if (!(axes & REDUCE_AXIS(axis))) {
            inner *= length;
            continue;
        }
        while (axis > 0 && (axes & REDUCE_AXIS(axis - 1)))
            length *= in->dim[--axis];
        int64_t outer = 1;
        for (int i = 0; i < axis; i++)
            outer *= in->dim[i];
        plan.passes[plan.count++] = (struct pass){outer, length, inner};
    }
    return plan;
}

struct reduce_job {
    struct pass pass;
    bool max;
    double scale;
    struct tensor in, out; /* [outer, length, inner], [outer, inner] */
    struct columns columns;
    double *scratch;
    int64_t blocks; /* of a long row */
};

HOT static float sum_floats(const float *x, int64_t count)
{
    float sum = 0.0f;
    SUMMING(sum)
    for (int64_t i = 0; i < count; i++)
        sum += x[i];
    return sum;
}

HOT static float max_floats(const float *x, int64_t count)
{
    enum { LANES = 32 };
    float lanes[LANES];
    for (int i = 0; i < LANES; i++)
        lanes[i] = -INFINITY;
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        for (int lane = 0; lane < LANES; lane++) {
            float most = lanes[lane], v = x[i + lane];
            lanes[lane] = ((most >= v) | (most != most)) ? most : v; /* a NaN stays */
        }
    }
    for (int lane = 0; i + lane < count; lane++)
        lanes[lane] = lanes[lane] >= x[i + lane] || lanes[lane] != lanes[lane] ? lanes[lane] : x[i + lane];
    for (int half = LANES / 2; half > 0; half /= 2) {
        for (int lane = 0; lane < half; lane++) {
            float a = lanes[lane], b = lanes[lane + half];
            lanes[lane] = ((a >= b) | (a != a)) ? a : b;
        }
    }
    return lanes[0];
}

static double join(bool max, double a, double b)
{
    return !max ? a + b : a >= b || a != a ? a : b;
}

static double reduce_run_of(const struct tensor *in, int64_t offset, int64_t count, bool max)
{
    float buffer[SUM_BLOCK];
    double result = max ? -INFINITY : 0.0;
    for (int64_t i = 0; i < count; i += SUM_BLOCK) {
        int64_t n = int64_min(SUM_BLOCK, count - i);
        const float *x = loop_read(in, offset + i, n, buffer);
        result = join(max, result, max ? max_floats(x, n) : sum_floats(x, n));
    }
    return result;
}

static void put(const struct reduce_job *job, int64_t index, double value)
{
    float result = (float)(value * job->scale);
    loop_write(&job->out, index, 1, &result);
}

/* Many short reductions. */
static void reduce_short(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct reduce_job *job = context;
    int64_t length = job->pass.length, inner = job->pass.inner;
    float buffer[SHORT_ELEMENTS];
    for (int64_t o = begin; o < end; o++) {
        const float *x = loop_read(&job->in, o * length * inner, length * inner, buffer);
        for (int64_t i = 0; i < inner; i++) {
            double result = job->max ? -INFINITY : 0.0;
            for (int64_t k = 0; k < length; k++)
                result = join(job->max, result, x[k * inner + i]);
            put(job, o * inner + i, result);
        }
    }
}

/* Rows of neighbouring elements, each in blocks. */
static void reduce_rows(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct reduce_job *job = context;
    for (int64_t item = begin; item < end; item++) {
        int64_t row = item / job->blocks, from = item % job->blocks * ROW_BLOCK;
        int64_t count = int64_min(ROW_BLOCK, job->pass.length - from);
        job->scratch[item] = reduce_run_of(&job->in, row * job->pass.length + from, count, job->max);
    }
}

static void finish_rows(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct reduce_job *job = context;
    for (int64_t row = begin; row < end; row++) {
        double result = job->scratch[row * job->blocks];
        for (int64_t block = 1; block < job->blocks; block++)
            result = join(job->max, result, job->scratch[row * job->blocks + block]);
        put(job, row, result);
    }
}

HOT static void column_body(const void *context, const struct columns *c, int64_t outer, int64_t row, int64_t rows,
                            int64_t column, int64_t count, int64_t before, double total[COLUMN_VALUES][COLUMN_BLOCK])
{
    (void)before;
    const struct reduce_job *job = context;
    float sum[COLUMN_BLOCK], buffer[COLUMN_BLOCK];
    for (int64_t i = 0; i < count; i++)
        sum[i] = job->max ? -INFINITY : 0.0f;
    for (int64_t r = 0; r < rows; r++) {
        const float *x = loop_read(&job->in, columns_offset(c, outer, row + r, column), count, buffer);
        if (job->max) {
            for (int64_t i = 0; i < count; i++) {
                float v = x[i], most = sum[i];
                sum[i] = most >= v || most != most ? most : v;
            }
        } else {
            for (int64_t i = 0; i < count; i++)
                sum[i] += x[i];
        }
    }
    if (job->max) {
        for (int64_t i = 0; i < count; i++)
            total[0][i] = total[0][i] >= sum[i] || total[0][i] != total[0][i] ? total[0][i] : (double)sum[i];
    } else {
        for (int64_t i = 0; i < count; i++)
            total[0][i] += sum[i];
    }
}

static void finish_columns(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct reduce_job *job = context;
    const struct columns *c = &job->columns;
    for (int64_t index = begin; index < end; index++) {
        int64_t outer = index / c->channels, channel = index % c->channels;
        double result = -INFINITY;
        if (!job->max) {
            result = columns_sum(c, job->scratch, outer, channel, 0);
        } else {
            for (int64_t part = 0; part < columns_parts(c); part++) {
                const double *totals = columns_totals(c, job->scratch, outer, part, 0);
                for (int64_t i = channel; i < c->width; i += c->channels)
                    result = join(true, result, totals[i]);
            }
        }
        put(job, index, result);
    }
}

enum way { WAY_SHORT, WAY_ROWS, WAY_COLUMNS };

static enum way way_of(const struct pass *pass)
{
    if (pass->length * pass->inner <= SHORT_ELEMENTS && (pass->inner > 1 || pass->length <= 32))
        return WAY_SHORT;
    return pass->inner == 1 ? WAY_ROWS : WAY_COLUMNS;
}

/* Doubles that a pass works in. */
static size_t pass_scratch(const struct pass *pass)
{
    switch (way_of(pass)) {
    case WAY_ROWS: return (size_t)(pass->outer * int64_div_up(pass->length, ROW_BLOCK)) * sizeof(double);
    case WAY_COLUMNS: {
        struct columns c = columns_of(pass->outer, pass->length, pass->inner, true);
        return columns_scratch(&c);
    }
    case WAY_SHORT: break;
    }
    return 0;
}

static size_t aligned(size_t bytes)
{
    return (bytes + MEMORY_ALIGNMENT - 1) / MEMORY_ALIGNMENT * MEMORY_ALIGNMENT;
}

static void run_pass(struct reduce_job *job)
{
    const struct pass *pass = &job->pass;
    int64_t elements = int64_max(1, pass->length * pass->inner), kept = pass->outer * pass->inner;
    switch (way_of(pass)) {
    case WAY_SHORT: parallel_for(pass->outer, int64_max(1, LOOP_GRAIN / 4 / elements), reduce_short, job); break;
    case WAY_ROWS:
        job->blocks = int64_div_up(pass->length, ROW_BLOCK);
        parallel_for(pass->outer * job->blocks, int64_max(1, LOOP_GRAIN / int64_min(elements, ROW_BLOCK)), reduce_rows,
                     job);
        parallel_for(pass->outer, LOOP_GRAIN, finish_rows, job);
        break;
    case WAY_COLUMNS:
        job->columns = columns_of(pass->outer, pass->length, pass->inner, true);
        columns_run(&job->columns, column_body, job, job->max ? -INFINITY : 0.0, job->scratch);
        parallel_for(kept, 1024, finish_columns, job);
        break;
    }
}

static assay_status reduce_prepare(const struct kernel_node *n, struct kernel_prepared *out, struct assay_error *error)
{
    (void)error;
    const struct reduce_attrs *attrs = n->attrs;
    struct plan plan = plan_of(&n->in[0].shape, attrs->axes);
    /* the results of the passes but the last, then the doubles of the greediest pass */
    size_t between = 0, most = 0;
    for (int i = 0; i < plan.count; i++) {
        const struct pass *pass = &plan.passes[i];
        if (i + 1 < plan.count)
            between += aligned((size_t)(pass->outer * pass->inner) * sizeof(float));
        size_t bytes = pass_scratch(pass);
        most = bytes > most ? bytes : most;
    }
    out->scratch_bytes = between + most;
    return ASSAY_OK;
}

static void reduce_run(const struct kernel_call *call)
{
    const struct reduce_attrs *attrs = call->attrs;
    struct plan plan = plan_of(&call->in[0].shape, attrs->axes);
    int64_t kept = shape_count(&call->out.shape), all = shape_count(&call->in[0].shape);
    double scale = attrs->kind == REDUCE_MEAN && all > 0 ? (double)kept / (double)all : 1.0;
    if (plan.count == 0) {
        struct reduce_job job = {{kept, 1, 1},   attrs->kind == REDUCE_MAX, scale, call->in[0], call->out,
                                 .scratch = NULL};
        run_pass(&job);
        return;
    }
    size_t between = 0;
    for (int i = 0; i + 1 < plan.count; i++)
        between += aligned((size_t)(plan.passes[i].outer * plan.passes[i].inner) * sizeof(float));
    char *next = call->scratch;
    struct tensor in = call->in[0];
    for (int i = 0; i < plan.count; i++) {
        bool last = i + 1 == plan.count;
        struct tensor to = last ? call->out : (struct tensor){next, DTYPE_F32, call->out.shape};
        struct reduce_job job = {plan.passes[i],
                                 attrs->kind == REDUCE_MAX,
                                 last ? scale : 1.0,
                                 in,
                                 to,
                                 .scratch = (double *)((char *)call->scratch + between)};
        run_pass(&job);
        next += aligned((size_t)(plan.passes[i].outer * plan.passes[i].inner) * sizeof(float));
        in = to;
    }
}

const struct kernel cpu_reduce = {.op = &op_reduce_def, .bf16 = true, .prepare = reduce_prepare, .run = reduce_run};
