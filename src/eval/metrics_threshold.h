/* metrics_threshold.h - figures at a threshold, and the thresholds that papers choose on their own test sets. */
#ifndef ASSAY_EVAL_METRICS_THRESHOLD_H
#define ASSAY_EVAL_METRICS_THRESHOLD_H

#include "eval/metrics_ranking.h"

/* Weights of what was judged right and wrong. A picture is called generated if its logit is above the threshold, not
 * if it equals it: probability > 1/2 is logit > 0. */
struct metrics_confusion {
    double true_generated, false_generated; /* called generated: rightly, wrongly */
    double true_real, false_real;
};

struct metrics_confusion metrics_confusion(const struct metrics_sample *samples, size_t count, double threshold);

/* NaN where nothing is there to take a share of. */
double metrics_accuracy(const struct metrics_confusion *c);           /* of all */
double metrics_real_accuracy(const struct metrics_confusion *c);      /* of the real: specificity */
double metrics_generated_accuracy(const struct metrics_confusion *c); /* of the generated: recall */
double metrics_precision(const struct metrics_confusion *c); /* of those called generated; 0 where none is so called */
double metrics_f1(const struct metrics_confusion *c); /* 2 P R / (P + R), 0 where both are 0; generated positive */

/* A threshold that was chosen on the pictures it is then measured on. The accuracy is optimistic, and whatever shows it
 * has to say so. */
struct metrics_best {
    double threshold; /* of the logit */
    double accuracy, real_accuracy, generated_accuracy;
};

/* As UnivFD's validate.py: where all real pictures score at most as high as any generated one, the middle between the
 * two; else of all scores t that are best in "generated if at least t" the one that comes last with the real pictures
 * before the generated ones, each in the order given. The accuracies are then taken with "above t", so that the
 * pictures which score t exactly change sides: as there. (The middle is taken between logits here, there between
 * probabilities; no picture lies between.) Both classes must have weight: else NaN. */
struct metrics_best metrics_best_univfd(const struct metrics_sample *samples, size_t count,
                                        const struct metrics_steps *steps);

/* As LaRE2's test.py: of all scores t, the lowest that is best in "generated if above t". */
struct metrics_best metrics_best_lare(const struct metrics_steps *steps);

#endif
