/* lol.c - the detector `lol`: CLIP's visual tower, its embedding mapped to one logit, trained on pictures of which a
 * large random rectangle is wiped out (Chen et al., "Learning on less: constraining pre-trained model learning for
 * generalizable diffusion-generated image detection").
 *
 * The paper's algorithm 1 prints a width of sqrt(S / H), which wipes out a twentieth of the picture where 60 to 80 per
 * cent are meant; S / H is what its text says, and the default here. Its text has label 1 for real pictures; here, as
 * everywhere in Assay, 1 is generated, so a positive logit leans to generated.
 *
 * Parameters: "visual." is OpenAI's checkpoint under its own names, "head." the new linear layer. */
#include "detector/lol.h"

#include "backbone/naming.h"
#include "backbone/vit.h"
#include "nn/linear.h"
#include "ops/elementwise.h"
#include "ops/move.h"
#include "ops/random.h"

#define HEAD_INIT 0.02 /* deviation of the head's first weights, as UnivFD's */

static const struct option fields[] = {
    {"backbone", OPTION_CHOICE, offsetof(struct lol_config, backbone), "rn50", 0, 0, "rn50|rn101|vit-l-14",
     "which visual tower of CLIP"},
    {"freeze", OPTION_CHOICE, offsetof(struct lol_config, frozen), "none", 0, 0, CLIP_RESNET_FROZEN_CHOICES,
     "the backbone up to here, and with it, is not trained (ViT: none or all)"},
    {"norms", OPTION_CHOICE, offsetof(struct lol_config, norms), "batch", 0, 0, "batch|frozen",
     "batch norms use the batch's statistics in training, or keep the checkpoint's"},
    {"statistics", OPTION_CHOICE, offsetof(struct lol_config, statistics), "clip", 0, 0, "clip|imagenet",
     "whose mean and deviation normalise the input"},
    {"crop", OPTION_INT, offsetof(struct lol_config, crop), "224", 32, 1024, NULL,
     "side of the square window, pixels, a multiple of 32 (ViT: 14); a ResNet's published weights are for 224"},
    {"crops", OPTION_INT, offsetof(struct lol_config, crops), "1", 1, PREPROCESS_MAX_CROPS, NULL,
     "windows of a picture that are judged and averaged; 1: its centre"},
    {"mask", OPTION_CHOICE, offsetof(struct lol_config, mask), "corrected", 0, 0, "corrected|sqrt|literal|none",
     "width of the rectangle: area / height, sqrt(area / aspect), sqrt(area / height) as printed; or none"},
    {"mask-ratio-min", OPTION_FLOAT, offsetof(struct lol_config, ratio_min), "0.6", 0, 1, NULL,
     "smallest share of the picture that is wiped out in training"},
    {"mask-ratio-max", OPTION_FLOAT, offsetof(struct lol_config, ratio_max), "0.8", 0, 1, NULL,
     "largest share of the picture that is wiped out in training"},
    {"mask-aspect-min", OPTION_FLOAT, offsetof(struct lol_config, aspect_min), "0.33", 0.01, 100, NULL,
     "smallest height / width of what is wiped out"},
    {"mask-aspect-max", OPTION_FLOAT, offsetof(struct lol_config, aspect_max), "3", 0.01, 100, NULL,
     "largest height / width of what is wiped out"},
    LORA_OPTIONS(offsetof(struct lol_config, lora), "q,k,v,out_proj,q_proj,k_proj,v_proj,attnpool.c_proj"),
    {0},
};

/* Section 4.1; the turn's probability is LASTED's, for the paper names none. */
static const struct detector_default training[] = {
    {"optimizer", "adam"},   {"learning-rate", "5e-6"}, {"schedule", "constant"},
    {"weight-decay", "0"},   {"epochs", "20"},          {"batch", "4"},
    {"augment-flip", "0.5"}, {"augment-turn", "0.33"},  {0},
};

static void lol_preprocess(const void *config, struct preprocess *out)
{
    const struct lol_config *c = config;
    *out = (struct preprocess){
        .crop = (int)c->crop,
        .resize = PREPROCESS_NATIVE,
        .filter = IMAGE_BICUBIC,
        .fit = PREPROCESS_TILE,
        .max_crops = (int)c->crops,
        .mean = {0.48145466f, 0.4578275f, 0.40821073f},
        .std = {0.26862954f, 0.26130258f, 0.27577711f},
    };
    if (c->statistics == LOL_STATISTICS_IMAGENET) {
        const float mean[] = {0.485f, 0.456f, 0.406f}, std[] = {0.229f, 0.224f, 0.225f};
        for (int i = 0; i < 3; i++) {
            out->mean[i] = mean[i];
            out->std[i] = std[i];
        }
    }
}

/* Column i of the draws, from [0, 1) to [low, high): [B, 1, 1, 1]. */
static node drawn(struct graph *g, node draws, int i, double low, double high)
{
    node u = op_reshape(g, op_slice_axis(g, draws, 1, i, 1), SHAPE(-1, 1, 1, 1));
    return op_affine(g, u, (float)(high - low), (float)low);
}

/* min(limit, x), rounded, a half upwards. */
static node whole(struct graph *g, node x, int64_t limit)
{
    return op_floor(g, op_affine(g, op_min(g, x, constant(g, (float)limit, SHAPE_SCALAR)), 1, 0.5f));
}

/* 1 from `first` on for `size` places, of the places 0 .. count - 1 along an axis; 0 elsewhere. */
static node span(struct graph *g, node draw, node size, int64_t count, struct shape axis)
{
    float places[PREPROCESS_MAX_CROP];
    if (count > PREPROCESS_MAX_CROP) {
        graph_fail(g, "a mask of %lld places a side; at most %d", (long long)count, PREPROCESS_MAX_CROP);
        return NODE_NONE;
    }
    for (int64_t i = 0; i < count; i++)
        places[i] = (float)i;
    node slack = op_affine(g, size, -1, (float)count);                    /* count - size */
    node first = op_floor(g, op_mul(g, draw, op_affine(g, slack, 1, 1))); /* evenly one of 0 .. slack */
    node place = constant_data(g, places, axis);
    return op_mul(g, op_binary(g, BINARY_GE, place, first), op_less(g, place, op_add(g, first, size)));
}

/* Algorithm 1. */
node lol_mask(struct graph *g, const struct lol_config *c, node draws, int64_t height, int64_t width)
{
    double all = (double)height * (double)width;
    node area = drawn(g, draws, 0, all * c->ratio_min, all * c->ratio_max);
    node aspect = drawn(g, draws, 1, c->aspect_min, c->aspect_max);
    node rows = whole(g, op_sqrt(g, op_mul(g, area, aspect)), height);
    node columns = op_div(g, area, op_max(g, rows, constant(g, 1, SHAPE_SCALAR)));
    if (c->mask == LOL_MASK_SQRT)
        columns = op_sqrt(g, op_div(g, area, aspect));
    else if (c->mask == LOL_MASK_LITERAL)
        columns = op_sqrt(g, columns);
    columns = whole(g, columns, width);
    node down = span(g, drawn(g, draws, 2, 0, 1), rows, height, SHAPE(1, height, 1, 1));    /* [B, H, 1, 1] */
    node across = span(g, drawn(g, draws, 3, 0, 1), columns, width, SHAPE(1, 1, width, 1)); /* [B, 1, W, 1] */
    return op_affine(g, op_mul(g, down, across), -1, 1);
}

/* z [B, C] to logits [B, 1]. */
static node lol_head(struct graph *g, struct params head, node z)
{
    params_get(g, &head, "weight", SHAPE(1, graph_dim(g, z, -1)), init_normal(HEAD_INIT));
    return linear(g, head, z, 1);
}

void lol_network(struct graph *g, struct params p, const struct clip_resnet_config *backbone, node x,
                 struct detector_io *io)
{
    struct params visual = params_scope(p, "visual");
    io->features = clip_resnet_maps(g, visual, backbone, x);             /* [B, S / 32, S / 32, 2048] */
    io->embedding = clip_resnet_pool(g, visual, backbone, io->features); /* [B, 1024], RN101: 512 */
    p.lora = NULL;                                                       /* the head is trained itself */
    io->logit = lol_head(g, params_scope(p, "head"), io->embedding);     /* [B, 1] */
}

static void lol_vit(struct graph *g, struct params p, const struct lol_config *c, node x, struct detector_io *io)
{
    struct vit_config tower;
    struct params visual = params_scope(p, "visual");
    bool whole_or_not = c->frozen == CLIP_RESNET_FROZEN_NONE || c->frozen == CLIP_RESNET_FROZEN_ALL;
    if (!whole_or_not || !vit_preset("clip-vit-l-14", &tower)) {
        graph_fail(g, "option freeze: a ViT has no such stage; none or all");
        return;
    }
    if (c->frozen == CLIP_RESNET_FROZEN_ALL || c->lora.rank > 0)
        visual = params_freeze(visual);
    tower.weights = io->explain;
    struct vit_output out = vit(g, params_with_lora(visual, &c->lora), &tower, x);
    io->features = vit_patches(g, &out, out.tokens); /* [B, S / 14, S / 14, 1024] */
    io->embedding = out.embedding;                   /* [B, 768] */
    if (io->explain)
        io->rollout = vit_rollout(g, &tower, &out);
    io->logit = lol_head(g, params_scope(p, "head"), io->embedding);
}

static bool lol_check(struct graph *g, const struct lol_config *c)
{
    int multiple = c->backbone == LOL_VIT_L_14 ? 14 : 32;
    if (c->crop % multiple != 0)
        graph_fail(g, "option crop: %lld is no multiple of %d", (long long)c->crop, multiple);
    else if (c->ratio_min > c->ratio_max || c->aspect_min > c->aspect_max)
        graph_fail(g, "options mask-ratio and mask-aspect: the smallest lies above the largest");
    return !graph_failed(g);
}

static void lol_forward(struct graph *g, struct params p, const void *config, struct detector_io *io)
{
    const struct lol_config *c = config;
    if (!lol_check(g, c))
        return;
    node x = io->image;
    if (graph_training(g) && c->mask != LOL_MASK_NONE) {
        node draws = op_random_uniform(g, SHAPE(graph_dim(g, x, 0), 4));
        x = op_mul(g, x, lol_mask(g, c, draws, graph_dim(g, x, 1), graph_dim(g, x, 2)));
    }
    if (c->backbone == LOL_VIT_L_14) {
        lol_vit(g, p, c, x, io);
        lora_require(g, p.store, &c->lora);
        return;
    }
    struct clip_resnet_config backbone = clip_resnet_preset(c->backbone == LOL_RN50 ? 50 : 101);
    backbone.grid = c->crop / 32;
    backbone.frozen = c->lora.rank > 0 ? CLIP_RESNET_FROZEN_ALL : (enum clip_resnet_frozen)c->frozen;
    backbone.frozen_norms = c->norms == LOL_NORMS_FROZEN;
    lol_network(g, params_with_lora(p, &c->lora), &backbone, x, io);
    lora_require(g, p.store, &c->lora);
}

static void lol_published(const void *config, struct detector_published out[DETECTOR_MAX_PUBLISHED])
{
    const struct lol_config *c = config;
    bool vit = c->backbone == LOL_VIT_L_14;
    *out = (struct detector_published){.model = vit ? NAMING_CLIP_VIT : NAMING_CLIP_RESNET,
                                       .prefix = "visual.",
                                       .head = "head."};
}

static const struct lora_config *lol_lora(const void *config)
{
    return &((const struct lol_config *)config)->lora;
}

const struct detector detector_lol = {
    .name = "lol",
    .title = "Learning on Less: CLIP fine-tuned on masked pictures",
    .paper = "Chen et al., \"Learning on less: constraining pre-trained model learning for generalizable "
             "diffusion-generated image detection\"",
    .fields = fields,
    .config_size = sizeof(struct lol_config),
    .training = training,
    .preprocess = lol_preprocess,
    .forward = lol_forward,
    .loss = detector_bce,
    .published = lol_published,
    .lora = lol_lora,
};

_Static_assert(sizeof(struct lol_config) <= DETECTOR_MAX_CONFIG, "configs are copied into buffers of that size");
