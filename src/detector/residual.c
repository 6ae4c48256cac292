/* residual.c - the detector `residual`: a small ResNet that is led to fine traces. Photographs and generated pictures
 * differ in the last grey levels far more than in what they show, so
 *
 *   - beside the RGB crop it sees what is left when the content is taken away: the NPR residual (Tan et al., CVPR 2024)
 *     and first and second differences as in the rich models of steganalysis (Fridrich and Kodovsky, "Rich models for
 *     steganalysis of digital images", IEEE TIFS 2012), cut at +-1 as there;
 *   - nothing is downsampled before the end of the first stage;
 *   - the input maps and each stage are read out by their means and log-variances, and the full-size maps by their
 *     correlations too. Second-order statistics carry most of what a linear model finds in such residuals; averages
 *     alone would lose it. */
#include "detector/residual.h"

#include "nn/conv.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "nn/residual_block.h"
#include "ops/elementwise.h"
#include "ops/loss.h"
#include "ops/move.h"
#include "ops/random.h"
#include "ops/reduce.h"

static const struct option fields[] = {
    {"crop", OPTION_INT, offsetof(struct residual_config, crop), "128", 32, 1024, NULL,
     "side of the square windows that the network sees, pixels"},
    {"crops", OPTION_INT, offsetof(struct residual_config, crops), "16", 1, PREPROCESS_MAX_CROPS, NULL,
     "windows of a picture that are judged and averaged"},
    {"crop-choice", OPTION_CHOICE, offsetof(struct residual_config, crop_choice), "grid", 0, 0, "grid|textured",
     "which: an even grid over the picture, or the richest in texture of such a grid of 64"},
    {"input", OPTION_CHOICE, offsetof(struct residual_config, input), "both", 0, 0, "rgb|npr|both",
     "what the network sees: the pixels, their NPR residual, or both"},
    {"npr-patch", OPTION_INT, offsetof(struct residual_config, npr_patch), "2", 2, 16, NULL,
     "side of the patches that lose their top-left pixel, pixels"},
    {"high-pass", OPTION_BOOL, offsetof(struct residual_config, high_pass), "true", 0, 0, NULL,
     "add fixed first and second differences to the input"},
    {"constrained", OPTION_INT, offsetof(struct residual_config, constrained), "0", 0, 64, NULL,
     "add so many learnt 5 x 5 filters that can only predict a pixel from those around it and subtract it"},
    {"correlations", OPTION_BOOL, offsetof(struct residual_config, correlations), "true", 0, 0, NULL,
     "read out the correlations of the full-size maps"},
    {"moments", OPTION_CHOICE, offsetof(struct residual_config, moments), "variance", 0, 0, "variance|absolute|higher",
     "of the input maps: means and variances, mean absolute deviations too, third and fourth moments too"},
    {"dct", OPTION_CHOICE, offsetof(struct residual_config, dct), "none", 0, 0, RESIDUAL_COLOUR_CHOICES,
     "read out the sizes of the coefficients of 8 x 8 block DCTs, of these planes"},
    {"dct-stride", OPTION_INT, offsetof(struct residual_config, dct_stride), "8", 1, 64, NULL,
     "pixels from one of those blocks to the next; odd: every place of JPEG's grid counts alike"},
    {"spectrum", OPTION_CHOICE, offsetof(struct residual_config, spectrum), "none", 0, 0, RESIDUAL_COLOUR_CHOICES,
     "read out the spectrum of the crop (of at most 512 pixels), of these planes"},
    {"spectrum-residual", OPTION_BOOL, offsetof(struct residual_config, spectrum_residual), "true", 0, 0, NULL,
     "the spectrum of second differences, cut at 16 levels, instead of the pixels'"},
    {"cooccurrence", OPTION_CHOICE, offsetof(struct residual_config, cooccurrence), "none", 0, 0,
     RESIDUAL_COLOUR_CHOICES, "read out which levels of residuals are neighbours, of these planes"},
    {"cooccurrence-range", OPTION_INT, offsetof(struct residual_config, cooccurrence_range), "2", 1, 4, NULL,
     "levels go from minus this to this"},
    {"cooccurrence-step", OPTION_FLOAT, offsetof(struct residual_config, cooccurrence_step), "1", 0.1, 32, NULL,
     "from one level to the next, grey levels"},
    {"width", OPTION_INT, offsetof(struct residual_config, width), "16", 4, 64, NULL,
     "channels of the first stage; each later stage has twice as many"},
    {"blocks", OPTION_INT, offsetof(struct residual_config, blocks), "1", 0, 8, NULL,
     "residual blocks of each stage; 0: no network, only statistics and a head"},
    {"stages", OPTION_INT, offsetof(struct residual_config, stages), "4", 1, RESIDUAL_STAGES, NULL,
     "stages of the network; each after the first halves the maps' sides"},
    {"fusion", OPTION_CHOICE, offsetof(struct residual_config, fusion), "joint", 0, 0, "joint|late",
     "one head reads all, or the network with its input maps and every kind of statistics have their own, trained to "
     "judge alone; the logit is then half the network's"},
    {"head-hidden", OPTION_INT, offsetof(struct residual_config, head_hidden), "0", 0, 4096, NULL,
     "width of a hidden layer between features and logit; 0: none"},
    {"thumb", OPTION_INT, offsetof(struct residual_config, thumb), "0", 0, 1024, NULL,
     "a second network sees the crop made so small, pixels; 0: none"},
    {"thumb-width", OPTION_INT, offsetof(struct residual_config, thumb_width), "8", 4, 64, NULL,
     "channels of that network's first layer; its three blocks halve the maps' sides and double the channels"},
    {"dropout", OPTION_FLOAT, offsetof(struct residual_config, dropout), "0.2", 0, 0.9, NULL,
     "probability that a pooled feature is dropped in training"},
    {"label-smoothing", OPTION_FLOAT, offsetof(struct residual_config, label_smoothing), "0.05", 0, 0.5, NULL,
     "how far targets move from 0 and 1 towards one half"},
    {"mix", OPTION_CHOICE, offsetof(struct residual_config, mix), "none", 0, 0, "none|input|statistics",
     "training: mix pictures of a batch, labels too; their pixels, or the statistics read out"},
    {"mix-probability", OPTION_FLOAT, offsetof(struct residual_config, mix_probability), "1", 0, 1, NULL,
     "probability that a picture is mixed with another"},
    {"mix-most", OPTION_FLOAT, offsetof(struct residual_config, mix_most), "0.5", 0, 1, NULL,
     "the other's largest share; drawn evenly below it"},
    {"mask-probability", OPTION_FLOAT, offsetof(struct residual_config, mask_probability), "0", 0, 1, NULL,
     "training: probability that a random rectangle of a window is wiped out, as in Learning on Less"},
    {"mask-ratio-min", OPTION_FLOAT, offsetof(struct residual_config, mask_min), "0.6", 0, 1, NULL,
     "smallest share of the window that is wiped out"},
    {"mask-ratio-max", OPTION_FLOAT, offsetof(struct residual_config, mask_max), "0.8", 0, 1, NULL,
     "largest share of the window that is wiped out"},
    {0},
};

struct preprocess residual_crops(int64_t crop, int64_t crops)
{
    return (struct preprocess){
        .crop = (int)crop,
        .resize = PREPROCESS_NATIVE, /* resampling would wipe out what is looked for */
        .filter = IMAGE_BICUBIC,
        .fit = PREPROCESS_TILE,
        .max_crops = (int)crops,
        .mean = {RESIDUAL_MEAN, RESIDUAL_MEAN, RESIDUAL_MEAN},
        .std = {RESIDUAL_STD, RESIDUAL_STD, RESIDUAL_STD},
    };
}

static void residual_preprocess(const void *config, struct preprocess *out)
{
    const struct residual_config *c = config;
    *out = residual_crops(c->crop, c->crops);
    out->choice = (enum preprocess_choice)c->crop_choice;
}

static void find(struct residual_findings *f, node part)
{
    f->branch[f->count] = f->branches;
    f->parts[f->count++] = part;
}

/* What is found from here on belongs to another branch. */
static void next_branch(struct residual_findings *f)
{
    f->branches++;
}

void residual_read(struct graph *g, struct residual_findings *f, node maps, bool correlated)
{
    f->reading[f->readings] = (struct residual_reading){maps, correlated};
    find(f, residual_statistics(g, &f->reading[f->readings++]));
}

node residual_network(struct graph *g, struct params p, const struct residual_config *c, node x,
                      struct residual_findings *found)
{
    struct params stem = params_scope(p, "stem");
    struct conv_config conv = {.out = c->width, .kernel = 3, .padding = 1, .init = CONV_INIT_FAN_OUT};
    x = conv2d(g, params_scope(stem, "conv"), x, conv);
    x = op_relu(g, batch_norm(g, params_scope(stem, "bn"), x)); /* [B, S, S, width] */
    for (int stage = 0; stage < c->stages; stage++) {
        struct params scope = params_scope_index(p, "stages", stage);
        for (int64_t i = 0; i < c->blocks; i++) {
            struct block_config block = {.width = c->width << stage, .stride = i == 0 && stage > 0 ? 2 : 1};
            x = basic_block(g, params_scope_index(scope, "blocks", (int)i), x, block);
        }
        residual_read(g, found, x, c->correlations && stage == 0);
    }
    return x;
}

/* The fixed statistics that were asked for, each a branch. */
static void read_branches(struct graph *g, const struct residual_config *c, node image, node inputs,
                          struct residual_findings *found)
{
    node planes[RESIDUAL_COLOURS + 1];
    if (c->moments != RESIDUAL_VARIANCE) {
        find(found, residual_moments(g, inputs, (enum residual_moments)c->moments));
        next_branch(found);
    }
    for (int i = RESIDUAL_LUMA; i <= RESIDUAL_COLOURS; i++)
        if (c->dct == i || c->spectrum == i || c->cooccurrence == i)
            planes[i] = residual_planes(g, image, (enum residual_colour)i);
    if (c->dct != RESIDUAL_NONE) {
        find(found, residual_dct(g, planes[c->dct], c->dct_stride));
        next_branch(found);
    }
    if (c->spectrum != RESIDUAL_NONE) {
        find(found, residual_spectrum(g, planes[c->spectrum], c->spectrum_residual));
        next_branch(found);
    }
    if (c->cooccurrence != RESIDUAL_NONE) {
        find(found,
             residual_cooccurrence(g, planes[c->cooccurrence], c->cooccurrence_range, (float)c->cooccurrence_step));
        next_branch(found);
    }
}

/* Features [B, n] to logits [B, 1]; `last` is what its last layer reads. */
static node residual_head(struct graph *g, struct params p, const struct residual_config *c, node x, node *last)
{
    x = op_dropout(g, batch_norm(g, params_scope(p, "bn"), x), (float)c->dropout);
    if (c->head_hidden > 0)
        x = op_dropout(g, op_relu(g, linear(g, params_scope(p, "hidden"), x, c->head_hidden)), (float)c->dropout);
    *last = x;
    return linear(g, params_scope(p, "linear"), x, 1);
}

/* A head for each branch: its columns of the statistics [B, features] to a column of io->branches. The first branch, of
 * the input maps and the network, counts as much as all the others together. */
static void late_heads(struct graph *g, struct params p, const struct residual_config *c,
                       const struct residual_findings *found, node statistics, struct detector_io *io)
{
    node logits[RESIDUAL_PARTS], last[RESIDUAL_PARTS];
    int64_t begin = 0;
    int heads = 0;
    for (int part = 0; part < found->count; heads++) {
        int64_t width = 0;
        int branch = found->branch[part];
        for (; part < found->count && found->branch[part] == branch; part++)
            width += graph_dim(g, found->parts[part], 1);
        node own = op_slice_axis(g, statistics, 1, begin, width);
        logits[heads] = residual_head(g, params_scope_index(p, "branches", heads), c, own, &last[heads]);
        begin += width;
    }
    io->branches = op_concat(g, logits, heads, 1);
    io->embedding = op_concat(g, last, heads, 1);
    io->logit = logits[0];
    if (heads > 1) {
        node others = op_mean(g, op_slice_axis(g, io->branches, 1, 1, heads - 1), REDUCE_AXIS(1), true);
        io->logit = op_scale(g, op_add(g, io->logit, others), 0.5f);
    }
}

static void residual_forward(struct graph *g, struct params p, const void *config, struct detector_io *io)
{
    const struct residual_config *c = config;
    struct residual_findings found = {.count = 0};
    bool mixes = graph_training(g) && c->mix != RESIDUAL_MIX_NONE;
    node image = io->image;
    if (mixes)
        io->mixed = residual_share(g, c, graph_dim(g, image, 0));
    if (mixes && c->mix == RESIDUAL_MIX_INPUT)
        image = residual_mix(g, image, io->mixed);
    if (graph_training(g) && c->mask_probability > 0)
        image = residual_mask(g, c, image);
    node x = residual_inputs(g, p, c, image);
    int64_t cells = (c->crop + 7) / 8; /* of the evidence */
    residual_read(g, &found, x, c->correlations);
    if (c->blocks > 0) {
        io->features = residual_network(g, p, c, x, &found); /* four stages: [B, S / 8, S / 8, 8 width] */
        cells = graph_dim(g, io->features, 1);
    }
    next_branch(&found);
    read_branches(g, c, image, x, &found);
    if (c->thumb > 0)
        find(&found, residual_thumb(g, params_scope(p, "thumb"), c, image));
    node statistics = op_concat(g, found.parts, found.count, 1); /* [B, features] */
    if (mixes && c->mix == RESIDUAL_MIX_STATISTICS)
        statistics = residual_mix(g, statistics, io->mixed);
    if (c->fusion == RESIDUAL_LATE)
        late_heads(g, params_scope(p, "head"), c, &found, statistics, io);
    else
        io->logit = residual_head(g, params_scope(p, "head"), c, statistics, &io->embedding);
    if (io->explain)
        io->evidence = residual_evidence(g, found.reading, found.readings, statistics, io->logit, cells);
}

static node residual_loss(struct graph *g, struct params p, const void *config, const struct detector_io *io,
                          node labels)
{
    (void)p;
    float smoothing = (float)((const struct residual_config *)config)->label_smoothing;
    node target = op_slice_axis(g, op_one_hot(g, labels, 2), 1, 1, 1); /* [B, 1] */
    if (io->mixed.id >= 0)
        target = residual_mix(g, target, io->mixed);
    target = op_affine(g, target, 1 - smoothing, smoothing / 2);
    node loss = op_bce_with_logits(g, io->logit, target);
    if (io->branches.id >=
        0) { /* each for itself, too: else the quickest to learn would keep the others from learning */
        node wide = op_broadcast(g, target, graph_shape(g, io->branches));
        loss = op_scale(g, op_add(g, loss, op_bce_with_logits(g, io->branches, wide)), 0.5f);
    }
    return loss;
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
    .head = "head.linear.",
};

_Static_assert(sizeof(struct residual_config) <= DETECTOR_MAX_CONFIG, "configs are copied into buffers of that size");
