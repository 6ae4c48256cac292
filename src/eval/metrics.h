/* metrics.h - what is measured: scored pictures and their sources; and the summary that training selects by, with every
 * source counting the same. Families of figures have headers of their own:
 *
 *     metrics_ranking.h      average precision, AUROC, equal error rate, true positives at few false ones
 *     metrics_threshold.h    accuracy, precision, F1 at a threshold; thresholds that the test set itself chose
 *     metrics_calibration.h  calibration error, Brier's score
 *     metrics_figures.h      all of these at once, by name
 *     metrics_bootstrap.h    intervals for any of them, by source
 *     metrics_mcnemar.h      two detectors on the same pictures
 *     metrics_pixel.h        masks
 *     curves.h               points to draw
 *
 * Equal to scikit-learn's with sample weights, where it has them. Generated is the positive class throughout. */
#ifndef ASSAY_EVAL_METRICS_H
#define ASSAY_EVAL_METRICS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* One scored picture. */
struct metrics_sample {
    double logit;       /* positive: said to be generated */
    double weight;      /* >= 0; 0: not counted */
    bool generated;     /* what it is */
    int source;         /* index into the sources, for metrics_summarise and the bootstrap; elsewhere any number */
    double probability; /* that it is generated, 0 to 1: for calibration, Brier's score, histograms */
    int verdict;        /* an assay_verdict: for the figures of the verdict */
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

/* The summary; sets each sample's weight from its source first. Sources without pictures are passed over. */
assay_status metrics_summarise(struct metrics_sample *samples, size_t count, struct metrics_source *sources,
                               size_t source_count, struct metrics_summary *out, struct assay_error *error);

/* Binary cross-entropy of one logit, nats: softplus(x) - x t without overflow. */
double metrics_loss(double logit, bool generated);

#endif
