/* naming_rules.c - the tables of names (spec A.3, A.4), and names through patterns. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backbone/naming_internal.h"

const struct naming_rule naming_same[] = {{"*", "*", NAMING_COPY}, {0}};

const struct naming_rule naming_open_clip_text[] = {
    {"visual.*", "visual.*", NAMING_COPY},
    {"logit_scale", "logit_scale", NAMING_COPY},
    {"*", "text.*", NAMING_COPY},
    {0},
};

/* A block of CLIP's in Hugging Face's names: the same in both towers. */
#define CLIP_HF_BLOCK(to, from)                                                                                        \
    {to ".ln_1.*", from ".layer_norm1.*", NAMING_COPY}, {to ".ln_2.*", from ".layer_norm2.*", NAMING_COPY},            \
        {to ".attn.in_proj_*", from ".self_attn.@_proj.*", NAMING_STACK},                                              \
        {to ".attn.out_proj.*", from ".self_attn.out_proj.*", NAMING_COPY},                                            \
        {to ".mlp.c_fc.*", from ".mlp.fc1.*", NAMING_COPY},                                                            \
    {                                                                                                                  \
        to ".mlp.c_proj.*", from ".mlp.fc2.*", NAMING_COPY                                                             \
    }

const struct naming_rule naming_clip_hf[] = {
    {"visual.class_embedding", "vision_model.embeddings.class_embedding", NAMING_COPY},
    {"visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight", NAMING_COPY},
    {"visual.positional_embedding", "vision_model.embeddings.position_embedding.weight", NAMING_COPY},
    {"visual.ln_pre.*", "vision_model.pre_layrnorm.*", NAMING_COPY}, /* so spelt in all files */
    {"visual.ln_post.*", "vision_model.post_layernorm.*", NAMING_COPY},
    {"visual.proj", "visual_projection.weight", NAMING_TRANSPOSE},
    CLIP_HF_BLOCK("visual.transformer.resblocks.#", "vision_model.encoder.layers.#"),
    {"token_embedding.weight", "text_model.embeddings.token_embedding.weight", NAMING_COPY},
    {"positional_embedding", "text_model.embeddings.position_embedding.weight", NAMING_COPY},
    {"ln_final.*", "text_model.final_layer_norm.*", NAMING_COPY},
    {"text_projection", "text_projection.weight", NAMING_TRANSPOSE},
    CLIP_HF_BLOCK("transformer.resblocks.#", "text_model.encoder.layers.#"),
    {"logit_scale", "logit_scale", NAMING_COPY},
    {0},
};

const struct naming_rule naming_clip_timm[] = {
    {"visual.class_embedding", "cls_token", NAMING_RESHAPE},
    {"visual.conv1.weight", "patch_embed.proj.weight", NAMING_COPY},
    {"visual.positional_embedding", "pos_embed", NAMING_RESHAPE},
    {"visual.ln_pre.*", "norm_pre.*", NAMING_COPY},
    {"visual.ln_post.*", "norm.*", NAMING_COPY},
    {"visual.proj", "head.weight", NAMING_TRANSPOSE},
    {"visual.transformer.resblocks.#.ln_1.*", "blocks.#.norm1.*", NAMING_COPY},
    {"visual.transformer.resblocks.#.ln_2.*", "blocks.#.norm2.*", NAMING_COPY},
    {"visual.transformer.resblocks.#.attn.in_proj_*", "blocks.#.attn.qkv.*", NAMING_COPY},
    {"visual.transformer.resblocks.#.attn.out_proj.*", "blocks.#.attn.proj.*", NAMING_COPY},
    {"visual.transformer.resblocks.#.mlp.c_fc.*", "blocks.#.mlp.fc1.*", NAMING_COPY},
    {"visual.transformer.resblocks.#.mlp.c_proj.*", "blocks.#.mlp.fc2.*", NAMING_COPY},
    {0},
};

const struct naming_rule naming_clip_resnet_timm[] = {
    {"visual.conv#.weight", "stem.conv#.conv.weight", NAMING_COPY},
    {"visual.bn#.*", "stem.conv#.bn.*", NAMING_COPY},
    {"visual.layer+.#.conv1.weight", "stages.+.#.conv1_1x1.conv.weight", NAMING_COPY},
    {"visual.layer+.#.bn1.*", "stages.+.#.conv1_1x1.bn.*", NAMING_COPY},
    {"visual.layer+.#.conv2.weight", "stages.+.#.conv2_kxk.conv.weight", NAMING_COPY},
    {"visual.layer+.#.bn2.*", "stages.+.#.conv2_kxk.bn.*", NAMING_COPY},
    {"visual.layer+.#.conv3.weight", "stages.+.#.conv3_1x1.conv.weight", NAMING_COPY},
    {"visual.layer+.#.bn3.*", "stages.+.#.conv3_1x1.bn.*", NAMING_COPY},
    {"visual.layer+.#.downsample.0.weight", "stages.+.#.shortcut.conv.conv.weight", NAMING_COPY},
    {"visual.layer+.#.downsample.1.*", "stages.+.#.shortcut.conv.bn.*", NAMING_COPY},
    {"visual.attnpool.positional_embedding", "head.pos_embed", NAMING_COPY},
    {"visual.attnpool.q_proj.*", "head.q.*", NAMING_COPY},
    {"visual.attnpool.k_proj.*", "head.k.*", NAMING_COPY},
    {"visual.attnpool.v_proj.*", "head.v.*", NAMING_COPY},
    {"visual.attnpool.c_proj.*", "head.proj.*", NAMING_COPY},
    {0},
};

const struct naming_rule naming_dinov2_hf[] = {
    {"cls_token", "embeddings.cls_token", NAMING_COPY},
    {"mask_token", "embeddings.mask_token", NAMING_COPY},
    {"register_tokens", "embeddings.register_tokens", NAMING_COPY},
    {"pos_embed", "embeddings.position_embeddings", NAMING_COPY},
    {"patch_embed.proj.*", "embeddings.patch_embeddings.projection.*", NAMING_COPY},
    {"blocks.#.norm1.*", "encoder.layer.#.norm1.*", NAMING_COPY},
    {"blocks.#.norm2.*", "encoder.layer.#.norm2.*", NAMING_COPY},
    {"blocks.#.attn.qkv.*", "encoder.layer.#.attention.attention.&.*", NAMING_STACK},
    {"blocks.#.attn.proj.*", "encoder.layer.#.attention.output.dense.*", NAMING_COPY},
    /* as transformers 5 calls them */
    {"blocks.#.attn.qkv.*", "encoder.layer.#.attention.@_proj.*", NAMING_STACK},
    {"blocks.#.attn.proj.*", "encoder.layer.#.attention.o_proj.*", NAMING_COPY},
    {"blocks.#.ls1.gamma", "encoder.layer.#.layer_scale1.lambda1", NAMING_COPY},
    {"blocks.#.ls2.gamma", "encoder.layer.#.layer_scale2.lambda1", NAMING_COPY},
    {"blocks.#.mlp.*", "encoder.layer.#.mlp.*", NAMING_COPY},
    {"norm.*", "layernorm.*", NAMING_COPY},
    {0},
};

const struct naming_rule naming_dinov2_timm_registers[] = {
    {"register_tokens", "reg_token", NAMING_COPY},
    {"pos_embed", "pos_embed", NAMING_AFTER_ZERO},
    {"*", "*", NAMING_COPY},
    {0},
};

/* The index in a chunk is that in the whole network. */
const struct naming_rule naming_dinov2_chunks[] = {
    {"blocks.#.*", "blocks.%.#.*", NAMING_COPY},
    {"*", "*", NAMING_COPY},
    {0},
};

const struct naming_rule naming_resnet_hf[] = {
    {"conv1.weight", "embedder.embedder.convolution.weight", NAMING_COPY},
    {"bn1.*", "embedder.embedder.normalization.*", NAMING_COPY},
    {"layer+.#.conv+.weight", "encoder.stages.+.layers.#.layer.+.convolution.weight", NAMING_COPY},
    {"layer+.#.bn+.*", "encoder.stages.+.layers.#.layer.+.normalization.*", NAMING_COPY},
    {"layer+.#.downsample.0.weight", "encoder.stages.+.layers.#.shortcut.convolution.weight", NAMING_COPY},
    {"layer+.#.downsample.1.*", "encoder.stages.+.layers.#.shortcut.normalization.*", NAMING_COPY},
    {"fc.*", "^classifier.1.*", NAMING_COPY},
    {0},
};

/* ---- Patterns ------------------------------------------------------------------------------------------------- */

enum { ANY_NUMBERS = 64 }; /* tried for a '%' */

/* What a pattern's signs stood for. '+' as in the source. */
struct captures {
    uint32_t number[4];
    int numbers;
    const char *rest;
};

static const char *const short_words[] = {"q", "k", "v"}, *const long_words[] = {"query", "key", "value"};

/* A number without leading zeros, of at most 6 digits. */
static bool read_number(const char **text, uint32_t *out)
{
    size_t digits = strspn(*text, "0123456789");
    if (digits == 0 || digits > 6 || (digits > 1 && **text == '0'))
        return false;
    *out = 0;
    for (; digits; digits--, (*text)++)
        *out = *out * 10 + (uint32_t)(**text - '0');
    return true;
}

static bool read_word(const char **text, const char *const words[3])
{
    for (int i = 0; i < 3; i++) {
        size_t length = strlen(words[i]);
        if (strncmp(*text, words[i], length) == 0 && !((*text)[length] >= 'a' && (*text)[length] <= 'z')) {
            *text += length;
            return true;
        }
    }
    return false;
}

static bool match(const char *pattern, const char *text, bool source, struct captures *out)
{
    *out = (struct captures){.rest = ""};
    for (; *pattern; pattern++) {
        uint32_t number;
        switch (*pattern) {
        case '*': out->rest = text; return *text != '\0';
        case '#':
        case '+':
            if (!read_number(&text, &number))
                return false;
            if (*pattern == '+' && !source && number-- == 0)
                return false;
            out->number[out->numbers++] = number;
            break;
        case '%':
            if (!read_number(&text, &number))
                return false;
            break;
        case '@':
        case '&':
            if (!read_word(&text, *pattern == '@' ? short_words : long_words))
                return false;
            break;
        default:
            if (*text++ != *pattern)
                return false;
        }
    }
    return *text == '\0';
}

/* The pattern with its signs replaced, `word` (0 to 2) standing for q, k or v, `any` for a number that is in the
 * source alone. False: too long. */
static bool render(const char *pattern, const struct captures *c, bool source, int word, uint32_t any,
                   const char *before, char out[NAMING_NAME])
{
    int number = 0;
    size_t used = 0;
    int length = snprintf(out, NAMING_NAME, "%s", before);
    for (; length >= 0 && (used += (size_t)length) < NAMING_NAME && *pattern; pattern++) {
        char *at = out + used;
        size_t room = NAMING_NAME - used;
        switch (*pattern) {
        case '*': length = snprintf(at, room, "%s", c->rest); break;
        case '#': length = snprintf(at, room, "%" PRIu32, c->number[number++]); break;
        case '+': length = snprintf(at, room, "%" PRIu32, c->number[number++] + (source ? 0 : 1)); break;
        case '%': length = snprintf(at, room, "%" PRIu32, any); break;
        case '@': length = snprintf(at, room, "%s", short_words[word]); break;
        case '&': length = snprintf(at, room, "%s", long_words[word]); break;
        default: length = snprintf(at, room, "%c", *pattern);
        }
    }
    return length >= 0 && used < NAMING_NAME;
}

/* The source's pattern without the sign that it has no prefix. */
static const char *pattern_of(const struct naming_rule *rule, const char **prefix)
{
    if (rule->source[0] != '^')
        return rule->source;
    *prefix = "";
    return rule->source + 1;
}

struct naming_source naming_find_source(const struct naming *naming, const struct weights_file *file,
                                        const char *canonical)
{
    struct naming_source first = {0}, source;
    struct captures c;
    for (const struct naming_rule *rule = naming->rules; rule && rule->canonical; rule++) {
        if (!match(rule->canonical, canonical, false, &c))
            continue;
        const char *prefix = naming->prefix, *pattern = pattern_of(rule, &prefix);
        uint32_t numbers = strchr(pattern, '%') ? ANY_NUMBERS : 1;
        source = (struct naming_source){.how = rule->how, .count = rule->how == NAMING_STACK ? 3 : 1};
        for (uint32_t any = 0; any < numbers; any++) {
            bool fits = true;
            for (int i = 0; i < source.count; i++)
                fits &= render(pattern, &c, true, i, any, prefix, source.name[i]);
            if (!fits)
                continue;
            if (string_map_get(&file->tensors, source.name[0]))
                return source;
            if (!first.count)
                first = source;
        }
    }
    return first;
}

bool naming_rule_source(const struct naming_rule *rule, const char *canonical, int word, char source[NAMING_NAME])
{
    struct captures c;
    const char *prefix = "", *pattern = pattern_of(rule, &prefix);
    return match(rule->canonical, canonical, false, &c) && render(pattern, &c, true, word, 0, "", source);
}

bool naming_canonical(const struct naming *naming, const char *source, char canonical[NAMING_NAME])
{
    struct captures c;
    for (const struct naming_rule *rule = naming->rules; rule && rule->canonical; rule++) {
        const char *prefix = naming->prefix, *pattern = pattern_of(rule, &prefix);
        size_t length = strlen(prefix);
        if (strncmp(source, prefix, length) == 0 && match(pattern, source + length, true, &c) &&
            render(rule->canonical, &c, false, 0, 0, "", canonical))
            return true;
    }
    return false;
}
