/* dnnl_posts.c - absorbed ops as oneDNN's post-ops. A frozen norm is two of them, a factor and a shift by channel. */
#include "cpu/dnnl_posts.h"

#include <math.h>

#include "base/memory.h"
#include "cpu/loops.h"
#include "ops/elementwise.h"
#include "ops/norm.h"

enum { MEAN, VARIANCE, SCALE, SHIFT }; /* what a frozen norm has beside x, one after the other */

static bool eltwise_of(const struct unary_attrs *a, dnnl_alg_kind_t *algorithm, float *alpha)
{
    *alpha = 0.0f;
    switch (a->kind) {
    case UNARY_RELU: *algorithm = dnnl_eltwise_relu; return true;
    case UNARY_GELU: *algorithm = dnnl_eltwise_gelu_erf; return true;
    case UNARY_QUICK_GELU:
        *algorithm = dnnl_eltwise_swish;
        *alpha = 1.702f;
        return true;
    case UNARY_SILU:
        *algorithm = dnnl_eltwise_swish;
        *alpha = 1.0f;
        return true;
    default: return false;
    }
}

/* One value for each channel: [C] or [1, ..., 1, C]. */
static bool by_channel(const struct shape *s, int64_t channels)
{
    return s->rank > 0 && s->dim[s->rank - 1] == channels && shape_count(s) == channels;
}

bool posts_absorb(const struct kernel_node *n, const struct kernel_node *next, int through)
{
    const struct shape *shape = &n->out.shape;
    dnnl_alg_kind_t algorithm;
    float alpha;
    if (!shape_equal(shape, &next->out.shape) || shape_count(shape) == 0 || shape->rank < 1)
        return false;
    int64_t channels = shape->dim[shape->rank - 1];
    if (next->op == &op_cast)
        return true; /* the result's own type, then */
    if (next->op == &op_batch_norm_frozen_def) {
        bool f32 = true;
        for (int i = 1; i <= SHIFT + 1; i++)
            f32 = f32 && next->in[i].dtype == DTYPE_F32;
        return through == 0 && f32;
    }
    if (next->op == &op_unary_def)
        return eltwise_of(next->attrs, &algorithm, &alpha);
    if (next->op != &op_binary_def)
        return false;
    enum binary_kind kind = ((const struct binary_attrs *)next->attrs)->kind;
    const struct tensor *other = &next->in[1 - through];
    bool whole = shape_equal(&other->shape, shape);
    return (kind == BINARY_ADD || kind == BINARY_MUL) && other->dtype != DTYPE_I32 &&
           (whole || (by_channel(&other->shape, channels) && other->dtype == DTYPE_F32));
}

/* A post-op with an operand, either of the result's shape or one value a channel. */
static dnnl_status_t add_binary(struct posts *posts, struct post post, dnnl_alg_kind_t algorithm, enum dtype dtype,
                                const struct onednn_operand *result, int channel_axis, bool whole, dnnl_post_ops_t ops)
{
    struct onednn_operand o = *result;
    for (int i = 0; i < o.rank && !whole; i++) {
        o.dim[i] = i == channel_axis ? result->dim[i] : 1;
        o.stride[i] = i == channel_axis ? 1 : result->dim[channel_axis];
    }
    post.argument = DNNL_ARG_ATTR_MULTIPLE_POST_OP(dnnl_post_ops_len(ops)) | DNNL_ARG_SRC_1;
    dnnl_status_t status = layout_create(&post.md, &o, false, dtype);
    if (status != dnnl_success)
        return status;
    posts->list[posts->count++] = post;
    return append_binary(ops, algorithm, &posts->list[posts->count - 1].md);
}

static dnnl_status_t add_norm(struct posts *posts, const struct kernel_absorbed *a, const struct onednn_operand *result,
                              int channel_axis, dnnl_post_ops_t ops, size_t *scratch)
{
    size_t bytes = (size_t)posts->channels * sizeof(float);
    bytes = (bytes + MEMORY_ALIGNMENT - 1) / MEMORY_ALIGNMENT * MEMORY_ALIGNMENT;
    struct post slope = {.input = a->in[1 + MEAN], .slope = true, .norm = a->attrs, .at = *scratch};
    struct post offset = {.input = a->in[1 + MEAN], .offset = true, .norm = a->attrs, .at = *scratch + bytes};
    *scratch += 2 * bytes;
    dnnl_status_t status = add_binary(posts, slope, dnnl_binary_mul, DTYPE_F32, result, channel_axis, false, ops);
    return status != dnnl_success
               ? status
               : add_binary(posts, offset, dnnl_binary_add, DTYPE_F32, result, channel_axis, false, ops);
}

dnnl_status_t posts_create(struct posts *posts, const struct kernel_node *n, const struct onednn_operand *result,
                           int channel_axis, int first, dnnl_post_ops_t ops, size_t *scratch)
{
    dnnl_status_t status = dnnl_success;
    posts->channels = result->dim[channel_axis];
    for (int i = first; i < n->absorbed_count && status == dnnl_success; i++) {
        const struct kernel_absorbed *a = &n->absorbed[i];
        dnnl_alg_kind_t algorithm;
        float alpha;
        if (a->op == &op_cast)
            continue;
        if (a->op == &op_batch_norm_frozen_def) {
            status = add_norm(posts, a, result, channel_axis, ops, scratch);
        } else if (a->op == &op_unary_def) {
            status = eltwise_of(a->attrs, &algorithm, &alpha) ? append_eltwise(ops, algorithm, alpha, 0.0f)
                                                              : dnnl_invalid_arguments;
        } else {
            int input = a->in[a->in[0] == KERNEL_RESULT ? 1 : 0];
            const struct tensor *other = &n->in[input];
            bool add = ((const struct binary_attrs *)a->attrs)->kind == BINARY_ADD;
            status = add_binary(posts, (struct post){.input = input}, add ? dnnl_binary_add : dnnl_binary_mul,
                                other->dtype, result, channel_axis, shape_equal(&other->shape, &n->out.shape), ops);
        }
    }
    return status;
}

void posts_free(struct posts *posts)
{
    for (int i = 0; i < posts->count; i++)
        layout_destroy(&posts->list[i].md);
}

void posts_compute(const struct posts *posts, const struct kernel_call *call)
{
    for (int i = 0; i < posts->count; i++) {
        const struct post *p = &posts->list[i];
        if (!p->slope)
            continue;
        /* the offset comes next */
        float *slope = (float *)((char *)call->scratch + p->at);
        float *offset = (float *)((char *)call->scratch + p[1].at);
        const float *const norm[] = {call->in[p->input].data, call->in[p->input + 1].data, call->in[p->input + 2].data,
                                     call->in[p->input + 3].data};
        for (int64_t c = 0; c < posts->channels; c++) {
            slope[c] = posts_slope(norm[VARIANCE][c], norm[SCALE][c], p->norm->eps);
            offset[c] = norm[SHIFT][c] - norm[MEAN][c] * slope[c];
        }
    }
}

float posts_slope(float variance, float scale, float eps)
{
    return scale / sqrtf(variance + eps);
}

const void *posts_data(const struct posts *posts, int i, const struct kernel_call *call)
{
    const struct post *p = &posts->list[i];
    return p->slope || p->offset ? (const char *)call->scratch + p->at : call->in[p->input].data;
}
