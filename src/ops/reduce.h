/* reduce.h - sums, means and maxima over axes; broadcasting, which is their gradient. */
#ifndef ASSAY_OPS_REDUCE_H
#define ASSAY_OPS_REDUCE_H

#include "graph/op.h"

enum reduce_kind { REDUCE_SUM, REDUCE_MEAN, REDUCE_MAX };

struct reduce_attrs {
    enum reduce_kind kind;
    uint32_t axes;  /* bit i: axis i is reduced */
    bool keep_dims; /* reduced axes stay, with length 1 */
};

struct broadcast_attrs {
    struct shape shape;
};

extern const struct op op_reduce_def, op_broadcast_def;

/* `axes` is a mask: REDUCE_AXIS(1) | REDUCE_AXIS(2). The gradient of a maximum is shared by equal values (torch
 * amax). */
#define REDUCE_AXIS(i) (UINT32_C(1) << (i))
#define REDUCE_ALL UINT32_MAX
node op_reduce(struct graph *g, enum reduce_kind kind, node x, uint32_t axes, bool keep_dims);
node op_sum(struct graph *g, node x, uint32_t axes, bool keep_dims);
node op_mean(struct graph *g, node x, uint32_t axes, bool keep_dims);

/* x repeated to a larger shape by numpy's rules. */
node op_broadcast(struct graph *g, node x, struct shape shape);

/* The reverse: summed over what a broadcast repeated, to `shape`. */
node op_sum_to(struct graph *g, node x, struct shape shape);

/* [B, H, W, C] to [B, C]. */
node op_global_avg_pool(struct graph *g, node x);
node op_global_max_pool(struct graph *g, node x);

/* x / max(norm, eps), the 2-norm taken over the last axis (torch.nn.functional.normalize). */
node op_l2_normalize(struct graph *g, node x, float eps);

#endif
