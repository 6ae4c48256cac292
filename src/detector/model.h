/* model.h - a model: a detector's configuration, preprocessing, calibration and weights, in one safetensors file. */
#ifndef ASSAY_DETECTOR_MODEL_H
#define ASSAY_DETECTOR_MODEL_H

#include "base/hash.h"
#include "base/job.h"
#include "detector/detector.h"
#include "format/safetensors.h"
#include "graph/program.h"
#include "verdict/reasons.h"

enum { MODEL_FORMAT_VERSION = 1 };

/* Metadata keys (all values are strings): "assay.format" (version), "assay.detector", "assay.config",
 * "assay.preprocess", "assay.calibration", "assay.training", "assay.verdicts", "assay.limits" (the
 * last six JSON). */
struct model {
    struct arena arena;
    const struct detector *detector;
    void *config; /* detector->config_size bytes */
    struct preprocess preprocess;
    struct calibration calibration;
    struct verdict_limits limits;
    json_t *training; /* seed, data digest, versions, metrics: an object, or NULL */
    json_t *verdicts; /* how what makes verdicts of scores was chosen after training: an object, or NULL */
    struct store *store;
    struct safetensors file; /* where mapped weights lie */
};

/* A new model from a config (copied), its weights drawn from the seed. */
assay_status model_create(const struct detector *detector, const void *config, uint64_t seed, struct model *out,
                          struct assay_error *error);

/* From a file. Refused by name and reason: not safetensors or damaged, not Assay's, unknown detector, newer format, bad
 * config; missing, extra and misshapen tensors are listed all at once with the nearest names. */
assay_status model_load(const char *path, struct model *out, struct assay_error *error);
/* The same over bytes in memory, which must outlive the model. */
assay_status model_load_memory(const void *bytes, size_t size, const char *name, struct model *out,
                               struct assay_error *error);

/* Every tensor that the forward pass uses (parameters, running statistics) and nothing that only training keeps in the
 * store, with the metadata, atomically. Weights that are not finite are refused: the file could not be loaded. */
assay_status model_save(const struct model *model, const char *path, struct assay_error *error);
void model_free(struct model *model); /* a zeroed one is fine */

/* ---- model_verdicts.c: from scores to verdicts, and what is done to a model after training ---- */

struct model_verdict {
    assay_verdict verdict;
    double probability;
    struct verdict_reasons reasons;
};

/* The verdict on a picture for its score, within the model's limits. `agreement` may be NULL: not known, all 0. */
void model_judge(const struct model *model, const struct image *picture, double logit,
                 const struct crop_agreement *agreement, struct model_verdict *out);

/* SHA-256 of the file that a model was loaded from. */
void model_sha256(const struct model *model, char text[SHA256_TEXT]);

/* Whether the file with that SHA-256 gives the same scores: it is the model's own, or one from which the model differs
 * in what makes verdicts of scores alone. */
bool model_scores_as(const struct model *model, const char *sha256);

/* Notes something in `verdicts` under a key, in place of what stood there (takes the reference; NULL counts as no
 * memory), and that the file which the model was loaded from gives the same scores. */
assay_status model_note_verdicts(struct model *model, const char *key, json_t *value, struct assay_error *error);

/* For a model whose scores become others: no earlier file gives the same. */
void model_forget_scores(struct model *model);

/* Scores pictures: raw logits, crops averaged. One `model_scorer` a model, used by several threads at once. */
struct model_scorer;
assay_status model_scorer_create(struct model *model, bool bf16, struct model_scorer **out, struct assay_error *error);
void model_scorer_free(struct model_scorer *scorer);
assay_status model_score(struct model_scorer *scorer, const struct image *const *pictures, size_t count, double *logits,
                         struct assay_error *error);

/* The same, and what the head's linear layer reads of each picture, averaged over its crops: embeddings [count, width],
 * width = model_embedding_width(scorer). NULL: only logits. A detector without one has width 0. */
size_t model_embedding_width(const struct model_scorer *scorer);
assay_status model_score_embed(struct model_scorer *scorer, const struct image *const *pictures, size_t count,
                               double *logits, float *embeddings, struct assay_error *error);

/* model_score, asking the watch (NULL: nobody) between batches of crops. */
assay_status model_score_watched(struct model_scorer *scorer, const struct image *const *pictures, size_t count,
                                 const struct watch *watch, double *logits, struct assay_error *error);

/* The same, telling how far the crops of each picture agree: agreements[count]. */
assay_status model_score_agreement(struct model_scorer *scorer, const struct image *const *pictures, size_t count,
                                   const struct watch *watch, double *logits, struct crop_agreement *agreements,
                                   struct assay_error *error);

#endif
