/* metrics_figures.h - every figure of a set of scored pictures, by number and by name, so that tables, JSON and the
 * bootstrap can go through them in a loop. */
#ifndef ASSAY_EVAL_METRICS_FIGURES_H
#define ASSAY_EVAL_METRICS_FIGURES_H

#include "eval/metrics.h"

enum metrics_figure {
    FIGURE_ACCURACY,           /* at probability 1/2 of the uncalibrated score, strictly above */
    FIGURE_REAL_ACCURACY,      /* of the real */
    FIGURE_GENERATED_ACCURACY, /* of the generated */
    FIGURE_BALANCED_ACCURACY,  /* mean of these two */
    FIGURE_PRECISION,
    FIGURE_F1,
    FIGURE_AVERAGE_PRECISION,
    FIGURE_AUROC,
    FIGURE_EQUAL_ERROR_RATE,
    FIGURE_TPR_AT_1, /* true positive rate at 1 % false positives */
    FIGURE_TPR_AT_5,
    FIGURE_BEST_UNIVFD, /* accuracies at a threshold chosen on these very pictures: optimistic */
    FIGURE_BEST_LARE,
    FIGURE_CALIBRATION_ERROR, /* of the calibrated probability */
    FIGURE_BRIER,
    FIGURE_LOSS,
    FIGURE_VERDICT_ACCURACY,  /* share whose verdict is right; an uncertain one is not. NaN for an uncalibrated model,
                                 as the next three */
    FIGURE_VERDICT_UNCERTAIN, /* share whose verdict is "uncertain" */
    FIGURE_FALSE_ALARMS,      /* share of the real whose verdict is "ai-generated" */
    FIGURE_MISSED,            /* share of the generated whose verdict is "real" */
    FIGURE_COUNT
};

/* How a figure is told. */
struct metrics_figure_info {
    const char *name;       /* "average_precision": in JSON and CSV */
    const char *title;      /* "AP": at the head of a column */
    const char *help;       /* one line for a person */
    bool percent;           /* a share, shown as per cent */
    bool smaller_is_better; /* errors */
    bool optimistic;        /* the threshold was chosen on the test set: has to be said wherever it is shown */
};

extern const struct metrics_figure_info metrics_figure_info[FIGURE_COUNT];

/* The number of a name, or -1. */
int metrics_figure_find(const char *name);

struct metrics_figures {
    size_t count[2];            /* pictures with weight: real, generated */
    double value[FIGURE_COUNT]; /* NaN where undefined: a class is absent, or there are no verdicts */
};

/* All of them. A single class, or a single picture, is fine: what it does not define is NaN. Where weights are not all
 * the same, every figure is the weighted one. Fails where the logit of a picture is not finite, its weight is negative
 * or its probability not in 0..1 (all of it: pictures of weight 0 too, but for the probability). */
assay_status metrics_figures(const struct metrics_sample *samples, size_t count, struct metrics_figures *out,
                             struct assay_error *error);

#endif
