/* sdid.c - the detector `sdid`: a ViT on RGB, adapted by LoRA, and a ResNet on neighbouring pixel relations, which
 * learn from each other ("Cross-modal representation learning for diffusion-generated image detection", CVPR 2026).
 *
 * The paper names its encoders, its losses and four numbers (queue 2048, K 128, temperature 0.07, both weights 0.1).
 * All other settings are this project's.
 *
 * Parameters: "rgb." and "partner." are the encoders' published checkpoints under their own names; "rgb_projection",
 * "partner_projection" and "head" are new. */
#include "detector/sdid.h"

#include "backbone/naming.h"
#include "nn/linear.h"
#include "nn/npr.h"
#include "ops/elementwise.h"
#include "ops/loss.h"
#include "ops/move.h"
#include "ops/random.h"

/* ---- The method ------------------------------------------------------------------------------------------------ */

bool sdid_needs_rgb(const struct sdid_method *m)
{
    return m->branches != SDID_PARTNER;
}

bool sdid_needs_partner(const struct graph *g, const struct sdid_method *m)
{
    if (m->branches != SDID_BOTH || m->predict == SDID_FROM_BOTH)
        return m->branches != SDID_RGB;
    return graph_training(g) && (m->cmcl > 0 || m->cmmd > 0); /* table 6 */
}

void sdid_head(struct graph *g, struct params p, const struct sdid_method *m, node rgb, node partner, float dropout,
               struct detector_io *io)
{
    p.lora = NULL;
    if (rgb.id >= 0)
        io->views[0] = linear_f32(g, params_scope(p, "rgb_projection"), rgb, m->dim);
    if (partner.id >= 0)
        io->views[1] = linear_f32(g, params_scope(p, "partner_projection"), partner, m->dim);
    if (rgb.id < 0)
        io->embedding = io->views[1];
    else if (partner.id < 0 || m->predict == SDID_FROM_RGB)
        io->embedding = io->views[0];
    else
        io->embedding = op_concat(g, io->views, 2, 1); /* [B, 2 dim], not normalised */
    node two = linear_f32(g, params_scope(p, "head"), op_dropout(g, io->embedding, dropout), 2);
    io->logit = op_sub(g, op_slice_axis(g, two, 1, 1, 1), op_slice_axis(g, two, 1, 0, 1));
}

node sdid_loss(struct graph *g, struct params p, const struct sdid_method *m, const struct detector_io *io, node labels,
               struct sdid_terms *out)
{
    /* The cross-entropy of two logits is the binary one of their difference. */
    node loss = op_bce_with_logits(g, io->logit, detector_targets(g, labels, m->label_smoothing));
    if (m->branches != SDID_BOTH || (m->cmcl == 0 && m->cmmd == 0))
        return loss;
    struct sdid_terms terms = sdid_terms(g, p, m, io->views, labels);
    for (int label = 0; label < 2; label++)
        for (int view = 0; view < 2; view++) {
            if (m->cmcl > 0)
                loss = op_add(g, loss, op_scale(g, terms.cmcl[label][view], (float)m->cmcl));
            if (m->cmmd > 0)
                loss = op_add(g, loss, op_scale(g, terms.cmmd[label][view], (float)m->cmmd));
        }
    if (out)
        *out = terms;
    return loss;
}

/* ---- The detector ---------------------------------------------------------------------------------------------- */

enum { STATISTICS_IMAGENET, STATISTICS_CLIP };
enum { RESIZE_NONE, RESIZE_256 };

static const struct option fields[] = {
    {"rgb", OPTION_CHOICE, offsetof(struct sdid_config, rgb), "dinov2-vit-l-14", 0, 0, SDID_ENCODERS,
     "the encoder of the pixels"},
    {"partner", OPTION_CHOICE, offsetof(struct sdid_config, partner), "resnet101", 0, 0, SDID_ENCODERS,
     "the encoder of the other modality; it is fine-tuned whole"},
    SDID_METHOD_OPTIONS(offsetof(struct sdid_config, method), "512", "0"),
    {"crop", OPTION_INT, offsetof(struct sdid_config, crop), "224", 32, 1024, NULL,
     "side of the square window, pixels, a multiple of the encoders' patches"},
    {"crops", OPTION_INT, offsetof(struct sdid_config, crops), "1", 1, PREPROCESS_MAX_CROPS, NULL,
     "windows of a picture that are judged and averaged; 1: its centre"},
    {"resize", OPTION_CHOICE, offsetof(struct sdid_config, resize), "none", 0, 0, "none|256",
     "before cropping: nothing, or to 256 x 256 whatever the shape, as the NPR repository (it alters NPR)"},
    {"statistics", OPTION_CHOICE, offsetof(struct sdid_config, statistics), "imagenet", 0, 0, "imagenet|clip",
     "whose mean and deviation normalise the input"},
    {"npr-scale", OPTION_BOOL, offsetof(struct sdid_config, published_scale), "true", 0, 0, NULL,
     "NPR is multiplied by 2/3, as the NPR repository feeds it"},
    {"freeze-rgb", OPTION_BOOL, offsetof(struct sdid_config, rgb_frozen), "false", 0, 0, NULL,
     "the RGB encoder is not trained at all but for LoRA, which freezes it too"},
    {"freeze-norms", OPTION_BOOL, offsetof(struct sdid_config, frozen_norms), "false", 0, 0, NULL,
     "batch norms keep the checkpoint's statistics in training"},
    LORA_OPTIONS_OF_RANK(offsetof(struct sdid_config, lora), "8", "q,k,v,proj,out_proj"),
    {0},
};

/* None of these is published; the partner's rate is that of the NPR repository. */
static const struct detector_default training[] = {
    {"optimizer", "adamw"},   {"learning-rate", "1e-4"}, {"group-rates", "partner.=2"},
    {"schedule", "constant"}, {"weight-decay", "0"},     {"epochs", "5"},
    {"batch", "32"},          {"augment-flip", "0.5"},   {0},
};

static void sdid_preprocess(const void *config, struct preprocess *out)
{
    const struct sdid_config *c = config;
    *out = (struct preprocess){
        .crop = (int)c->crop,
        .resize = c->resize == RESIZE_256 ? PREPROCESS_EXACT : PREPROCESS_NATIVE,
        .resize_to = c->resize == RESIZE_256 ? 256 : 0,
        .filter = IMAGE_BILINEAR,
        .fit = PREPROCESS_TILE,
        .max_crops = (int)c->crops,
        .mean = {0.485f, 0.456f, 0.406f},
        .std = {0.229f, 0.224f, 0.225f},
    };
    const float clip_mean[] = {0.48145466f, 0.4578275f, 0.40821073f};
    const float clip_std[] = {0.26862954f, 0.26130258f, 0.27577711f};
    for (int i = 0; i < 3 && c->statistics == STATISTICS_CLIP; i++) {
        out->mean[i] = clip_mean[i];
        out->std[i] = clip_std[i];
    }
}

void sdid_network(struct graph *g, struct params p, const struct sdid_config *c, const struct sdid_encoder *rgb,
                  const struct sdid_encoder *partner, struct detector_io *io)
{
    const struct sdid_method *m = &c->method;
    node f_rgb = NODE_NONE, f_partner = NODE_NONE;
    if (sdid_needs_rgb(m)) {
        struct params scope = params_scope(p, "rgb");
        struct sdid_encoder encoder = *rgb;
        if (c->rgb_frozen || c->lora.rank > 0) {
            scope = params_freeze(scope);
            encoder.resnet.frozen_norms = encoder.clip_resnet.frozen_norms = true;
        }
        f_rgb = sdid_encode(g, params_with_lora(scope, &c->lora), &encoder, io->image, io);
        lora_require(g, p.store, &c->lora);
    }
    if (sdid_needs_partner(g, m)) {
        node x = sdid_modality(g, m, io->image, c->published_scale ? NPR_PUBLISHED_SCALE : 1);
        f_partner = sdid_encode(g, params_scope(p, "partner"), partner, x, f_rgb.id < 0 ? io : NULL);
    }
    sdid_head(g, p, m, f_rgb, f_partner, 0, io);
}

static bool find_encoder(struct graph *g, const struct sdid_config *c, int index, struct sdid_encoder *out)
{
    if (!sdid_encoder_at(index, c->crop, out))
        graph_fail(g, "there is no encoder of number %d", index);
    else if (c->crop % out->multiple != 0)
        graph_fail(g, "option crop: %lld is no multiple of %lld", (long long)c->crop, (long long)out->multiple);
    else
        out->resnet.frozen_norms = out->clip_resnet.frozen_norms = c->frozen_norms;
    return !graph_failed(g);
}

static void sdid_forward(struct graph *g, struct params p, const void *config, struct detector_io *io)
{
    const struct sdid_config *c = config;
    struct sdid_encoder rgb, partner;
    if (find_encoder(g, c, c->rgb, &rgb) && find_encoder(g, c, c->partner, &partner))
        sdid_network(g, p, c, &rgb, &partner, io);
}

static node loss(struct graph *g, struct params p, const void *config, const struct detector_io *io, node labels)
{
    return sdid_loss(g, p, &((const struct sdid_config *)config)->method, io, labels, NULL);
}

/* Where an encoder's checkpoint goes. */
static void publish(struct detector_published *out, int index, const char *prefix)
{
    static const char *const spare[] = {"fc.*", NULL};
    struct sdid_encoder encoder;
    if (!sdid_encoder_at(index, 224, &encoder))
        return;
    bool clip = encoder.published == NAMING_CLIP_VIT || encoder.published == NAMING_CLIP_RESNET;
    *out = (struct detector_published){.model = encoder.published,
                                       .prefix = prefix,
                                       .canonical = clip ? "visual." : "",
                                       .spare = encoder.published == NAMING_RESNET ? spare : NULL};
}

static void sdid_published(const void *config, struct detector_published out[DETECTOR_MAX_PUBLISHED])
{
    const struct sdid_config *c = config;
    int count = 0;
    if (sdid_needs_rgb(&c->method))
        publish(&out[count++], c->rgb, "rgb.");
    if (c->method.branches != SDID_RGB)
        publish(&out[count++], c->partner, "partner.");
}

static const struct lora_config *sdid_lora(const void *config)
{
    return &((const struct sdid_config *)config)->lora;
}

const struct detector detector_sdid = {
    .name = "sdid",
    .title = "SDID: RGB and NPR encoders that learn from each other",
    .paper = "\"Cross-modal representation learning for diffusion-generated image detection\" (CVPR 2026)",
    .fields = fields,
    .config_size = sizeof(struct sdid_config),
    .training = training,
    .preprocess = sdid_preprocess,
    .forward = sdid_forward,
    .loss = loss,
    .published = sdid_published,
    .lora = sdid_lora,
};

_Static_assert(sizeof(struct sdid_config) <= DETECTOR_MAX_CONFIG, "configs are copied into buffers of that size");
