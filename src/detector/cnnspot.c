/* cnnspot.c - the detector `cnnspot`, a baseline: ImageNet's ResNet-50 with one output, fine-tuned on pictures that are
 * blurred and compressed at random (Wang et al., "CNN-generated images are surprisingly easy to spot ... for now", CVPR
 * 2020). Parameters bear the names of its published checkpoints (blur_jpg_prob0.1.pth, blur_jpg_prob0.5.pth), which are
 * torchvision's with an "fc" of one row, below their key "model".
 *
 * As in the authors' tests, pictures are not resized, and the middle 224 pixels are judged, zeros around what is
 * smaller. For training they resized the shorter side to 256, which their 256-pixel pictures already had: --resize 256
 * does it. */
#include "detector/cnnspot.h"

#include "backbone/naming.h"
#include "nn/linear.h"
#include "ops/reduce.h"

static const struct option fields[] = {
    {"crop", OPTION_INT, offsetof(struct cnnspot_config, crop), "224", 32, 2048, NULL,
     "side of the square window, pixels"},
    {"crops", OPTION_INT, offsetof(struct cnnspot_config, crops), "1", 1, PREPROCESS_MAX_CROPS, NULL,
     "windows of a picture that are judged and averaged; 1: its centre"},
    {"resize", OPTION_INT, offsetof(struct cnnspot_config, resize), "0", 0, 4096, NULL,
     "the shorter side is resized to this before cropping, pixels; 0: not at all"},
    {0},
};

/* The published training command: five validations without a better accuracy divide the rate by ten, until it is below
 * 1e-6. */
static const struct detector_default training[] = {
    {"optimizer", "adam"},   {"learning-rate", "1e-4"},  {"schedule", "constant"},         {"weight-decay", "0"},
    {"epochs", "10000"},     {"drop-patience", "5"},     {"best-by", "balanced-accuracy"}, {"batch", "64"},
    {"augment-flip", "0.5"}, {"augment-blur", "0.5"},    {"augment-blur-min", "0"},        {"augment-blur-max", "3"},
    {"augment-jpeg", "0.5"}, {"augment-jpeg-min", "30"}, {"augment-jpeg-max", "100"},      {0},
};

static void cnnspot_preprocess(const void *config, struct preprocess *out)
{
    const struct cnnspot_config *c = config;
    *out = (struct preprocess){
        .crop = (int)c->crop,
        .resize = c->resize > 0 ? PREPROCESS_SHORTER : PREPROCESS_NATIVE,
        .resize_to = (int)c->resize,
        .filter = IMAGE_BILINEAR,
        .fit = PREPROCESS_PAD,
        .max_crops = (int)c->crops,
        .mean = {0.485f, 0.456f, 0.406f},
        .std = {0.229f, 0.224f, 0.225f},
    };
}

void cnnspot_network(struct graph *g, struct params p, const struct resnet_config *resnet, struct detector_io *io)
{
    struct params fc = params_scope(p, "fc");
    io->features = resnet_maps(g, p, resnet, io->image); /* [B, H / 32, W / 32, 2048] */
    io->embedding = op_global_avg_pool(g, io->features); /* [B, 2048] */
    params_get(g, &fc, "weight", SHAPE(1, graph_dim(g, io->embedding, -1)), init_normal(0.02));
    io->logit = linear(g, fc, io->embedding, 1);       /* [B, 1] */
    if (io->explain)                                   /* class activation mapping (Zhou et al., CVPR 2016) */
        io->evidence = linear(g, fc, io->features, 1); /* [B, H / 32, W / 32, 1] */
}

static void cnnspot_forward(struct graph *g, struct params p, const void *config, struct detector_io *io)
{
    (void)config;
    struct resnet_config resnet = resnet_preset(50);
    cnnspot_network(g, p, &resnet, io);
}

static void cnnspot_published(const void *config, struct detector_published out[DETECTOR_MAX_PUBLISHED])
{
    (void)config;
    *out = (struct detector_published){.model = NAMING_RESNET, .prefix = "", .head = "fc."};
}

const struct detector detector_cnnspot = {
    .name = "cnnspot",
    .title = "CNNDetection: ResNet-50 trained with blur and JPEG",
    .paper = "Wang et al., \"CNN-generated images are surprisingly easy to spot ... for now\" (CVPR 2020)",
    .fields = fields,
    .config_size = sizeof(struct cnnspot_config),
    .training = training,
    .preprocess = cnnspot_preprocess,
    .forward = cnnspot_forward,
    .loss = detector_bce,
    .published = cnnspot_published,
};
