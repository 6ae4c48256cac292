/* clip_resnet.c - CLIP's ResNets: stem, blocks, attention pool. */
#include "backbone/clip_resnet.h"

#include <math.h>
#include <stdio.h>

#include "nn/conv.h"
#include "nn/linear.h"
#include "nn/residual_block.h"
#include "ops/attention.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/move.h"
#include "ops/pool.h"
#include "ops/reduce.h"
#include "ops/softmax.h"

struct clip_resnet_config clip_resnet_preset(int depth)
{
    struct clip_resnet_config c = {.width = 64, .grid = 7, .heads = 32};
    if (depth == 50 || depth == 101) {
        const int blocks[CLIP_RESNET_MAX_STAGES] = {3, 4, depth == 50 ? 6 : 23, 3};
        for (int stage = 0; stage < CLIP_RESNET_MAX_STAGES; stage++)
            c.blocks[stage] = blocks[stage];
        c.out = depth == 50 ? 1024 : 512;
    }
    return c;
}

static int stage_count(const struct clip_resnet_config *c)
{
    int stages = 0;
    while (stages < CLIP_RESNET_MAX_STAGES && c->blocks[stages] > 0)
        stages++;
    return stages;
}

int64_t clip_resnet_side(const struct clip_resnet_config *c)
{
    return c->grid << (stage_count(c) + 1); /* halved by the first convolution, the pool, and each stage but one */
}

/* Part of the network that is trained or not as a whole. */
struct part {
    struct params p;
    bool frozen_norms;
};

static struct part part_of(struct params p, const struct clip_resnet_config *c, enum clip_resnet_frozen last)
{
    bool frozen = c->frozen >= last;
    return (struct part){frozen ? params_freeze(p) : p, frozen || c->frozen_norms};
}

static struct part part_scope(struct part part, const char *name)
{
    part.p = params_scope(part.p, name);
    return part;
}

/* "convN" and "bnN" of a part. */
static node conv_norm(struct graph *g, struct part part, int index, node x, struct conv_config c)
{
    char conv[16], norm[16];
    snprintf(conv, sizeof conv, "conv%d", index);
    snprintf(norm, sizeof norm, "bn%d", index);
    x = conv2d(g, params_scope(part.p, conv), x, c);
    return block_norm(g, params_scope(part.p, norm), x, part.frozen_norms);
}

static node clip_stem(struct graph *g, struct part stem, int64_t width, node x)
{
    struct conv_config conv[] = {
        {.out = width / 2, .kernel = 3, .stride = 2, .padding = 1},
        {.out = width / 2, .kernel = 3, .padding = 1},
        {.out = width, .kernel = 3, .padding = 1},
    };
    for (int i = 0; i < 3; i++)
        x = op_relu(g, conv_norm(g, stem, i + 1, x, conv[i]));
    return op_avg_pool2d(g, x, 2, 2, 0); /* [B, S / 4, S / 4, width] */
}

/* A bottleneck whose stride is an average pool before the last convolution, and before that of the shortcut. */
static node clip_block(struct graph *g, struct part block, int64_t width, int stride, node x)
{
    int64_t out = width * BOTTLENECK_EXPANSION;
    node y = op_relu(g, conv_norm(g, block, 1, x, (struct conv_config){.out = width, .kernel = 1}));
    y = op_relu(g, conv_norm(g, block, 2, y, (struct conv_config){.out = width, .kernel = 3, .padding = 1}));
    if (stride > 1)
        y = op_avg_pool2d(g, y, stride, stride, 0);
    struct params last = params_scope(block.p, "bn3");
    params_get(g, &last, "weight", SHAPE(out), init_zeros()); /* new blocks begin as the identity, as OpenAI's */
    y = conv_norm(g, block, 3, y, (struct conv_config){.out = out, .kernel = 1});

    if (stride > 1 || graph_dim(g, x, -1) != out) {
        struct part down = part_scope(block, "downsample");
        if (stride > 1)
            x = op_avg_pool2d(g, x, stride, stride, 0);
        x = conv2d(g, params_scope(down.p, "0"), x, (struct conv_config){.out = out, .kernel = 1});
        x = block_norm(g, params_scope(down.p, "1"), x, down.frozen_norms);
    }
    return op_relu(g, op_add(g, y, x));
}

node clip_resnet_maps(struct graph *g, struct params p, const struct clip_resnet_config *c, node x)
{
    if (c->blocks[0] < 1 || c->width < 2 || c->width % 2 != 0) {
        graph_fail(g, "a CLIP ResNet needs blocks and an even width: %d blocks in its first stage, width %lld",
                   c->blocks[0], (long long)c->width);
        return NODE_NONE;
    }
    x = clip_stem(g, part_of(p, c, CLIP_RESNET_FROZEN_STEM), c->width, x);
    for (int stage = 0; stage < stage_count(c); stage++) {
        struct part part = part_of(p, c, (enum clip_resnet_frozen)(CLIP_RESNET_FROZEN_LAYER1 + stage));
        char layer[32];
        for (int i = 0; i < c->blocks[stage]; i++) {
            snprintf(layer, sizeof layer, "layer%d.%d", stage + 1, i);
            x = clip_block(g, part_scope(part, layer), c->width << stage, i == 0 && stage > 0 ? 2 : 1, x);
        }
    }
    return x; /* [B, H', W', C] */
}

/* A linear layer whose weight begins N(0, std). */
static node projection(struct graph *g, struct params p, const char *name, node x, int64_t out, double std)
{
    p = params_scope(p, name);
    params_get(g, &p, "weight", SHAPE(out, graph_dim(g, x, -1)), init_normal(std));
    return linear(g, p, x, out);
}

/* What the places x [B, N, C] answer to one query of each picture, q [B, heads, C / heads]: the same shape. */
static node answers(struct graph *g, struct params p, node q, node x)
{
    struct shape s = graph_shape(g, q);
    int64_t batch = s.dim[0], heads = s.dim[1], size = s.dim[2], places = graph_dim(g, x, 1), channels = heads * size;
    double std = 1 / sqrt((double)channels);
    node k = projection(g, p, "k_proj", x, channels, std);
    node v = projection(g, p, "v_proj", x, channels, std);
    q = op_reshape(g, q, SHAPE(batch, 1, heads, size));
    k = op_reshape(g, k, SHAPE(batch, places, heads, size));
    v = op_reshape(g, v, SHAPE(batch, places, heads, size));
    return op_reshape(g, op_attention(g, q, k, v, (struct attention_config){0}), s);
}

/* A projection's weight by heads, [heads, C / heads, C], and its bias, [heads, C / heads]. */
static node projection_by_heads(struct graph *g, struct params p, const char *name, int64_t heads, int64_t channels,
                                node *bias)
{
    double std = 1 / sqrt((double)channels);
    struct shape shape = SHAPE(channels, channels);
    p = params_scope(p, name);
    node weight = params_get(g, &p, "weight", shape, init_normal(std));
    *bias = params_get(g, &p, "bias", SHAPE(channels), init_linear_bias(&shape));
    *bias = op_reshape(g, *bias, SHAPE(heads, channels / heads));
    return op_reshape(g, weight, SHAPE(heads, channels / heads, channels));
}

/* The same without keys and values, which one query does not need: q (Wk x + bk) = (q Wk) x + q bk, and the weighted
 * sum of Wv x + bv is Wv of the weighted sum of x, plus bv. A product with each place is thus one with each picture.
 * Not for adapted layers, of which LoRA drops inputs. */
static node answers_of_one(struct graph *g, struct params p, node q, node x)
{
    static const int heads_first[] = {1, 0, 2};
    int64_t heads = graph_dim(g, q, 1), channels = graph_dim(g, x, 2);
    float scale = 1 / sqrtf((float)graph_dim(g, q, 2));
    node key_bias, value_bias;
    node key = projection_by_heads(g, p, "k_proj", heads, channels, &key_bias);
    node value = projection_by_heads(g, p, "v_proj", heads, channels, &value_bias);

    q = op_scale(g, q, scale);
    node asked = op_matmul(g, op_permute(g, q, heads_first), key, false, false); /* [heads, B, C] */
    asked = op_permute(g, asked, heads_first);                                   /* [B, heads, C] */
    node scores = op_matmul(g, asked, x, false, true);                           /* [B, heads, N] */
    scores = op_add(g, scores, op_sum(g, op_mul(g, q, key_bias), REDUCE_AXIS(2), true));
    node seen = op_matmul(g, op_softmax(g, scores), x, false, false); /* [B, heads, C] */
    node z = op_matmul(g, op_permute(g, seen, heads_first), value, false, true);
    return op_add(g, op_permute(g, z, heads_first), value_bias); /* [B, heads, C / heads] */
}

/* The mean of the maps asks, it and every place answer: maps [B, H, W, C] to [B, out]. */
static node attention_pool(struct graph *g, struct params p, const struct clip_resnet_config *c, node x)
{
    int64_t batch = graph_dim(g, x, 0), places = c->grid * c->grid, channels = graph_dim(g, x, 3);
    int64_t heads = c->heads;
    if (heads < 1 || channels % heads != 0) {
        graph_fail(g, "a CLIP ResNet's attention pool cannot divide %lld channels among %lld heads",
                   (long long)channels, (long long)heads);
        return NODE_NONE;
    }
    double std = 1 / sqrt((double)channels);
    x = op_reshape(g, x, SHAPE(batch, places, channels));
    node tokens[] = {op_mean(g, x, REDUCE_AXIS(1), true), x};
    x = op_concat(g, tokens, 2, 1); /* [B, 1 + N, C] */
    x = op_add(g, x, params_get(g, &p, "positional_embedding", SHAPE(1 + places, channels), init_normal(std)));

    node q = projection(g, p, "q_proj", op_slice_axis(g, x, 1, 0, 1), channels, std);
    q = op_reshape(g, q, SHAPE(batch, heads, channels / heads));
    node z = p.lora ? answers(g, p, q, x) : answers_of_one(g, p, q, x); /* [B, heads, C / heads] */
    return projection(g, p, "c_proj", op_reshape(g, z, SHAPE(batch, channels)), c->out, std);
}

node clip_resnet_pool(struct graph *g, struct params p, const struct clip_resnet_config *c, node maps)
{
    int64_t side = clip_resnet_side(c), rows = graph_dim(g, maps, 1), columns = graph_dim(g, maps, 2);
    if (graph_failed(g))
        return NODE_NONE;
    if (rows != c->grid || columns != c->grid) {
        int64_t cell = c->grid > 0 ? side / c->grid : 0; /* pixels that a place of the maps stands for */
        graph_fail(g, "a CLIP ResNet whose position embedding is for pictures of %lld x %lld got one of %lld x %lld",
                   (long long)side, (long long)side, (long long)(columns * cell), (long long)(rows * cell));
        return NODE_NONE;
    }
    struct part pool = part_of(params_scope(p, "attnpool"), c, CLIP_RESNET_FROZEN_ALL);
    return attention_pool(g, pool.p, c, maps);
}

node clip_resnet(struct graph *g, struct params p, const struct clip_resnet_config *c, node x)
{
    return clip_resnet_pool(g, p, c, clip_resnet_maps(g, p, c, x));
}
