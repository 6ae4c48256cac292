/* adapter.h - models that were adapted by LoRA, apart and together: the adapter alone as a file of a few megabytes, put
 * back onto its backbone, or multiplied into it for good. */
#ifndef ASSAY_DETECTOR_ADAPTER_H
#define ASSAY_DETECTOR_ADAPTER_H

#include "detector/model.h"

/* Saves a model of the same detector without LoRA, the pairs multiplied into the weights. Where there are none: an
 * error. The model itself is as before. */
assay_status model_save_merged(struct model *model, const char *path, struct assay_error *error);

/* Saves the pairs and whatever else was trained (the head), by peft's names, with all that describes the model and the
 * SHA-256 of the file that training began with. `hugging_face`: under the names of Hugging Face's network. */
assay_status model_save_adapter(const struct model *model, bool hugging_face, const char *path,
                                struct assay_error *error);

/* The whole model of an adapter file and of the files that it stands on (detector/published.h), the first being its
 * backbone: another than the adapter names is refused. `detector` and `config`: of an adapter that peft wrote, which
 * does not say; it holds pairs alone. Else NULL. */
assay_status model_attach(const char *path, const struct detector *detector, const void *config,
                          const char *const *files, size_t count, struct model *out, struct assay_error *error);

#endif
