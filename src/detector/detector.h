/* detector.h - a detector is a table entry: its name, paper, config fields, preprocessing, forward pass and loss.
 * Adding one touches one new file and one line of registry.c. */
#ifndef ASSAY_DETECTOR_DETECTOR_H
#define ASSAY_DETECTOR_DETECTOR_H

#include "base/option.h"
#include "detector/preprocess.h"
#include "graph/graph.h"
#include "nn/params.h"

struct lora_config;

/* What flows in and out of a forward pass. Make it with detector_io(). What a detector does not have stays NODE_NONE,
 * and what is neither tapped nor read is not computed. */
struct detector_io {
    node image;   /* [B, crop, crop, 3], normalised */
    bool explain; /* in: `evidence` and `rollout` are wanted, in an evaluation graph */
    node logit;   /* [B, 1]; positive leans to generated */
    node mask;    /* [B, crop, crop, 1] logits of "altered here" */

    node branches; /* [B, n]: logits that the loss sees beside `logit`, where parts of a network judge on their own */

    node mixed; /* [B, 1]: in training, how much of each picture is the next one's of the batch, and of its label */

    node embedding; /* [B, D], what the head's linear layer reads */
    node features;  /* [B, H, W, C], the last maps that still have places */
    node
        evidence; /* [B, H, W, 1]: what speaks for "generated" at each place. Its mean is the logit (of an ensemble, the
                       mean logit of those members that have it); where the head is linear in a mean over places, this
                       is what it makes of each place */
    node rollout; /* [B, H, W, 1]: attention roll-out, how much of each patch reaches the class token */
    node views[2]; /* [B, D] each: features by two encoders, where a loss compares them */
};

static inline struct detector_io detector_io(node image)
{
    struct detector_io io = {.image = image, .logit = NODE_NONE, .mask = NODE_NONE};
    io.branches = io.mixed = io.embedding = io.features = io.evidence = io.rollout = NODE_NONE;
    io.views[0] = io.views[1] = NODE_NONE;
    return io;
}

/* An option of training (train/options.h) or of augmentation (data/augment.h), as typed, where a detector's differs
 * from the table's. */
struct detector_default {
    const char *option, *value;
};

/* Which published files its weights come from (published.h). What is left zero is not there. */
struct detector_published {
    int model;                /* enum naming_model: a checkpoint of the backbone, by whatever names */
    const char *prefix;       /* of the backbone's parameters: "visual."; NULL: this is none */
    const char *canonical;    /* what stands in its place in the canonical names; NULL: the same */
    const char *const *spare; /* what that checkpoint may hold besides, by canonical names; NULL-terminated */
    const char *head; /* the new layer, "fc.": from a file of its "weight" and "bias" alone, or from one with all */
};

/* How many backbones a detector may have. */
enum { DETECTOR_MAX_PUBLISHED = 2 };

struct detector {
    const char *name;                        /* "residual" */
    const char *title;                       /* one line */
    const char *paper;                       /* citation, or what it is based on */
    const struct option *fields;             /* of the config struct */
    size_t config_size;                      /* bytes, at most DETECTOR_MAX_CONFIG */
    const struct detector_default *training; /* how its paper trains it, ended by a NULL option; NULL: as the tables */
    void (*preprocess)(const void *config, struct preprocess *out);
    void (*forward)(struct graph *g, struct params p, const void *config, struct detector_io *io);
    /* A scalar loss for labels i32 [B] (1: generated), after forward. */
    node (*loss)(struct graph *g, struct params p, const void *config, const struct detector_io *io, node labels);
    /* Its backbones, LoRA's first; `out` is zeroed. NULL: nothing is published. */
    void (*published)(const void *config, struct detector_published out[DETECTOR_MAX_PUBLISHED]);
    const struct lora_config *(*lora)(const void *config); /* where it can be adapted; else NULL */
    const char
        *head; /* "fc.": its last layer, whose "weight" [1, D] and "bias" [1] make the logit of io.embedding; NULL:
                         what makes it is more than that */
};

/* What logits are to become, [B, 1]: the labels i32 [B], moved from 0 and 1 towards one half by so much of the way. */
node detector_targets(struct graph *g, node labels, double smoothing);

/* A loss: binary cross-entropy of the logit. */
node detector_bce(struct graph *g, struct params p, const void *config, const struct detector_io *io, node labels);

enum { DETECTOR_MAX_CONFIG = 1024 };

/* By name, or NULL; and all of them, NULL-terminated. */
const struct detector *detector_find(const char *name);
const struct detector *const *detector_all(void);

#endif
