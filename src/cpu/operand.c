/* operand.c - stretches of broadcast inputs. */
#include "cpu/operand.h"

#include "base/parallel.h"
#include "cpu/chain.h"

enum operand_kind {
    OPERAND_WHOLE,    /* as large as the output */
    OPERAND_SCALAR,   /* one value everywhere */
    OPERAND_PERIODIC, /* repeats along the leading axes, such as one value per channel */
    OPERAND_STRIDED   /* anything else */
};

struct operand {
    const struct tensor *tensor;
    enum operand_kind kind;
    int64_t period;
    int rank; /* axes merged where possible; stride 0 along repeated ones */
    int64_t dim[TENSOR_MAX_RANK], stride[TENSOR_MAX_RANK];
};

struct operand_job {
    const struct kernel_call *call;
    operand_body *body;
    const void *context;
    struct operand operands[OPERAND_MAX];
    struct chain chain;
    int64_t count, step; /* elements of the output; of a stretch */
};

static struct operand operand_of(const struct tensor *t, const struct shape *out)
{
    struct operand o = {.tensor = t};
    int64_t stride = 1;
    int64_t dim[TENSOR_MAX_RANK], strides[TENSOR_MAX_RANK];
    for (int i = 0; i < out->rank; i++) { /* from the last axis to the first */
        int axis = out->rank - 1 - i, own = t->shape.rank - 1 - i;
        int64_t length = own >= 0 ? t->shape.dim[own] : 1;
        dim[axis] = out->dim[axis];
        strides[axis] = length == 1 ? 0 : stride;
        stride *= length;
    }
    for (int axis = 0; axis < out->rank; axis++) { /* merge with the axis before, where one step leads to the next */
        if (dim[axis] == 1)
            continue;
        int last = o.rank - 1;
        bool repeated = strides[axis] == 0;
        if (o.rank > 0 && (o.stride[last] == 0) == repeated) {
            o.dim[last] *= dim[axis];
            o.stride[last] = strides[axis];
        } else {
            o.dim[o.rank] = dim[axis];
            o.stride[o.rank++] = strides[axis];
        }
    }
    if (o.rank == 0 || (o.rank == 1 && o.stride[0] == 0)) {
        o.kind = OPERAND_SCALAR;
    } else if (o.rank == 1) {
        o.kind = OPERAND_WHOLE;
    } else if (o.rank == 2 && o.stride[0] == 0) {
        o.kind = OPERAND_PERIODIC;
        o.period = o.dim[1];
    } else {
        o.kind = OPERAND_STRIDED;
    }
    return o;
}

HOT static void fill(float *to, float value, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = value;
}

/* Elements begin .. begin+count-1 of the broadcast operand, run by run of its last axis. */
static void read_strided(const struct operand *o, int64_t begin, int64_t count, float *buffer)
{
    int64_t index[TENSOR_MAX_RANK], rest = begin, offset = 0;
    int last = o->rank - 1;
    for (int axis = last; axis >= 0; axis--) {
        index[axis] = rest % o->dim[axis];
        rest /= o->dim[axis];
        offset += index[axis] * o->stride[axis];
    }
    for (int64_t done = 0; done < count;) {
        int64_t n = int64_min(count - done, o->dim[last] - index[last]);
        float value, *to = buffer + done;
        if (o->stride[last] == 0) {
            fill(to, *loop_read(o->tensor, offset, 1, &value), n);
        } else {
            const float *from = loop_read(o->tensor, offset, n, to);
            for (int64_t i = 0; from != to && i < n; i++)
                to[i] = from[i];
        }
        done += n;
        index[last] += n;
        offset += n * o->stride[last];
        for (int axis = last; axis > 0 && index[axis] == o->dim[axis]; axis--) {
            index[axis] = 0;
            index[axis - 1]++;
            offset += o->stride[axis - 1] - o->dim[axis] * o->stride[axis];
        }
    }
}

/* `filled` says that `buffer` holds what an earlier stretch of the same length and phase put there. */
static const float *operand_read(const struct operand *o, int64_t begin, int64_t count, float *buffer, bool filled)
{
    switch (o->kind) {
    case OPERAND_WHOLE: return loop_read(o->tensor, begin, count, buffer);
    case OPERAND_SCALAR:
        if (!filled) {
            float value;
            fill(buffer, *loop_read(o->tensor, 0, 1, &value), count);
        }
        return buffer;
    case OPERAND_PERIODIC:
        if (filled && o->period <= LOOP_CHUNK)
            return buffer; /* stretches are whole periods then */
        break;
    case OPERAND_STRIDED: break;
    }
    read_strided(o, begin, count, buffer);
    return buffer;
}

static void run_stretches(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct operand_job *job = context;
    const struct tensor *out = &job->call->out;
    float buffers[OPERAND_MAX][LOOP_CHUNK], result[LOOP_CHUNK], between[LOOP_CHUNK];
    int inputs = job->call->input_count;
    for (int64_t stretch = begin; stretch < end; stretch++) {
        int64_t first = stretch * job->step, count = int64_min(job->step, job->count - first);
        const float *values[OPERAND_MAX];
        for (int i = 0; i < inputs; i++)
            values[i] = operand_read(&job->operands[i], first, count, buffers[i], stretch > begin);
        /* An output may lie over an input, which a later op of the chain still wants: only the last one writes
         * there. */
        float *y = loop_target(out, first, result);
        job->body(job->context, job->chain.count ? between : y, values, count);
        chain_run(&job->chain, between, y, values, count);
        loop_write(out, first, count, y);
    }
}

void operand_run(const struct kernel_call *call, operand_body *body, const void *context)
{
    struct operand_job job = {call, body, context, .chain = chain_of(call), .count = shape_count(&call->out.shape)};
    int64_t period =
        1; /* of all periodic inputs: each one's is a product of trailing axes, so the longest is a multiple */
    for (int i = 0; i < call->input_count; i++) {
        struct operand *o = &job.operands[i];
        *o = operand_of(&call->in[i], &call->out.shape);
        if (o->kind == OPERAND_PERIODIC && o->period <= LOOP_CHUNK)
            period = int64_max(period, o->period);
    }
    job.step = LOOP_CHUNK / period * period;
    parallel_for(int64_div_up(job.count, job.step), LOOP_GRAIN / LOOP_CHUNK, run_stretches, &job);
}

bool operand_absorbs(const struct kernel_node *n, const struct kernel_node *next, int through)
{
    return n->input_count + next->input_count - 1 <= OPERAND_MAX && chain_absorbs(n, next, through, false);
}
