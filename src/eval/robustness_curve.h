/* robustness_curve.h - predictions under the perturbations of a sweep, made into a curve: figures at each point, what
 * is lost against the pictures as they are, and how sure that is.
 *
 * All points are measured on the same pictures: those that were judged as they are and at every point. Those that could
 * not be judged at one of them are counted (`left_out`). Pictures of art are reported apart and are in no curve.
 *
 * Intervals: sources are drawn with replacement, then pictures within them (metrics_bootstrap.h), once for the whole
 * curve, so that a point and the pictures as they are stand against each other on the same draw. What is lost is thus
 * often surer than the values it is the difference of. */
#ifndef ASSAY_EVAL_ROBUSTNESS_CURVE_H
#define ASSAY_EVAL_ROBUSTNESS_CURVE_H

#include "base/arena.h"
#include "base/array.h"
#include "eval/metrics_bootstrap.h"
#include "eval/prediction.h"
#include "eval/robustness.h"

enum { ROBUSTNESS_MAX_FIGURES = FIGURE_COUNT };

struct robustness_options {
    const enum metrics_figure *figures; /* NULL: balanced accuracy, real accuracy, generated accuracy, AP, AUROC */
    int figure_count;
    bool by_picture; /* every picture counts the same; else both classes weigh one half, sources of a class the same */
    struct metrics_bootstrap_options bootstrap;
};

struct robustness_value {
    double value; /* NaN where undefined: a class is absent, or there are no verdicts */
    struct metrics_interval interval;
    double lost; /* how much worse than for the pictures as they are; negative: better. 0 for these themselves */
    struct metrics_interval lost_interval;
};

struct robustness_curve {
    struct arena arena;
    const struct robustness_sweep *sweep;
    const char *model, *set; /* as in the predictions */
    enum metrics_figure figures[ROBUSTNESS_MAX_FIGURES];
    int figure_count;
    size_t pictures, left_out;
    size_t sources[2];                  /* of real, of generated pictures */
    struct robustness_value *untouched; /* [figure_count] */
    struct robustness_value *values;    /* [sweep->count, figure_count] */
};

/* Whether there are predictions of that model on that set for the pictures as they are and for every point. */
bool robustness_covered(const struct robustness_sweep *sweep, const char *model, const char *set,
                        const struct prediction *predictions, size_t count);

/* One curve; the predictions may be of other models, sets and chains too. Fails where a chain has no predictions, where
 * a picture was judged twice under the same chain, or where no picture was judged under all. NULL options: zeroes. */
assay_status robustness_curve_make(const struct robustness_sweep *sweep, const char *model, const char *set,
                                   const struct prediction *predictions, size_t count,
                                   const struct robustness_options *options, struct robustness_curve *out,
                                   struct assay_error *error);
void robustness_curve_free(struct robustness_curve *curve); /* a zeroed one is fine */

/* Appends CSV to `text`, an array of char: a line for each figure of each point, that of the pictures as they are first
 * (perturbation empty). Numbers have a point and at most six decimals under any locale; an undefined one is empty. */
assay_status robustness_csv_head(struct array *text, struct assay_error *error);
assay_status robustness_csv(const struct robustness_curve *curve, struct array *text, struct assay_error *error);

#endif
