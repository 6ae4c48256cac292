/* conv.h - the convolution layer, as torch.nn.Conv2d. */
#ifndef ASSAY_NN_CONV_H
#define ASSAY_NN_CONV_H

#include "nn/params.h"

/* CONV_INIT_TORCH: Conv2d's own; CONV_INIT_FAN_OUT: Kaiming normal over the fan-out, as torchvision's ResNets. */
enum conv_init { CONV_INIT_TORCH, CONV_INIT_FAN_OUT };

/* What is left zero takes the usual value: stride and groups 1, padding 0, no bias. */
struct conv_config {
    int64_t out; /* output channels */
    int kernel;  /* side of the square window */
    int stride, padding, groups;
    bool bias;
    enum conv_init init;
};

/* x [B, H, W, I] to [B, OH, OW, out]: "weight" [out, I / groups, kernel, kernel], "bias" [out]. */
node conv2d(struct graph *g, struct params p, node x, struct conv_config c);

#endif
