/* trainer_internal.h - the trainer's state and its parts: one step, the end of an epoch, what precedes the first step.
 * All state is in the store and in a few fields; both go into every checkpoint, and what comes next follows from them
 * alone. */
#ifndef ASSAY_TRAIN_TRAINER_INTERNAL_H
#define ASSAY_TRAIN_TRAINER_INTERNAL_H

#include "base/progress.h"
#include "detector/model.h"
#include "train/least_squares.h"
#include "train/trainer.h"

enum { STEP_INPUTS = 3 };

struct trainer {
    const struct train_job *job;
    struct arena arena;
    char *checkpoint_path;
    struct optimizer_options optimizer;
    struct schedule schedule;
    struct model model;
    struct program *program;
    struct model_scorer *scorer;  /* NULL without validation */
    struct least_squares fit;     /* of no features: weights follow gradients */
    struct pictures *pictures[3]; /* train, validation, report */
    struct loader *loader;
    json_t *settings;
    uint64_t steps_per_epoch, total;

    /* State. */
    uint64_t step;   /* done so far */
    double loss_sum; /* over the steps of the present epoch */
    uint64_t loss_count;
    json_t *history;              /* an object for each finished epoch */
    struct plateau_state plateau; /* follows from the history */
    json_t *best;                 /* "epoch", "value", "validation", "sources", "calibration"; NULL: none yet */

    struct progress progress;
    char note[96];
    double saved; /* when the last checkpoint was written or due */
};

/* ---- trainer_step.c ------------------------------------------------------------------------------------------- */

/* Declares, compiles and initialises network, optimiser and scorer. */
assay_status trainer_build(struct trainer *t, struct assay_error *error);

/* One batch: the loss and the next weights. */
assay_status trainer_step(struct trainer *t, struct assay_error *error);

/* ---- trainer_fit.c --------------------------------------------------------------------------------------------- */

/* The same where the last layer is fitted in closed form: features alone, and sums of them for labels. */
assay_status trainer_fit_build(struct trainer *t, struct assay_error *error);
assay_status trainer_fit_step(struct trainer *t, struct assay_error *error);

/* The layer that fits the pictures so far best, and its loss. */
assay_status trainer_fit_solve(struct trainer *t, struct assay_error *error);

/* ---- trainer_epoch.c ------------------------------------------------------------------------------------------ */

/* Validates, keeps the best weights, adds to the history. */
assay_status trainer_end_epoch(struct trainer *t, struct assay_error *error);

/* The rate of a step, after drops. */
double trainer_rate(const struct trainer *t, uint64_t step);

/* What the history says of the plateau: after it was restored. */
void trainer_replay_plateau(struct trainer *t);

/* ---- trainer_report.c ----------------------------------------------------------------------------------------- */

/* Judges the report's pictures: *figures, for the history; NULL where this epoch does not. */
assay_status trainer_report(struct trainer *t, int64_t epoch, json_t **figures, struct assay_error *error);

/* {"epochs", "mean", "deviation"} of those in the history; NULL: there are none, or no memory. The caller's
 * reference. */
json_t *trainer_report_summary(const struct trainer *t);
void trainer_tell_report(struct trainer *t);

/* ---- trainer_save.c ------------------------------------------------------------------------------------------- */

assay_status trainer_save_checkpoint(struct trainer *t, struct assay_error *error);
void trainer_save_or_warn(struct trainer *t);
assay_status trainer_restore(struct trainer *t, struct assay_error *error); /* what the former wrote */
assay_status trainer_save_model(struct trainer *t, struct assay_error *error);

/* A line between two drawings of the progress; nothing where the job has no stream. */
void trainer_tell(struct trainer *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
