/* residual_dct.c - the branch of block-DCT statistics: how large each of the 64 coefficients of 8 x 8 blocks is. JPEG
 * leaves its steps there, upsampling its nulls. Blocks lie `stride` pixels apart: 8 is a grid whose place on the
 * picture's own is chance, an odd stride meets every place of that grid alike. */
#include <math.h>

#include "detector/residual.h"
#include "ops/elementwise.h"
#include "ops/move.h"
#include "ops/reduce.h"

enum { SIDE = 8 };
#define ABSOLUTE_EPS 0.05f /* grey levels; about what rounding to 8 bits leaves in a flat block, and less */
#define PI 3.14159265358979323846

/* Row (block, frequency), column: pixel. Orthonormal DCT-II. */
static double dct_entry(int64_t row, int64_t column, const void *context)
{
    int64_t stride = *(const int64_t *)context, place = column - row / SIDE * stride, frequency = row % SIDE;
    if (place < 0 || place >= SIDE)
        return 0;
    return sqrt((frequency ? 2.0 : 1.0) / SIDE) * cos(PI * (2.0 * (double)place + 1) * (double)frequency / (2 * SIDE));
}

/* Logarithms of the coefficients' mean absolute values and variances over the blocks: 2 x 64 a plane. */
node residual_dct(struct graph *g, node planes, int64_t stride)
{
    if (graph_failed(g))
        return NODE_NONE;
    struct shape s = graph_shape(g, planes);
    int64_t blocks = (s.dim[2] - SIDE) / stride + 1;
    node matrix = residual_matrix(g, blocks * SIDE, s.dim[2], dct_entry, &stride);
    node x = residual_sides(g, matrix, planes, matrix);
    x = op_reshape(g, x, SHAPE(s.dim[0] * s.dim[1], blocks, SIDE, blocks, SIDE));
    const uint32_t axes = REDUCE_AXIS(1) | REDUCE_AXIS(3);
    node mean = op_mean(g, x, axes, true); /* small: the planes' own means are gone */
    node absolute = op_mean(g, op_abs(g, x), axes, true);
    node variance = op_sub(g, op_mean(g, op_square(g, x), axes, true), op_square(g, mean));
    const struct shape each = SHAPE(s.dim[0], s.dim[1] * SIDE * SIDE);
    node parts[] = {
        op_reshape(g, op_log(g, op_affine(g, absolute, 1, ABSOLUTE_EPS)), each),
        op_reshape(g, op_log(g, op_affine(g, op_relu(g, variance), 1, ABSOLUTE_EPS * ABSOLUTE_EPS)), each),
    };
    return op_concat(g, parts, 2, 1);
}
