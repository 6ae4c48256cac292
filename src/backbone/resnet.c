/* resnet.c - ResNets by configuration. */
#include "backbone/resnet.h"

#include <stdio.h>

#include "nn/conv.h"
#include "nn/linear.h"
#include "nn/residual_block.h"
#include "ops/elementwise.h"
#include "ops/pool.h"
#include "ops/reduce.h"

struct resnet_config resnet_preset(int depth)
{
    struct resnet_config c = {.width = 64, .classes = 1000};
    static const struct {
        int depth;
        enum resnet_block block;
        int blocks[RESNET_MAX_STAGES];
    } presets[] = {
        {18, RESNET_BASIC, {2, 2, 2, 2}},        {34, RESNET_BASIC, {3, 4, 6, 3}},
        {50, RESNET_BOTTLENECK, {3, 4, 6, 3}},   {101, RESNET_BOTTLENECK, {3, 4, 23, 3}},
        {152, RESNET_BOTTLENECK, {3, 8, 36, 3}},
    };
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++)
        if (presets[i].depth == depth) {
            c.block = presets[i].block;
            for (int stage = 0; stage < RESNET_MAX_STAGES; stage++)
                c.blocks[stage] = presets[i].blocks[stage];
        }
    return c;
}

static node resnet_stem(struct graph *g, struct params p, const struct resnet_config *c, node x)
{
    bool small = c->stem == RESNET_STEM_SMALL;
    struct conv_config conv = {
        .out = c->width,
        .kernel = c->stem == RESNET_STEM_IMAGENET ? 7 : 3,
        .stride = small ? 1 : 2,
        .padding = c->stem == RESNET_STEM_IMAGENET ? 3 : 1,
        .init = CONV_INIT_FAN_OUT,
    };
    x = conv2d(g, params_scope(p, "conv1"), x, conv);
    x = op_relu(g, block_norm(g, params_scope(p, "bn1"), x, c->frozen_norms));
    return small ? x : op_max_pool2d(g, x, 3, 2, 1);
}

node resnet_maps(struct graph *g, struct params p, const struct resnet_config *c, node x)
{
    if (c->blocks[0] < 1 || c->width < 1) {
        graph_fail(g, "a ResNet needs blocks and a width: %d blocks in its first stage, width %lld", c->blocks[0],
                   (long long)c->width);
        return NODE_NONE;
    }
    x = resnet_stem(g, p, c, x);
    for (int stage = 0; stage < RESNET_MAX_STAGES && c->blocks[stage] > 0; stage++) {
        char layer[16];
        snprintf(layer, sizeof layer, "layer%d", stage + 1);
        for (int i = 0; i < c->blocks[stage]; i++) {
            struct block_config block = {
                .width = c->width << stage,
                .stride = i == 0 && stage > 0 ? 2 : 1,
                .frozen_norms = c->frozen_norms,
            };
            struct params scope = params_scope_index(p, layer, i);
            x = c->block == RESNET_BASIC ? basic_block(g, scope, x, block) : bottleneck_block(g, scope, x, block);
        }
    }
    return x; /* [B, H', W', C] */
}

node resnet(struct graph *g, struct params p, const struct resnet_config *c, node x)
{
    node z = op_global_avg_pool(g, resnet_maps(g, p, c, x)); /* [B, C] */
    return c->classes > 0 ? linear(g, params_scope(p, "fc"), z, c->classes) : z;
}
