/* residual_thumb.c - a second small network of the detector `residual`, which sees the crop made small: what traces
 * cannot tell may stand in how light, colour and edges lie. */
#include "detector/residual.h"
#include "nn/conv.h"
#include "nn/norm.h"
#include "nn/residual_block.h"
#include "nn/resize.h"
#include "ops/elementwise.h"
#include "ops/pool.h"

enum { BLOCKS = 3 };

/* Means over cells, blended where they do not divide the crop. */
static node shrink(struct graph *g, node x, int64_t side)
{
    int64_t crop = graph_dim(g, x, 1), cell = crop / side;
    if (cell * side == crop)
        return cell > 1 ? op_avg_pool2d(g, x, (int)cell, (int)cell, 0) : x;
    return resize(g, x, side, side, (struct resize_config){.method = RESIZE_BILINEAR, .antialias = true});
}

node residual_thumb(struct graph *g, struct params p, const struct residual_config *c, node image)
{
    if (graph_failed(g))
        return NODE_NONE;
    if (c->thumb > graph_dim(g, image, 1)) {
        graph_fail(g, "option thumb: %lld pixels are more than the crop's %lld", (long long)c->thumb,
                   (long long)graph_dim(g, image, 1));
        return NODE_NONE;
    }
    struct conv_config conv = {.out = c->thumb_width, .kernel = 3, .padding = 1, .init = CONV_INIT_FAN_OUT};
    node x = conv2d(g, params_scope(p, "conv"), shrink(g, image, c->thumb), conv);
    x = op_relu(g, batch_norm(g, params_scope(p, "bn"), x)); /* [B, T, T, width] */
    for (int i = 0; i < BLOCKS; i++) {
        struct block_config block = {.width = c->thumb_width << i, .stride = 2};
        x = basic_block(g, params_scope_index(p, "blocks", i), x, block);
    }
    return residual_statistics(g, &(struct residual_reading){.maps = x}); /* [B, 8 width] */
}
