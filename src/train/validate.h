/* validate.h - a model judged on the validation pictures, and the calibration that follows from their scores. */
#ifndef ASSAY_TRAIN_VALIDATE_H
#define ASSAY_TRAIN_VALIDATE_H

#include <signal.h>

#include "data/loader.h"
#include "detector/model.h"
#include "eval/metrics.h"

struct validation {
    struct metrics_summary summary;
    struct metrics_source *sources; /* as in the dataset; "art-" sources are left out of the summary */
    size_t source_count;
    struct metrics_sample *samples; /* pictures that could be read, in the dataset's order */
    size_t count;
};

/* Scores every readable picture. A raised `cancel` (may be NULL) ends it with ASSAY_ERROR_CANCELLED. */
assay_status validation_run(struct model_scorer *scorer, struct pictures *pictures, const struct dataset *dataset,
                            size_t batch, const struct loader_options *loader, const volatile sig_atomic_t *cancel,
                            struct validation *out, struct assay_error *error);
void validation_free(struct validation *validation); /* a zeroed one is fine */

/* Probabilities are fitted to the sources that count in the summary; art, which is left out of it, has its share in the
 * thresholds: it is met in use, and must not be called generated either. */
assay_status validation_calibrate(const struct validation *validation, struct calibration *out,
                                  struct assay_error *error);

/* The summary as an object; each source with its class, pictures, accuracy and loss. NULL: no memory. */
json_t *validation_to_json(const struct validation *validation);
json_t *validation_sources_to_json(const struct validation *validation);
void validation_from_json(const json_t *object, struct metrics_summary *out); /* the reverse of the first */

#endif
