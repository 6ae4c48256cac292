/* clip_text.h - CLIP's text tower (Radford et al., ICML 2021), a causal transformer over byte-pair tokens, by the
 * names of OpenAI's checkpoints, which open_clip shares. */
#ifndef ASSAY_BACKBONE_CLIP_TEXT_H
#define ASSAY_BACKBONE_CLIP_TEXT_H

#include "nn/transformer.h"

enum { CLIP_CONTEXT = 77, CLIP_VOCABULARY = 49408 };

struct clip_text_config {
    int64_t context, vocabulary; /* tokens of a text; of the vocabulary */
    int64_t width, output;
    int depth, heads;
    enum block_activation activation; /* by checkpoint: OpenAI's quick GELU, most of open_clip's the exact one */
};

/* Fills `out` for one of: clip-vit-b-32, clip-vit-b-16, clip-vit-l-14, clip-vit-l-14-336, clip-rn50, clip-rn101.
 * False: another name. */
bool clip_text_preset(const char *name, struct clip_text_config *out);

struct clip_text_output {
    node tokens;    /* [B, N, width], after the final norm */
    node embedding; /* [B, output]: the end token's, projected */
};

/* ids i32 [B, N], N at most the context; `p` is the view of the whole CLIP model. The end token is found as the
 * largest id, the first where there are several, as the reference does it. An id outside the vocabulary has a zero
 * embedding. */
struct clip_text_output clip_text(struct graph *g, struct params p, const struct clip_text_config *c, node ids);

/* The same in three parts, for prompts that are learnt rather than written. */

/* ids i32 [B, N] to embeddings [B, N, width], without positions. */
node clip_text_embed(struct graph *g, struct params p, const struct clip_text_config *c, node ids);
/* ids i32 [B, N] to f32 [B, N]: one at the end token, zero elsewhere. The sum of a row is one. */
node clip_text_end(struct graph *g, const struct clip_text_config *c, node ids);
/* Embeddings [B, N, width] and f32 [B, N], what each token counts in the pooled embedding. */
struct clip_text_output clip_text_encode(struct graph *g, struct params p, const struct clip_text_config *c,
                                         node embeddings, node end);

#endif
