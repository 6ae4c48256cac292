/* resize.h - maps brought to another size, as torch.nn.functional.interpolate does it: two products with constant
 * matrices, one along each side. Position embeddings and up-sampling layers use it. */
#ifndef ASSAY_NN_RESIZE_H
#define ASSAY_NN_RESIZE_H

#include "graph/graph.h"

enum resize_method { RESIZE_NEAREST, RESIZE_BILINEAR, RESIZE_BICUBIC };

struct resize_config {
    enum resize_method method;
    bool align_corners; /* bilinear and bicubic: the corner cells' centres coincide */
    bool antialias;  /* bilinear and bicubic: the kernel widens where the map shrinks. Bicubic's a is then -0.5 instead
                           of -0.75 */
    double scale[2]; /* torch's scale_factor, vertical and horizontal, where it (not the sizes) decides which places
                           are read; 0: from the sizes. Ignored with align_corners */
};

/* x [B, H, W, C] to [B, height, width, C]. x itself where the sizes are the same and no scale is given. */
node resize(struct graph *g, node x, int64_t height, int64_t width, struct resize_config c);

/* The matrix [out, in] of one side into `matrix`. c.scale[axis] is the side's. */
void resize_matrix(float *matrix, int64_t in, int64_t out, const struct resize_config *c, int axis);

#endif
