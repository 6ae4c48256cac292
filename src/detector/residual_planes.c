/* residual_planes.c - what the branches of fixed statistics of the detector `residual` begin with. A plane's rows lie
 * in memory one after another, so that transforms are products with constant matrices, and in f32: the traces are far
 * smaller than the pixels. */
#include "base/memory.h"
#include "detector/residual.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/move.h"
#include "ops/reduce.h"

/* ITU-R BT.601, as JPEG has it; chroma around zero. */
static const float ycc[] = {0.299f, 0.587f, 0.114f, -0.168736f, -0.331264f, 0.5f, 0.5f, -0.418688f, -0.081312f};

node residual_planes(struct graph *g, node image, enum residual_colour colour)
{
    if (graph_failed(g))
        return NODE_NONE;
    struct shape s = graph_shape(g, image);
    node x = op_permute(g, image, (const int[]){0, 3, 1, 2});
    x = op_reshape(g, op_scale(g, x, RESIDUAL_LEVELS), SHAPE(s.dim[0], s.dim[3], s.dim[1] * s.dim[2]));
    int64_t planes = colour == RESIDUAL_LUMA ? 1 : 3;
    if (colour != RESIDUAL_COLOURS)
        x = op_matmul_f32(g, constant_data(g, ycc, SHAPE(planes, 3)), x, false, false);
    x = op_sub(g, x, op_mean(g, x, REDUCE_AXIS(2), true));
    return op_reshape(g, x, SHAPE(s.dim[0], planes, s.dim[1], s.dim[2]));
}

node residual_matrix(struct graph *g, int64_t rows, int64_t columns, residual_entry *entry, const void *context)
{
    size_t count;
    float *matrix = size_mul((size_t)rows, (size_t)columns, &count) ? mem_alloc(count, sizeof *matrix) : NULL;
    if (!matrix) {
        graph_fail(g, "no memory for a matrix of %lld by %lld", (long long)rows, (long long)columns);
        return NODE_NONE;
    }
    for (int64_t row = 0; row < rows; row++)
        for (int64_t column = 0; column < columns; column++)
            matrix[row * columns + column] = (float)entry(row, column, context);
    node m = constant_data(g, matrix, SHAPE(rows, columns));
    mem_free(matrix);
    return m;
}

node residual_sides(struct graph *g, node left, node x, node right)
{
    return op_matmul_f32(g, left, op_matmul_f32(g, x, right, false, true), false, false);
}
