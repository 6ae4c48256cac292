/* constrained_conv.h - convolution that can only predict a pixel from those around it and subtract it (Bayar and Stamm,
 * "A deep learning approach to universal image manipulation detection using a new convolutional layer", IH&MMSec
 * 2016). */
#ifndef ASSAY_NN_CONSTRAINED_CONV_H
#define ASSAY_NN_CONSTRAINED_CONV_H

#include "nn/params.h"

/* x [B, H, W, I] to [B, H, W, out], with zeros around: "weight" [out, I, side, side], side odd. Each side x side window
 * has -1 at its centre and its other weights sum to 1. They are projected onto that before they are used, without a
 * gradient through the projection, and whenever they are updated (params_project). In f32 whatever the precision: the
 * results are small differences of large values. */
node constrained_conv2d(struct graph *g, struct params p, node x, int64_t out, int side);

/* The projection of weights [out, I, side, side]. */
node constrained_project(struct graph *g, node weight);

#endif
