/* linear.h - the affine map of torch.nn.Linear. */
#ifndef ASSAY_NN_LINEAR_H
#define ASSAY_NN_LINEAR_H

#include "nn/params.h"

/* x [..., I] to x W^T + b [..., out]: "weight" [out, I], "bias" [out]. */
node linear(struct graph *g, struct params p, node x, int64_t out);
node linear_no_bias(struct graph *g, struct params p, node x, int64_t out);

/* linear in f32, whatever the precision of the network, and never adapted: small layers before losses. */
node linear_f32(struct graph *g, struct params p, node x, int64_t out);

#endif
