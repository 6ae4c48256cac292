/* clip_resnet.h - the visual towers RN50 and RN101 of CLIP (Radford et al., "Learning transferable visual models from
 * natural language supervision", ICML 2021): a ResNet with three convolutions as its stem, average pools where others
 * have strides, and attention in place of the last mean. Parameters bear OpenAI's names without "visual.". */
#ifndef ASSAY_BACKBONE_CLIP_RESNET_H
#define ASSAY_BACKBONE_CLIP_RESNET_H

#include "nn/params.h"

enum { CLIP_RESNET_MAX_STAGES = 4 };

/* How far from the picture on nothing is trained, batch norms' running statistics included. */
enum clip_resnet_frozen {
    CLIP_RESNET_FROZEN_NONE,
    CLIP_RESNET_FROZEN_STEM,
    CLIP_RESNET_FROZEN_LAYER1, /* the stem and layer1, and so on */
    CLIP_RESNET_FROZEN_LAYER2,
    CLIP_RESNET_FROZEN_LAYER3,
    CLIP_RESNET_FROZEN_LAYER4,
    CLIP_RESNET_FROZEN_ALL
};
#define CLIP_RESNET_FROZEN_CHOICES "none|stem|layer1|layer2|layer3|layer4|all"

struct clip_resnet_config {
    int blocks[CLIP_RESNET_MAX_STAGES]; /* of each stage ("layer1" ...); a zero ends the network */
    int64_t width;     /* of the stem and of layer1's inner convolutions; doubled at each later stage */
    int64_t grid;      /* rows and columns of the last maps, to which the positions belong */
    int64_t heads;     /* of the attention pool */
    int64_t out;       /* of the embedding */
    bool frozen_norms; /* batch norms keep their running statistics in training */
    enum clip_resnet_frozen frozen;
};

/* Depth 50 or 101, for pictures of 224 x 224; another depth gives a network without blocks, which fails when it is
 * built. */
struct clip_resnet_config clip_resnet_preset(int depth);

/* The side of square pictures whose last maps have `grid` rows: 32 times that for the published networks. */
int64_t clip_resnet_side(const struct clip_resnet_config *c);

/* x [B, S, S, 3] to the last stage's maps [B, grid, grid, 4 width 2^(stages - 1)]. */
node clip_resnet_maps(struct graph *g, struct params p, const struct clip_resnet_config *c, node x);

/* The attention pool: those maps to the embedding [B, out]. Positions belong to one grid; maps of another fail the
 * graph. */
node clip_resnet_pool(struct graph *g, struct params p, const struct clip_resnet_config *c, node maps);

/* x [B, S, S, 3], normalised, to the embedding [B, out]: both. Positions belong to one grid: S should be
 * clip_resnet_side, and a picture that leaves maps of another size fails the graph. */
node clip_resnet(struct graph *g, struct params p, const struct clip_resnet_config *c, node x);

#endif
