/* rich.h - the configuration of the detector `rich` (rich.c), for its tests. */
#ifndef ASSAY_DETECTOR_RICH_H
#define ASSAY_DETECTOR_RICH_H

#include "detector/detector.h"

struct rich_config {
    int64_t crop, crops;    /* side of a window, pixels; windows of a picture at test */
    double label_smoothing; /* where it is trained by gradients */
};

enum { RICH_FEATURES = 3120 };

extern const struct detector detector_rich;

#endif
