/* model_join.h - several trained models as one of the detector `ensemble`. */
#ifndef ASSAY_DETECTOR_MODEL_JOIN_H
#define ASSAY_DETECTOR_MODEL_JOIN_H

#include "detector/model.h"

/* A model whose logit is the mean of the calibrated logits of `count` loaded models (scale * logit + shift of each
 * one's calibration; as they are of one that has none), where each counts as `weights` says; NULL: all alike.
 * Their parameters are copied. Its crops are those of the model with the largest, of several the first; one with
 * smaller crops judges parts of them (ensemble.h). It is not calibrated itself. Refused: fewer than one or more
 * than ENSEMBLE_MAX_MEMBERS, weights that are not positive, an ensemble among them, crops that do not divide the
 * largest, and models that want their pictures prepared differently. */
assay_status model_join(const struct model *const *models, int count, const double *weights, struct model *out,
                        struct assay_error *error);

#endif
