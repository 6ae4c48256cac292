/* published.h - weights that a model begins with: a checkpoint of its backbone as its authors publish it, a published
 * head, or another model of the same detector. */
#ifndef ASSAY_DETECTOR_PUBLISHED_H
#define ASSAY_DETECTOR_PUBLISHED_H

#include "base/hash.h"
#include "detector/model.h"

/* Gives the model's tensors the values of a file, told by what it holds:
 *   - a model file of Assay's of the same detector: everything (LoRA pairs only if the file has them);
 *   - a file of "weight" and "bias" alone: the detector's head;
 *   - else a checkpoint of the backbone (backbone/naming.h), and the head too, if the file has one that fits.
 * The model must have been created; what the file does not hold stays as it was. All faults of a file are told at once,
 * and then nothing is changed. *kind (may be NULL): what the file was, a text that lives as long as the program. */
assay_status model_load_published(struct model *model, const char *path, const char **kind, struct assay_error *error);

/* {"file", "sha256", "kind"}: what a model file's training summary says of it. NULL: it cannot be read, or no
 * memory. */
assay_status model_describe_published(const char *path, const char *kind, json_t **out, struct assay_error *error);

#endif
