/* lol.h - the configuration and the parts of the `lol` detector (lol.c), for its tests. */
#ifndef ASSAY_DETECTOR_LOL_H
#define ASSAY_DETECTOR_LOL_H

#include "backbone/clip_resnet.h"
#include "detector/detector.h"
#include "nn/lora.h"

enum lol_backbone { LOL_RN50, LOL_RN101, LOL_VIT_L_14 };
enum lol_norms { LOL_NORMS_BATCH, LOL_NORMS_FROZEN };
enum lol_statistics { LOL_STATISTICS_CLIP, LOL_STATISTICS_IMAGENET };
enum lol_mask { LOL_MASK_CORRECTED, LOL_MASK_SQRT, LOL_MASK_LITERAL, LOL_MASK_NONE };

struct lol_config {
    int backbone;        /* enum lol_backbone */
    int frozen;          /* enum clip_resnet_frozen */
    int norms;           /* enum lol_norms */
    int statistics;      /* enum lol_statistics */
    int64_t crop, crops; /* side of a window, pixels; windows of a picture at test */
    int mask;            /* enum lol_mask */
    double ratio_min, ratio_max, aspect_min, aspect_max;
    struct lora_config lora; /* of the tower; a ResNet's has linear layers in its attention pool only */
};

/* Masks [B, height, width, 1] of ones with a rectangle of zeros each, from draws [B, 4] in [0, 1): share of the
 * picture, height to width, top, left. */
node lol_mask(struct graph *g, const struct lol_config *c, node draws, int64_t height, int64_t width);

/* The network: fills `io` from x [B, S, S, 3], its image or what a mask left of it. */
void lol_network(struct graph *g, struct params p, const struct clip_resnet_config *backbone, node x,
                 struct detector_io *io);

extern const struct detector detector_lol;

#endif
