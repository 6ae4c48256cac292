/* checkpoint.h - a training run in one file, so that it can go on where it was: every tensor of the store (weights,
 * running statistics, optimiser moments, averages, the best weights so far) and the trainer's own state as JSON. */
#ifndef ASSAY_TRAIN_CHECKPOINT_H
#define ASSAY_TRAIN_CHECKPOINT_H

#include "format/safetensors.h"
#include "graph/store.h"

enum { CHECKPOINT_FORMAT_VERSION = 1 };

/* Metadata: "assay.checkpoint" (the format's version), "assay.checkpoint.state" (JSON). Written atomically: on any
 * failure the file that was there before is untouched. */
assay_status checkpoint_save(const char *path, const struct store *store, const json_t *state,
                             struct assay_error *error);

struct checkpoint {
    struct safetensors file;
    json_t *state; /* an object */
};

/* Refuses what is damaged, no checkpoint, or of a newer format. */
assay_status checkpoint_open(const char *path, struct checkpoint *out, struct assay_error *error);
void checkpoint_close(struct checkpoint *checkpoint); /* a zeroed one is fine */

/* Copies the tensors into the store. Missing, extra and misshapen ones are told by name; the store is then
 * unchanged. */
assay_status checkpoint_restore(const struct checkpoint *checkpoint, const char *path, struct store *store,
                                struct assay_error *error);

/* ---- the best weights so far ------------------------------------------------------------------------------------ */

/* Copies of the model's tensors that training changes, kept as states "train.best.NAME" of the same store, and so part
 * of every checkpoint. `model_entries`: how many of the store's first entries make up the model. */
assay_status best_declare(struct store *store, size_t model_entries, struct assay_error *error);
void best_keep(struct store *store);    /* model to copies */
void best_restore(struct store *store); /* copies to model */

#endif
