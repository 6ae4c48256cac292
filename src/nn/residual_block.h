/* residual_block.h - the two blocks of He et al., "Deep residual learning for image recognition" (CVPR 2016), with
 * torchvision's names; the bottleneck is v1.5 (the stride sits on the 3x3 convolution). */
#ifndef ASSAY_NN_RESIDUAL_BLOCK_H
#define ASSAY_NN_RESIDUAL_BLOCK_H

#include "nn/params.h"

enum { BASIC_BLOCK_EXPANSION = 1, BOTTLENECK_EXPANSION = 4 };

struct block_config {
    int64_t width;     /* channels of the inner convolutions; the output has width * expansion */
    int stride;        /* 1 or more; 0 is taken as 1 */
    bool frozen_norms; /* batch norms keep their running statistics in training */
};

/* "conv1", "bn1", "conv2", "bn2"[, "conv3", "bn3"], and "downsample.0", "downsample.1" where the shape changes.
 * x: [B, H, W, C]; output: [B, ceil(H / stride), ceil(W / stride), width * expansion], after a ReLU. */
node basic_block(struct graph *g, struct params p, node x, struct block_config c);
node bottleneck_block(struct graph *g, struct params p, node x, struct block_config c);

/* batch_norm, or batch_norm_frozen. */
node block_norm(struct graph *g, struct params p, node x, bool frozen);

#endif
