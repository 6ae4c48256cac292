/* pool.h - maximum and average over windows. */
#ifndef ASSAY_OPS_POOL_H
#define ASSAY_OPS_POOL_H

#include "graph/op.h"

struct pool_attrs {
    bool average; /* else maximum */
    int window[2], stride[2];
    int pad[4];        /* top, left, bottom, right; each smaller than the window. A maximum never sees them */
    bool count_padded; /* average: divide by the whole window (torch's default), else by the cells inside */
};

extern const struct op op_pool2d_def;      /* inputs (x): [B, H, W, C] to [B, OH, OW, C] */
extern const struct op op_pool2d_grad_def; /* inputs (x, dy): gradient of x. The first maximum of a window (row by row)
                                              takes its gradient, as in torch */

node op_max_pool2d(struct graph *g, node x, int window, int stride, int padding);
node op_avg_pool2d(struct graph *g, node x, int window, int stride, int padding);
node op_pool2d(struct graph *g, node x, struct pool_attrs attrs);

#endif
