/* upsample.c - larger maps out of convolution's gradient, or by moving and repeating cells. */
#include "nn/upsample.h"

#include "ops/conv.h"
#include "ops/elementwise.h"
#include "ops/move.h"
#include "ops/reduce.h"

node conv_transposed2d(struct graph *g, struct params p, node x, struct conv_transposed_config c)
{
    if (graph_failed(g))
        return NODE_NONE;
    struct shape s = graph_shape(g, x);
    int groups = c.groups ? c.groups : 1, stride = c.stride ? c.stride : 1;
    if (s.rank != 4 || c.out < 1 || c.kernel < 1 || groups < 1 || stride < 1 || s.dim[3] % groups || c.out % groups ||
        c.output_padding < 0 || c.output_padding >= stride) {
        char text[SHAPE_TEXT];
        graph_fail(
            g, "conv_transposed2d %s: %s to %lld channels with kernel %d, stride %d, output padding %d in %d groups",
            p.prefix, shape_text(&s, text), (long long)c.out, c.kernel, stride, c.output_padding, groups);
        return NODE_NONE;
    }
    struct shape shape = SHAPE(s.dim[3], c.out / groups, c.kernel, c.kernel);
    node weight = params_get(g, &p, "weight", shape, init_linear_weight(&shape));
    struct conv_attrs attrs = conv_square(stride, c.padding);
    attrs.groups = groups;
    int64_t size[2];
    for (int i = 0; i < 2; i++)
        size[i] = (s.dim[1 + i] - 1) * stride - 2 * (int64_t)c.padding + c.kernel + c.output_padding;
    x = op_conv2d_transposed(g, x, weight, size[0], size[1], attrs);
    return c.bias ? op_add(g, x, params_get(g, &p, "bias", SHAPE(c.out), init_linear_bias(&shape))) : x;
}

/* Whether x is [B, H, W, C] with sides or channels that `factor` allows. */
static bool fits(struct graph *g, node x, int64_t factor, int64_t side_of, int64_t channels_of, const char *what)
{
    if (graph_failed(g))
        return false;
    struct shape s = graph_shape(g, x);
    if (s.rank == 4 && factor >= 1 && factor <= 1024 && s.dim[1] % side_of == 0 && s.dim[2] % side_of == 0 &&
        s.dim[3] % channels_of == 0)
        return true;
    char text[SHAPE_TEXT];
    graph_fail(g, "%s by %lld does not fit %s", what, (long long)factor, shape_text(&s, text));
    return false;
}

/* factor^2, for sane factors. */
static int64_t squared(int64_t factor)
{
    return factor >= 1 && factor <= 1024 ? factor * factor : 1;
}

node pixel_shuffle(struct graph *g, node x, int64_t factor)
{
    if (!fits(g, x, factor, 1, squared(factor), "pixel_shuffle"))
        return NODE_NONE;
    struct shape s = graph_shape(g, x);
    int64_t b = s.dim[0], h = s.dim[1], w = s.dim[2], c = s.dim[3] / (factor * factor), r = factor;
    x = op_reshape(g, x, SHAPE(b, h, w, c, r, r));
    x = op_permute(g, x, (const int[]){0, 1, 4, 2, 5, 3}); /* [B, H, i, W, j, C] */
    return op_reshape(g, x, SHAPE(b, h * r, w * r, c));
}

node pixel_unshuffle(struct graph *g, node x, int64_t factor)
{
    if (!fits(g, x, factor, factor >= 1 ? factor : 1, 1, "pixel_unshuffle"))
        return NODE_NONE;
    struct shape s = graph_shape(g, x);
    int64_t b = s.dim[0], h = s.dim[1] / factor, w = s.dim[2] / factor, c = s.dim[3], r = factor;
    x = op_reshape(g, x, SHAPE(b, h, r, w, r, c));
    x = op_permute(g, x, (const int[]){0, 1, 3, 5, 2, 4}); /* [B, H, W, C, i, j] */
    return op_reshape(g, x, SHAPE(b, h, w, c * r * r));
}

node upsample_nearest(struct graph *g, node x, int64_t factor)
{
    if (!fits(g, x, factor, 1, 1, "upsample_nearest"))
        return NODE_NONE;
    struct shape s = graph_shape(g, x);
    int64_t b = s.dim[0], h = s.dim[1], w = s.dim[2], c = s.dim[3], r = factor;
    x = op_broadcast(g, op_reshape(g, x, SHAPE(b, h, 1, w, 1, c)), SHAPE(b, h, r, w, r, c));
    return op_reshape(g, x, SHAPE(b, h * r, w * r, c));
}
