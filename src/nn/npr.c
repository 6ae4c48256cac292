/* npr.c - neighbouring pixel relations out of pad, reshape, slice and broadcast. */
#include "nn/npr.h"

#include "ops/elementwise.h"
#include "ops/move.h"

node npr(struct graph *g, node x, int patch, float scale)
{
    if (graph_failed(g))
        return NODE_NONE;
    struct shape s = graph_shape(g, x);
    if (s.rank != 4 || patch < 2) {
        char text[SHAPE_TEXT];
        graph_fail(g, "npr takes [B, H, W, C] and a patch of 2 or more, got %s and %d", shape_text(&s, text), patch);
        return NODE_NONE;
    }
    int64_t b = s.dim[0], h = s.dim[1], w = s.dim[2], c = s.dim[3], l = patch;
    int64_t rows = (h + l - 1) / l, columns = (w + l - 1) / l; /* of patches */

    /* Cut patches are completed with zeros, which are never anyone's top-left pixel. */
    const int64_t before[] = {0, 0, 0, 0}, after[] = {0, rows * l - h, columns * l - w, 0};
    node whole = after[1] || after[2] ? op_pad(g, x, before, after) : x;
    node patches = op_reshape(g, whole, SHAPE(b, rows, l, columns, l, c));
    const int64_t begin[] = {0, 0, 0, 0, 0, 0}, size[] = {b, rows, 1, columns, 1, c};
    node corner = op_slice(g, patches, begin, size); /* [B, rows, 1, columns, 1, C] */

    node residual = op_reshape(g, op_sub(g, patches, corner), SHAPE(b, rows * l, columns * l, c));
    if (after[1] || after[2])
        residual = op_slice(g, residual, (const int64_t[]){0, 0, 0, 0}, (const int64_t[]){b, h, w, c});
    return scale == 1 ? residual : op_scale(g, residual, scale);
}
