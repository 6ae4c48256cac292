/* conv.h - two-dimensional convolution (cross-correlation, as everywhere in the field) and its two gradients. */
#ifndef ASSAY_OPS_CONV_H
#define ASSAY_OPS_CONV_H

#include "graph/op.h"

struct conv_attrs {
    int stride[2];   /* vertical, horizontal */
    int dilation[2]; /* 1: dense */
    int pad[4];      /* zeros at top, left, bottom, right */
    int groups;
    struct shape shape; /* for the gradients: shape of what they are the gradient of */
    bool f32;           /* in f32 even where the graph is compiled for bf16, and so are its gradients */
};

/* Inputs (x, w) or (x, w, bias). x: [B, H, W, I]; w: [O, I / groups, KH, KW] as torch stores it; bias: [O];
 * output [B, OH, OW, O], OH = (H + top + bottom - dilation (KH - 1) - 1) / stride + 1. */
extern const struct op op_conv2d_def;
/* Inputs (w, dy); output: gradient of x, of attrs.shape. Also the transposed convolution of dy, so it has a gradient of
 * its own. */
extern const struct op op_conv2d_input_grad_def;
/* Inputs (x, dy); output: gradient of w, of attrs.shape. */
extern const struct op op_conv2d_weight_grad_def;

/* The same, in f32 always. */
extern const struct op op_conv2d_f32_def, op_conv2d_f32_input_grad_def, op_conv2d_f32_weight_grad_def;

/* The shape field is ignored here. */
node op_conv2d(struct graph *g, node x, node w, struct conv_attrs attrs);
node op_conv2d_bias(struct graph *g, node x, node w, node bias, struct conv_attrs attrs);

/* Transposed convolution: what op_conv2d does to the gradient of its input. x: [B, H, W, I]; w: [I, O / groups, KH, KW]
 * as torch stores it; output [B, height, width, O], a size whose convolution with these attributes gives H and W. */
node op_conv2d_transposed(struct graph *g, node x, node w, int64_t height, int64_t width, struct conv_attrs attrs);

/* The usual case: one stride, one padding on all four sides. */
struct conv_attrs conv_square(int stride, int padding);

#endif
