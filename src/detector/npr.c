/* npr.c - the detector `npr`, a baseline: the first half of a ResNet-50 on neighbouring pixel relations (Tan et al.,
 * "Rethinking the up-sampling operations in CNN-based generative networks for generalizable deepfake detection", CVPR
 * 2024). Parameters bear the names of its published checkpoint (NPR.pth): a 3x3 "conv1" of stride 2, "layer1" and
 * "layer2" of ResNet-50, "fc1". The authors' own training runs also save an "fc" that nothing uses.
 *
 * Pictures are resized to 256 x 256 whatever their shape, as there; training cuts windows of 224 from that. */
#include "detector/npr.h"

#include "backbone/naming.h"
#include "nn/linear.h"
#include "nn/npr.h"
#include "ops/reduce.h"

static const struct option fields[] = {
    {"size", OPTION_INT, offsetof(struct npr_config, size), "256", 32, 2048, NULL,
     "both sides of pictures after resizing, pixels"},
    {"train-crop", OPTION_INT, offsetof(struct npr_config, train_crop), "224", 32, 2048, NULL,
     "side of the windows that training cuts from them, pixels"},
    {0},
};

/* The published training command for ProGAN: the rate falls by a tenth every ten epochs, first after the eleventh. */
static const struct detector_default training[] = {
    {"optimizer", "adam"},
    {"learning-rate", "2e-4"},
    {"schedule", "step"},
    {"step-epochs", "10"},
    {"step-after", "1"},
    {"step-factor", "0.9"},
    {"weight-decay", "0"},
    {"epochs", "50"},
    {"batch", "32"},
    {"augment-flip", "0.5"},
    {0},
};

static void npr_preprocess(const void *config, struct preprocess *out)
{
    const struct npr_config *c = config;
    *out = (struct preprocess){
        .crop = (int)c->size,
        .train_crop = (int)(c->train_crop < c->size ? c->train_crop : c->size),
        .resize = PREPROCESS_EXACT,
        .resize_to = (int)c->size,
        .filter = IMAGE_BILINEAR,
        .fit = PREPROCESS_TILE, /* nothing is ever smaller */
        .max_crops = 1,
        .mean = {0.485f, 0.456f, 0.406f},
        .std = {0.229f, 0.224f, 0.225f},
    };
}

void npr_network(struct graph *g, struct params p, const struct resnet_config *config, struct detector_io *io)
{
    struct params fc1 = params_scope(p, "fc1");
    struct resnet_config resnet = *config;
    resnet.stem = RESNET_STEM_STRIDED;
    node x = npr(g, io->image, 2, NPR_PUBLISHED_SCALE);
    io->features = resnet_maps(g, p, &resnet, x);        /* [B, H / 8, W / 8, 512] */
    io->embedding = op_global_avg_pool(g, io->features); /* [B, 512] */
    io->logit = linear(g, fc1, io->embedding, 1);        /* [B, 1] */
    if (io->explain)                                     /* class activation mapping (Zhou et al., CVPR 2016) */
        io->evidence = linear(g, fc1, io->features, 1);  /* [B, H / 8, W / 8, 1] */
}

static void npr_forward(struct graph *g, struct params p, const void *config, struct detector_io *io)
{
    (void)config;
    struct resnet_config resnet = resnet_preset(50);
    resnet.blocks[2] = 0; /* layer3 and layer4 are left away */
    npr_network(g, p, &resnet, io);
}

static void npr_published(const void *config, struct detector_published out[DETECTOR_MAX_PUBLISHED])
{
    static const char *const spare[] = {"fc.*", NULL};
    (void)config;
    *out = (struct detector_published){.model = NAMING_RESNET, .prefix = "", .spare = spare, .head = "fc1."};
}

const struct detector detector_npr = {
    .name = "npr",
    .title = "NPR: half a ResNet-50 on neighbouring pixel relations",
    .paper = "Tan et al., \"Rethinking the up-sampling operations in CNN-based generative networks for generalizable "
             "deepfake detection\" (CVPR 2024)",
    .fields = fields,
    .config_size = sizeof(struct npr_config),
    .training = training,
    .preprocess = npr_preprocess,
    .forward = npr_forward,
    .loss = detector_bce,
    .published = npr_published,
};
