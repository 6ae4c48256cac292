/* schedule.h - the learning rate as a pure function of the step: constant, cosine, one-cycle. */
#ifndef ASSAY_TRAIN_SCHEDULE_H
#define ASSAY_TRAIN_SCHEDULE_H

#include <stdint.h>

enum schedule_kind { SCHEDULE_CONSTANT, SCHEDULE_COSINE, SCHEDULE_ONE_CYCLE };
#define SCHEDULE_CHOICES "constant|cosine|one-cycle"

struct schedule {
    enum schedule_kind kind;
    double rate;           /* the highest rate */
    uint64_t warmup;       /* constant, cosine: steps of a linear rise; step s of them takes rate (s + 1) / warmup */
    double floor;          /* cosine: what it falls to, as a share of the rate */
    double rise;           /* one-cycle: share of the steps that the rate rises, torch's pct_start */
    double div, final_div; /* one-cycle: begins at rate / div, ends at rate / div / final_div */
};

/* The rate of step `step` (from 0) of `total`. Cosine, after the warm-up: the floor plus the rest times
 * (1 + cos(pi (step - warmup) / (total - warmup))) / 2. One-cycle: torch's OneCycleLR with cosine annealing, two
 * phases. */
double schedule_rate(const struct schedule *schedule, uint64_t step, uint64_t total);

#endif
