/* metrics_bootstrap.h - intervals: how far a figure might have come out otherwise with other sources and pictures.
 *
 * Pictures of one source (a generator, a camera) are alike, so that resampling single pictures promises too much. Each
 * replicate draws, within each class, as many sources as there are with replacement, and within each drawn source as
 * many pictures as it has with replacement (Davison and Hinkley, Bootstrap Methods and their Application, 1997, section
 * 3.8). A class of one source is thus resampled by pictures alone: its interval says nothing of other sources.
 *
 * Draws depend on the seed, the replicate, the class and the number of the source alone. */
#ifndef ASSAY_EVAL_METRICS_BOOTSTRAP_H
#define ASSAY_EVAL_METRICS_BOOTSTRAP_H

#include "eval/metrics_figures.h"

struct metrics_interval {
    double low, high; /* NaN where the figure is undefined in any replicate */
};

struct metrics_bootstrap_options {
    uint64_t seed;
    uint32_t replicates; /* 0: 1000 */
    double level;        /* 0: 0.95 */
};

/* What is measured: writes `value_count` numbers for samples whose weights were multiplied by how often each was drawn
 * (0: not at all). The samples lie by falling logit (equal logits in the order given). */
typedef assay_status metrics_measure(void *context, const struct metrics_sample *samples, size_t count, double *values,
                                     struct assay_error *error);

/* Percentile intervals of any measure: out[v] holds the middle `level` of the replicates of value v, between whose
 * order statistics is interpolated as numpy's percentile does. samples[].source are numbers >= 0, which classes may
 * share. `replicates_out` may be NULL: replicates x value_count numbers, for means over several sets (draws of the same
 * class and source number are the same from set to set). */
assay_status metrics_bootstrap(const struct metrics_sample *samples, size_t count,
                               const struct metrics_bootstrap_options *options, metrics_measure *measure, void *context,
                               size_t value_count, struct metrics_interval *out, double *replicates_out,
                               struct assay_error *error);

/* The measure of all figures; value_count is FIGURE_COUNT, the context is not used. */
assay_status metrics_measure_figures(void *context, const struct metrics_sample *samples, size_t count, double *values,
                                     struct assay_error *error);

/* The interval of given replicates; sorts them. */
struct metrics_interval metrics_interval_of(double *values, size_t count, double level);

#endif
