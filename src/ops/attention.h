/* attention.h - scaled dot-product attention (Vaswani et al., 2017, eq. 1) as one op: scores are never kept, the
 * gradient computes them again. */
#ifndef ASSAY_OPS_ATTENTION_H
#define ASSAY_OPS_ATTENTION_H

#include "graph/op.h"

struct attention_attrs {
    float scale;   /* of the scores, usually 1 / sqrt(D) */
    bool causal;   /* query i sees keys 0 .. i + NK - NQ only */
    float dropout; /* share of the weights that are dropped; the rest is divided by 1 - dropout */
    uint64_t key;  /* what the dropped ones are keyed by: element j of row r = (b H + h) NQ + i comes from Philox block
                      r ceil(NK / 4) + j / 4, word j % 4, of key seed ^ key and upper counter step */
};

/* Inputs (q, k, v) or (q, k, v, bias). q: [B, NQ, H, D]; k, v: [B, NK, H, D]; bias broadcasts to [B, H, NQ, NK] from
 * four axes and is added to the scaled scores (-infinity masks). Output [B, NQ, H, D]. A row whose scores are all
 * -infinity gives zeros. */
extern const struct op op_attention_def;
/* Inputs (q, k, v, out, d_out) or (q, k, v, out, d_out, bias): one flat [count(q) + count(k) + count(v)], the gradients
 * one after another. */
extern const struct op op_attention_grad_def;
/* Inputs (q, k, v, out, d_out, bias): gradient of the bias. */
extern const struct op op_attention_bias_grad_def;

/* The same with q, k and v side by side, as one product makes them: inputs (qkv [B, N, 3, H, D]), output [B, N, H, D];
 * and its gradient, inputs (qkv, out, d_out), of qkv's shape. */
extern const struct op op_attention_packed_def, op_attention_packed_grad_def;

/* How a graph asks for it. `dropout` acts in training graphs only. */
struct attention_config {
    float scale; /* 0: 1 / sqrt(D) */
    bool causal;
    float dropout;
};

node op_attention(struct graph *g, node q, node k, node v, struct attention_config c);
node op_attention_packed(struct graph *g, node qkv, struct attention_config c);
node op_attention_bias(struct graph *g, node q, node k, node v, node bias, struct attention_config c);

#endif
