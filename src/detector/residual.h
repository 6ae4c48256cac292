/* residual.h - the configuration of the `residual` detector (residual.c), for its tests, and what its files share. */
#ifndef ASSAY_DETECTOR_RESIDUAL_H
#define ASSAY_DETECTOR_RESIDUAL_H

#include "detector/detector.h"

enum residual_input { RESIDUAL_RGB, RESIDUAL_NPR, RESIDUAL_BOTH };

enum { RESIDUAL_STAGES = 4 };

struct residual_config {
    int64_t crop, crops; /* side of a window, pixels; windows of a picture at test */
    int input;           /* enum residual_input */
    int64_t npr_patch;
    bool high_pass;        /* add the fixed high-pass filters */
    bool correlations;     /* read out how the full-size maps correlate */
    int64_t width, blocks; /* channels of the first stage, doubled at each later one; blocks of each stage */
    double dropout, label_smoothing;
};

extern const struct detector detector_residual;

/* ---- Shared by residual.c and residual_evidence.c -------------------------------------------------------------- */

#define RESIDUAL_VARIANCE_EPS 1e-3f

enum { RESIDUAL_READINGS = 1 + RESIDUAL_STAGES };

/* Maps that are read out by their means and log-variances, and where `correlated` by their correlations. */
struct residual_reading {
    node maps; /* [B, H, W, C] */
    bool correlated;
};

/* Maps [B, H, W, C] as [B, H W, C] without their means, which come as [B, 1, C]. */
node residual_center(struct graph *g, node x, node *mean);

/* How each place of the last maps moves the logit [B, 1], which is linear in `statistics` [B, features], those of the
 * readings one after another: [B, H, W, 1], whose mean is the logit. */
node residual_evidence(struct graph *g, const struct residual_reading *readings, node statistics, node logit);

#endif
