/* upsample.h - the layers that make maps larger in decoders, as torch has them: ConvTranspose2d, PixelShuffle,
 * Upsample. */
#ifndef ASSAY_NN_UPSAMPLE_H
#define ASSAY_NN_UPSAMPLE_H

#include "nn/params.h"

/* What is left zero takes the usual value: stride and groups 1, paddings 0, no bias. */
struct conv_transposed_config {
    int64_t out; /* output channels */
    int kernel;  /* side of the square window */
    int stride, padding, groups;
    int output_padding; /* rows and columns more at the end; less than the stride */
    bool bias;
};

/* torch.nn.ConvTranspose2d: x [B, H, W, I] to [B, OH, OW, out], OH = (H - 1) stride - 2 padding + kernel +
 * output_padding: "weight" [I, out / groups, kernel, kernel], "bias" [out]. */
node conv_transposed2d(struct graph *g, struct params p, node x, struct conv_transposed_config c);

/* torch.nn.PixelShuffle: [B, H, W, C factor^2] to [B, H factor, W factor, C]; channel (c factor + i) factor + j
 * becomes row i, column j of channel c. And its reverse, torch.nn.PixelUnshuffle. */
node pixel_shuffle(struct graph *g, node x, int64_t factor);
node pixel_unshuffle(struct graph *g, node x, int64_t factor);

/* torch.nn.Upsample(scale_factor=factor), nearest: every cell factor x factor times. (Bilinear: resize.h.) */
node upsample_nearest(struct graph *g, node x, int64_t factor);

#endif
