/* schedule.h - the learning rate: constant, cosine, one-cycle and in steps as pure functions of the step, and divided
 * where validation does not improve, as a pure function of the validation figures so far. */
#ifndef ASSAY_TRAIN_SCHEDULE_H
#define ASSAY_TRAIN_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

enum schedule_kind { SCHEDULE_CONSTANT, SCHEDULE_COSINE, SCHEDULE_ONE_CYCLE, SCHEDULE_STEP };
#define SCHEDULE_CHOICES "constant|cosine|one-cycle|step"

struct schedule {
    enum schedule_kind kind;
    double rate;     /* the highest rate */
    uint64_t warmup; /* constant, cosine, step: steps of a linear rise; step s of them takes rate (s + 1) / warmup */
    double floor;    /* cosine: what it falls to, as a share of the rate */
    double rise;     /* one-cycle: share of the steps that the rate rises, torch's pct_start */
    double div, final_div; /* one-cycle: begins at rate / div, ends at rate / div / final_div */
    uint64_t every,
        after; /* step: the rate is multiplied by `factor` each `every` steps, counted from step `after` on */
    double factor;
};

/* The rate of step `step` (from 0) of `total`. Cosine, after the warm-up: the floor plus the rest times
 * (1 + cos(pi (step - warmup) / (total - warmup))) / 2. One-cycle: torch's OneCycleLR with cosine annealing, two
 * phases. Step: torch's StepLR where `after` is 0. */
double schedule_rate(const struct schedule *schedule, uint64_t step, uint64_t total);

/* ---- Where validation does not improve -------------------------------------------------------------------------- */

/* Early stopping as CNNDetection (Wang et al., CVPR 2020) and those after it do: a figure that does not beat the best
 * by `delta` for `patience` validations in a row divides the rate, and the search for a best begins anew, now with
 * `later_delta`; where the rate would fall below `floor`, training ends. */
struct plateau {
    int64_t patience; /* 0: never */
    double delta, later_delta, divisor, floor;
};

/* Zero at first. */
struct plateau_state {
    bool seen; /* `best` holds a figure */
    double best;
    int64_t waited;
    int64_t drops; /* how often the rate has been divided */
    bool stop;
};

/* One more validation figure, higher being better; `rate`: the highest rate of the schedule. */
void plateau_see(const struct plateau *plateau, struct plateau_state *state, double rate, double value);

/* The schedule's rate after the drops. */
double plateau_rate(const struct plateau *plateau, const struct plateau_state *state, double rate);

#endif
