/* conv.c - convolution and its two gradients, by oneDNN. Pictures are channels-last as they lie in memory; weights are
 * packed into the blocks that the chosen implementation wants. */
#include "cpu/dnnl.h"
#include "cpu/dnnl_posts.h"
#include "cpu/kernels.h"
#include "cpu/loops.h"
#include "ops/conv.h"

/* [B, H, W, C] in memory is B, C, H, W to oneDNN. */
static struct onednn_operand picture(int index, const struct shape *s, enum dtype stored, enum dtype computed)
{
    return (struct onednn_operand){.index = index,
                                   .rank = 4,
                                   .dim = {s->dim[0], s->dim[3], s->dim[1], s->dim[2]},
                                   .stride = {s->dim[1] * s->dim[2] * s->dim[3], 1, s->dim[2] * s->dim[3], s->dim[3]},
                                   .stored = stored,
                                   .computed = computed};
}

/* [O, I / groups, KH, KW], cut into groups along O where there are several. */
static struct onednn_operand weights(int index, const struct shape *s, int64_t groups, enum dtype stored,
                                     enum dtype computed)
{
    int64_t area = s->dim[2] * s->dim[3], filter = s->dim[1] * area;
    struct onednn_operand o = {.index = index, .stored = stored, .computed = computed, .any = true};
    if (groups > 1) {
        o.dim[0] = groups;
        o.stride[0] = s->dim[0] / groups * filter;
        o.rank = 1;
    }
    const int64_t dim[4] = {s->dim[0] / groups, s->dim[1], s->dim[2], s->dim[3]};
    const int64_t stride[4] = {filter, area, s->dim[3], 1};
    for (int i = 0; i < 4; i++) {
        o.dim[o.rank] = dim[i];
        o.stride[o.rank++] = stride[i];
    }
    return o;
}

static void set_geometry(struct onednn_spec *spec, const struct conv_attrs *a)
{
    for (int i = 0; i < 2; i++) {
        spec->stride[i] = a->stride[i];
        spec->dilation[i] = a->dilation[i];
        spec->pad_before[i] = a->pad[i];
        spec->pad_after[i] = a->pad[2 + i];
    }
    spec->operands[ONEDNN_BIAS].index = ONEDNN_ABSENT;
}

/* bf16 as soon as one operand is. */
static enum dtype computed_type(const struct kernel_node *n)
{
    for (int i = 0; i < 2; i++) {
        if (n->in[i].dtype == DTYPE_BF16)
            return DTYPE_BF16;
    }
    return n->out.dtype;
}

/* No elements in or out: nothing to prepare, and run() gives zeros. */
static bool is_empty(const struct kernel_node *n)
{
    return shape_count(&n->in[0].shape) == 0 || shape_count(&n->in[1].shape) == 0 || shape_count(&n->out.shape) == 0;
}

static assay_status conv_prepare(const struct kernel_node *n, struct kernel_prepared *out, struct assay_error *error)
{
    const struct conv_attrs *a = n->attrs;
    enum dtype type = computed_type(n);
    struct onednn_spec spec = {.kind = ONEDNN_CONV};
    if (is_empty(n))
        return ASSAY_OK;
    set_geometry(&spec, a);
    spec.operands[ONEDNN_SOURCE] = picture(0, &n->in[0].shape, n->in[0].dtype, type);
    spec.operands[ONEDNN_WEIGHT] = weights(1, &n->in[1].shape, a->groups, n->in[1].dtype, type);
    spec.operands[ONEDNN_RESULT] = picture(ONEDNN_OUTPUT, &n->out.shape, n->out.dtype, n->out.dtype);
    if (n->own_count == 3)
        spec.operands[ONEDNN_BIAS] = (struct onednn_operand){.index = 2,
                                                             .rank = 1,
                                                             .dim = {n->in[2].shape.dim[0]},
                                                             .stride = {1},
                                                             .stored = n->in[2].dtype,
                                                             .computed = DTYPE_F32};
    return onednn_prepare(&spec, n, out, error);
}

static bool conv_absorbs(const struct kernel_node *n, const struct kernel_node *next, int through)
{
    return !is_empty(n) && posts_absorb(n, next, through);
}

static assay_status input_grad_prepare(const struct kernel_node *n, struct kernel_prepared *out,
                                       struct assay_error *error)
{
    const struct conv_attrs *a = n->attrs;
    enum dtype type = computed_type(n);
    struct onednn_spec spec = {.kind = ONEDNN_CONV_INPUT_GRAD};
    if (is_empty(n))
        return ASSAY_OK;
    set_geometry(&spec, a);
    spec.operands[ONEDNN_SOURCE] = picture(ONEDNN_OUTPUT, &n->out.shape, n->out.dtype, n->out.dtype);
    spec.operands[ONEDNN_WEIGHT] = weights(0, &n->in[0].shape, a->groups, n->in[0].dtype, type);
    spec.operands[ONEDNN_RESULT] = picture(1, &n->in[1].shape, n->in[1].dtype, type);
    return onednn_prepare(&spec, n, out, error);
}

/* Weights of windows of one cell, from so many on, get their gradient as a product: measured on AVX-512, it is up to
 * three times as fast as oneDNN's convolution then, which adds up copies of the weights, and slower for fewer of
 * them. */
enum { PRODUCT_WEIGHTS = 1 << 18 };

static bool is_product(const struct conv_attrs *a, const struct shape *w)
{
    bool one_cell = w->dim[2] == 1 && w->dim[3] == 1 && a->stride[0] == 1 && a->stride[1] == 1 && a->groups == 1;
    for (int i = 0; i < 4; i++)
        one_cell = one_cell && a->pad[i] == 0;
    return one_cell && shape_count(w) >= PRODUCT_WEIGHTS;
}

/* A matrix as it lies in memory, rows after rows, or the transpose of one. */
static struct onednn_operand matrix(int index, int64_t rows, int64_t columns, bool transposed, enum dtype stored,
                                    enum dtype computed)
{
    return (struct onednn_operand){.index = index,
                                   .rank = 2,
                                   .dim = {rows, columns},
                                   .stride = {transposed ? 1 : columns, transposed ? rows : 1},
                                   .stored = stored,
                                   .computed = computed};
}

/* [O, N] [N, I] with the cells of all pictures in between. */
static assay_status prepare_product(const struct kernel_node *n, enum dtype type, struct kernel_prepared *out,
                                    struct assay_error *error)
{
    const struct tensor *x = &n->in[0], *dy = &n->in[1];
    int64_t in = x->shape.dim[3], filters = dy->shape.dim[3], cells = shape_count(&x->shape) / in;
    struct onednn_spec spec = {.kind = ONEDNN_MATMUL};
    spec.operands[ONEDNN_SOURCE] = matrix(1, filters, cells, true, dy->dtype, type);
    spec.operands[ONEDNN_WEIGHT] = matrix(0, cells, in, false, x->dtype, type);
    spec.operands[ONEDNN_RESULT] = matrix(ONEDNN_OUTPUT, filters, in, false, n->out.dtype, n->out.dtype);
    spec.operands[ONEDNN_BIAS].index = ONEDNN_ABSENT;
    return onednn_prepare(&spec, n, out, error);
}

static assay_status weight_grad_prepare(const struct kernel_node *n, struct kernel_prepared *out,
                                        struct assay_error *error)
{
    const struct conv_attrs *a = n->attrs;
    enum dtype type = computed_type(n);
    struct onednn_spec spec = {.kind = ONEDNN_CONV_WEIGHT_GRAD};
    if (is_empty(n))
        return ASSAY_OK;
    if (is_product(a, &n->out.shape))
        return prepare_product(n, type, out, error);
    bool padded = a->pad[0] || a->pad[1] || a->pad[2] || a->pad[3];
    if (!padded && n->out.shape.dim[2] == 1 && n->out.shape.dim[3] == 1 && (a->stride[0] > 1 || a->stride[1] > 1))
        return error_set(error, ASSAY_ERROR_INTERNAL,
                         "%s: a window of one cell in steps, where oneDNN 2.6 writes outside its buffers; op_conv2d "
                         "slices the input instead",
                         n->name);
    set_geometry(&spec, a);
    spec.operands[ONEDNN_SOURCE] = picture(0, &n->in[0].shape, n->in[0].dtype, type);
    spec.operands[ONEDNN_WEIGHT] = weights(ONEDNN_OUTPUT, &n->out.shape, a->groups, n->out.dtype, DTYPE_F32);
    spec.operands[ONEDNN_RESULT] = picture(1, &n->in[1].shape, n->in[1].dtype, type);
    return onednn_prepare(&spec, n, out, error);
}

static void conv_run(const struct kernel_call *call)
{
    if (call->state)
        onednn_run(call);
    else
        loop_zero(&call->out, 0, shape_count(&call->out.shape));
}

const struct kernel cpu_conv2d = {.op = &op_conv2d_def,
                                  .bf16 = true,
                                  .absorbs = conv_absorbs,
                                  .prepare = conv_prepare,
                                  .pack = onednn_pack,
                                  .run = conv_run,
                                  .release = onednn_release};
const struct kernel cpu_conv2d_input_grad = {.op = &op_conv2d_input_grad_def,
                                             .bf16 = true,
                                             .prepare = input_grad_prepare,
                                             .pack = onednn_pack,
                                             .run = conv_run,
                                             .release = onednn_release};
const struct kernel cpu_conv2d_weight_grad = {.op = &op_conv2d_weight_grad_def,
                                              .bf16 = true,
                                              .prepare = weight_grad_prepare,
                                              .pack = onednn_pack,
                                              .run = conv_run,
                                              .release = onednn_release};

/* Whatever comes in is cast to f32; and a cast that were absorbed would decide in what is computed. */
const struct kernel cpu_conv2d_f32 = {
    .op = &op_conv2d_f32_def, .prepare = conv_prepare, .pack = onednn_pack, .run = conv_run, .release = onednn_release};
const struct kernel cpu_conv2d_f32_input_grad = {.op = &op_conv2d_f32_input_grad_def,
                                                 .prepare = input_grad_prepare,
                                                 .pack = onednn_pack,
                                                 .run = conv_run,
                                                 .release = onednn_release};
const struct kernel cpu_conv2d_f32_weight_grad = {.op = &op_conv2d_f32_weight_grad_def,
                                                  .prepare = weight_grad_prepare,
                                                  .pack = onednn_pack,
                                                  .run = conv_run,
                                                  .release = onednn_release};
