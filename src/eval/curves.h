/* curves.h - points to draw: ROC and precision-recall curves, score histograms. (Reliability diagrams are drawn from
 * metrics_bins of metrics_calibration.h.) */
#ifndef ASSAY_EVAL_CURVES_H
#define ASSAY_EVAL_CURVES_H

#include "eval/metrics_calibration.h"
#include "eval/metrics_ranking.h"

struct curve_point {
    double x, y;
    double threshold; /* of the logit: pictures at or above it are called generated */
};

struct curve {
    struct curve_point *points;
    size_t count;
};

/* x: false positive rate, y: true positive rate, from (0, 0), whose threshold is infinity, to (1, 1). Points half-way
 * on a straight line between their neighbours are left out: scikit-learn's roc_curve. */
assay_status curve_roc(const struct metrics_sample *samples, size_t count, struct curve *out,
                       struct assay_error *error);

/* x: recall, y: precision, from (0, 1), whose threshold is infinity, by falling thresholds to recall 1: the points of
 * scikit-learn's precision_recall_curve, the other way round. Average precision is the area under the steps that go
 * left from each point to the recall of the one before. */
assay_status curve_precision_recall(const struct metrics_sample *samples, size_t count, struct curve *out,
                                    struct assay_error *error);

/* Both fail where a class has no weight, a logit is not finite, or a weight is negative. */

/* Thins a curve to at most `most` points (at least 2), which stay where they are: the ends, and of the others those
 * that lie farthest apart along the curve. Nothing is done to a shorter one. */
void curve_thin(struct curve *curve, size_t most);

void curve_free(struct curve *curve); /* a zeroed one is fine; zeroes it */

/* Which pictures a histogram counts. */
struct histogram_filter {
    int label;  /* LABEL_REAL, LABEL_GENERATED; -1: both */
    int source; /* as samples[].source; -1: all */
};

/* share[b]: how much of the weight of the pictures that the filter passes has a probability in bin b of `bins` equal
 * ones of 0..1, [low, high), the last holding 1 too: numpy's histogram, divided by the sum. All 0 where none passes.
 * Returns the number of pictures that passed, weight 0 left out. */
size_t histogram_probability(const struct metrics_sample *samples, size_t count, struct histogram_filter filter,
                             size_t bins, double *share);

/* The same of the logits between low < high; what lies outside goes to the first or the last bin. */
size_t histogram_logit(const struct metrics_sample *samples, size_t count, struct histogram_filter filter, double low,
                       double high, size_t bins, double *share);

#endif
