/* residual_inputs.c - the maps that the detector `residual` begins with: the pixels and what is left of them when the
 * content is taken away. */
#include "detector/residual.h"
#include "nn/constrained_conv.h"
#include "nn/npr.h"
#include "ops/elementwise.h"
#include "ops/move.h"

#define RESIDUAL_GAIN (RESIDUAL_LEVELS / 16.0f) /* residuals are counted in units of 16 levels */

/* x[i + 1] - x[i] along an axis: one shorter. */
static node difference(struct graph *g, node x, int axis)
{
    int64_t n = graph_dim(g, x, axis) - 1;
    return op_sub(g, op_slice_axis(g, x, axis, 1, n), op_slice_axis(g, x, axis, 0, n));
}

/* x[i - 1] - 2 x[i] + x[i + 1] along an axis: two shorter. */
static node second_difference(struct graph *g, node x, int axis)
{
    return difference(g, difference(g, x, axis), axis);
}

/* Back to height and width of `like`, with zeros where the filter did not fit. */
static node pad_like(struct graph *g, node x, node like)
{
    int64_t rows = graph_dim(g, like, 1) - graph_dim(g, x, 1), columns = graph_dim(g, like, 2) - graph_dim(g, x, 2);
    const int64_t before[] = {0, rows / 2, columns / 2, 0}, after[] = {0, rows - rows / 2, columns - columns / 2, 0};
    return op_pad(g, x, before, after);
}

/* In units of 16 grey levels times the filter's centre weight, and cut. In f32 whatever the precision of the network:
 * bf16 has too few digits for small differences of large values. */
static node quantum(struct graph *g, node x, float center)
{
    return op_clamp(g, op_scale(g, x, RESIDUAL_GAIN / center), -1, 1);
}

static node high_pass(struct graph *g, node x)
{
    enum { ROWS = 1, COLUMNS = 2, FILTERS = 5 };
    node across = difference(g, x, COLUMNS), down = difference(g, x, ROWS);
    node across2 = second_difference(g, x, COLUMNS), down2 = second_difference(g, x, ROWS);
    node square = second_difference(g, across2, ROWS); /* [1 -2 1]^T [1 -2 1] */
    node parts[FILTERS] = {
        pad_like(g, quantum(g, across, 1), x),  pad_like(g, quantum(g, down, 1), x),
        pad_like(g, quantum(g, across2, 2), x), pad_like(g, quantum(g, down2, 2), x),
        pad_like(g, quantum(g, square, 4), x),
    };
    return op_concat(g, parts, FILTERS, 3); /* [B, S, S, 15] */
}

node residual_inputs(struct graph *g, struct params p, const struct residual_config *c, node x)
{
    enum { CONSTRAINED_SIDE = 5 };
    node parts[4];
    int count = 0;
    if (c->input != RESIDUAL_NPR)
        parts[count++] = x;
    if (c->input != RESIDUAL_RGB)
        parts[count++] = quantum(g, npr(g, x, (int)c->npr_patch, 1), 1);
    if (c->high_pass)
        parts[count++] = high_pass(g, x);
    if (c->constrained > 0) {
        node found = constrained_conv2d(g, params_scope(p, "constrained"), x, c->constrained, CONSTRAINED_SIDE);
        parts[count++] = quantum(g, found, 1);
    }
    return count == 1 ? parts[0] : op_concat(g, parts, count, 3);
}
