/* vit.h - vision transformers (Dosovitskiy et al., ICLR 2021): the visual towers of CLIP, DINOv2 with and without
 * registers, and MAE's encoder, plain and windowed, are settings of one network. Parameters bear the names of the
 * authors' own checkpoints: OpenAI's (below "visual.") or facebookresearch's. */
#ifndef ASSAY_BACKBONE_VIT_H
#define ASSAY_BACKBONE_VIT_H

#include "nn/transformer.h"

enum { VIT_MAX_DEPTH = 64 };

/* How stored position embeddings are brought to another grid (all bicubic); they give different numbers. */
enum vit_positions {
    VIT_POSITIONS_OFFSET,   /* facebookresearch's DINOv2: scale factor (size + 0.1) / stored size, no antialiasing */
    VIT_POSITIONS_SIZE,     /* Hugging Face, MaskCLIP: by sizes, no antialiasing */
    VIT_POSITIONS_ANTIALIAS /* timm, open_clip, DINOv2 with registers: by sizes, antialiased */
};

/* What is left zero is not there. */
struct vit_config {
    enum block_names names;
    enum block_activation activation;
    int64_t image, patch;  /* side of the pictures that the stored position embedding is for, and of a patch; pixels */
    int64_t width, hidden; /* hidden: of the perceptrons; 0: four times the width */
    int depth, heads;
    float eps; /* of the norms */
    enum vit_positions positions;
    bool positions_class; /* the stored position embedding has a row for the class token */
    bool class_token;
    int registers;   /* tokens between the class token and the patches, without positions */
    bool mask_token; /* stored in the checkpoint and used by nothing here */
    bool layer_scale;
    bool final_norm;
    int64_t output; /* the class token is projected to this size, without a bias; 0: not at all */
    int64_t window; /* blocks attend inside windows of this side, except each global_every-th; 0: all are global */
    int global_every;
    int64_t relative_image; /* relative positions, their tables those of pictures of this side; 0: none */
    float drop_path;        /* in training, of the last block; it grows linearly from 0 */
    bool weights;           /* give block[i].attention, for vit_rollout */
};

/* Fills `out` for one of: clip-vit-b-32, clip-vit-b-16, clip-vit-l-14, clip-vit-l-14-336; dinov2-vit-s-14, -b-14,
 * -l-14, each also with "-reg"; mae-vit-b-16, and mae-vit-b-16-windowed (512 pixels, MaskCLIP's). False: another
 * name. */
bool vit_preset(const char *name, struct vit_config *out);

/* What the network gives. What does not exist is NODE_NONE; what is not read is not computed. */
struct vit_output {
    node tokens;           /* [B, N, width], of the last block: class token, registers, patches row by row */
    node normed;           /* the same after the final norm */
    node class_token;      /* [B, width], after the final norm */
    node embedding;        /* [B, output], or the class token where there is no projection */
    int prefix;            /* tokens before the patches */
    int64_t rows, columns; /* of patches */
    struct block_values block[VIT_MAX_DEPTH];
};

/* x [B, H, W, 3], normalised; H and W are multiples of the patch. `p` is the view of the tower itself: the caller
 * scopes to "visual" where a checkpoint has that. */
struct vit_output vit(struct graph *g, struct params p, const struct vit_config *c, node x);

/* The patches among tokens [B, N, C] of that network, as maps [B, rows, columns, C]. */
node vit_patches(struct graph *g, const struct vit_output *out, node tokens);

/* Attention roll-out (Abnar and Zuidema, "Quantifying attention flow in transformers", ACL 2020, section 3): how much
 * of each patch reaches the class token, if attention alone moved things: [B, rows, columns, 1]. Each block passes on
 * half of what its heads, averaged, attend to and half of what was there. The network must be built with `weights`, and
 * have a class token and no windows. */
node vit_rollout(struct graph *g, const struct vit_config *c, const struct vit_output *out);

#endif
