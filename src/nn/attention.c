/* attention.c - projections around the attention op, relative positions, windows. */
#include "nn/attention.h"

#include <math.h>

#include "base/memory.h"
#include "nn/linear.h"
#include "nn/lora.h"
#include "ops/attention.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/move.h"
#include "ops/reduce.h"
#include "ops/softmax.h"

/* ---- Relative positions --------------------------------------------------------------------------------------- */

/* Row (i, j) of the result is row i - j + size - 1 of the table: [size, size, D], by a product with ones and zeros. */
static node relative_table(struct graph *g, const struct params *p, const char *name, int64_t size, int64_t width)
{
    node table = params_get(g, p, name, SHAPE(2 * size - 1, width), init_zeros());
    size_t count;
    float *pick = NULL;
    if (size_mul((size_t)(size * size), (size_t)(2 * size - 1), &count))
        pick = mem_alloc(count, sizeof *pick);
    if (!pick) {
        graph_fail(g, "no memory for the relative positions of %s%s", p->prefix, name);
        return NODE_NONE;
    }
    for (int64_t i = 0; i < size; i++)
        for (int64_t j = 0; j < size; j++)
            pick[(i * size + j) * (2 * size - 1) + i - j + size - 1] = 1;
    node rows = constant_data(g, pick, SHAPE(size * size, 2 * size - 1));
    mem_free(pick);
    return op_reshape(g, op_matmul(g, rows, table, false, false), SHAPE(size, size, width));
}

/* q [B, N, heads, D] to the bias [B, heads, N, N] of a grid. */
static node relative_bias(struct graph *g, const struct params *p, node q, const struct attention_layer *c)
{
    int64_t b = graph_dim(g, q, 0), heads = graph_dim(g, q, 2), d = graph_dim(g, q, 3), h = c->rows, w = c->columns;
    node grid = op_reshape(g, q, SHAPE(b, h, w, heads, d));
    node by_row = op_permute(g, grid, (const int[]){0, 3, 1, 2, 4});    /* [B, heads, H, W, D] */
    node by_column = op_permute(g, grid, (const int[]){0, 3, 2, 1, 4}); /* [B, heads, W, H, D] */
    node table_h = relative_table(g, p, "rel_pos_h", h, d);             /* [H, H', D] */
    node table_w = relative_table(g, p, "rel_pos_w", w, d);             /* [W, W', D] */
    node rel_h = op_matmul(g, by_row, table_h, false, true);            /* [B, heads, H, W, H'] */
    node rel_w = op_matmul(g, by_column, table_w, false, true);         /* [B, heads, W, H, W'] */
    rel_w = op_permute(g, rel_w, (const int[]){0, 1, 3, 2, 4});         /* [B, heads, H, W, W'] */
    node bias =
        op_add(g, op_reshape(g, rel_h, SHAPE(b, heads, h, w, h, 1)), op_reshape(g, rel_w, SHAPE(b, heads, h, w, 1, w)));
    return op_reshape(g, bias, SHAPE(b, heads, h * w, h * w));
}

/* ---- The layer ------------------------------------------------------------------------------------------------ */

/* [B, N, 3 D]: queries, keys and values side by side, which LoRA may adapt together or each on its own. */
static node project_in(struct graph *g, const struct params *p, node x, enum attention_names names)
{
    static const char *const parts[] = {"q", "k", "v", NULL};
    int64_t width = graph_dim(g, x, -1);
    struct shape shape = SHAPE(3 * width, width);
    bool qkv = names == ATTENTION_QKV;
    node weight = params_get(g, p, qkv ? "qkv.weight" : "in_proj_weight", shape, init_linear_weight(&shape));
    struct store_init bias_init = qkv ? init_linear_bias(&shape) : init_zeros();
    node bias = params_get(g, p, qkv ? "qkv.bias" : "in_proj_bias", SHAPE(3 * width), bias_init);
    node y = op_matmul_bias(g, x, weight, bias, false, true);
    return lora_adapt(g, *p, qkv ? "qkv" : "in_proj", parts, x, y);
}

/* softmax(q k^T / sqrt(D) + bias) of q, k [B, N, heads, D], averaged over the heads: [B, N, N]. */
static node mean_weights(struct graph *g, node q, node k, node bias)
{
    static const int heads_first[] = {0, 2, 1, 3};
    float scale = 1 / sqrtf((float)graph_dim(g, q, -1));
    q = op_permute(g, q, heads_first);
    k = op_permute(g, k, heads_first);
    node scores = op_scale(g, op_matmul(g, q, k, false, true), scale); /* [B, heads, N, N] */
    if (bias.id >= 0)
        scores = op_add(g, scores, bias);
    return op_mean(g, op_softmax(g, scores), REDUCE_AXIS(1), false);
}

node self_attention(struct graph *g, struct params p, node x, const struct attention_layer *c)
{
    if (graph_failed(g))
        return NODE_NONE;
    struct shape s = graph_shape(g, x);
    bool grid = c->rows > 0;
    if (s.rank != 3 || c->heads < 1 || s.dim[2] % c->heads != 0 || (grid && s.dim[1] != c->rows * c->columns)) {
        char text[SHAPE_TEXT];
        graph_fail(g, "attention %s: %s does not fit %d heads on a grid of %lld by %lld", p.prefix,
                   shape_text(&s, text), c->heads, (long long)c->rows, (long long)c->columns);
        return NODE_NONE;
    }
    int64_t b = s.dim[0], n = s.dim[1], width = s.dim[2], asking = c->queries > 0 ? c->queries : n;
    if (asking > n || (c->queries > 0 && (c->causal || grid || c->weights))) {
        graph_fail(g, "attention %s: %lld of %lld tokens cannot ask alone", p.prefix, (long long)asking, (long long)n);
        return NODE_NONE;
    }
    node qkv = project_in(g, &p, x, c->names), part[3];
    struct attention_config attention = {.causal = c->causal};
    struct params out = params_scope(p, c->names == ATTENTION_QKV ? "proj" : "out_proj");
    if (!grid && !c->weights && asking == n) {
        qkv = op_reshape(g, qkv, SHAPE(b, n, 3, c->heads, width / c->heads));
        return linear(g, out, op_reshape(g, op_attention_packed(g, qkv, attention), s), width);
    }
    for (int i = 0; i < 3; i++) {
        int64_t tokens = i == 0 ? asking : n;
        part[i] = op_slice(g, qkv, (const int64_t[]){0, 0, i * width}, (const int64_t[]){b, tokens, width});
        part[i] = op_reshape(g, part[i], SHAPE(b, tokens, c->heads, width / c->heads));
    }
    node bias = grid ? relative_bias(g, &p, part[0], c) : NODE_NONE;
    node y = grid ? op_attention_bias(g, part[0], part[1], part[2], bias, attention)
                  : op_attention(g, part[0], part[1], part[2], attention);
    if (c->weights && c->causal)
        graph_fail(g, "attention %s: weights of causal attention are not given", p.prefix);
    else if (c->weights)
        *c->weights = mean_weights(g, part[0], part[1], bias);
    y = op_reshape(g, y, SHAPE(b, asking, width));
    return linear(g, out, y, width);
}

/* ---- Windows -------------------------------------------------------------------------------------------------- */

static int64_t windows_along(int64_t size, int64_t side)
{
    return (size + side - 1) / side;
}

node window_partition(struct graph *g, node x, int64_t side)
{
    if (graph_failed(g))
        return NODE_NONE;
    struct shape s = graph_shape(g, x);
    if (s.rank != 4 || side < 1) {
        char text[SHAPE_TEXT];
        graph_fail(g, "windows of %lld do not fit maps %s", (long long)side, shape_text(&s, text));
        return NODE_NONE;
    }
    int64_t down = windows_along(s.dim[1], side), across = windows_along(s.dim[2], side);
    const int64_t before[4] = {0}, after[4] = {0, down * side - s.dim[1], across * side - s.dim[2], 0};
    if (after[1] || after[2])
        x = op_pad(g, x, before, after);
    x = op_reshape(g, x, SHAPE(s.dim[0], down, side, across, side, s.dim[3]));
    x = op_permute(g, x, (const int[]){0, 1, 3, 2, 4, 5});
    return op_reshape(g, x, SHAPE(s.dim[0] * down * across, side * side, s.dim[3]));
}

node window_unpartition(struct graph *g, node windows, int64_t side, struct shape shape)
{
    int64_t down = windows_along(shape.dim[1], side), across = windows_along(shape.dim[2], side);
    node x = op_reshape(g, windows, SHAPE(shape.dim[0], down, across, side, side, shape.dim[3]));
    x = op_permute(g, x, (const int[]){0, 1, 3, 2, 4, 5});
    x = op_reshape(g, x, SHAPE(shape.dim[0], down * side, across * side, shape.dim[3]));
    return op_slice(g, x, (const int64_t[]){0, 0, 0, 0}, shape.dim);
}
