/* published.h - the published networks by name, at their full size: what `make parity` compares and `make bench`
 * times. */
#ifndef ASSAY_TOOLS_PUBLISHED_H
#define ASSAY_TOOLS_PUBLISHED_H

#include "backbone/naming.h"
#include "nn/params.h"

enum published_family { PUBLISHED_CLIP_RESNET, PUBLISHED_CLIP_TEXT, PUBLISHED_VIT, PUBLISHED_RESNET };

struct published {
    const char *name;
    enum published_family family;
    const char *preset; /* of a ViT or a text tower */
    int depth;          /* of a ResNet */
    enum naming_model model;
    const char *part; /* what stands before the network's names in the checkpoint */
    bool tokens;      /* all tokens are compared, not the embedding alone */
};

/* NULL: there is none of that name. */
const struct published *published_find(const char *name);

/* x: [B, 224, 224, 3], normalised; of a text tower i32 [B, 77]. The parameters' names have no prefix. `tokens`: of a
 * vision transformer all tokens, after the final norm if it has one; else one vector for each picture. */
node published_forward(struct graph *g, struct params p, const struct published *n, node x, bool tokens);

#endif
