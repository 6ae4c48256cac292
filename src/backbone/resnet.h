/* resnet.h - ResNets (He et al., CVPR 2016) as torchvision builds and names them, so that its published weights
 * load. */
#ifndef ASSAY_BACKBONE_RESNET_H
#define ASSAY_BACKBONE_RESNET_H

#include "nn/params.h"

enum { RESNET_MAX_STAGES = 4 };

enum resnet_block { RESNET_BASIC, RESNET_BOTTLENECK };

enum resnet_stem {
    RESNET_STEM_IMAGENET, /* 7x7 convolution of stride 2, then a 3x3 maximum of stride 2 */
    RESNET_STEM_STRIDED,  /* 3x3 convolution of stride 2, then a 3x3 maximum of stride 2 */
    RESNET_STEM_SMALL     /* 3x3 convolution of stride 1: nothing is lost early */
};

struct resnet_config {
    enum resnet_block block;
    int blocks[RESNET_MAX_STAGES]; /* of each stage ("layer1" ...); a zero ends the network */
    int64_t width;                 /* of the stem and of layer1's inner convolutions; doubled at each later stage */
    enum resnet_stem stem;
    int64_t classes;   /* 0: no "fc" */
    bool frozen_norms; /* batch norms keep their running statistics in training */
};

/* Depth 18, 34, 50, 101 or 152 with ImageNet's stem and 1000 classes; another depth gives a network without blocks,
 * which fails when it is built. */
struct resnet_config resnet_preset(int depth);

/* x [B, H, W, 3] to the last stage's maps [B, H', W', C]. */
node resnet_maps(struct graph *g, struct params p, const struct resnet_config *c, node x);

/* x [B, H, W, 3] to the mean of the last maps [B, C], or to logits [B, classes] where there is an "fc". */
node resnet(struct graph *g, struct params p, const struct resnet_config *c, node x);

#endif
