/* sdid.h - SDID's method, shared by the detectors `sdid` (sdid.c: the paper's two large encoders) and `sdid-mini`
 * (sdid_mini.c: two small ones from scratch), and their configurations, for their tests.
 *
 * A picture is seen twice: as RGB, and by a partner, which is given another modality of it. */
#ifndef ASSAY_DETECTOR_SDID_H
#define ASSAY_DETECTOR_SDID_H

#include "backbone/clip_resnet.h"
#include "backbone/resnet.h"
#include "backbone/vit.h"
#include "detector/detector.h"
#include "nn/lora.h"

enum sdid_branches { SDID_BOTH, SDID_RGB, SDID_PARTNER };
enum sdid_predict { SDID_FROM_BOTH, SDID_FROM_RGB };
enum sdid_modality { SDID_NPR, SDID_HIGH_FREQUENCY, SDID_AUGMENTED };
enum sdid_neighbours { SDID_TEACHERS, SDID_OWN };

/* What the paper's tables vary, and the numbers of its losses. */
struct sdid_method {
    int branches;      /* enum sdid_branches */
    int predict;       /* enum sdid_predict: what the head reads where there are both */
    int modality;      /* enum sdid_modality: what the partner sees */
    int64_t npr_patch; /* side of NPR's patches, pixels */
    int64_t dim;       /* of the projected features */
    double cmcl, cmmd; /* weights of the two losses; 0: the loss is left out */
    double cmcl_temperature, teacher_temperature, student_temperature;
    int64_t queue, neighbours; /* slots of each queue; how many of them an embedding is compared with in CMMD */
    int whose;                 /* enum sdid_neighbours: in which the student is compared */
    double label_smoothing;
};

#define SDID_AT(at, field) ((at) + offsetof(struct sdid_method, field))

/* Fields of a config that has a struct sdid_method at offset `at`. */
/* clang-format off */
#define SDID_METHOD_OPTIONS(at, dim_default, smoothing_default)                                                        \
    {"branches", OPTION_CHOICE, SDID_AT(at, branches), "both", 0, 0, "both|rgb|partner",                               \
     "which encoders there are"},                                                                                      \
        {"predict", OPTION_CHOICE, SDID_AT(at, predict), "both", 0, 0, "both|rgb",                                     \
         "what the head reads; rgb: the partner serves training alone, and is not in the model"},                      \
        {"second", OPTION_CHOICE, SDID_AT(at, modality), "npr", 0, 0, "npr|high-frequency|augmented",                  \
         "what the partner sees: the NPR residual, high frequencies, or the picture varied at random"},                \
        {"npr-patch", OPTION_INT, SDID_AT(at, npr_patch), "2", 2, 16, NULL,                                            \
         "side of the patches that lose their top-left pixel, pixels"},                                                \
        {"dim", OPTION_INT, SDID_AT(at, dim), dim_default, 1, 4096, NULL, "length of the projected features"},         \
        {"cmcl", OPTION_FLOAT, SDID_AT(at, cmcl), "0.1", 0, 1000, NULL,                                                \
         "weight of the cross-modal contrastive loss; 0: none"},                                                       \
        {"cmcl-temperature", OPTION_FLOAT, SDID_AT(at, cmcl_temperature), "0.07", 0.001, 100, NULL,                    \
         "temperature of its similarities"},                                                                           \
        {"cmmd", OPTION_FLOAT, SDID_AT(at, cmmd), "0.1", 0, 1000, NULL,                                                \
         "weight of the cross-modal mutual distillation; 0: none"},                                                    \
        {"cmmd-teacher-temperature", OPTION_FLOAT, SDID_AT(at, teacher_temperature), "0.07", 0.001, 100, NULL,         \
         "temperature of the teacher's similarities"},                                                                 \
        {"cmmd-student-temperature", OPTION_FLOAT, SDID_AT(at, student_temperature), "0.07", 0.001, 100, NULL,         \
         "temperature of the student's similarities"},                                                                 \
        {"neighbours", OPTION_INT, SDID_AT(at, neighbours), "128", 1, 16384, NULL,                                     \
         "nearest slots of a queue that a distribution is over"},                                                      \
        {"neighbours-of", OPTION_CHOICE, SDID_AT(at, whose), "teacher", 0, 0, "teacher|own",                           \
         "the student's are the teacher's slots in its own queue, or its own nearest, rank by rank"},                  \
        {"queue", OPTION_INT, SDID_AT(at, queue), "2048", 1, 16384, NULL, "slots of each of the four queues"},         \
    {                                                                                                                  \
        "label-smoothing", OPTION_FLOAT, SDID_AT(at, label_smoothing), smoothing_default, 0, 0.5, NULL,                \
            "how far targets move from 0 and 1 towards one half"                                                       \
    }
/* clang-format on */

struct sdid_config {
    struct sdid_method method;
    int rgb, partner;        /* the encoders: places in the list of sdid_encoder.c */
    int statistics;          /* of the input: 0 ImageNet's, 1 CLIP's */
    int resize;              /* 0 none, 1 to 256 x 256 whatever the shape, as the NPR repository */
    bool published_scale;    /* NPR times 2/3, as that repository feeds it */
    int64_t crop, crops;     /* side of a window, pixels; windows of a picture at test */
    bool rgb_frozen;         /* without LoRA: the RGB encoder is not trained */
    bool frozen_norms;       /* batch norms keep the checkpoint's statistics */
    struct lora_config lora; /* of the RGB encoder */
};

struct sdid_mini_config {
    struct sdid_method method;
    int64_t crop, crops;
    bool high_pass; /* the RGB encoder sees fixed high-pass filters beside the pixels */
    bool correlations;
    int64_t width, blocks, stages; /* of each encoder, as of `residual` */
    double dropout;
};

extern const struct detector detector_sdid, detector_sdid_mini;

/* ---- Shared by the files sdid*.c ------------------------------------------------------------------------------- */

/* Which encoders a graph needs. */
bool sdid_needs_rgb(const struct sdid_method *m);
bool sdid_needs_partner(const struct graph *g, const struct sdid_method *m);

/* What encoders made of a batch, [B, D] each (NODE_NONE: it is not there), to io's views, embedding and logit:
 * "rgb_projection", "partner_projection", "head". `dropout`: of what the head reads. */
void sdid_head(struct graph *g, struct params p, const struct sdid_method *m, node rgb, node partner, float dropout,
               struct detector_io *io);

/* sdid_modality.c: what the partner sees of images [B, H, W, 3]; `scale` is NPR's. */
node sdid_modality(struct graph *g, const struct sdid_method *m, node image, float scale);

/* sdid_losses.c */

/* By class (real, generated), then by whose embedding is the anchor or the teacher (rgb, partner). */
struct sdid_terms {
    node cmcl[2][2], cmmd[2][2]; /* scalars; NODE_NONE where the weight is zero */
};

/* Each term of both losses, averaged over the members of its class, and the pushes. views: [B, dim], not normalised. */
struct sdid_terms sdid_terms(struct graph *g, struct params p, const struct sdid_method *m, const node views[2],
                             node labels);

/* Cross-entropy + cmcl * CMCL + cmmd * CMMD, and then the views go into the queues, states below "queue.". *terms (may
 * be NULL): the parts, where there are any. */
node sdid_loss(struct graph *g, struct params p, const struct sdid_method *m, const struct detector_io *io, node labels,
               struct sdid_terms *terms);

/* sdid_encoder.c: a network of the project that makes one vector of a picture. */

struct sdid_encoder {
    int published; /* enum naming_model of its checkpoints */
    enum { SDID_VIT, SDID_RESNET, SDID_CLIP_RESNET } kind;
    struct vit_config vit;
    struct resnet_config resnet;
    struct clip_resnet_config clip_resnet;
    int64_t multiple; /* of pixels that a side must be */
};

#define SDID_ENCODERS                                                                                                  \
    "dinov2-vit-l-14|dinov2-vit-b-14|dinov2-vit-s-14|dinov2-vit-l-14-reg|dinov2-vit-b-14-reg|dinov2-vit-s-14-reg|"     \
    "clip-vit-l-14|clip-vit-b-16|clip-vit-b-32|mae-vit-b-16|clip-rn50|clip-rn101|resnet18|resnet34|resnet50|"          \
    "resnet101|resnet152"

/* The i-th of that list, for pictures of `crop` pixels. False: there is none. */
bool sdid_encoder_at(int index, int64_t crop, struct sdid_encoder *out);

/* x [B, S, S, 3] to [B, D]: a ViT's class token after the final norm (CLIP's: projected), the mean over a ResNet's last
 * maps, or what CLIP's attention pool makes of them. Fills io's features and rollout, unless it is NULL. */
node sdid_encode(struct graph *g, struct params p, const struct sdid_encoder *e, node x, struct detector_io *io);

/* sdid.c: both encoders and the head on an image, for given encoders: "rgb.", "partner." */
void sdid_network(struct graph *g, struct params p, const struct sdid_config *c, const struct sdid_encoder *rgb,
                  const struct sdid_encoder *partner, struct detector_io *io);

#endif
