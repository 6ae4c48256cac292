/* transformer.c - a block: norm, attention, norm, perceptron, each branch added to what came in. */
#include "nn/transformer.h"

#include "nn/attention.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "ops/elementwise.h"
#include "ops/move.h"
#include "ops/random.h"

/* By enum block_names. */
static const struct part_names {
    const char *norm1, *norm2, *fc1, *fc2;
    enum attention_names attention;
} part_names[] = {
    [BLOCK_FACEBOOK] = {"norm1", "norm2", "mlp.fc1", "mlp.fc2", ATTENTION_QKV},
    [BLOCK_OPENAI] = {"ln_1", "ln_2", "mlp.c_fc", "mlp.c_proj", ATTENTION_IN_PROJ},
};

/* Over the grid of tokens, all at once or by windows. Padding comes after the norm: what is added is exactly zero. */
static node attend(struct graph *g, struct params p, node x, const struct transformer_config *c, node *weights)
{
    struct attention_layer layer = {.heads = c->heads,
                                    .names = part_names[c->names].attention,
                                    .causal = c->causal,
                                    .queries = c->queries};
    if (c->weights && c->window <= 0)
        layer.weights = weights;
    if (c->relative_positions) {
        layer.rows = c->window > 0 ? c->window : c->rows;
        layer.columns = c->window > 0 ? c->window : c->columns;
    }
    if (c->window <= 0)
        return self_attention(g, p, x, &layer);
    struct shape tokens = graph_shape(g, x), map = SHAPE(tokens.dim[0], c->rows, c->columns, tokens.dim[2]);
    node windows = window_partition(g, op_reshape(g, x, map), c->window);
    windows = self_attention(g, p, windows, &layer);
    return op_reshape(g, window_unpartition(g, windows, c->window, map), tokens);
}

static node perceptron(struct graph *g, const struct params *p, node x, const struct transformer_config *c)
{
    int64_t width = graph_dim(g, x, -1);
    node y = linear(g, params_scope(*p, part_names[c->names].fc1), x, c->hidden ? c->hidden : 4 * width);
    y = c->activation == BLOCK_QUICK_GELU ? op_quick_gelu(g, y) : op_gelu(g, y);
    return linear(g, params_scope(*p, part_names[c->names].fc2), y, width);
}

/* x + branch, the branch scaled by channel and left out of some pictures. */
static node add_branch(struct graph *g, const struct params *p, const char *scale, node x, node branch,
                       const struct transformer_config *c)
{
    if (c->layer_scale) {
        struct params scope = params_scope(*p, scale);
        branch = op_mul(g, branch, params_get(g, &scope, "gamma", SHAPE(graph_dim(g, x, -1)), init_ones()));
    }
    if (graph_training(g) && c->drop_path > 0) {
        node kept = op_random_uniform(g, SHAPE(graph_dim(g, x, 0), 1, 1));
        kept = op_less(g, kept, constant(g, 1 - c->drop_path, SHAPE_SCALAR));
        branch = op_mul(g, branch, op_scale(g, kept, 1 / (1 - c->drop_path)));
    }
    return op_add(g, x, branch);
}

node transformer_block(struct graph *g, struct params p, node x, const struct transformer_config *c,
                       struct block_values *values)
{
    const struct part_names *names = &part_names[c->names];
    if (graph_failed(g))
        return NODE_NONE;
    if (graph_rank(g, x) != 3 || c->drop_path < 0 || c->drop_path >= 1) {
        struct shape s = graph_shape(g, x);
        char text[SHAPE_TEXT];
        graph_fail(g, "block %s takes [B, N, D] and drops less than all, got %s and %g", p.prefix, shape_text(&s, text),
                   (double)c->drop_path);
        return NODE_NONE;
    }
    if (c->queries > 0 && c->window > 0) {
        graph_fail(g, "block %s: in windows all tokens ask, not the first %lld alone", p.prefix, (long long)c->queries);
        return NODE_NONE;
    }
    node y = layer_norm(g, params_scope(p, names->norm1), x, c->eps), weights = NODE_NONE;
    node attended = attend(g, params_scope(p, "attn"), y, c, &weights);
    if (c->queries > 0 && !graph_failed(g))
        x = op_slice_axis(g, x, 1, 0, c->queries);
    x = add_branch(g, &p, "ls1", x, attended, c);
    y = layer_norm(g, params_scope(p, names->norm2), x, c->eps);
    node out = add_branch(g, &p, "ls2", x, perceptron(g, &p, y, c), c);
    if (values)
        *values = (struct block_values){.norm2 = y, .out = out, .attention = weights};
    return out;
}
