/* cnnspot.h - the configuration and the network of the `cnnspot` detector (cnnspot.c), for its tests. */
#ifndef ASSAY_DETECTOR_CNNSPOT_H
#define ASSAY_DETECTOR_CNNSPOT_H

#include "backbone/resnet.h"
#include "detector/detector.h"

struct cnnspot_config {
    int64_t crop, crops; /* side of a window, pixels; windows of a picture at test */
    int64_t resize;      /* shorter side before cropping, pixels; 0: as it is */
};

/* The network: fills `io` from its image [B, H, W, 3]. The classes of `resnet` are not read. */
void cnnspot_network(struct graph *g, struct params p, const struct resnet_config *resnet, struct detector_io *io);

extern const struct detector detector_cnnspot;

#endif
