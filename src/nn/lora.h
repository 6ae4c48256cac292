/* lora.h - low-rank adaptation (Hu et al., ICLR 2022, section 4.1): a linear layer W x gains (alpha / rank) B A x, and only
 * A and B are trained. An option of the view of the parameters (params_with_lora): layers need not know of it.
 *
 * Stored as "LAYER.lora_A.weight" [rank, I] and "LAYER.lora_B.weight" [O, rank], as peft names them. Of a layer that
 * holds queries, keys and values side by side ("qkv", "in_proj"), the thirds can be adapted each on their own: targets
 * "q", "k", "v" give "attn.qkv.q.lora_A.weight" and so on. */
#ifndef ASSAY_NN_LORA_H
#define ASSAY_NN_LORA_H

#include "base/error.h"
#include "nn/params.h"

enum lora_init {
    LORA_INIT_ZERO_B, /* A uniform in +-1 / sqrt(I), B zero: the network starts unchanged (loralib, peft) */
    LORA_INIT_XAVIER  /* both Xavier-uniform: it does not (released code of SDD) */
};

struct lora_config {
    int64_t rank;
    double alpha;
    double dropout; /* of x on its way into A, in training */
    enum lora_init init;
    const char *targets; /* last parts of layers' names, with commas: "q,v", "qkv,proj,fc1,fc2" */
};

/* The view with adapted layers; `config` is kept by reference. */
struct params params_with_lora(struct params p, const struct lora_config *config);

/* For layers: y, the output of the linear map at p for x, with its adaptation, if it is a target. `name`: as the layer is
 * called where p is not its own scope ("in_proj"), else NULL. `parts` (NULL-terminated, may be NULL): what its output
 * holds side by side in equal shares ("q", "k", "v"). */
node lora_adapt(struct graph *g, struct params p, const char *name, const char *const *parts, node x, node y);

/* ---- Merging -------------------------------------------------------------------------------------------------- */

/* Weights with the adaptation multiplied in, W + (alpha / rank) B A, and what they were. */
struct lora_merged;

/* Merges every pair that the store holds. Graphs built afterwards must not adapt as well. Fails, with nothing changed, where
 * a pair has no weight to go into, or shapes do not fit. */
assay_status lora_merge(struct store *store, const struct lora_config *config, struct lora_merged **out,
                        struct assay_error *error);

/* Puts every weight back, to the bit, and frees the handle. NULL is fine. */
void lora_unmerge(struct lora_merged *merged);

/* ---- Files ---------------------------------------------------------------------------------------------------- */

/* Writes the pairs alone, a few megabytes, by peft's names ("base_model.model." before ours), with the config and the
 * SHA-256 of the backbone's file (64 hexadecimal digits) as metadata. */
assay_status lora_save(const struct store *store, const struct lora_config *config, const char *backbone_sha256,
                       const char *path, struct assay_error *error);

/* Reads them into the store's declared pairs: all must be there and fit. Names with or without peft's prefix and with its
 * ".default" are understood. `backbone_sha256` NULL: any backbone will do; else a file for another one is refused. */
assay_status lora_load(struct store *store, const char *backbone_sha256, const char *path, struct assay_error *error);

#endif
