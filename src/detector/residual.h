/* residual.h - the configuration of the `residual` detector (residual.c), for its tests. */
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

#endif
