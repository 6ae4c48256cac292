/* metrics_pixel.h - how well a predicted mask fits the true one, picture by picture, as IMDLBenCo (v0.1.22) computes
 * it, in double precision. It has no average precision: that is scikit-learn's over the pixels of a picture. */
#ifndef ASSAY_EVAL_METRICS_PIXEL_H
#define ASSAY_EVAL_METRICS_PIXEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Of one picture, or the mean over pictures. */
struct metrics_pixels {
    double f1;       /* P = TP / (TP + FP + 1e-8), R = TP / (TP + FN + 1e-8), 2 P R / (P + R + 1e-8); so 0 for an empty
                        mask, even if nothing was predicted */
    double iou;      /* TP / (TP + FP + FN + 1e-8) */
    double accuracy; /* (TP + TN) / all */
    double average_precision; /* scikit-learn's, equal scores together; NaN for a mask that is empty or full */
    double auroc;             /* by trapezoids, equal scores together (IMDLBenCo orders them by chance); NaN likewise */
};

/* predicted: `count` probabilities that a pixel was altered; mask: nonzero where it was; region: nonzero where pixels
 * count (IMDLBenCo's shape mask), NULL for all. A pixel is called altered above `threshold`, not at it. Fails where a
 * prediction that counts is not a number, or no pixel counts. */
assay_status metrics_pixels(const float *predicted, const uint8_t *mask, const uint8_t *region, size_t count,
                            float threshold, struct metrics_pixels *out, struct assay_error *error);

/* The plain mean over pictures of each figure, over those that define it (IMDLBenCo's mean becomes NaN instead).
 * Zero-initialise it. */
struct metrics_pixel_totals {
    struct metrics_pixels sum;
    size_t count, ranked; /* pictures; those with an average precision and AUROC */
};

void metrics_pixels_add(struct metrics_pixel_totals *totals, const struct metrics_pixels *picture);
struct metrics_pixels metrics_pixels_mean(const struct metrics_pixel_totals *totals); /* NaN where there are none */

#endif
