/* loss.h - cross-entropy on logits, of classes and of bits. */
#ifndef ASSAY_OPS_LOSS_H
#define ASSAY_OPS_LOSS_H

#include "graph/op.h"

struct one_hot_attrs {
    int64_t classes;
};

extern const struct op op_one_hot_def; /* inputs (i32 [...]): f32 [..., classes]; an index outside gives zeros */

node op_one_hot(struct graph *g, node indices, int64_t classes);

/* Mean over the batch of -sum_c t_c log softmax(logits)_c: logits [B, C], labels i32 [B],
 * t = (1 - smoothing) one_hot + smoothing / C. */
node op_cross_entropy(struct graph *g, node logits, node labels, float smoothing);

/* Mean of softplus(x) - x t, the binary cross-entropy with logits x and targets t in 0..1 of the same shape. */
node op_bce_with_logits(struct graph *g, node logits, node targets);

#endif
