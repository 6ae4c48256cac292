/* lora.h - low-rank adaptation (Hu et al., ICLR 2022, section 4.1): a linear layer W x gains (alpha / rank) B A x, and
 * only A and B are trained. An option of the view of the parameters (params_with_lora): layers need not know of it.
 *
 * Stored as "LAYER.lora_A.weight" [rank, I] and "LAYER.lora_B.weight" [O, rank], as peft names them. Of a layer that
 * holds queries, keys and values side by side ("qkv", "in_proj"), the thirds can be adapted each on their own: targets
 * "q", "k", "v" give "attn.qkv.q.lora_A.weight" and so on. */
#ifndef ASSAY_NN_LORA_H
#define ASSAY_NN_LORA_H

#include <jansson.h>

#include "base/error.h"
#include "base/option.h"
#include "nn/params.h"

enum lora_init {
    LORA_INIT_ZERO_B, /* A uniform in +-1 / sqrt(I), B zero: the network starts unchanged (loralib, peft) */
    LORA_INIT_XAVIER  /* both Xavier-uniform: it does not (released code of SDD) */
};

struct lora_config {
    int64_t rank; /* 0, as a field of a detector: no layer is adapted */
    double alpha;
    double dropout; /* of x on its way into A, in training */
    int init;       /* enum lora_init */
    /* Last parts of layers' names, with commas: "q,v", "qkv,proj,fc1,fc2"; also several parts: "attnpool.c_proj". */
    const char *targets;
};

/* Fields of a detector's config: `at` is the offset of its struct lora_config, `targets` the default, as text. */
#define LORA_OPTIONS(at, targets_default) LORA_OPTIONS_OF_RANK(at, "0", targets_default)
#define LORA_OPTIONS_OF_RANK(at, rank_default, targets_default)                                                        \
    {"lora-rank",                                                                                                      \
     OPTION_INT,                                                                                                       \
     (at) + offsetof(struct lora_config, rank),                                                                        \
     rank_default,                                                                                                     \
     0,                                                                                                                \
     1024,                                                                                                             \
     NULL,                                                                                                             \
     "LoRA: rank of what is added to the backbone's matrices, itself then frozen; 0: none"},                           \
        {"lora-alpha", OPTION_FLOAT, (at) + offsetof(struct lora_config, alpha),     "16", 0,                          \
         1e6,          NULL,         "LoRA: what is added is scaled by alpha / rank"},                                 \
        {"lora-dropout",                                                                                               \
         OPTION_FLOAT,                                                                                                 \
         (at) + offsetof(struct lora_config, dropout),                                                                 \
         "0",                                                                                                          \
         0,                                                                                                            \
         0.99,                                                                                                         \
         NULL,                                                                                                         \
         "LoRA: share of a layer's input that is dropped on its way into what is added"},                              \
        {"lora-init",                                                                                                  \
         OPTION_CHOICE,                                                                                                \
         (at) + offsetof(struct lora_config, init),                                                                    \
         "zero-b",                                                                                                     \
         0,                                                                                                            \
         0,                                                                                                            \
         "zero-b|xavier",                                                                                              \
         "LoRA: nothing is added at first (peft), or both factors are Xavier-uniform"},                                \
    {                                                                                                                  \
        "lora-targets", OPTION_TEXT, (at) + offsetof(struct lora_config, targets), targets_default, 0, 0, NULL,        \
            "LoRA: which matrices, by the ends of their layers' names, with commas"                                    \
    }

/* The view with adapted layers; `config` is kept by reference. Rank 0 leaves the view as it is. */
struct params params_with_lora(struct params p, const struct lora_config *config);

/* Fails the graph where a rank was asked for and no layer built so far bears a name of the targets. */
void lora_require(struct graph *g, const struct store *store, const struct lora_config *config);

/* For layers: y, the output of the linear map at p for x, with its adaptation, if it is a target. `name`: as the layer
 * is called where p is not its own scope ("in_proj"), else NULL. `parts` (NULL-terminated, may be NULL): what its
 * output holds side by side in equal shares ("q", "k", "v"). */
node lora_adapt(struct graph *g, struct params p, const char *name, const char *const *parts, node x, node y);

/* ---- Merging -------------------------------------------------------------------------------------------------- */

/* Weights with the adaptation multiplied in, W + (alpha / rank) B A, and what they were. */
struct lora_merged;

/* Merges every pair that the store holds. Graphs built afterwards must not adapt as well. Fails, with nothing changed,
 * where a pair has no weight to go into, or shapes do not fit. */
assay_status lora_merge(struct store *store, const struct lora_config *config, struct lora_merged **out,
                        struct assay_error *error);

/* Puts every weight back, to the bit, and frees the handle. NULL is fine. */
void lora_unmerge(struct lora_merged *merged);

/* ---- Files ---------------------------------------------------------------------------------------------------- */

/* Whether a tensor's name is that of one of a pair. */
bool lora_is_pair(const char *name);

/* What an adapter file holds beside the pairs, and how its tensors are called. Zero: pairs alone, under our names. */
struct lora_file {
    const char *backbone_sha256; /* of the backbone's file, 64 hexadecimal digits; NULL: not known, or any will do */
    /* The file's name of a tensor (in the arena; without peft's prefix) in naming `which` = 0, 1, ... NULL: there are
     * no more. Reading takes the first that the file has, writing `which` = 0. NULL: our names alone. */
    const char *(*rename)(const char *own, int which, const void *context, struct arena *arena);
    const void *context;
    /* Tensors that belong to the adapter too, such as a head (peft's modules_to_save). NULL: none. */
    bool (*also)(const struct store_entry *entry);
    const json_t *metadata; /* more texts to write, or NULL */
};

/* Writes the pairs, a few megabytes, by peft's names ("base_model.model." before ours), with the config and the SHA-256
 * of the backbone's file as metadata. */
assay_status lora_save(const struct store *store, const struct lora_config *config, const struct lora_file *file,
                       const char *path, struct assay_error *error);

/* Reads them into the store's declared pairs (and what else belongs to them): all must be there and fit, and no other.
 * Names with or without peft's prefix and with its ".default" are understood. A file that names another backbone than
 * `file` does is refused. */
assay_status lora_load(struct store *store, const struct lora_file *file, const char *path, struct assay_error *error);

/* Metadata keys of such a file: the config as JSON, the backbone's SHA-256. */
#define LORA_KEY_CONFIG "assay.lora"
#define LORA_KEY_BACKBONE "assay.backbone.sha256"

#endif
