/* options.h - how a network is trained: the settings that decide what comes out, and those that only decide how the
 * work is done. The former are recorded in the model file and in every checkpoint, and must be the same when a run is
 * resumed. */
#ifndef ASSAY_TRAIN_OPTIONS_H
#define ASSAY_TRAIN_OPTIONS_H

#include "base/option.h"
#include "train/optimizer.h"
#include "train/schedule.h"

enum train_best_by { BEST_BY_AVERAGE_PRECISION, BEST_BY_BALANCED_ACCURACY, BEST_BY_AUROC, BEST_BY_LOSS };

struct train_options {
    int64_t epochs, batch, steps_per_epoch; /* steps_per_epoch 0: pictures / batch, at least 1 */
    int optimizer;                          /* enum optimizer_kind */
    int schedule;                           /* enum schedule_kind */
    double learning_rate, rate_floor, rise, div, final_div;
    int64_t warmup_steps, step_epochs, step_after;
    double step_factor;
    struct plateau plateau;
    const char *group_rates; /* "PREFIX=FACTOR,...", or NULL */
    double weight_decay, momentum, beta1, beta2, epsilon, clip_norm, average_decay;
    bool decay_vectors, nesterov;
    int64_t seed;
    int precision; /* enum precision */
    int64_t validate_every;
    int64_t validation_batch;
    int best_by; /* enum train_best_by */
    int64_t report_last;
};

struct train_conduct {
    int64_t threads;          /* compute threads; 0: as many as the process has */
    int64_t checkpoint_every; /* seconds */
};

extern const struct option train_option_table[], train_conduct_table[];

/* Refuses what single ranges cannot: a one-cycle schedule with a warm-up of its own, say. */
assay_status train_options_check(const struct train_options *options, struct assay_error *error);

/* What the optimiser does; its groups are in the arena. */
assay_status train_optimizer(const struct train_options *options, struct arena *arena, struct optimizer_options *out,
                             struct assay_error *error);
struct schedule train_schedule(const struct train_options *options, uint64_t steps_per_epoch);

#endif
