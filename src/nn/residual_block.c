/* residual_block.c - basic and bottleneck blocks. */
#include "nn/residual_block.h"

#include "nn/conv.h"
#include "nn/norm.h"
#include "ops/elementwise.h"

node block_norm(struct graph *g, struct params p, node x, bool frozen)
{
    return frozen ? batch_norm_frozen(g, p, x) : batch_norm(g, p, x);
}

static node conv_norm(struct graph *g, struct params conv, struct params norm, node x, struct conv_config c,
                      bool frozen)
{
    c.init = CONV_INIT_FAN_OUT;
    return block_norm(g, norm, conv2d(g, conv, x, c), frozen);
}

/* x itself, or projected to the block's output shape. */
static node shortcut(struct graph *g, struct params p, node x, int64_t out, int stride, bool frozen)
{
    if (stride == 1 && graph_dim(g, x, -1) == out)
        return x;
    struct conv_config c = {.out = out, .kernel = 1, .stride = stride};
    return conv_norm(g, params_scope(p, "downsample.0"), params_scope(p, "downsample.1"), x, c, frozen);
}

node basic_block(struct graph *g, struct params p, node x, struct block_config c)
{
    int stride = c.stride ? c.stride : 1;
    struct conv_config conv1 = {.out = c.width, .kernel = 3, .stride = stride, .padding = 1};
    struct conv_config conv2 = {.out = c.width, .kernel = 3, .padding = 1};
    node y = conv_norm(g, params_scope(p, "conv1"), params_scope(p, "bn1"), x, conv1, c.frozen_norms);
    y = op_relu(g, y);
    y = conv_norm(g, params_scope(p, "conv2"), params_scope(p, "bn2"), y, conv2, c.frozen_norms);
    return op_relu(g, op_add(g, y, shortcut(g, p, x, c.width * BASIC_BLOCK_EXPANSION, stride, c.frozen_norms)));
}

node bottleneck_block(struct graph *g, struct params p, node x, struct block_config c)
{
    int stride = c.stride ? c.stride : 1;
    int64_t out = c.width * BOTTLENECK_EXPANSION;
    struct conv_config conv1 = {.out = c.width, .kernel = 1};
    struct conv_config conv2 = {.out = c.width, .kernel = 3, .stride = stride, .padding = 1};
    struct conv_config conv3 = {.out = out, .kernel = 1};
    node y = conv_norm(g, params_scope(p, "conv1"), params_scope(p, "bn1"), x, conv1, c.frozen_norms);
    y = op_relu(g, y);
    y = conv_norm(g, params_scope(p, "conv2"), params_scope(p, "bn2"), y, conv2, c.frozen_norms);
    y = op_relu(g, y);
    y = conv_norm(g, params_scope(p, "conv3"), params_scope(p, "bn3"), y, conv3, c.frozen_norms);
    return op_relu(g, op_add(g, y, shortcut(g, p, x, out, stride, c.frozen_norms)));
}
