/* clip_text.c - CLIP's text tower: embeddings, causal blocks, pooling at the end token. */
#include "backbone/clip_text.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "nn/norm.h"
#include "ops/elementwise.h"
#include "ops/gather.h"
#include "ops/matmul.h"
#include "ops/move.h"
#include "ops/reduce.h"

#define EPS 1e-5f
enum { EXACT = 1 << 24 }; /* whole numbers up to here are exact in f32 */

bool clip_text_preset(const char *name, struct clip_text_config *out)
{
    static const struct {
        const char *name;
        int64_t width, output;
    } presets[] = {
        {"clip-vit-b-32", 512, 512},     {"clip-vit-b-16", 512, 512}, {"clip-vit-l-14", 768, 768},
        {"clip-vit-l-14-336", 768, 768}, {"clip-rn50", 512, 1024},    {"clip-rn101", 512, 512},
    };
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++)
        if (strcmp(presets[i].name, name) == 0) {
            *out = (struct clip_text_config){.context = CLIP_CONTEXT,
                                             .vocabulary = CLIP_VOCABULARY,
                                             .width = presets[i].width,
                                             .output = presets[i].output,
                                             .depth = 12,
                                             .heads = (int)(presets[i].width / 64),
                                             .activation = BLOCK_QUICK_GELU};
            return true;
        }
    return false;
}

/* What `values` shows must be [B, N] or [B, N, width]. */
static bool fits(struct graph *g, const struct clip_text_config *c, node values, int rank)
{
    struct shape s = graph_shape(g, values);
    char text[SHAPE_TEXT];
    if (graph_failed(g))
        return false;
    if (s.rank == rank && s.dim[0] > 0 && s.dim[1] > 0 && s.dim[1] <= c->context && (rank < 3 || s.dim[2] == c->width))
        return true;
    graph_fail(g, "a text tower of width %lld takes %s of at most %lld tokens, got %s", (long long)c->width,
               rank < 3 ? "ids [B, N]" : "embeddings [B, N, width]", (long long)c->context, shape_text(&s, text));
    return false;
}

node clip_text_embed(struct graph *g, struct params p, const struct clip_text_config *c, node ids)
{
    if (!fits(g, c, ids, 2))
        return NODE_NONE;
    struct params scope = params_scope(p, "token_embedding");
    node table = params_get(g, &scope, "weight", SHAPE(c->vocabulary, c->width), init_normal(0.02));
    return op_gather(g, table, ids);
}

/* Each token's rank is id * N + (N - 1 - place), so that one token of a text has the largest: of the largest ids the
 * first. Ids become floats by looking them up in a table of themselves. */
node clip_text_end(struct graph *g, const struct clip_text_config *c, node ids)
{
    if (!fits(g, c, ids, 2))
        return NODE_NONE;
    int64_t n = graph_dim(g, ids, 1), places;
    if (c->vocabulary < 1 || __builtin_mul_overflow(c->vocabulary, n, &places) || places > EXACT) {
        graph_fail(g, "a text tower cannot rank %lld tokens of a vocabulary of %lld", (long long)n,
                   (long long)c->vocabulary);
        return NODE_NONE;
    }
    float *rank = mem_alloc((size_t)(c->vocabulary > n ? c->vocabulary : n), sizeof *rank);
    if (!rank) {
        graph_fail(g, "no memory to rank a vocabulary of %lld", (long long)c->vocabulary);
        return NODE_NONE;
    }
    for (int64_t i = 0; i < c->vocabulary; i++)
        rank[i] = (float)(i * n);
    node by_id = op_gather(g, constant_data(g, rank, SHAPE(c->vocabulary)), ids);
    for (int64_t i = 0; i < n; i++)
        rank[i] = (float)(n - 1 - i);
    node ranks = op_add(g, by_id, constant_data(g, rank, SHAPE(n)));
    mem_free(rank);
    return op_equal(g, ranks, op_reduce(g, REDUCE_MAX, ranks, REDUCE_AXIS(1), true));
}

struct clip_text_output clip_text_encode(struct graph *g, struct params p, const struct clip_text_config *c,
                                         node embeddings, node end)
{
    struct clip_text_output out = {NODE_NONE, NODE_NONE};
    struct transformer_config block = {
        .heads = c->heads, .eps = EPS, .names = BLOCK_OPENAI, .activation = c->activation, .causal = true};
    if (!fits(g, c, embeddings, 3) || !fits(g, c, end, 2))
        return out;
    int64_t batch = graph_dim(g, embeddings, 0), n = graph_dim(g, embeddings, 1);
    node places = params_get(g, &p, "positional_embedding", SHAPE(c->context, c->width), init_normal(0.01));
    node x = op_add(g, embeddings, op_slice_axis(g, places, 0, 0, n));
    for (int i = 0; i < c->depth; i++)
        x = transformer_block(g, params_scope_index(p, "transformer.resblocks", i), x, &block, NULL);
    out.tokens = layer_norm(g, params_scope(p, "ln_final"), x, EPS);

    /* One row of weights times the tokens picks the end token, without rounding. */
    node pooled = op_matmul(g, op_reshape(g, end, SHAPE(batch, 1, n)), out.tokens, false, false);
    struct store_init init = init_normal(1 / sqrt((double)c->width));
    node proj = params_get(g, &p, "text_projection", SHAPE(c->width, c->output), init); /* stored in x out */
    out.embedding = op_matmul(g, op_reshape(g, pooled, SHAPE(batch, c->width)), proj, false, false);
    return out;
}

struct clip_text_output clip_text(struct graph *g, struct params p, const struct clip_text_config *c, node ids)
{
    return clip_text_encode(g, p, c, clip_text_embed(g, p, c, ids), clip_text_end(g, c, ids));
}
