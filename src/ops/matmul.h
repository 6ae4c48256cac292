/* matmul.h - the matrix product, batched and transposed, with an optional bias. */
#ifndef ASSAY_OPS_MATMUL_H
#define ASSAY_OPS_MATMUL_H

#include "graph/op.h"

struct matmul_attrs {
    bool transpose_a, transpose_b;
    bool f32; /* in f32 even where the graph is compiled for bf16, and so are its gradients */
};

/* Inputs (a, b) or (a, b, bias). a: [..., M, K] ([..., K, M] transposed); b: [..., K, N] ([..., N, K] transposed);
 * leading axes broadcast; bias: [N]; output [..., M, N]. */
extern const struct op op_matmul_def, op_matmul_f32_def;

node op_matmul(struct graph *g, node a, node b, bool transpose_a, bool transpose_b);
node op_matmul_bias(struct graph *g, node a, node b, node bias, bool transpose_a, bool transpose_b);

/* In f32 always: transforms with constant matrices, where a small result is what is left of large terms that cancel. */
node op_matmul_f32(struct graph *g, node a, node b, bool transpose_a, bool transpose_b);

#endif
