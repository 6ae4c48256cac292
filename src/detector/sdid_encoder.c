/* sdid_encoder.c - the networks that may stand for either of SDID's encoders. */
#include <string.h>

#include "backbone/naming.h"
#include "detector/sdid.h"
#include "ops/reduce.h"

/* In the order of SDID_ENCODERS. `depth`: of a ResNet; 0: a ViT's preset of that name. */
static const struct {
    const char *name;
    int depth, published;
    int64_t multiple;
} encoders[] = {
    {"dinov2-vit-l-14", 0, NAMING_DINOV2, 14},
    {"dinov2-vit-b-14", 0, NAMING_DINOV2, 14},
    {"dinov2-vit-s-14", 0, NAMING_DINOV2, 14},
    {"dinov2-vit-l-14-reg", 0, NAMING_DINOV2, 14},
    {"dinov2-vit-b-14-reg", 0, NAMING_DINOV2, 14},
    {"dinov2-vit-s-14-reg", 0, NAMING_DINOV2, 14},
    {"clip-vit-l-14", 0, NAMING_CLIP_VIT, 14},
    {"clip-vit-b-16", 0, NAMING_CLIP_VIT, 16},
    {"clip-vit-b-32", 0, NAMING_CLIP_VIT, 32},
    {"mae-vit-b-16", 0, NAMING_MAE, 16},
    {"clip-rn50", 50, NAMING_CLIP_RESNET, 32},
    {"clip-rn101", 101, NAMING_CLIP_RESNET, 32},
    {"resnet18", 18, NAMING_RESNET, 1},
    {"resnet34", 34, NAMING_RESNET, 1},
    {"resnet50", 50, NAMING_RESNET, 1},
    {"resnet101", 101, NAMING_RESNET, 1},
    {"resnet152", 152, NAMING_RESNET, 1},
};

bool sdid_encoder_at(int index, int64_t crop, struct sdid_encoder *out)
{
    *out = (struct sdid_encoder){0};
    if (index < 0 || (size_t)index >= sizeof encoders / sizeof encoders[0])
        return false;
    int depth = encoders[index].depth;
    out->published = encoders[index].published;
    out->multiple = encoders[index].multiple;
    out->kind = depth == 0 ? SDID_VIT : out->published == NAMING_CLIP_RESNET ? SDID_CLIP_RESNET : SDID_RESNET;
    if (out->kind == SDID_VIT)
        return vit_preset(encoders[index].name, &out->vit);
    out->resnet = resnet_preset(depth);
    out->clip_resnet = clip_resnet_preset(depth);
    out->clip_resnet.grid = crop / 32;
    return true;
}

node sdid_encode(struct graph *g, struct params p, const struct sdid_encoder *e, node x, struct detector_io *io)
{
    node last, embedding;
    if (e->kind == SDID_VIT) {
        struct vit_config config = e->vit;
        config.weights = io && io->explain;
        struct vit_output out = vit(g, p, &config, x);
        last = graph_failed(g) ? NODE_NONE : vit_patches(g, &out, out.tokens);
        embedding = out.embedding;
        if (config.weights)
            io->rollout = vit_rollout(g, &config, &out);
    } else if (e->kind == SDID_CLIP_RESNET) {
        last = clip_resnet_maps(g, p, &e->clip_resnet, x);
        embedding = clip_resnet_pool(g, p, &e->clip_resnet, last);
    } else {
        last = resnet_maps(g, p, &e->resnet, x);
        embedding = op_global_avg_pool(g, last);
    }
    if (io)
        io->features = last;
    return embedding;
}
