/* metrics_ranking.h - figures that need no threshold, or go through all of them: how well scores order pictures. */
#ifndef ASSAY_EVAL_METRICS_RANKING_H
#define ASSAY_EVAL_METRICS_RANKING_H

#include "eval/metrics.h"

/* What is at or above one score. Equal scores make one step: no threshold parts them. */
struct metrics_step {
    double logit;
    double seen[2]; /* weight of real, of generated pictures whose logit is at least this */
};

/* The steps by falling score; pictures without weight make none. The one pass that all ranking figures and curves are
 * made of. */
struct metrics_steps {
    struct metrics_step *items;
    size_t count;
    double total[2]; /* weight of real, of generated */
};

/* Fails where a logit is not finite or a weight is negative or not finite; a class may be absent. Samples that already
 * lie by falling logit are not sorted again. Free it with metrics_steps_free. */
assay_status metrics_steps(const struct metrics_sample *samples, size_t count, struct metrics_steps *out,
                           struct assay_error *error);
void metrics_steps_free(struct metrics_steps *steps); /* a zeroed one is fine */

/* Each is NaN where a class has no weight. */

/* sum_n (R_n - R_{n-1}) P_n over falling thresholds: scikit-learn's average_precision_score. */
double metrics_average_precision(const struct metrics_steps *steps);

/* Area under the ROC curve by trapezoids, so that ties count one half: scikit-learn's roc_auc_score. */
double metrics_auroc(const struct metrics_steps *steps);

/* Where as large a share of the real is called generated as of the generated is called real: the crossing of the ROC
 * curve, drawn with straight lines between its points, with the falling diagonal. `threshold` may be NULL: the logit
 * there, between the two steps in the same proportion; +-infinity where that is before the first step. */
double metrics_equal_error_rate(const struct metrics_steps *steps, double *threshold);

/* The largest true positive rate of any threshold whose false positive rate is at most `rate`. No interpolation: such a
 * threshold exists. */
double metrics_tpr_at_fpr(const struct metrics_steps *steps, double rate);

/* Average precision and AUROC of samples at once; an error where a class has no weight or a logit is not finite. */
assay_status metrics_rank(const struct metrics_sample *samples, size_t count, double *average_precision, double *auroc,
                          struct assay_error *error);

#endif
