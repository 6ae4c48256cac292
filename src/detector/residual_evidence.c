/* residual_evidence.c - the detector `residual` explained place by place. Its head is linear in means over places of
 * values, log-variances and correlations, so class activation mapping (Zhou et al., CVPR 2016) carries over:
 *
 *   - a mean is made of the values at each place, as there;
 *   - a correlation is the mean of products of two standardised values: each place has its product;
 *   - a log-variance is not a mean, but to first order it moves with the squares of the standardised values.
 *
 * What belongs to no place (the head's bias, the size of the log-variances) is spread evenly. Gradient-weighted maps
 * would not do here: averaged over places, the gradients of variances and correlations are exactly zero. */
#include "detector/residual.h"
#include "nn/resize.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/move.h"
#include "ops/pool.h"
#include "ops/reduce.h"

/* Columns begin .. begin + count of the weights [B, features], as [B, rows, columns]. */
static node take(struct graph *g, node weights, int64_t *begin, int64_t rows, int64_t columns)
{
    node part = op_slice_axis(g, weights, 1, *begin, rows * columns);
    *begin += rows * columns;
    return op_reshape(g, part, SHAPE(-1, rows, columns));
}

/* The evidence [B, H, W, 1] of one reading, whose weights begin at column *begin. */
static node reading_evidence(struct graph *g, const struct residual_reading *reading, node weights, int64_t *begin)
{
    struct shape s = graph_shape(g, reading->maps);
    int64_t channels = s.dim[3];
    node mean, centered = residual_center(g, reading->maps, &mean); /* [B, N, C], [B, 1, C] */
    node variance = op_mean(g, op_square(g, centered), REDUCE_AXIS(1), true);
    node standard = op_mul(g, centered, op_pow(g, op_affine(g, variance, 1, RESIDUAL_VARIANCE_EPS), -0.5f));

    node values = op_add(g, centered, mean);
    node sum = op_matmul(g, values, take(g, weights, begin, channels, 1), false, false); /* [B, N, 1] */
    node squares = op_matmul(g, op_square(g, standard), take(g, weights, begin, channels, 1), false, false);
    sum = op_add(g, sum, squares);
    if (reading->correlated) {
        node mixed = op_matmul(g, standard, take(g, weights, begin, channels, channels), false, false);
        sum = op_add(g, sum, op_sum(g, op_mul(g, mixed, standard), REDUCE_AXIS(2), true));
    }
    return op_reshape(g, sum, SHAPE(s.dim[0], s.dim[1], s.dim[2], 1));
}

/* Means over cells; sides that do not divide (of crops that are no multiple of 8) are blended. */
static node shrink(struct graph *g, node x, int64_t rows, int64_t columns)
{
    int64_t window = graph_dim(g, x, 1) / rows;
    if (window * rows == graph_dim(g, x, 1) && window * columns == graph_dim(g, x, 2))
        return window > 1 ? op_avg_pool2d(g, x, (int)window, (int)window, 0) : x;
    return resize(g, x, rows, columns, (struct resize_config){.method = RESIZE_BILINEAR, .antialias = true});
}

node residual_evidence(struct graph *g, const struct residual_reading *readings, int count, node statistics, node logit,
                       int64_t cells)
{
    if (graph_failed(g))
        return NODE_NONE;
    node weights; /* [B, features] */
    graph_gradients(g, op_sum(g, logit, REDUCE_ALL, false), &statistics, 1, &weights);
    node sum = NODE_NONE;
    int64_t begin = 0;
    for (int i = 0; i < count && !graph_failed(g); i++) {
        node part = shrink(g, reading_evidence(g, &readings[i], weights, &begin), cells, cells);
        sum = i > 0 ? op_add(g, sum, part) : part;
    }
    if (graph_failed(g))
        return NODE_NONE;
    node mean = op_mean(g, sum, REDUCE_AXIS(1) | REDUCE_AXIS(2) | REDUCE_AXIS(3), true);
    node rest = op_sub(g, op_reshape(g, logit, SHAPE(-1, 1, 1, 1)), mean);
    return op_add(g, sum, rest);
}
