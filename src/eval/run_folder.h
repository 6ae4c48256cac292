/* run_folder.h - what a finished run of `assay eval` says of one model, for fitting what makes verdicts of its
 * scores. */
#ifndef ASSAY_EVAL_RUN_FOLDER_H
#define ASSAY_EVAL_RUN_FOLDER_H

#include "detector/model.h"
#include "eval/prediction.h"
#include "verdict/calibration.h"

struct run_folder {
    struct arena arena;
    json_t *record;          /* run.json */
    const char *predictions; /* path of the file */
    const char *model;       /* the model's name in the run */
    uint64_t lines;          /* that the file must have */
};

/* Finds the model in the run by its SHA-256 (model_scores_as). Errors: no run there, or none with this model; a model
 * of the run whose file gives other scores is named with its SHA-256. */
assay_status run_folder_open(const char *folder, const struct model *model, struct run_folder *out,
                             struct assay_error *error);
void run_folder_free(struct run_folder *run); /* a zeroed one is fine */

/* Visits the model's predictions, those that could not be made too. Refuses a run that is not finished. */
assay_status run_folder_scan(const struct run_folder *run, prediction_visit *visit, void *context,
                             struct assay_error *error);

/* The settings of the run, for a record: {"sets", "perturbations", "seed", "bf16"}. NULL: no memory. */
json_t *run_folder_settings(const struct run_folder *run);

/* Scored pictures as calibration.h takes them. */
struct run_samples {
    struct calibration_sample *items;
    size_t count;
    size_t unjudged; /* left out */
};

/* Those of pictures as they are or, with `perturbed`, under every perturbation of the run. Sources of other sets are
 * other sources. Freed with run_samples_free. */
assay_status run_folder_samples(const struct run_folder *run, bool perturbed, struct run_samples *out,
                                struct assay_error *error);
void run_samples_free(struct run_samples *samples); /* a zeroed one is fine */

#endif
