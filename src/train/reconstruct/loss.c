/* loss.c - the terms of the loss. */
#include "train/reconstruct/loss.h"

#include <math.h>

#include "base/memory.h"
#include "ops/ops.h"

enum { BLOCK = 16, FREQUENCIES = BLOCK * BLOCK, BAND = 4, BANDS = (BLOCK / BAND) * (BLOCK / BAND) };

static node mean_abs(struct graph *g, node x)
{
    return op_mean(g, op_abs(g, x), REDUCE_ALL, false);
}

/* Mean absolute difference of neighbours along one axis. */
static node slope(struct graph *g, node d, int axis)
{
    int64_t size = graph_dim(g, d, axis);
    return mean_abs(g, op_sub(g, op_slice_axis(g, d, axis, 1, size - 1), op_slice_axis(g, d, axis, 0, size - 1)));
}

/* The orthonormal two-dimensional DCT-II as one matrix [pixels, frequencies]; the first frequency is left out: 0. */
static node dct_matrix(struct graph *g)
{
    float *m = mem_alloc((size_t)FREQUENCIES * FREQUENCIES, sizeof *m);
    double one[BLOCK][BLOCK]; /* [place][frequency] */
    if (!m) {
        graph_fail(g, "no memory for the DCT");
        return NODE_NONE;
    }
    for (int x = 0; x < BLOCK; x++)
        for (int f = 0; f < BLOCK; f++)
            one[x][f] = sqrt((f ? 2.0 : 1.0) / BLOCK) * cos(acos(-1.0) * (x + 0.5) * f / BLOCK);
    for (int p = 0; p < FREQUENCIES; p++)
        for (int f = 0; f < FREQUENCIES; f++)
            m[p * FREQUENCIES + f] = f ? (float)(one[p / BLOCK][f / BLOCK] * one[p % BLOCK][f % BLOCK]) : 0;
    node matrix = constant_data(g, m, SHAPE(FREQUENCIES, FREQUENCIES));
    mem_free(m);
    return matrix;
}

/* [frequencies, bands]: the mean over squares of 4 x 4 frequencies. */
static node band_matrix(struct graph *g)
{
    static float m[FREQUENCIES * BANDS];
    for (int f = 0; f < FREQUENCIES; f++)
        m[f * BANDS + f / BLOCK / BAND * (BLOCK / BAND) + f % BLOCK / BAND] = 1.0f / (BAND * BAND);
    return constant_data(g, m, SHAPE(FREQUENCIES, BANDS));
}

/* [B, H, W, 3] to [B, blocks, 16]: the logarithm of the mean power in each band of each block. A mean over the crop
 * instead is met by a few lone dots, which have power at all frequencies, on a blurred picture. The summand is about
 * the power of rounding to 8 bits, below which nothing is to be matched. */
static node log_power(struct graph *g, node x, node dct, node bands)
{
    static const float luma[3] = {0.299f, 0.587f, 0.114f};
    const float rounding = 1e-5f;
    int64_t b = graph_dim(g, x, 0), rows = graph_dim(g, x, 1) / BLOCK, columns = graph_dim(g, x, 2) / BLOCK;
    node y = op_matmul(g, x, constant_data(g, luma, SHAPE(3, 1)), false, false);
    y = op_reshape(g, y, SHAPE(b, rows, BLOCK, columns, BLOCK));
    y = op_permute(g, y, (const int[]){0, 1, 3, 2, 4});
    y = op_matmul(g, op_reshape(g, y, SHAPE(b, rows * columns, FREQUENCIES)), dct, false, false);
    y = op_matmul(g, op_square(g, y), bands, false, false);
    return op_log(g, op_affine(g, y, 1, rounding));
}

node reconstruct_loss(struct graph *g, node made, node x, node share, const struct autoencoder_options *o)
{
    if (graph_failed(g))
        return NODE_NONE;
    node d = op_sub(g, made, x);
    node coarse = op_avg_pool2d(g, d, 2, 2, 0), coarser = op_avg_pool2d(g, coarse, 2, 2, 0);
    node loss = op_add(g, mean_abs(g, d), op_add(g, mean_abs(g, coarse), mean_abs(g, coarser)));
    loss = op_scale(g, loss, 1.0f / 3);
    if (o->edges > 0)
        loss = op_add(g, loss, op_scale(g, op_add(g, slope(g, d, 1), slope(g, d, 2)), (float)o->edges));
    if (o->spectrum > 0) {
        node dct = dct_matrix(g), bands = band_matrix(g);
        node apart = op_sub(g, log_power(g, made, dct, bands), log_power(g, x, dct, bands));
        loss = op_add(g, loss, op_mul(g, op_scale(g, mean_abs(g, apart), (float)o->spectrum), share));
    }
    return loss;
}
