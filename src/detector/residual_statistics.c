/* residual_statistics.c - how the detector `residual` reads maps out: first and second moments and correlations, of any
 * maps; further moments of the input maps. */
#include "detector/residual.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/move.h"
#include "ops/reduce.h"

node residual_center(struct graph *g, node x, node *mean)
{
    struct shape s = graph_shape(g, x);
    x = op_reshape(g, x, SHAPE(s.dim[0], s.dim[1] * s.dim[2], s.dim[3]));
    *mean = op_mean(g, x, REDUCE_AXIS(1), true);
    return op_sub(g, x, *mean);
}

/* Centred maps [B, N, C] and their variance [B, 1, C] to the matrix of their correlations [B, C C]; maps that hardly
 * vary correlate with nothing. */
static node correlations(struct graph *g, node x, node variance)
{
    int64_t b = graph_dim(g, x, 0), n = graph_dim(g, x, 1), c = graph_dim(g, x, 2);
    node covariance = op_scale(g, op_matmul(g, x, x, true, false), 1.0f / (float)n); /* [B, C, C] */
    node scale = op_pow(g, op_affine(g, variance, 1, RESIDUAL_VARIANCE_EPS), -0.5f); /* [B, 1, C] */
    node matrix = op_mul(g, op_mul(g, covariance, scale), op_reshape(g, scale, SHAPE(b, c, 1)));
    return op_reshape(g, matrix, SHAPE(b, c * c));
}

node residual_statistics(struct graph *g, const struct residual_reading *reading)
{
    if (graph_failed(g))
        return NODE_NONE;
    int64_t b = graph_dim(g, reading->maps, 0), c = graph_dim(g, reading->maps, 3);
    node mean, centered = residual_center(g, reading->maps, &mean);
    node variance = op_mean(g, op_square(g, centered), REDUCE_AXIS(1), true);
    node spread = op_log(g, op_affine(g, variance, 1, RESIDUAL_VARIANCE_EPS));
    node parts[3] = {op_reshape(g, mean, SHAPE(b, c)), op_reshape(g, spread, SHAPE(b, c))};
    if (reading->correlated)
        parts[2] = correlations(g, centered, variance);
    return op_concat(g, parts, reading->correlated ? 3 : 2, 1);
}

node residual_moments(struct graph *g, node x, enum residual_moments kind)
{
    if (graph_failed(g))
        return NODE_NONE;
    int64_t b = graph_dim(g, x, 0), c = graph_dim(g, x, 3);
    node mean, centered = residual_center(g, x, &mean);
    node absolute = op_mean(g, op_abs(g, centered), REDUCE_AXIS(1), true);
    node parts[3] = {op_reshape(g, op_log(g, op_affine(g, absolute, 1, RESIDUAL_VARIANCE_EPS)), SHAPE(b, c))};
    if (kind != RESIDUAL_HIGHER)
        return parts[0];
    node squares = op_square(g, centered);
    node inverse = op_pow(g, op_affine(g, op_mean(g, squares, REDUCE_AXIS(1), true), 1, RESIDUAL_VARIANCE_EPS), -1);
    node third = op_mean(g, op_mul(g, squares, centered), REDUCE_AXIS(1), true);
    node fourth = op_mean(g, op_square(g, squares), REDUCE_AXIS(1), true);
    third = op_mul(g, third, op_pow(g, inverse, 1.5f));
    fourth = op_mul(g, fourth, op_square(g, inverse));
    parts[1] = op_reshape(g, third, SHAPE(b, c));
    parts[2] = op_reshape(g, op_log(g, op_affine(g, fourth, 1, RESIDUAL_VARIANCE_EPS)), SHAPE(b, c));
    return op_concat(g, parts, 3, 1);
}
