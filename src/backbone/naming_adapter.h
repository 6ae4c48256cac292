/* naming_adapter.h - the names of LoRA pairs in Hugging Face's networks, as peft writes them: what goes into a third of
 * a packed layer here ("attn.in_proj.q") has a layer of its own there ("self_attn.q_proj"). */
#ifndef ASSAY_BACKBONE_NAMING_ADAPTER_H
#define ASSAY_BACKBONE_NAMING_ADAPTER_H

#include "backbone/naming.h"
#include "base/arena.h"

/* The network that pairs belong to, and whose names come first. */
struct naming_adapter {
    enum naming_model model;
    const char *store_prefix, *canonical_prefix; /* as in struct naming_request */
    bool hugging_face;                           /* its names come first (and are written), else ours */
};

/* A lora_file's `rename` (nn/lora.h), with such a struct as its context: the `which`-th name of a tensor, all that are
 * known being ours and Hugging Face's (for DINOv2 those of transformers 4 and of 5). */
const char *naming_adapter_name(const char *own, int which, const void *context, struct arena *arena);

#endif
