/* pairs.h - pictures and their reconstructions written as JPEGs. */
#ifndef ASSAY_TRAIN_RECONSTRUCT_PAIRS_H
#define ASSAY_TRAIN_RECONSTRUCT_PAIRS_H

#include "base/array.h"
#include "train/reconstruct/model.h"
#include "train/reconstruct/reconstruct.h"

/* first_pass with FIRST_PASS_AUTO resolved. */
enum first_pass pairs_first_pass(const struct pairs_options *options);

/* The files of picture `index`, relative to the folder; freed with array_free. False: no memory. */
bool pairs_made_name(const struct reconstruct_result *result, uint32_t index, struct array *out);
bool pairs_copy_name(const struct dataset *dataset, uint32_t index, struct array *out);

/* Writes what is not there yet of the chosen pictures. Fills in written, present, unreadable, psnr and
 * pictures_per_second; unreadable[i] is set for chosen[i]. */
assay_status pairs_write(const struct reconstruct_job *job, struct autoencoder_model *model, const uint32_t *chosen,
                         size_t count, bool *unreadable, struct reconstruct_result *result, struct assay_error *error);

#endif
