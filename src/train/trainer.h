/* trainer.h - pictures to a trained model: the loop around step and validation, the best epoch, checkpoints,
 * resuming. */
#ifndef ASSAY_TRAIN_TRAINER_H
#define ASSAY_TRAIN_TRAINER_H

#include <signal.h>
#include <stdio.h>

#include "data/loader.h"
#include "detector/detector.h"
#include "eval/metrics.h"
#include "train/options.h"

/* Everything is borrowed for the run; `config`, `augment` and the option structs are complete (no NULL). */
struct train_job {
    const struct detector *detector;
    const void *config;
    const struct dataset *train;
    const struct dataset *validation; /* NULL: none; then the last weights are kept, without calibration */
    const struct dataset *report;     /* judged by the last epochs (report_last), chosen by nothing; NULL: none */
    double hold_out; /* share of the training pictures that was set aside for validation; 0: it has its own */
    const struct train_options *options;
    const struct train_conduct *conduct;
    const struct augment *augment;
    const struct sampler_options *sampler;
    const struct loader_options *loader;
    const char *const *weights;          /* files that it begins with (detector/published.h) */
    size_t weights_count;                /* 0: random ones */
    const char *out;                     /* the model file; OUT.checkpoint lies beside it while training */
    bool resume;                         /* go on from OUT.checkpoint */
    bool overwrite;                      /* a model or checkpoint of that name may be replaced by a new run */
    FILE *stream;                        /* where progress, results of epochs and warnings are written; NULL: silent */
    const volatile sig_atomic_t *cancel; /* set by a signal handler: save a checkpoint and stop; may be NULL */
};

struct train_result {
    uint64_t steps, epochs;      /* done */
    int64_t best_epoch;          /* from 1; 0: no validation */
    struct metrics_summary best; /* of that epoch */
    double images_per_second;    /* of this session, validation included */
    bool stopped;                /* by drop-patience, before the last epoch */
};

/* Trains to the end, or until cancelled (ASSAY_ERROR_CANCELLED; the message says how to go on). Refused before the
 * first step: a target that cannot be written or exists already, a class without pictures, a resume that does not
 * fit. */
assay_status train_run(const struct train_job *job, struct train_result *result, struct assay_error *error);

/* What OUT.checkpoint was made with, so that --resume needs no option twice: an object with "detector" (its name),
 * "config", "options", "augmentation" and "sampler", each of the last four to be read with option_from_json, and
 * "data". The caller's reference. */
assay_status train_recall(const char *out, json_t **settings, struct assay_error *error);

#endif
