/* settings.h - what a training run was made with, as JSON: written into the model file and every checkpoint, and
 * compared when a run is resumed. */
#ifndef ASSAY_TRAIN_SETTINGS_H
#define ASSAY_TRAIN_SETTINGS_H

#include "train/trainer.h"

/* {"detector", "config", "options", "augmentation", "sampler", "data", "environment", "began_with"}; NULL: no memory.
 * The caller's reference. "began_with": null here; the trainer puts the file of first weights there. "environment":
 * versions of assay and oneDNN, the instruction set in use, compute threads. */
json_t *settings_of(const struct train_job *job);

/* That environment; NULL: no memory. */
json_t *settings_environment(void);

/* The defaults of the tables, then those that the detector's paper has instead. */
assay_status settings_defaults(const struct detector *detector, struct train_options *options, struct augment *augment,
                               struct assay_error *error);

/* Refuses to resume with other settings or data, naming the first that differs. A different environment only means that
 * results are no longer the same bit for bit: a warning on `stream` (may be NULL). */
assay_status settings_compare(const json_t *then, const json_t *now, const char *path, FILE *stream,
                              struct assay_error *error);

#endif
