/* dnnl_fold.c - frozen norms folded into convolutions. */
#include "cpu/dnnl_fold.h"

#include "base/memory.h"
#include "ops/norm.h"

bool fold_create(struct fold *fold, const struct onednn_spec *spec, const struct kernel_node *n,
                 struct onednn_spec *folded)
{
    *folded = *spec;
    const struct kernel_absorbed *norm = n->absorbed;
    int weight = spec->operands[ONEDNN_WEIGHT].index;
    if (spec->kind != ONEDNN_CONV || n->absorbed_count == 0 || norm->op != &op_batch_norm_frozen_def ||
        !n->in_is_param[weight])
        return false;
    for (int i = 1; i < norm->input_count; i++)
        if (!n->in_is_param[norm->in[i]])
            return false;
    const struct shape *shape = &n->in[weight].shape;
    *fold = (struct fold){.present = true,
                          .weight = weight,
                          .bias = spec->operands[ONEDNN_BIAS].index,
                          .mean = norm->in[1],
                          .variance = norm->in[2],
                          .scale = norm->in[3],
                          .shift = norm->in[4],
                          .eps = ((const struct norm_attrs *)norm->attrs)->eps,
                          .channels = shape->dim[0],
                          .filter = shape_count(shape) / shape->dim[0]};
    folded->operands[ONEDNN_BIAS] = (struct onednn_operand){.index = fold->shift,
                                                            .rank = 1,
                                                            .dim = {fold->channels},
                                                            .stride = {1},
                                                            .stored = DTYPE_F32,
                                                            .computed = DTYPE_F32};
    return true;
}

uint64_t fold_with(const struct fold *fold)
{
    return UINT64_C(1) << fold->variance | UINT64_C(1) << fold->scale;
}

float *fold_weights(const struct fold *fold, const float *const *stored)
{
    float *scaled = mem_alloc((size_t)(fold->channels * fold->filter), sizeof *scaled);
    const float *weights = stored[fold->weight];
    for (int64_t c = 0; scaled && c < fold->channels; c++) {
        float slope = posts_slope(stored[fold->variance][c], stored[fold->scale][c], fold->eps);
        for (int64_t i = 0; i < fold->filter; i++)
            scaled[c * fold->filter + i] = weights[c * fold->filter + i] * slope;
    }
    return scaled;
}

const float *fold_bias(const struct fold *fold, const struct kernel_call *call)
{
    float *out = (float *)((char *)call->scratch + fold->at);
    const float *mean = call->in[fold->mean].data, *variance = call->in[fold->variance].data;
    const float *scale = call->in[fold->scale].data, *shift = call->in[fold->shift].data;
    const float *bias = fold->bias == ONEDNN_ABSENT ? NULL : call->in[fold->bias].data;
    for (int64_t c = 0; c < fold->channels; c++)
        out[c] = shift[c] + ((bias ? bias[c] : 0.0f) - mean[c]) * posts_slope(variance[c], scale[c], fold->eps);
    return out;
}
