/* transformer.h - the pre-norm transformer block (Dosovitskiy et al., ICLR 2021, eq. 2-3) that all of our transformers
 * are made of: towers of CLIP, DINOv2, MAE. */
#ifndef ASSAY_NN_TRANSFORMER_H
#define ASSAY_NN_TRANSFORMER_H

#include "nn/params.h"

/* The names of a block's parts. */
enum block_names {
    BLOCK_FACEBOOK, /* norm1, attn.qkv, attn.proj, ls1.gamma, norm2, mlp.fc1, mlp.fc2, ls2.gamma; timm too */
    BLOCK_OPENAI    /* ln_1, attn.in_proj_weight, attn.out_proj, ln_2, mlp.c_fc, mlp.c_proj; open_clip too */
};

enum block_activation { BLOCK_GELU, BLOCK_QUICK_GELU };

/* What is left zero is not there. */
struct transformer_config {
    int heads;
    int64_t hidden; /* of the perceptron; 0: four times the width */
    float eps;      /* of the norms */
    enum block_names names;
    enum block_activation activation;
    bool causal;
    int64_t queries;         /* only the first so many tokens are wanted after the block; 0: all. Not with `causal`,
                                windows, relative positions or `weights` */
    bool layer_scale;        /* a learnt factor per channel on what each branch adds (Touvron et al., ICCV 2021) */
    int64_t rows, columns;   /* the grid of tokens, for windows and relative positions */
    int64_t window;          /* attention inside windows of this side; 0: all tokens see each other */
    bool relative_positions; /* see nn/attention.h */
    float drop_path;         /* in training: the probability that a branch is left out, by picture */
    bool weights;            /* give block_values.attention, which takes work and memory of its own */
};

/* Values inside a block that networks built on it read. */
struct block_values {
    node norm2;     /* output of the second norm, before the perceptron */
    node out;       /* of the whole block */
    node attention; /* [B, N, N], as attention_layer.weights, where `weights` asks for it and there are no windows */
};

/* x [B, N, D] to [B, N, D], or [B, queries, D]. `values` may be NULL. */
node transformer_block(struct graph *g, struct params p, node x, const struct transformer_config *c,
                       struct block_values *values);

#endif
