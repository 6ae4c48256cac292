/* published.c - the table, and each network's forward pass. */
#include "tools/published/published.h"

#include <string.h>

#include "backbone/clip_resnet.h"
#include "backbone/clip_text.h"
#include "backbone/resnet.h"
#include "backbone/vit.h"

static const struct published networks[] = {
    {"clip-rn50", PUBLISHED_CLIP_RESNET, NULL, 50, NAMING_CLIP_RESNET, "visual.", false},
    {"clip-rn50-text", PUBLISHED_CLIP_TEXT, "clip-rn50", 0, NAMING_CLIP_TEXT, "", false},
    {"clip-rn101", PUBLISHED_CLIP_RESNET, NULL, 101, NAMING_CLIP_RESNET, "visual.", false},
    {"clip-rn101-text", PUBLISHED_CLIP_TEXT, "clip-rn101", 0, NAMING_CLIP_TEXT, "", false},
    {"clip-vit-b-32", PUBLISHED_VIT, "clip-vit-b-32", 0, NAMING_CLIP_VIT, "visual.", false},
    {"clip-vit-b-32-text", PUBLISHED_CLIP_TEXT, "clip-vit-b-32", 0, NAMING_CLIP_TEXT, "", false},
    {"clip-vit-b-16", PUBLISHED_VIT, "clip-vit-b-16", 0, NAMING_CLIP_VIT, "visual.", false},
    {"clip-vit-b-16-text", PUBLISHED_CLIP_TEXT, "clip-vit-b-16", 0, NAMING_CLIP_TEXT, "", false},
    {"clip-vit-l-14", PUBLISHED_VIT, "clip-vit-l-14", 0, NAMING_CLIP_VIT, "visual.", false},
    {"clip-vit-l-14-text", PUBLISHED_CLIP_TEXT, "clip-vit-l-14", 0, NAMING_CLIP_TEXT, "", false},
    {"clip-vit-l-14-336", PUBLISHED_VIT, "clip-vit-l-14-336", 0, NAMING_CLIP_VIT, "visual.", false},
    {"clip-vit-l-14-336-text", PUBLISHED_CLIP_TEXT, "clip-vit-l-14-336", 0, NAMING_CLIP_TEXT, "", false},
    {"dinov2-vit-s-14", PUBLISHED_VIT, "dinov2-vit-s-14", 0, NAMING_DINOV2, "", true},
    {"dinov2-vit-b-14", PUBLISHED_VIT, "dinov2-vit-b-14", 0, NAMING_DINOV2, "", true},
    {"dinov2-vit-l-14", PUBLISHED_VIT, "dinov2-vit-l-14", 0, NAMING_DINOV2, "", true},
    {"dinov2-vit-s-14-reg", PUBLISHED_VIT, "dinov2-vit-s-14-reg", 0, NAMING_DINOV2, "", true},
    {"dinov2-vit-b-14-reg", PUBLISHED_VIT, "dinov2-vit-b-14-reg", 0, NAMING_DINOV2, "", true},
    {"dinov2-vit-l-14-reg", PUBLISHED_VIT, "dinov2-vit-l-14-reg", 0, NAMING_DINOV2, "", true},
    {"mae-vit-b-16", PUBLISHED_VIT, "mae-vit-b-16", 0, NAMING_MAE, "", true},
    {"mae-vit-b-16-windowed", PUBLISHED_VIT, "mae-vit-b-16-windowed", 0, NAMING_MAE, "", true},
    {"resnet-18", PUBLISHED_RESNET, NULL, 18, NAMING_RESNET, "", false},
    {"resnet-34", PUBLISHED_RESNET, NULL, 34, NAMING_RESNET, "", false},
    {"resnet-50", PUBLISHED_RESNET, NULL, 50, NAMING_RESNET, "", false},
    {"resnet-101", PUBLISHED_RESNET, NULL, 101, NAMING_RESNET, "", false},
    {"resnet-152", PUBLISHED_RESNET, NULL, 152, NAMING_RESNET, "", false},
};

const struct published *published_find(const char *name)
{
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++)
        if (strcmp(networks[i].name, name) == 0)
            return &networks[i];
    return NULL;
}

node published_forward(struct graph *g, struct params p, const struct published *n, node x, bool tokens)
{
    struct vit_config vit_config;
    struct clip_text_config text_config;
    struct clip_resnet_config clip_config;
    struct resnet_config resnet_config;
    struct vit_output out;
    switch (n->family) {
    case PUBLISHED_CLIP_RESNET: clip_config = clip_resnet_preset(n->depth); return clip_resnet(g, p, &clip_config, x);
    case PUBLISHED_CLIP_TEXT:
        return clip_text_preset(n->preset, &text_config) ? clip_text(g, p, &text_config, x).embedding : NODE_NONE;
    case PUBLISHED_VIT:
        if (!vit_preset(n->preset, &vit_config))
            return NODE_NONE;
        vit_config.drop_path = 0; /* nothing is drawn */
        out = vit(g, p, &vit_config, x);
        if (!tokens)
            return out.embedding;
        return vit_config.final_norm ? out.normed : out.tokens;
    case PUBLISHED_RESNET: resnet_config = resnet_preset(n->depth); return resnet(g, p, &resnet_config, x);
    }
    return NODE_NONE;
}
