/* metrics_calibration.h - whether probabilities mean what they say. */
#ifndef ASSAY_EVAL_METRICS_CALIBRATION_H
#define ASSAY_EVAL_METRICS_CALIBRATION_H

#include "eval/metrics.h"

enum { CALIBRATION_BINS = 15 };

/* One of `bins` intervals of equal width of the probability of being generated; (low, high], and the first holds 0 too:
 * the bins of scikit-learn's calibration_curve. */
struct metrics_bin {
    double low, high;
    double weight;          /* of the pictures in it */
    double probability;     /* their mean probability; NaN where there are none */
    double generated_share; /* of their weight; NaN where there are none */
};

/* Fills `bins` of them. Fails where a probability of a picture with weight is not in 0..1. */
assay_status metrics_bins(const struct metrics_sample *samples, size_t count, size_t bins, struct metrics_bin *out,
                          struct assay_error *error);

/* Expected calibration error: sum over the bins of the share of the weight in it times |mean probability - share of
 * generated|. NaN where there is no weight. Depends on the number of bins: figures are given with CALIBRATION_BINS. */
double metrics_calibration_error(const struct metrics_bin *bins, size_t count);

/* Weighted mean of (probability - [generated])^2: scikit-learn's brier_score_loss. NaN where there is no weight. */
double metrics_brier(const struct metrics_sample *samples, size_t count);

/* Weighted mean binary cross-entropy of the logits (not of the calibrated probabilities), nats. */
double metrics_mean_loss(const struct metrics_sample *samples, size_t count);

#endif
