/* npr.h - neighbouring pixel relations (Tan et al., "Rethinking the up-sampling operations in CNN-based generative
 * networks for generalizable deepfake detection", CVPR 2024): what is left of a picture when each l x l patch loses the
 * value of its top-left pixel. Generators that upsample leave traces there. */
#ifndef ASSAY_NN_NPR_H
#define ASSAY_NN_NPR_H

#include "graph/graph.h"

/* The factor that the published network multiplies the residual with before its first convolution. */
#define NPR_PUBLISHED_SCALE (2.0f / 3.0f)

/* x [B, H, W, C] to scale * (x - top-left pixel of its patch). patch >= 2; where a side is no multiple of it, the last
 * patches are cut. For l = 2 and even sides this is x - up(down(x)) of the paper, both nearest. */
node npr(struct graph *g, node x, int patch, float scale);

#endif
