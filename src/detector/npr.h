/* npr.h - the configuration and the network of the `npr` detector (npr.c), for its tests. */
#ifndef ASSAY_DETECTOR_NPR_H
#define ASSAY_DETECTOR_NPR_H

#include "backbone/resnet.h"
#include "detector/detector.h"

struct npr_config {
    int64_t size;       /* both sides of what is judged, pixels */
    int64_t train_crop; /* side of the windows that training cuts from it, pixels */
};

/* The network: fills `io` from its image [B, H, W, 3]. The stem and classes of `resnet` are not read. */
void npr_network(struct graph *g, struct params p, const struct resnet_config *resnet, struct detector_io *io);

extern const struct detector detector_npr;

#endif
