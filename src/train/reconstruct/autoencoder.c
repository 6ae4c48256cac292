/* autoencoder.c - encoder, latents, decoder, critic. No norms: they would cost as much as the convolutions. */
#include "train/reconstruct/autoencoder.h"

#include <math.h>
#include <stdio.h>

#include "nn/conv.h"
#include "nn/resize.h"
#include "nn/upsample.h"
#include "ops/ops.h"

/* Channels after `halvings`: w, 2 w, then 4 w. */
static int64_t channels_at(const struct autoencoder_options *o, int halvings)
{
    return o->width * (halvings < 2 ? halvings + 1 : 4);
}

/* Torch's own first weights make what is left of a signal small, layer by layer: right for what is added to
 * something, and for the last layer. */
static node conv3(struct graph *g, struct params p, node x, int64_t out, int stride, enum conv_init init)
{
    return conv2d(
        g, p, x,
        (struct conv_config){.out = out, .kernel = 3, .stride = stride, .padding = 1, .bias = true, .init = init});
}

/* Before a ReLU. */
static node conv3_relu(struct graph *g, struct params p, node x, int64_t out, int stride)
{
    return op_relu(g, conv3(g, p, x, out, stride, CONV_INIT_FAN_OUT));
}

/* relu(x + conv(relu(conv(x)))) */
static node residual(struct graph *g, struct params p, node x)
{
    int64_t channels = graph_dim(g, x, -1);
    node y = conv3_relu(g, params_scope(p, "conv1"), x, channels, 1);
    return op_relu(g, op_add(g, x, conv3(g, params_scope(p, "conv2"), y, channels, 1, CONV_INIT_TORCH)));
}

/* Its first halving moves 2 x 2 pixels into channels: convolutions at full size are left to the decoder, whose traces
 * count. */
static node encode(struct graph *g, struct params p, node x, const struct autoencoder_options *o)
{
    const float strength = 4; /* brings details to the order of the means */
    int doublings = autoencoder_doublings(o);
    int64_t factor = autoencoder_factor(o);
    if (graph_failed(g))
        return NODE_NONE;
    node means = upsample_nearest(g, op_avg_pool2d(g, x, (int)factor, (int)factor, 0), factor);
    node both[2] = {x, op_scale(g, op_sub(g, x, means), strength)};
    x = op_concat(g, both, 2, 3); /* [B, H, W, 6] */
    node cells = pixel_unshuffle(g, x, factor);
    x = conv3_relu(g, params_scope(p, "in"), pixel_unshuffle(g, x, 2), channels_at(o, 1), 1);
    for (int i = 2; i <= doublings; i++) {
        x = conv3_relu(g, params_scope_index(p, "down", i), x, channels_at(o, i), 2);
        x = residual(g, params_scope_index(p, "block", i), x);
    }
    int64_t latent = o->latent ? o->latent : autoencoder_factor(o) * autoencoder_factor(o) * 3 / 4;
    x = conv3(g, params_scope(p, "out"), x, latent, 1, CONV_INIT_TORCH);
    node direct = conv2d(g, params_scope(p, "direct"), cells, (struct conv_config){.out = latent, .kernel = 1});
    return op_tanh(g, op_add(g, x, direct));
}

/* Rounded to `levels` values evenly from -1 to 1; the gradient passes as if it were not. Then the noise. */
static node disturb(struct graph *g, node z, const struct autoencoder_options *o)
{
    if (o->levels > 1) {
        float half = (float)(o->levels - 1) / 2;
        node rounded = op_affine(g, op_floor(g, op_affine(g, z, half, half + 0.5f)), 1 / half, -1);
        z = op_add(g, z, detach(g, op_sub(g, rounded, z)));
    }
    if (o->noise > 0 && !graph_failed(g))
        z = op_add(g, z, op_scale(g, op_random_normal(g, graph_shape(g, z)), (float)o->noise));
    return z;
}

static node enlarge(struct graph *g, struct params p, node x, int64_t out, int kind)
{
    int64_t height = graph_dim(g, x, 1) * 2, width = graph_dim(g, x, 2) * 2;
    switch ((enum decoder_kind)kind) {
    case DECODER_NEAREST: return conv3(g, p, upsample_nearest(g, x, 2), out, 1, CONV_INIT_FAN_OUT);
    case DECODER_BILINEAR:
        x = resize(g, x, height, width, (struct resize_config){.method = RESIZE_BILINEAR});
        return conv3(g, p, x, out, 1, CONV_INIT_FAN_OUT);
    case DECODER_TRANSPOSED:
        return conv_transposed2d(/* larger first weights would begin with a chequered pattern that is slowly unlearnt */
                                 g, p, x,
                                 (struct conv_transposed_config){
                                     .out = out, .kernel = 4, .stride = 2, .padding = 1, .bias = true});
    case DECODER_SHUFFLE: return pixel_shuffle(g, conv3(g, p, x, out * 4, 1, CONV_INIT_FAN_OUT), 2);
    case DECODER_COUNT: break;
    }
    graph_fail(g, "no such decoder: %d", kind);
    return NODE_NONE;
}

static node decode(struct graph *g, struct params p, node z, const struct autoencoder_options *o)
{
    int doublings = autoencoder_doublings(o);
    node x = conv3_relu(g, params_scope(p, "in"), z, channels_at(o, doublings), 1);
    x = residual(g, params_scope(p, "middle"), x);
    for (int i = doublings; i >= 1; i--) {
        x = residual(g, params_scope_index(p, "block", i), x);
        x = op_relu(g, enlarge(g, params_scope_index(p, "up", i), x, channels_at(o, i - 1), o->decoder));
    }
    return conv3(g, params_scope(p, "out"), x, 3, 1, CONV_INIT_TORCH);
}

node autoencoder(struct graph *g, struct params p, node x, const struct autoencoder_options *o)
{
    node z = disturb(g, encode(g, params_scope(p, "encoder"), x, o), o);
    return decode(g, params_scope(p, "decoder"), z, o);
}

static node leaky(struct graph *g, node x)
{
    return op_max(g, x, op_scale(g, x, 0.2f));
}

node autoencoder_critic(struct graph *g, struct params p, node x, const struct autoencoder_options *o)
{
    p = params_scope(p, "critic");
    for (int i = 1; i <= 3; i++)
        x = leaky(g, conv2d(g, params_scope_index(p, "down", i), x,
                            (struct conv_config){
                                .out = channels_at(o, i), .kernel = 4, .stride = 2, .padding = 1, .bias = true}));
    return conv3(g, params_scope(p, "out"), x, 1, 1, CONV_INIT_TORCH);
}

/* ---- first weights ---------------------------------------------------------------------------------------------- */

static const float kept = 0.25f; /* share of the random weights */

/* [4 out, in, 3, 3]: the four filters of a channel follow one another. */
static void begin_shuffle(struct store_entry *w)
{
    int64_t filter = w->shape.dim[1] * 9;
    for (int64_t channel = 0; channel < w->shape.dim[0]; channel++) {
        float *own = w->data + channel * filter;
        const float *first = w->data + channel / 4 * 4 * filter;
        for (int64_t i = 0; i < filter && own != first; i++)
            own[i] = first[i] + kept * own[i];
    }
}

/* [in, out, 4, 4]: bilinear interpolation of a random mixture of channels, which keeps a ReLU's power. */
static void begin_transposed(struct store_entry *w)
{
    static const float bilinear[4] = {0.25f, 0.75f, 0.75f, 0.25f};
    double bound = 1 / sqrt((double)w->shape.dim[1] * 16); /* of the uniform weights that are there */
    float scale = (float)(sqrt(2 / (double)w->shape.dim[0]) / (bound / sqrt(3.0)));
    for (int64_t pair = 0; pair < w->shape.dim[0] * w->shape.dim[1]; pair++) {
        float *window = w->data + pair * 16, mixture = window[0] * scale;
        for (int i = 0; i < 16; i++)
            window[i] = mixture * bilinear[i / 4] * bilinear[i % 4] + kept * window[i];
    }
}

void autoencoder_begin(struct store *store, const struct autoencoder_options *o)
{
    for (int i = 1; i <= autoencoder_doublings(o); i++) {
        char name[64];
        snprintf(name, sizeof name, "decoder.up.%d.weight", i);
        struct store_entry *w = store_get(store, name);
        if (!w)
            continue;
        if (o->decoder == DECODER_SHUFFLE)
            begin_shuffle(w);
        else if (o->decoder == DECODER_TRANSPOSED)
            begin_transposed(w);
        w->version++;
    }
}
