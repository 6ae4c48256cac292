/* sdid_modality.c - what SDID's partner sees of a picture: NPR, or, for the paper's table 5, high frequencies or the
 * picture itself varied at random. */
#include "detector/sdid.h"
#include "nn/npr.h"
#include "ops/elementwise.h"
#include "ops/move.h"
#include "ops/random.h"
#include "ops/reduce.h"

/* Means [1 2 1] / 4 along an axis, the rows at the edges repeated. */
static node blur(struct graph *g, node x, int axis)
{
    int64_t n = graph_dim(g, x, axis);
    if (graph_failed(g) || n < 2)
        return x;
    node before[] = {op_slice_axis(g, x, axis, 0, 1), op_slice_axis(g, x, axis, 0, n - 1)};
    node after[] = {op_slice_axis(g, x, axis, 1, n - 1), op_slice_axis(g, x, axis, n - 1, 1)};
    node sides = op_add(g, op_concat(g, before, 2, axis), op_concat(g, after, 2, axis));
    return op_add(g, op_scale(g, sides, 0.25f), op_scale(g, x, 0.5f));
}

/* What a small blur takes away. */
static node high_frequency(struct graph *g, node x)
{
    return op_sub(g, x, blur(g, blur(g, x, 1), 2));
}

/* Column i of uniform draws, spread evenly over low .. high: [B, 1, 1, 1]. */
static node drawn(struct graph *g, node draws, int i, float low, float high)
{
    node u = op_reshape(g, op_slice_axis(g, draws, 1, i, 1), SHAPE(-1, 1, 1, 1));
    return op_affine(g, u, high - low, low);
}

/* In training: contrast and brightness changed, half of the pictures blurred and a fifth made grey, as contrastive
 * learning on one modality has it. */
static node augmented(struct graph *g, node x)
{
    if (!graph_training(g) || graph_failed(g))
        return x;
    node draws = op_random_uniform(g, SHAPE(graph_dim(g, x, 0), 4));
    node half = constant(g, 0.5f, SHAPE_SCALAR), fifth = constant(g, 0.2f, SHAPE_SCALAR);
    node mean = op_mean(g, x, REDUCE_AXIS(1) | REDUCE_AXIS(2) | REDUCE_AXIS(3), true);
    x = op_add(g, op_mul(g, op_sub(g, x, mean), drawn(g, draws, 0, 0.6f, 1.4f)), mean);
    x = op_add(g, x, drawn(g, draws, 1, -0.4f, 0.4f));
    x = op_select(g, op_less(g, drawn(g, draws, 2, 0, 1), half), blur(g, blur(g, x, 1), 2), x);
    return op_select(g, op_less(g, drawn(g, draws, 3, 0, 1), fifth), op_mean(g, x, REDUCE_AXIS(3), true), x);
}

node sdid_modality(struct graph *g, const struct sdid_method *m, node image, float scale)
{
    switch ((enum sdid_modality)m->modality) {
    case SDID_NPR: return npr(g, image, (int)m->npr_patch, scale);
    case SDID_HIGH_FREQUENCY: return high_frequency(g, image);
    case SDID_AUGMENTED: return augmented(g, image);
    }
    return NODE_NONE;
}
