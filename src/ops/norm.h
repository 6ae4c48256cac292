/* norm.h - normalisation over the batch (channels last) and over the last axis. Statistics and arithmetic are f32. */
#ifndef ASSAY_OPS_NORM_H
#define ASSAY_OPS_NORM_H

#include "graph/op.h"

struct norm_attrs {
    float eps;
};

/* inputs (x [..., C]): [2, C], mean and biased variance over all axes but the last */
extern const struct op op_channel_stats_def;
/* inputs (x, stats [2, C], scale [C], shift [C]): (x - mean) / sqrt(var + eps) * scale + shift */
extern const struct op op_batch_norm_def;
/* the same with statistics that are given: inputs (x, mean [C], var [C], scale [C], shift [C]) */
extern const struct op op_batch_norm_frozen_def;
/* inputs (x, stats, dy): [2, C], sums over all axes but the last of dy and of dy * normalised x */
extern const struct op op_batch_norm_sums_def;
/* inputs (x, stats, scale, dy, sums): gradient of x, through the statistics too */
extern const struct op op_batch_norm_grad_def;
/* inputs (x [..., C], scale [C], shift [C]): over the last axis */
extern const struct op op_layer_norm_def;
/* inputs (x, scale, dy): gradient of x */
extern const struct op op_layer_norm_grad_def;
/* inputs (x, dy): [2, C], sums over all axes but the last of dy and of dy * normalised x */
extern const struct op op_layer_norm_sums_def;

node op_channel_stats(struct graph *g, node x);
/* The statistics of the batch itself: pass op_channel_stats(g, x), whose own use elsewhere must be detached. */
node op_batch_norm(struct graph *g, node x, node batch_stats, node scale, node shift, float eps);
/* Given statistics, as after training: mean [C], variance [C]. */
node op_batch_norm_frozen(struct graph *g, node x, node mean, node var, node scale, node shift, float eps);
node op_layer_norm(struct graph *g, node x, node scale, node shift, float eps);

#endif
