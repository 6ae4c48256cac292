/* softmax.h - softmax and its logarithm over the last axis, in f32. */
#ifndef ASSAY_OPS_SOFTMAX_H
#define ASSAY_OPS_SOFTMAX_H

#include "graph/op.h"

extern const struct op op_softmax_def, op_log_softmax_def; /* inputs (x); no attrs */
extern const struct op op_softmax_grad_def;                /* inputs (y, dy): y (dy - sum(y dy)) */
extern const struct op op_log_softmax_grad_def;            /* inputs (y, dy): dy - exp(y) sum(dy) */

node op_softmax(struct graph *g, node x);
node op_log_softmax(struct graph *g, node x);

#endif
