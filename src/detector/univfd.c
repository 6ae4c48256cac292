/* univfd.c - the detector `univfd`, a baseline: one linear layer on the embedding of a frozen CLIP ViT-L/14 (Ojha et
 * al., "Towards universal fake image detectors that generalize across generative models", CVPR 2023). Parameters:
 * "visual." is OpenAI's checkpoint under its own names; "fc.weight" and "fc.bias" are the published head
 * (fc_weights.pth), which calls them "weight" and "bias".
 *
 * As in the authors' tests, pictures are not resized, and the middle 224 pixels are judged, zeros around what is
 * smaller. */
#include "detector/univfd.h"

#include "backbone/naming.h"
#include "backbone/vit.h"
#include "nn/linear.h"

static const struct option fields[] = {
    {"crops", OPTION_INT, offsetof(struct univfd_config, crops), "1", 1, PREPROCESS_MAX_CROPS, NULL,
     "windows of a picture that are judged and averaged; 1: its centre"},
    LORA_OPTIONS(offsetof(struct univfd_config, lora), "q,k,v,out_proj"),
    {0},
};

/* The published training command: five validations without a better accuracy divide the rate by ten, until it is below
 * 1e-6. */
static const struct detector_default training[] = {
    {"optimizer", "adamw"},  {"learning-rate", "1e-4"},  {"schedule", "constant"},         {"weight-decay", "0"},
    {"epochs", "100"},       {"drop-patience", "5"},     {"best-by", "balanced-accuracy"}, {"batch", "256"},
    {"augment-flip", "0.5"}, {"augment-blur", "0.5"},    {"augment-blur-min", "0"},        {"augment-blur-max", "3"},
    {"augment-jpeg", "0.5"}, {"augment-jpeg-min", "30"}, {"augment-jpeg-max", "100"},      {0},
};

static void univfd_preprocess(const void *config, struct preprocess *out)
{
    const struct univfd_config *c = config;
    *out = (struct preprocess){
        .crop = 224,
        .resize = PREPROCESS_NATIVE,
        .filter = IMAGE_BICUBIC,
        .fit = PREPROCESS_PAD,
        .max_crops = (int)c->crops,
        .mean = {0.48145466f, 0.4578275f, 0.40821073f},
        .std = {0.26862954f, 0.26130258f, 0.27577711f},
    };
}

static void univfd_forward(struct graph *g, struct params p, const void *config, struct detector_io *io)
{
    struct vit_config tower;
    const struct univfd_config *c = config;
    struct params fc = params_scope(p, "fc");
    if (!vit_preset("clip-vit-l-14", &tower)) {
        graph_fail(g, "there is no clip-vit-l-14");
        return;
    }
    tower.weights = io->explain;
    struct params visual = params_with_lora(params_freeze(params_scope(p, "visual")), &c->lora);
    struct vit_output out = vit(g, visual, &tower, io->image);
    lora_require(g, p.store, &c->lora);
    io->features = vit_patches(g, &out, out.tokens); /* [B, 16, 16, 1024] */
    io->embedding = out.embedding;                   /* [B, 768] */
    if (io->explain)
        io->rollout = vit_rollout(g, &tower, &out);
    params_get(g, &fc, "weight", SHAPE(1, graph_dim(g, io->embedding, -1)), init_normal(0.02));
    io->logit = linear(g, fc, io->embedding, 1); /* [B, 1] */
}

static void univfd_published(const void *config, struct detector_published out[DETECTOR_MAX_PUBLISHED])
{
    (void)config;
    *out = (struct detector_published){.model = NAMING_CLIP_VIT, .prefix = "visual.", .head = "fc."};
}

static const struct lora_config *univfd_lora(const void *config)
{
    return &((const struct univfd_config *)config)->lora;
}

const struct detector detector_univfd = {
    .name = "univfd",
    .title = "UnivFD: a linear layer on a frozen CLIP ViT-L/14",
    .paper = "Ojha et al., \"Towards universal fake image detectors that generalize across generative models\" (CVPR "
             "2023)",
    .fields = fields,
    .config_size = sizeof(struct univfd_config),
    .training = training,
    .preprocess = univfd_preprocess,
    .forward = univfd_forward,
    .loss = detector_bce,
    .published = univfd_published,
    .lora = univfd_lora,
    .head = "fc.",
};
