/* metrics.h - how good scores are: accuracy with every source counting the same, average precision, area under the ROC
 * curve. Equal to scikit-learn's with sample weights. */
#ifndef ASSAY_EVAL_METRICS_H
#define ASSAY_EVAL_METRICS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* One scored picture. */
struct metrics_sample {
    double logit;   /* positive: said to be generated */
    double weight;  /* >= 0; 0: not counted */
    bool generated; /* what it is */
    int source;     /* index into the sources, for metrics_summarise */
};

/* A generator, a camera, a collection. */
struct metrics_source {
    const char *name;
    bool generated;
    bool left_out; /* reported on its own, counted in no summary */
    size_t count;  /* the rest is filled by metrics_summarise */
    double accuracy;
    double loss;
};

struct metrics_summary {
    size_t count;         /* samples in sources that count */
    double real_accuracy; /* share judged right at probability 1/2, mean over the sources of the class */
    double generated_accuracy;
    double balanced_accuracy; /* mean of these two */
    double accuracy;          /* share judged right, every picture the same */
    double average_precision; /* this and the next two: both classes weigh one half, sources of a class the same */
    double auroc;
    double loss; /* binary cross-entropy of the logits, nats */
};

/* sum_n (R_n - R_{n-1}) P_n over falling thresholds, generated positive, equal scores together; and the area under the
 * ROC curve by trapezoids. Fails where a weighted class is absent or a logit is not finite. */
assay_status metrics_rank(const struct metrics_sample *samples, size_t count, double *average_precision, double *auroc,
                          struct assay_error *error);

/* Everything at once; sets each sample's weight from its source first. Sources without pictures are passed over. */
assay_status metrics_summarise(struct metrics_sample *samples, size_t count, struct metrics_source *sources,
                               size_t source_count, struct metrics_summary *out, struct assay_error *error);

/* Binary cross-entropy of one logit, nats: softplus(x) - x t without overflow. */
double metrics_loss(double logit, bool generated);

#endif
