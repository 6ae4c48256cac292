/* naming.c - tells by its keys what a checkpoint is of. */
#include "backbone/naming.h"

#include <stdio.h>
#include <string.h>

#include "backbone/naming_internal.h"
#include "base/text.h"

/* `has`: keys that are all there, below one prefix, which the first decides; `lacks`: one that is not. */
struct signature {
    enum naming_model model;
    const char *text;
    const struct naming_rule *rules;
    const char *has[3], *lacks;
};

/* The first that fits is taken: the more particular come first. Those without rules are here to be named. */
static const struct signature signatures[] = {
    {NAMING_CLIP_VIT,
     "CLIP with a ViT, open_clip names",
     naming_open_clip_text,
     {"visual.transformer.resblocks.0.attn.in_proj_weight", "text.token_embedding.weight"},
     NULL},
    {NAMING_CLIP_RESNET,
     "CLIP with a ResNet, open_clip names",
     naming_open_clip_text,
     {"visual.layer1.0.conv1.weight", "visual.attnpool.q_proj.weight", "text.token_embedding.weight"},
     NULL},
    {NAMING_CLIP_VIT,
     "CLIP with a ViT, OpenAI names",
     naming_same,
     {"visual.transformer.resblocks.0.attn.in_proj_weight", "visual.class_embedding"},
     NULL},
    {NAMING_CLIP_RESNET,
     "CLIP with a ResNet, OpenAI names",
     naming_same,
     {"visual.layer1.0.conv1.weight", "visual.attnpool.q_proj.weight"},
     NULL},
    {NAMING_CLIP_TEXT,
     "the text tower of CLIP alone, OpenAI names",
     naming_same,
     {"transformer.resblocks.0.attn.in_proj_weight", "token_embedding.weight", "ln_final.weight"},
     NULL},
    {NAMING_UNKNOWN, "SigLIP, Hugging Face names", NULL, {"vision_model.head.probe"}, NULL},
    {NAMING_CLIP_VIT,
     "CLIP with a ViT, Hugging Face names",
     naming_clip_hf,
     {"vision_model.encoder.layers.0.self_attn.q_proj.weight", "vision_model.pre_layrnorm.weight"},
     NULL},
    {NAMING_CLIP_TEXT,
     "the text tower of CLIP alone, Hugging Face names",
     naming_clip_hf,
     {"text_model.encoder.layers.0.self_attn.q_proj.weight", "text_model.final_layer_norm.weight"},
     NULL},
    {NAMING_CLIP_VIT,
     "CLIP with a ViT, timm names",
     naming_clip_timm,
     {"blocks.0.attn.qkv.weight", "norm_pre.weight", "patch_embed.proj.weight"},
     "patch_embed.proj.bias"},
    {NAMING_CLIP_RESNET,
     "CLIP with a ResNet, timm names",
     naming_clip_resnet_timm,
     {"stem.conv1.conv.weight", "stages.0.0.conv1_1x1.conv.weight", "head.pos_embed"},
     NULL},
    {NAMING_DINOV2,
     "DINOv2 with registers, timm names",
     naming_dinov2_timm_registers,
     {"blocks.0.attn.qkv.weight", "blocks.0.ls1.gamma", "reg_token"},
     NULL},
    {NAMING_DINOV2,
     "DINOv2, facebookresearch names",
     naming_same,
     {"blocks.0.attn.qkv.weight", "blocks.0.ls1.gamma", "mask_token"},
     NULL},
    {NAMING_DINOV2,
     "DINOv2, timm or facebookresearch names",
     naming_same,
     {"blocks.0.attn.qkv.weight", "blocks.0.ls1.gamma"},
     NULL},
    {NAMING_DINOV2,
     "DINOv2, Hugging Face names",
     naming_dinov2_hf,
     {"encoder.layer.0.layer_scale1.lambda1", "embeddings.cls_token"},
     NULL},
    {NAMING_DINOV2,
     "DINOv2 with its blocks in chunks, facebookresearch names",
     naming_dinov2_chunks,
     {"blocks.0.0.attn.qkv.weight", "blocks.0.0.ls1.gamma"},
     NULL},
    {NAMING_UNKNOWN,
     "a ViT that was trained to name classes, timm names",
     NULL,
     {"blocks.0.attn.qkv.weight", "head.weight", "cls_token"},
     NULL},
    {NAMING_MAE,
     "MAE (or another plain ViT), facebookresearch names",
     naming_same,
     {"blocks.0.attn.qkv.weight", "pos_embed", "patch_embed.proj.bias"},
     NULL},
    {NAMING_RESNET,
     "ResNet, torchvision or timm names",
     naming_same,
     {"layer1.0.conv1.weight", "conv1.weight", "bn1.running_mean"},
     NULL},
    {NAMING_RESNET,
     "ResNet, Hugging Face names",
     naming_resnet_hf,
     {"embedder.embedder.convolution.weight", "encoder.stages.0.layers.0.layer.0.convolution.weight"},
     NULL},
    {NAMING_UNKNOWN,
     "Stable Diffusion, the original names",
     NULL,
     {"model.diffusion_model.input_blocks.0.0.weight"},
     NULL},
    {NAMING_UNKNOWN,
     "the VAE of Stable Diffusion, diffusers names",
     NULL,
     {"encoder.down_blocks.0.resnets.0.conv1.weight"},
     NULL},
    {NAMING_UNKNOWN,
     "the UNet of Stable Diffusion, diffusers names",
     NULL,
     {"down_blocks.0.resnets.0.conv1.weight", "time_embedding.linear_1.weight"},
     NULL},
    {NAMING_UNKNOWN, "ViT, torchvision names", NULL, {"encoder.layers.encoder_layer_0.ln_1.weight"}, NULL},
    {NAMING_UNKNOWN,
     "ViT, Hugging Face names",
     NULL,
     {"encoder.layer.0.attention.attention.query.weight", "embeddings.cls_token"},
     NULL},
    {NAMING_UNKNOWN, "Swin", NULL, {"layers.0.blocks.0.attn.relative_position_bias_table"}, NULL},
    {NAMING_UNKNOWN, "EfficientNet or MobileNet, timm names", NULL, {"conv_stem.weight"}, NULL},
    {NAMING_UNKNOWN, "ConvNeXt, timm names", NULL, {"stages.0.blocks.0.conv_dw.weight"}, NULL},
    {NAMING_UNKNOWN, "BERT, Hugging Face names", NULL, {"bert.embeddings.word_embeddings.weight"}, NULL},
};

static bool has(const struct weights_file *file, const char *prefix, const char *key)
{
    char name[NAMING_NAME];
    int length = snprintf(name, sizeof name, "%s%s", prefix, key);
    return length > 0 && (size_t)length < sizeof name && string_map_get(&file->tensors, name);
}

static bool fits(const struct weights_file *file, const struct signature *s, const char *prefix)
{
    for (size_t i = 0; i < sizeof s->has / sizeof s->has[0] && s->has[i]; i++)
        if (!has(file, prefix, s->has[i]))
            return false;
    return !s->lacks || !has(file, prefix, s->lacks);
}

/* The prefix with which `key` is the signature's first one: "" or something up to a dot. */
static bool prefix_of(const char *key, const char *first, char prefix[NAMING_PREFIX])
{
    size_t length = strlen(key), tail = strlen(first);
    if (length <= tail || length - tail >= NAMING_PREFIX || strcmp(key + length - tail, first) != 0 ||
        key[length - tail - 1] != '.')
        return false;
    memcpy(prefix, key, length - tail);
    prefix[length - tail] = '\0';
    return true;
}

struct naming naming_recognise(const struct weights_file *file)
{
    struct naming out = {.text = "nothing that Assay knows"};
    const size_t count = sizeof signatures / sizeof signatures[0];
    for (size_t i = 0; i < count; i++)
        if (fits(file, &signatures[i], "")) {
            out =
                (struct naming){.model = signatures[i].model, .text = signatures[i].text, .rules = signatures[i].rules};
            return out;
        }
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < file->tensors.count; k++)
            if (prefix_of(file->tensors.entries[k].key, signatures[i].has[0], out.prefix) &&
                fits(file, &signatures[i], out.prefix)) {
                out.model = signatures[i].model;
                out.text = signatures[i].text;
                out.rules = signatures[i].rules;
                return out;
            }
    out.prefix[0] = '\0';
    for (size_t k = 0; k < file->tensors.count; k++)
        if (strstr(file->tensors.entries[k].key, "lora_A")) {
            out.text = "a LoRA adapter, without the network that it belongs to";
            break;
        }
    return out;
}
