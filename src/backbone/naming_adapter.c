/* naming_adapter.c - names of LoRA pairs, by the rules for the weights that they go into. */
#include "backbone/naming_adapter.h"

#include <stdio.h>
#include <string.h>

#include "backbone/naming_internal.h"
#include "nn/lora.h"

/* "LAYER.lora_A.weight" taken apart. */
struct pair_name {
    char weight[NAMING_NAME]; /* canonical name of what it goes into */
    int part;                 /* 0 to 2: the queries', keys' or values' third of it; -1: all of it */
    const char *end;          /* ".lora_A.weight" */
};

static const struct naming_rule *rules_of(enum naming_model model)
{
    switch (model) {
    case NAMING_CLIP_VIT:
    case NAMING_CLIP_TEXT: return naming_clip_hf;
    case NAMING_DINOV2: return naming_dinov2_hf;
    default: return NULL;
    }
}

/* Whether text[0 .. length) ends so; *rest: the length before it. */
static bool ends(const char *text, size_t length, const char *end, size_t *rest)
{
    size_t tail = strlen(end);
    if (length < tail || memcmp(text + length - tail, end, tail) != 0)
        return false;
    *rest = length - tail;
    return true;
}

static bool take_apart(const struct naming_adapter *a, const char *own, struct pair_name *out)
{
    static const char *const parts[] = {".q", ".k", ".v"};
    size_t prefix = strlen(a->store_prefix ? a->store_prefix : ""), layer = 0, rest;
    if (strncmp(own, a->store_prefix ? a->store_prefix : "", prefix) != 0 || !lora_is_pair(own))
        return false;
    ends(own, strlen(own), ".lora_A.weight", &layer);
    ends(own, strlen(own), ".lora_B.weight", &layer);
    out->end = own + layer;
    out->part = -1;
    for (int i = 0; i < 3; i++)
        if (ends(own, layer, parts[i], &rest) &&
            (ends(own, rest, ".in_proj", &(size_t){0}) || ends(own, rest, ".qkv", &(size_t){0}))) {
            out->part = i;
            layer = rest;
        }
    bool packed = ends(own, layer, ".in_proj", &rest); /* the one whose weight has no scope of its own */
    int length = snprintf(out->weight, sizeof out->weight, "%s%.*s%s", a->canonical_prefix ? a->canonical_prefix : "",
                          (int)(layer - prefix), own + prefix, packed ? "_weight" : ".weight");
    return length > 0 && (size_t)length < sizeof out->weight;
}

/* The `which`-th of Hugging Face's names, as a layer's and the pair's end. */
static bool hugging_face_name(const struct naming_adapter *a, const char *own, int which, char source[NAMING_NAME],
                              size_t *layer, const char **end)
{
    struct pair_name name;
    const struct naming_rule *rule = rules_of(a->model);
    if (!rule || !take_apart(a, own, &name))
        return false;
    *end = name.end;
    for (; rule->canonical; rule++) {
        bool suits = name.part < 0 ? rule->how == NAMING_COPY : rule->how == NAMING_STACK;
        if (suits && naming_rule_source(rule, name.weight, name.part, source) &&
            ends(source, strlen(source), ".weight", layer) && which-- == 0)
            return true;
    }
    return false;
}

/* Ours is the first of all, or the last. */
const char *naming_adapter_name(const char *own, int which, const void *context, struct arena *arena)
{
    const struct naming_adapter *a = context;
    char source[NAMING_NAME];
    const char *end;
    size_t layer;
    if (!a->hugging_face && which-- == 0)
        return own;
    if (hugging_face_name(a, own, which, source, &layer, &end))
        return arena_printf(arena, "%.*s%s", (int)layer, source, end);
    bool last = a->hugging_face && (which == 0 || hugging_face_name(a, own, which - 1, source, &layer, &end));
    return last ? own : NULL;
}
