/* univfd.h - the configuration of the `univfd` detector (univfd.c), for its tests. */
#ifndef ASSAY_DETECTOR_UNIVFD_H
#define ASSAY_DETECTOR_UNIVFD_H

#include "detector/detector.h"
#include "nn/lora.h"

struct univfd_config {
    int64_t crops;           /* windows of a picture at test */
    struct lora_config lora; /* of the tower */
};

extern const struct detector detector_univfd;

#endif
