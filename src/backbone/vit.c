/* vit.c - vision transformers by configuration: patches, positions, tokens, blocks, ends. */
#include "backbone/vit.h"

#include <math.h>
#include <string.h>

#include "nn/conv.h"
#include "nn/norm.h"
#include "nn/resize.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/move.h"
#include "ops/reduce.h"

#define FACEBOOK_OFFSET 0.1 /* interpolate_offset */

/* ---- Presets -------------------------------------------------------------------------------------------------- */

static struct vit_config clip_config(int64_t image, int64_t patch, int64_t width, int depth, int64_t output)
{
    return (struct vit_config){.names = BLOCK_OPENAI,
                               .activation = BLOCK_QUICK_GELU,
                               .image = image,
                               .patch = patch,
                               .width = width,
                               .depth = depth,
                               .heads = (int)(width / 64),
                               .eps = 1e-5f,
                               .positions = VIT_POSITIONS_ANTIALIAS,
                               .positions_class = true,
                               .class_token = true,
                               .final_norm = true,
                               .output = output};
}

static struct vit_config facebook_config(int64_t image, int64_t patch, int64_t width, int depth)
{
    return (struct vit_config){.names = BLOCK_FACEBOOK,
                               .activation = BLOCK_GELU,
                               .image = image,
                               .patch = patch,
                               .width = width,
                               .depth = depth,
                               .heads = (int)(width / 64),
                               .eps = 1e-6f,
                               .positions = VIT_POSITIONS_SIZE,
                               .positions_class = true,
                               .class_token = true,
                               .final_norm = true};
}

/* With registers the authors trained on, and ask for, antialiased positions without the offset. */
static struct vit_config dinov2_config(int64_t width, int depth, int registers)
{
    struct vit_config c = facebook_config(518, 14, width, depth);
    c.positions = registers ? VIT_POSITIONS_ANTIALIAS : VIT_POSITIONS_OFFSET;
    c.registers = registers;
    c.mask_token = true;
    c.layer_scale = true;
    return c;
}

/* OpenSDI's encoder: MAE's weights without the class token (its position is dropped) and without the final norm. */
static struct vit_config windowed_config(void)
{
    struct vit_config c = facebook_config(224, 16, 768, 12);
    c.class_token = false;
    c.final_norm = false;
    c.window = 14;
    c.global_every = 3;
    c.relative_image = 512;
    c.drop_path = 0.1f;
    return c;
}

bool vit_preset(const char *name, struct vit_config *out)
{
    const struct {
        const char *name;
        struct vit_config config;
    } presets[] = {
        {"clip-vit-b-32", clip_config(224, 32, 768, 12, 512)},
        {"clip-vit-b-16", clip_config(224, 16, 768, 12, 512)},
        {"clip-vit-l-14", clip_config(224, 14, 1024, 24, 768)},
        {"clip-vit-l-14-336", clip_config(336, 14, 1024, 24, 768)},
        {"dinov2-vit-s-14", dinov2_config(384, 12, 0)},
        {"dinov2-vit-b-14", dinov2_config(768, 12, 0)},
        {"dinov2-vit-l-14", dinov2_config(1024, 24, 0)},
        {"dinov2-vit-s-14-reg", dinov2_config(384, 12, 4)},
        {"dinov2-vit-b-14-reg", dinov2_config(768, 12, 4)},
        {"dinov2-vit-l-14-reg", dinov2_config(1024, 24, 4)},
        {"mae-vit-b-16", facebook_config(224, 16, 768, 12)},
        {"mae-vit-b-16-windowed", windowed_config()},
    };
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++)
        if (strcmp(presets[i].name, name) == 0) {
            *out = presets[i].config;
            return true;
        }
    return false;
}

/* ---- Tokens --------------------------------------------------------------------------------------------------- */

static bool openai(const struct vit_config *c)
{
    return c->names == BLOCK_OPENAI;
}

/* x [B, H, W, 3] to [B, rows, columns, width]. */
static node patches(struct graph *g, const struct params *p, const struct vit_config *c, node x)
{
    struct conv_config conv = {.out = c->width, .kernel = (int)c->patch, .stride = (int)c->patch, .bias = !openai(c)};
    return conv2d(g, params_scope(*p, openai(c) ? "conv1" : "patch_embed.proj"), x, conv);
}

/* The stored position embedding: *class_position [1, 1, width] (NODE_NONE: it has none), and [1, rows * columns,
 * width]. */
static node positions(struct graph *g, const struct params *p, const struct vit_config *c, int64_t rows,
                      int64_t columns, node *class_position)
{
    int64_t side = c->image / c->patch, extra = c->positions_class ? 1 : 0, count = side * side + extra;
    struct store_init init = init_normal(0.02);
    node all = openai(c) ? params_get(g, p, "positional_embedding", SHAPE(count, c->width), init)
                         : params_get(g, p, "pos_embed", SHAPE(1, count, c->width), init);
    all = op_reshape(g, all, SHAPE(1, count, c->width));
    *class_position = extra ? op_slice_axis(g, all, 1, 0, 1) : NODE_NONE;
    node cells = extra ? op_slice_axis(g, all, 1, 1, side * side) : all;
    if (rows == side && columns == side)
        return cells;
    struct resize_config how = {.method = RESIZE_BICUBIC, .antialias = c->positions == VIT_POSITIONS_ANTIALIAS};
    if (c->positions == VIT_POSITIONS_OFFSET) {
        how.scale[0] = ((double)rows + FACEBOOK_OFFSET) / (double)side;
        how.scale[1] = ((double)columns + FACEBOOK_OFFSET) / (double)side;
    }
    node grid = resize(g, op_reshape(g, cells, SHAPE(1, side, side, c->width)), rows, columns, how);
    return op_reshape(g, grid, SHAPE(1, rows * columns, c->width));
}

/* One learnt token for each picture, with its position if it has one. */
static node class_token(struct graph *g, const struct params *p, const struct vit_config *c, int64_t batch,
                        node position)
{
    struct store_init init = init_normal(0.02);
    node token = openai(c) ? params_get(g, p, "class_embedding", SHAPE(c->width), init)
                           : params_get(g, p, "cls_token", SHAPE(1, 1, c->width), init);
    token = op_reshape(g, token, SHAPE(1, 1, c->width));
    if (position.id >= 0)
        token = op_add(g, token, position);
    return op_broadcast(g, token, SHAPE(batch, 1, c->width));
}

/* [B, N, width]: class token, registers, patches, with positions. Positions come before the registers do. */
static node tokens(struct graph *g, const struct params *p, const struct vit_config *c, node x, struct vit_output *out)
{
    node parts[3], position, cells = patches(g, p, c, x);
    int count = 0;
    int64_t batch = graph_dim(g, x, 0);
    node grid = positions(g, p, c, out->rows, out->columns, &position);
    if (c->class_token) {
        parts[count++] = class_token(g, p, c, batch, position);
        out->prefix++;
    }
    if (c->mask_token)
        params_get(g, p, "mask_token", SHAPE(1, c->width), init_zeros());
    if (c->registers > 0) {
        node registers = params_get(g, p, "register_tokens", SHAPE(1, c->registers, c->width), init_normal(1e-6));
        parts[count++] = op_broadcast(g, registers, SHAPE(batch, c->registers, c->width));
        out->prefix += c->registers;
    }
    parts[count++] = op_add(g, op_reshape(g, cells, SHAPE(batch, out->rows * out->columns, c->width)), grid);
    return count > 1 ? op_concat(g, parts, count, 1) : parts[0];
}

/* ---- The network ---------------------------------------------------------------------------------------------- */

static bool fits(struct graph *g, const struct vit_config *c, const struct shape *x)
{
    char text[SHAPE_TEXT];
    if (c->depth < 1 || c->depth > VIT_MAX_DEPTH || c->width < 1 || c->heads < 1 || c->patch < 1 ||
        c->patch > INT32_MAX || c->image < c->patch || (c->output > 0 && !c->class_token)) {
        graph_fail(g,
                   "a vision transformer needs 1 to %d blocks, a width, heads, and patches that fit its pictures: "
                   "%d blocks of width %lld with %d heads, patches of %lld in %lld pixels",
                   VIT_MAX_DEPTH, c->depth, (long long)c->width, c->heads, (long long)c->patch, (long long)c->image);
        return false;
    }
    if (x->rank != 4 || x->dim[1] < 1 || x->dim[2] < 1 || x->dim[1] % c->patch != 0 || x->dim[2] % c->patch != 0) {
        graph_fail(g, "a vision transformer takes pictures [B, H, W, 3] with sides that are multiples of %lld, got %s",
                   (long long)c->patch, shape_text(x, text));
        return false;
    }
    if (c->relative_image > 0 && (x->dim[1] / c->patch != c->relative_image / c->patch ||
                                  x->dim[2] / c->patch != c->relative_image / c->patch)) {
        graph_fail(g, "relative positions are for pictures of %lld pixels, got %s", (long long)c->relative_image,
                   shape_text(x, text));
        return false;
    }
    return true;
}

static struct transformer_config block_config(const struct vit_config *c, const struct vit_output *out, int i)
{
    bool global = c->window <= 0 || (c->global_every > 0 && (i + 1) % c->global_every == 0);
    return (struct transformer_config){
        .heads = c->heads,
        .hidden = c->hidden,
        .eps = c->eps,
        .names = c->names,
        .activation = c->activation,
        .layer_scale = c->layer_scale,
        .rows = out->rows,
        .columns = out->columns,
        .window = global ? 0 : c->window,
        .relative_positions = c->relative_image > 0,
        .weights = c->weights,
        .drop_path = c->depth > 1 ? c->drop_path * (float)i / (float)(c->depth - 1) : 0,
    };
}

static node block(struct graph *g, const struct params *p, const struct vit_config *c, int i, node x,
                  const struct transformer_config *config, struct block_values *values)
{
    struct params scope = params_scope_index(*p, openai(c) ? "transformer.resblocks" : "blocks", i);
    return transformer_block(g, scope, x, config, values);
}

/* The class token after the last block, [B, 1, width], of what came into that. The other tokens only have to be looked
 * at there, not to be made, so it has a node of its own, and `tokens` is not computed unless it is read. Where it is
 * (networks that explain themselves) and where branches are left out at random it is cut from them. */
static node last_class_token(struct graph *g, const struct params *p, const struct vit_config *c,
                             const struct vit_output *out, node before)
{
    int last = c->depth - 1;
    struct transformer_config config = block_config(c, out, last);
    if (config.weights || config.window > 0 || config.relative_positions || config.drop_path > 0)
        return op_slice_axis(g, out->tokens, 1, 0, 1);
    config.queries = 1;
    return block(g, p, c, last, before, &config, NULL);
}

/* After the blocks: the final norm, the class token, its projection. `before`: what came into the last block. */
static void ends(struct graph *g, const struct params *p, const struct vit_config *c, struct vit_output *out,
                 node before)
{
    struct params norm = params_scope(*p, openai(c) ? "ln_post" : "norm");
    if (c->final_norm)
        out->normed = layer_norm(g, norm, out->tokens, c->eps);
    if (!c->class_token)
        return;
    /* Normed by itself: the other tokens are nobody's business unless `normed` is read. */
    node token = op_reshape(g, last_class_token(g, p, c, out, before), SHAPE(-1, c->width));
    out->class_token = c->final_norm ? layer_norm(g, norm, token, c->eps) : token;
    out->embedding = out->class_token;
    if (c->output > 0) {
        struct store_init init = init_normal(1 / sqrt((double)c->width));
        node proj = params_get(g, p, "proj", SHAPE(c->width, c->output), init); /* stored in x out */
        out->embedding = op_matmul(g, out->class_token, proj, false, false);
    }
}

struct vit_output vit(struct graph *g, struct params p, const struct vit_config *c, node x)
{
    struct vit_output out = {.tokens = NODE_NONE,
                             .normed = NODE_NONE,
                             .class_token = NODE_NONE,
                             .embedding = NODE_NONE};
    for (int i = 0; i < VIT_MAX_DEPTH; i++)
        out.block[i] = (struct block_values){NODE_NONE, NODE_NONE, NODE_NONE};
    struct shape shape = graph_shape(g, x);
    if (graph_failed(g) || !fits(g, c, &shape))
        return out;
    out.rows = shape.dim[1] / c->patch;
    out.columns = shape.dim[2] / c->patch;
    node y = tokens(g, &p, c, x, &out);
    if (openai(c))
        y = layer_norm(g, params_scope(p, "ln_pre"), y, c->eps);
    node before = y;
    for (int i = 0; i < c->depth; i++) {
        struct transformer_config config = block_config(c, &out, i);
        before = y;
        y = block(g, &p, c, i, y, &config, &out.block[i]);
    }
    out.tokens = y;
    ends(g, &p, c, &out, before);
    return out;
}

node vit_patches(struct graph *g, const struct vit_output *out, node tokens)
{
    int64_t cells = out->rows * out->columns;
    tokens = op_slice_axis(g, tokens, 1, out->prefix, cells);
    return op_reshape(g, tokens, SHAPE(-1, out->rows, out->columns, graph_dim(g, tokens, -1)));
}

node vit_rollout(struct graph *g, const struct vit_config *c, const struct vit_output *out)
{
    if (graph_failed(g))
        return NODE_NONE;
    if (!c->weights || !c->class_token || c->window > 0) {
        graph_fail(g, "attention roll-out needs a class token, attention without windows, and its weights");
        return NODE_NONE;
    }
    /* Only the class token's row of the product of all blocks is wanted: a vector, from the last block to the first. */
    int64_t batch = graph_dim(g, out->tokens, 0), count = graph_dim(g, out->tokens, 1);
    node parts[] = {constant(g, 1, SHAPE(batch, 1, 1)), constant(g, 0, SHAPE(batch, 1, count - 1))};
    node row = op_concat(g, parts, 2, 2); /* [B, 1, N] */
    for (int i = c->depth - 1; i >= 0; i--) {
        node moved = op_matmul(g, row, out->block[i].attention, false, false);
        row = op_scale(g, op_add(g, row, moved), 0.5f);
    }
    return vit_patches(g, out, op_reshape(g, row, SHAPE(batch, count, 1)));
}
