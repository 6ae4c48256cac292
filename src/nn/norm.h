/* norm.h - normalisation layers, as torch.nn.BatchNorm2d (and 1d), LayerNorm and GroupNorm. */
#ifndef ASSAY_NN_NORM_H
#define ASSAY_NN_NORM_H

#include "nn/params.h"

#define BATCH_NORM_EPS 1e-5f
#define BATCH_NORM_MOMENTUM 0.1f

/* x [..., C], normalised over all axes but the last: "weight", "bias" [C]; states "running_mean", "running_var" [C].
 * In a training graph the batch's own statistics are used, and the running ones move by a tenth towards them (the
 * variance unbiased, as torch does); else the running ones are used. */
node batch_norm(struct graph *g, struct params p, node x);

/* The same with the running statistics always, which stay as they are. */
node batch_norm_frozen(struct graph *g, struct params p, node x);

/* x [..., C], normalised over the last axis: "weight", "bias" [C]. */
node layer_norm(struct graph *g, struct params p, node x, float eps);

/* x [B, ..., C], each picture normalised over `groups` runs of C / groups neighbouring channels (torch.nn.GroupNorm):
 * "weight", "bias" [C]. */
node group_norm(struct graph *g, struct params p, node x, int64_t groups, float eps);

#endif
