/* matmul.c - the matrix product by oneDNN: leading axes merged as far as broadcasting allows, transposes as strides. */
#include "cpu/dnnl.h"
#include "cpu/dnnl_posts.h"
#include "cpu/kernels.h"
#include "cpu/loops.h"
#include "ops/matmul.h"

struct batch {
    int rank;
    int64_t dim[3][TENSOR_MAX_RANK]; /* of a, b and the output; 1 where an operand is repeated */
};

static int64_t leading_dim(const struct shape *s, int axis, int rank)
{
    int own = axis - (rank - s->rank);
    return own >= 0 ? s->dim[own] : 1;
}

/* The leading axes, neighbours merged where both operands have them whole, or the same one repeats. */
static struct batch batch_of(const struct shape *a, const struct shape *b, const struct shape *out)
{
    struct batch batch = {.rank = 0};
    for (int axis = 0; axis < out->rank - 2; axis++) {
        int64_t dim[3] = {leading_dim(a, axis, out->rank), leading_dim(b, axis, out->rank), out->dim[axis]};
        int last = batch.rank - 1;
        if (dim[2] == 1)
            continue;
        bool merge = batch.rank > 0;
        for (int i = 0; i < 2 && merge; i++)
            merge = (dim[i] == 1) == (batch.dim[i][last] == 1);
        if (!merge)
            last = batch.rank++;
        for (int i = 0; i < 3; i++)
            batch.dim[i][last] = merge ? batch.dim[i][last] * dim[i] : dim[i];
    }
    return batch;
}

/* [batch..., rows, columns]; transposed: it lies in memory as columns by rows. */
static struct onednn_operand matrix(int index, const struct batch *batch, int which, int64_t rows, int64_t columns,
                                    bool transposed, enum dtype stored, enum dtype computed)
{
    struct onednn_operand o = {.index = index, .rank = batch->rank + 2, .stored = stored, .computed = computed};
    int64_t step = rows * columns;
    o.dim[batch->rank] = rows;
    o.dim[batch->rank + 1] = columns;
    o.stride[batch->rank] = transposed ? 1 : columns;
    o.stride[batch->rank + 1] = transposed ? rows : 1;
    for (int axis = batch->rank - 1; axis >= 0; axis--) {
        o.dim[axis] = batch->dim[which][axis];
        o.stride[axis] = step;
        step *= o.dim[axis];
    }
    return o;
}

/* Only with stored weights: other products run on oneDNN's slower kernels, which do without. */
static bool matmul_absorbs(const struct kernel_node *n, const struct kernel_node *next, int through)
{
    return shape_count(&n->in[0].shape) > 0 && n->in_is_param[1] && posts_absorb(n, next, through);
}

static assay_status matmul_prepare(const struct kernel_node *described, struct kernel_prepared *out,
                                   struct assay_error *error)
{
    const struct matmul_attrs *attrs = described->attrs;
    const struct shape *a = &described->in[0].shape, *b = &described->in[1].shape, *y = &described->out.shape;
    struct onednn_spec spec = {.kind = ONEDNN_MATMUL};
    if (shape_count(a) == 0 || shape_count(b) == 0 || shape_count(y) == 0)
        return ASSAY_OK;
    int64_t m = y->dim[y->rank - 2], n = y->dim[y->rank - 1], k = a->dim[a->rank - (attrs->transpose_a ? 2 : 1)];
    struct batch batch = batch_of(a, b, y);
    if (batch.rank == 1 && batch.dim[1][0] == 1 && !attrs->transpose_a) { /* one b for all: the rows of one large a */
        m *= batch.dim[0][0];
        batch.rank = 0;
    }
    enum dtype type = described->in[0].dtype == DTYPE_BF16 || described->in[1].dtype == DTYPE_BF16
                          ? DTYPE_BF16
                          : described->out.dtype;
    spec.operands[ONEDNN_SOURCE] = matrix(0, &batch, 0, m, k, attrs->transpose_a, described->in[0].dtype, type);
    spec.operands[ONEDNN_WEIGHT] = matrix(1, &batch, 1, k, n, attrs->transpose_b, described->in[1].dtype, type);
    spec.operands[ONEDNN_RESULT] =
        matrix(ONEDNN_OUTPUT, &batch, 2, m, n, false, described->out.dtype, described->out.dtype);
    spec.operands[ONEDNN_WEIGHT].any = described->in_is_param[1];
    spec.operands[ONEDNN_BIAS].index = ONEDNN_ABSENT;
    if (described->own_count == 3) {
        struct onednn_operand *bias = &spec.operands[ONEDNN_BIAS];
        *bias = (struct onednn_operand){.index = 2, .rank = batch.rank + 2, .stored = described->in[2].dtype};
        for (int axis = 0; axis <= batch.rank; axis++) {
            bias->dim[axis] = 1;
            bias->stride[axis] = n;
        }
        bias->dim[batch.rank + 1] = n;
        bias->stride[batch.rank + 1] = 1;
        bias->computed = DTYPE_F32;
    }
    return onednn_prepare(&spec, described, out, error);
}

/* A product over no elements at all is zero, and the bias is added to that. */
static void empty_run(const struct kernel_call *call)
{
    int64_t count = shape_count(&call->out.shape);
    loop_zero(&call->out, 0, count);
    if (call->input_count < 3)
        return;
    int64_t n = call->in[2].shape.dim[0];
    for (int64_t i = 0; i < count; i += n)
        loop_copy(&call->out, i, &call->in[2], 0, n);
}

static void matmul_run(const struct kernel_call *call)
{
    if (call->state)
        onednn_run(call);
    else
        empty_run(call);
}

const struct kernel cpu_matmul = {.op = &op_matmul_def,
                                  .bf16 = true,
                                  .absorbs = matmul_absorbs,
                                  .prepare = matmul_prepare,
                                  .pack = onednn_pack,
                                  .run = matmul_run,
                                  .release = onednn_release};

/* Whatever comes in is cast to f32; and a cast that were absorbed would decide in what is computed. */
const struct kernel cpu_matmul_f32 = {.op = &op_matmul_f32_def,
                                      .prepare = matmul_prepare,
                                      .pack = onednn_pack,
                                      .run = matmul_run,
                                      .release = onednn_release};
