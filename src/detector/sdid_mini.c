/* sdid_mini.c - the detector `sdid-mini`: SDID's method on two small encoders that are trained from scratch. Each is
 * the network of the detector `residual` (residual.c), read out by means, log-variances and correlations; one sees the
 * pixels, the other their NPR residual.
 *
 * A large pretrained encoder finds fine traces in pixels by itself; a small one has to be led to them. So the RGB
 * encoder sees fixed high-pass filters beside the pixels, unless told otherwise. */
#include "detector/residual.h"
#include "detector/sdid.h"
#include "nn/norm.h"
#include "ops/elementwise.h"
#include "ops/move.h"

#define GAIN (RESIDUAL_LEVELS / 16.0f) /* residuals are counted in units of 16 levels, as in residual_inputs.c */

static const struct option fields[] = {
    {"crop", OPTION_INT, offsetof(struct sdid_mini_config, crop), "128", 32, 1024, NULL,
     "side of the square windows that the networks see, pixels"},
    {"crops", OPTION_INT, offsetof(struct sdid_mini_config, crops), "16", 1, PREPROCESS_MAX_CROPS, NULL,
     "windows of a picture that are judged and averaged"},
    SDID_METHOD_OPTIONS(offsetof(struct sdid_mini_config, method), "128", "0.05"),
    {"high-pass", OPTION_BOOL, offsetof(struct sdid_mini_config, high_pass), "true", 0, 0, NULL,
     "the RGB encoder sees fixed first and second differences beside the pixels"},
    {"correlations", OPTION_BOOL, offsetof(struct sdid_mini_config, correlations), "true", 0, 0, NULL,
     "read out the correlations of the full-size maps"},
    {"width", OPTION_INT, offsetof(struct sdid_mini_config, width), "16", 4, 64, NULL,
     "channels of each encoder's first stage; each later stage has twice as many"},
    {"blocks", OPTION_INT, offsetof(struct sdid_mini_config, blocks), "1", 1, 8, NULL, "residual blocks of each stage"},
    {"stages", OPTION_INT, offsetof(struct sdid_mini_config, stages), "4", 1, RESIDUAL_STAGES, NULL,
     "stages of each encoder; each after the first halves the maps' sides"},
    {"dropout", OPTION_FLOAT, offsetof(struct sdid_mini_config, dropout), "0.2", 0, 0.9, NULL,
     "probability that a feature is dropped before the head in training"},
    {0},
};

static void mini_preprocess(const void *config, struct preprocess *out)
{
    const struct sdid_mini_config *c = config;
    *out = residual_crops(c->crop, c->crops);
}

enum { RGB, PARTNER, ENCODERS };

/* An encoder: what it read out of its input maps and of its stages. */
struct encoder {
    struct params p;
    struct residual_findings found;
    node maps;       /* the last: four stages: [B, S / 8, S / 8, 8 width] */
    node statistics; /* [B, F] */
};

/* x: [B, S, S, C] */
static void encode(struct graph *g, struct encoder *e, const struct residual_config *c, node x)
{
    residual_read(g, &e->found, x, c->correlations);
    e->maps = residual_network(g, e->p, c, x, &e->found);
    e->statistics = op_concat(g, e->found.parts, e->found.count, 1);
}

/* The logit is linear in the statistics of both together, which are joined and taken apart again for their gradient. */
static node join(struct graph *g, struct encoder *const *encoders, int count)
{
    node parts[ENCODERS];
    int64_t begin = 0;
    for (int i = 0; i < count; i++)
        parts[i] = encoders[i]->statistics;
    node all = op_concat(g, parts, count, 1);
    for (int i = 0; i < count && !graph_failed(g); i++) {
        int64_t size = graph_dim(g, parts[i], 1);
        encoders[i]->statistics = op_slice_axis(g, all, 1, begin, size);
        begin += size;
    }
    return all;
}

static node evidence(struct graph *g, struct encoder *const *encoders, int count, node statistics, node logit)
{
    struct residual_reading readings[ENCODERS * RESIDUAL_READINGS];
    int used = 0;
    for (int i = 0; i < count; i++)
        for (int k = 0; k < encoders[i]->found.readings; k++)
            readings[used++] = encoders[i]->found.reading[k];
    return residual_evidence(g, readings, used, statistics, logit, graph_dim(g, encoders[0]->maps, 1));
}

static void mini_forward(struct graph *g, struct params p, const void *config, struct detector_io *io)
{
    const struct sdid_mini_config *c = config;
    const struct residual_config trunk = {.input = RESIDUAL_RGB,
                                          .high_pass = c->high_pass,
                                          .correlations = c->correlations,
                                          .width = c->width,
                                          .blocks = c->blocks,
                                          .stages = c->stages};
    struct encoder encoder[ENCODERS] = {{.p = params_scope(p, "rgb")}, {.p = params_scope(p, "partner")}};
    struct encoder *there[ENCODERS];
    node vector[ENCODERS] = {NODE_NONE, NODE_NONE}, all = NODE_NONE;
    int count = 0;
    if (sdid_needs_rgb(&c->method)) {
        there[count++] = &encoder[RGB];
        encode(g, &encoder[RGB], &trunk, residual_inputs(g, encoder[RGB].p, &trunk, io->image));
    }
    if (sdid_needs_partner(g, &c->method)) {
        node x = sdid_modality(g, &c->method, io->image, 1);
        if (c->method.modality != SDID_AUGMENTED)
            x = op_clamp(g, op_scale(g, x, GAIN), -1, 1);
        there[count++] = &encoder[PARTNER];
        encode(g, &encoder[PARTNER], &trunk, x);
    }
    if (io->explain)
        all = join(g, there, count);
    for (int i = 0; i < count; i++) /* brought to one scale */
        vector[there[i] == &encoder[PARTNER]] = batch_norm(g, params_scope(there[i]->p, "bn"), there[i]->statistics);
    io->features = there[0]->maps;
    sdid_head(g, p, &c->method, vector[RGB], vector[PARTNER], (float)c->dropout, io);
    if (io->explain)
        io->evidence = evidence(g, there, count, all, io->logit);
}

static node loss(struct graph *g, struct params p, const void *config, const struct detector_io *io, node labels)
{
    return sdid_loss(g, p, &((const struct sdid_mini_config *)config)->method, io, labels, NULL);
}

const struct detector detector_sdid_mini = {
    .name = "sdid-mini",
    .title = "SDID's method on two small encoders from scratch",
    .paper = "after \"Cross-modal representation learning for diffusion-generated image detection\" (CVPR 2026)",
    .fields = fields,
    .config_size = sizeof(struct sdid_mini_config),
    .preprocess = mini_preprocess,
    .forward = mini_forward,
    .loss = loss,
};

_Static_assert(sizeof(struct sdid_mini_config) <= DETECTOR_MAX_CONFIG, "configs are copied into buffers of that size");
