/* norm.c - batch norm with its running statistics as states, layer norm and group norm. */
#include "nn/norm.h"

#include "ops/elementwise.h"
#include "ops/move.h"
#include "ops/norm.h"
#include "ops/reduce.h"

struct batch_norm_tensors {
    node scale, shift, mean, var; /* [C] */
};

static struct batch_norm_tensors batch_norm_tensors(struct graph *g, const struct params *p, node x)
{
    struct shape channels = SHAPE(graph_dim(g, x, -1));
    return (struct batch_norm_tensors){
        .scale = params_get(g, p, "weight", channels, init_ones()),
        .shift = params_get(g, p, "bias", channels, init_zeros()),
        .mean = params_state(g, p, "running_mean", channels, init_zeros()),
        .var = params_state(g, p, "running_var", channels, init_ones()),
    };
}

/* running + momentum (value - running), from the next run on */
static void move_towards(struct graph *g, node running, node value)
{
    assign(g, running,
           op_add(g, op_scale(g, running, 1 - BATCH_NORM_MOMENTUM), op_scale(g, value, BATCH_NORM_MOMENTUM)));
}

node batch_norm(struct graph *g, struct params p, node x)
{
    if (!graph_training(g))
        return batch_norm_frozen(g, p, x);
    struct shape shape = graph_shape(g, x);
    struct batch_norm_tensors t = batch_norm_tensors(g, &p, x);
    if (graph_failed(g))
        return NODE_NONE;

    int64_t channels = shape.dim[shape.rank - 1];
    int64_t values = shape_count(&shape) / channels; /* per channel */
    if (values < 2) {
        graph_fail(g, "batch norm %s needs more than one value per channel in training", p.prefix);
        return NODE_NONE;
    }
    node stats = op_channel_stats(g, x); /* [2, C]: mean, biased variance */
    node known = detach(g, stats);
    node mean = op_reshape(g, op_slice_axis(g, known, 0, 0, 1), SHAPE(channels));
    node var = op_reshape(g, op_slice_axis(g, known, 0, 1, 1), SHAPE(channels));
    move_towards(g, t.mean, mean);
    move_towards(g, t.var, op_scale(g, var, (float)((double)values / (double)(values - 1))));
    return op_batch_norm(g, x, stats, t.scale, t.shift, BATCH_NORM_EPS);
}

node batch_norm_frozen(struct graph *g, struct params p, node x)
{
    struct batch_norm_tensors t = batch_norm_tensors(g, &p, x);
    return op_batch_norm_frozen(g, x, t.mean, t.var, t.scale, t.shift, BATCH_NORM_EPS);
}

node layer_norm(struct graph *g, struct params p, node x, float eps)
{
    struct shape channels = SHAPE(graph_dim(g, x, -1));
    node scale = params_get(g, &p, "weight", channels, init_ones());
    node shift = params_get(g, &p, "bias", channels, init_zeros());
    return op_layer_norm(g, x, scale, shift, eps);
}

node group_norm(struct graph *g, struct params p, node x, int64_t groups, float eps)
{
    if (graph_failed(g))
        return NODE_NONE;
    struct shape shape = graph_shape(g, x);
    int64_t channels = shape.rank >= 2 ? shape.dim[shape.rank - 1] : 0;
    if (shape_count(&shape) == 0 || channels < 1 || groups < 1 || channels % groups != 0) {
        char text[SHAPE_TEXT];
        graph_fail(g, "group norm %s: %s does not fall into %lld groups", p.prefix, shape_text(&shape, text),
                   (long long)groups);
        return NODE_NONE;
    }
    int64_t each = channels / groups;
    node scale = params_get(g, &p, "weight", SHAPE(channels), init_ones());
    node shift = params_get(g, &p, "bias", SHAPE(channels), init_zeros());
    const uint32_t axes = REDUCE_AXIS(1) | REDUCE_AXIS(3);
    node y = op_reshape(g, x, SHAPE(shape.dim[0], -1, groups, each));
    y = op_sub(g, y, op_mean(g, y, axes, true));
    node var = op_mean(g, op_square(g, y), axes, true); /* [B, 1, groups, 1] */
    node slope = op_mul(g, op_pow(g, op_affine(g, var, 1, eps), -0.5f), op_reshape(g, scale, SHAPE(groups, each)));
    y = op_add(g, op_mul(g, y, slope), op_reshape(g, shift, SHAPE(groups, each)));
    return op_reshape(g, y, shape);
}
