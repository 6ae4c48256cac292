/* residual.c - the detector `residual`: a small ResNet that is led to fine traces. Photographs and generated pictures
 * differ in the last grey levels far more than in what they show, so
 *
 *   - beside the RGB crop it sees what is left when the content is taken away: the NPR residual (Tan et al., CVPR 2024)
 *     and first and second differences as in the rich models of steganalysis (Fridrich and Kodovsky, "Rich models for
 *     steganalysis of digital images", IEEE TIFS 2012), cut at +-1 as there;
 *   - nothing is downsampled before the end of the first stage;
 *   - the input maps and each stage are read out by their means and log-variances, and the full-size maps by their
 *     correlations too. Second-order statistics carry most of what a linear model finds in such residuals; averages alone
 *     would lose it. */
#include "detector/residual.h"

#include "nn/conv.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "nn/npr.h"
#include "nn/residual_block.h"
#include "ops/elementwise.h"
#include "ops/loss.h"
#include "ops/matmul.h"
#include "ops/move.h"
#include "ops/random.h"
#include "ops/reduce.h"

/* An input of (value / 255 - 1/2) / (1/2): one grey level is 2 / 255. Residuals are counted in units of 16 levels. */
#define INPUT_MEAN 0.5f
#define INPUT_STD 0.5f
#define RESIDUAL_GAIN (255.0f * INPUT_STD / 16.0f)

static const struct option fields[] = {
    {"crop", OPTION_INT, offsetof(struct residual_config, crop), "128", 32, 1024, NULL,
     "side of the square windows that the network sees, pixels"},
    {"crops", OPTION_INT, offsetof(struct residual_config, crops), "16", 1, PREPROCESS_MAX_CROPS, NULL,
     "windows of a picture that are judged and averaged"},
    {"input", OPTION_CHOICE, offsetof(struct residual_config, input), "both", 0, 0, "rgb|npr|both",
     "what the network sees: the pixels, their NPR residual, or both"},
    {"npr-patch", OPTION_INT, offsetof(struct residual_config, npr_patch), "2", 2, 16, NULL,
     "side of the patches that lose their top-left pixel, pixels"},
    {"high-pass", OPTION_BOOL, offsetof(struct residual_config, high_pass), "true", 0, 0, NULL,
     "add fixed first and second differences to the input"},
    {"correlations", OPTION_BOOL, offsetof(struct residual_config, correlations), "true", 0, 0, NULL,
     "read out the correlations of the full-size maps"},
    {"width", OPTION_INT, offsetof(struct residual_config, width), "16", 4, 64, NULL,
     "channels of the first stage; each later stage has twice as many"},
    {"blocks", OPTION_INT, offsetof(struct residual_config, blocks), "1", 1, 8, NULL, "residual blocks of each stage"},
    {"dropout", OPTION_FLOAT, offsetof(struct residual_config, dropout), "0.2", 0, 0.9, NULL,
     "probability that a pooled feature is dropped in training"},
    {"label-smoothing", OPTION_FLOAT, offsetof(struct residual_config, label_smoothing), "0.05", 0, 0.5, NULL,
     "how far targets move from 0 and 1 towards one half"},
    {0},
};

static void residual_preprocess(const void *config, struct preprocess *out)
{
    const struct residual_config *c = config;
    *out = (struct preprocess){
        .crop = (int)c->crop,
        .resize = PREPROCESS_NATIVE, /* resampling would wipe out what is looked for */
        .filter = IMAGE_BICUBIC,
        .fit = PREPROCESS_TILE,
        .max_crops = (int)c->crops,
        .mean = {INPUT_MEAN, INPUT_MEAN, INPUT_MEAN},
        .std = {INPUT_STD, INPUT_STD, INPUT_STD},
    };
}

/* x[i + 1] - x[i] along an axis: one shorter. */
static node difference(struct graph *g, node x, int axis)
{
    int64_t n = graph_dim(g, x, axis) - 1;
    return op_sub(g, op_slice_axis(g, x, axis, 1, n), op_slice_axis(g, x, axis, 0, n));
}

/* x[i - 1] - 2 x[i] + x[i + 1] along an axis: two shorter. */
static node second_difference(struct graph *g, node x, int axis)
{
    return difference(g, difference(g, x, axis), axis);
}

/* Back to height and width of `like`, with zeros where the filter did not fit. */
static node pad_like(struct graph *g, node x, node like)
{
    int64_t rows = graph_dim(g, like, 1) - graph_dim(g, x, 1), columns = graph_dim(g, like, 2) - graph_dim(g, x, 2);
    const int64_t before[] = {0, rows / 2, columns / 2, 0}, after[] = {0, rows - rows / 2, columns - columns / 2, 0};
    return op_pad(g, x, before, after);
}

/* In units of 16 grey levels times the filter's centre weight, and cut. In f32 whatever the precision of the network:
 * bf16 has too few digits for small differences of large values. */
static node quantum(struct graph *g, node x, float center)
{
    return op_clamp(g, op_scale(g, x, RESIDUAL_GAIN / center), -1, 1);
}

static node high_pass(struct graph *g, node x)
{
    enum { ROWS = 1, COLUMNS = 2, FILTERS = 5 };
    node across = difference(g, x, COLUMNS), down = difference(g, x, ROWS);
    node across2 = second_difference(g, x, COLUMNS), down2 = second_difference(g, x, ROWS);
    node square = second_difference(g, across2, ROWS); /* [1 -2 1]^T [1 -2 1] */
    node parts[FILTERS] = {
        pad_like(g, quantum(g, across, 1), x),  pad_like(g, quantum(g, down, 1), x),
        pad_like(g, quantum(g, across2, 2), x), pad_like(g, quantum(g, down2, 2), x),
        pad_like(g, quantum(g, square, 4), x),
    };
    return op_concat(g, parts, FILTERS, 3); /* [B, S, S, 15] */
}

static node residual_inputs(struct graph *g, const struct residual_config *c, node x)
{
    node parts[3];
    int count = 0;
    if (c->input != RESIDUAL_NPR)
        parts[count++] = x;
    if (c->input != RESIDUAL_RGB)
        parts[count++] = quantum(g, npr(g, x, (int)c->npr_patch, 1), 1);
    if (c->high_pass)
        parts[count++] = high_pass(g, x);
    return count == 1 ? parts[0] : op_concat(g, parts, count, 3);
}

node residual_center(struct graph *g, node x, node *mean)
{
    struct shape s = graph_shape(g, x);
    x = op_reshape(g, x, SHAPE(s.dim[0], s.dim[1] * s.dim[2], s.dim[3]));
    *mean = op_mean(g, x, REDUCE_AXIS(1), true);
    return op_sub(g, x, *mean);
}

/* Centred maps [B, N, C] and their variance [B, 1, C] to the matrix of their correlations [B, C C]; maps that hardly vary
 * correlate with nothing. */
static node correlations(struct graph *g, node x, node variance)
{
    int64_t b = graph_dim(g, x, 0), n = graph_dim(g, x, 1), c = graph_dim(g, x, 2);
    node covariance = op_scale(g, op_matmul(g, x, x, true, false), 1.0f / (float)n); /* [B, C, C] */
    node scale = op_pow(g, op_affine(g, variance, 1, RESIDUAL_VARIANCE_EPS), -0.5f); /* [B, 1, C] */
    node matrix = op_mul(g, op_mul(g, covariance, scale), op_reshape(g, scale, SHAPE(b, c, 1)));
    return op_reshape(g, matrix, SHAPE(b, c * c));
}

/* Maps [B, H, W, C] to their means and log-variances, [B, 2 C], and where asked for their correlations, [B, C C] more. */
static node statistics(struct graph *g, node x, bool correlated)
{
    if (graph_failed(g))
        return NODE_NONE;
    int64_t b = graph_dim(g, x, 0), c = graph_dim(g, x, 3);
    node mean, centered = residual_center(g, x, &mean);
    node variance = op_mean(g, op_square(g, centered), REDUCE_AXIS(1), true);
    node spread = op_log(g, op_affine(g, variance, 1, RESIDUAL_VARIANCE_EPS));
    node parts[3] = {op_reshape(g, mean, SHAPE(b, c)), op_reshape(g, spread, SHAPE(b, c))};
    if (correlated)
        parts[2] = correlations(g, centered, variance);
    return op_concat(g, parts, correlated ? 3 : 2, 1);
}

static void residual_forward(struct graph *g, struct params p, const void *config, struct detector_io *io)
{
    const struct residual_config *c = config;
    struct params stem = params_scope(p, "stem");
    struct conv_config conv = {.out = c->width, .kernel = 3, .padding = 1, .init = CONV_INIT_FAN_OUT};
    node x = residual_inputs(g, c, io->image);
    struct residual_reading reading[RESIDUAL_READINGS] = {{x, c->correlations}};
    node read[RESIDUAL_READINGS] = {statistics(g, x, c->correlations)};
    x = conv2d(g, params_scope(stem, "conv"), x, conv);
    x = op_relu(g, batch_norm(g, params_scope(stem, "bn"), x)); /* [B, S, S, width] */

    for (int stage = 0; stage < RESIDUAL_STAGES; stage++) {
        struct params scope = params_scope_index(p, "stages", stage);
        for (int64_t i = 0; i < c->blocks; i++) {
            struct block_config block = {.width = c->width << stage, .stride = i == 0 && stage > 0 ? 2 : 1};
            x = basic_block(g, params_scope_index(scope, "blocks", (int)i), x, block);
        }
        reading[1 + stage] = (struct residual_reading){x, c->correlations && stage == 0};
        read[1 + stage] = statistics(g, x, reading[1 + stage].correlated);
    }
    struct params head = params_scope(p, "head");
    node statistics = op_concat(g, read, RESIDUAL_READINGS, 1); /* [B, features] */
    node z = op_dropout(g, batch_norm(g, params_scope(head, "bn"), statistics), (float)c->dropout);
    io->logit = linear(g, params_scope(head, "linear"), z, 1); /* [B, 1] */
    io->embedding = z;
    io->features = x; /* [B, S / 8, S / 8, 8 width] */
    if (io->explain)
        io->evidence = residual_evidence(g, reading, statistics, io->logit); /* [B, S / 8, S / 8, 1] */
}

static node residual_loss(struct graph *g, struct params p, const void *config, const struct detector_io *io,
                          node labels)
{
    (void)p;
    float smoothing = (float)((const struct residual_config *)config)->label_smoothing;
    node target = op_slice_axis(g, op_one_hot(g, labels, 2), 1, 1, 1); /* [B, 1] */
    return op_bce_with_logits(g, io->logit, op_affine(g, target, 1 - smoothing, smoothing / 2));
}

const struct detector detector_residual = {
    .name = "residual",
    .title = "a small ResNet on RGB, NPR and high-pass residuals",
    .paper = "of this project; after Tan et al. (CVPR 2024) and Fridrich and Kodovsky (IEEE TIFS 2012)",
    .fields = fields,
    .config_size = sizeof(struct residual_config),
    .preprocess = residual_preprocess,
    .forward = residual_forward,
    .loss = residual_loss,
};

_Static_assert(sizeof(struct residual_config) <= DETECTOR_MAX_CONFIG, "configs are copied into buffers of that size");
