/* attention.h - multi-head self-attention, under the two namings that published checkpoints use, plain or over
 * windows, with a causal mask or decomposed relative positions. */
#ifndef ASSAY_NN_ATTENTION_H
#define ASSAY_NN_ATTENTION_H

#include "nn/params.h"

enum attention_names {
    ATTENTION_QKV,    /* facebookresearch, timm: "qkv.weight", "qkv.bias", "proj.*" */
    ATTENTION_IN_PROJ /* torch.nn.MultiheadAttention, OpenAI: "in_proj_weight", "in_proj_bias", "out_proj.*" */
};

struct attention_layer {
    int heads;
    enum attention_names names;
    bool causal; /* a token sees itself and those before it */

    /* Only the first so many tokens ask, of all; 0: all do. Not with `causal`, a grid or `weights`. */
    int64_t queries;

    /* Tokens that are cells of a grid, row by row, and a bias by place: with q not scaled, the score of query (y, x)
     * and key (y', x') gains q . rel_pos_h[y - y' + rows - 1] + q . rel_pos_w[x - x' + columns - 1] (ViTDet; Li et
     * al., ECCV 2022). "rel_pos_h" [2 rows - 1, D / heads], "rel_pos_w" [2 columns - 1, D / heads]. 0: none. */
    int64_t rows, columns;

    /* Where to leave who looks at whom: the softmax's values, averaged over the heads, [B, N, N]: row i sums to one and
     * says what token i takes from each. NULL: nowhere, for attention itself never forms them. Not with `causal`. */
    node *weights;
};

/* x [B, N, D] to [B, N, D], or [B, queries, D]. */
node self_attention(struct graph *g, struct params p, node x, const struct attention_layer *c);

/* Maps [B, H, W, C] in square windows: [B * windows, side * side, C], zeros added at the bottom and on the right
 * where the side does not divide; and back again, what was added cut away. */
node window_partition(struct graph *g, node x, int64_t side);
node window_unpartition(struct graph *g, node windows, int64_t side, struct shape shape);

#endif
