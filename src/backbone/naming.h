/* naming.h - published checkpoints by whatever names their tensors bear. A checkpoint is recognised by its keys; for
 * each of our own ("canonical") names it is known where the tensor comes from: copied, stacked from three (q, k and v),
 * transposed or reshaped. Canonical are OpenAI's names for CLIP, facebookresearch's for DINOv2 and MAE, and
 * torchvision's for ResNets.
 *
 * Read as well: open_clip (also with its text tower under "text."), Hugging Face transformers (CLIP, DINOv2, ResNet),
 * timm (CLIP's ViTs and ResNets, DINOv2 with and without registers, MAE, ResNet), DINOv2 as it is trained, with its
 * blocks in chunks; all of them also below a common prefix ("module."). */
#ifndef ASSAY_BACKBONE_NAMING_H
#define ASSAY_BACKBONE_NAMING_H

#include "format/weights_file.h"
#include "graph/store.h"

enum naming_model {
    NAMING_UNKNOWN,
    NAMING_CLIP_VIT,
    NAMING_CLIP_RESNET,
    NAMING_CLIP_TEXT, /* only as what is wanted: the text tower of either */
    NAMING_DINOV2,
    NAMING_MAE,
    NAMING_RESNET
};

enum { NAMING_PREFIX = 96, NAMING_NAME = 256 };

struct naming_rule;

struct naming {
    enum naming_model model;
    const char *text;                /* "CLIP with a ViT, Hugging Face names"; also of models that are not read here */
    char prefix[NAMING_PREFIX];      /* stands before all names of the checkpoint, or "" */
    const struct naming_rule *rules; /* NULL for NAMING_UNKNOWN */
};

/* By the keys alone. */
struct naming naming_recognise(const struct weights_file *file);

/* What to load. Zero fields mean none. */
struct naming_request {
    enum naming_model model;
    const char *store_prefix; /* entries of the store that begin with it are loaded: "", "clip.", "visual." */
    const char
        *canonical_prefix; /* what stands before the rest of an entry's name in the canonical one: "", "visual." */
    /* NULL-terminated lists of canonical names; one that ends with '*' means all that begin so. */
    const char *const *spare;    /* the checkpoint may hold them, the store need not: "fc.*" */
    const char *const *optional; /* the store may hold them, the checkpoint need not: they stay as they are */
    const char *const *skip;     /* the store's stay as they are, whatever the checkpoint holds under these names */
    bool borrow; /* entries point into the checkpoint where they can; it must then outlive the store's data */
};

/* Gives data to the entries of the store, LoRA pairs aside. Everything is checked first and told at once, by name: what
 * is missing, of another shape or type, NaN or infinite, and what the checkpoint holds under the canonical prefix that
 * the store does not. Nothing is changed then. A checkpoint of another model is refused as such. Buffers that hold no
 * weights (position_ids, num_batches_tracked, CLIP's scalars) are passed over, and so is what lies outside a common
 * prefix. A mask_token may be missing or unwanted: no network here uses it.
 *
 * DINOv2 with registers from timm: the class token's position is part of cls_token there, so pos_embed gets a first row
 * of zeros and the network computes the same, but cls_token alone differs from that of the original file. */
assay_status naming_load(const struct weights_file *file, const char *path, struct store *store,
                         const struct naming_request *request, struct assay_error *error);

#endif
