/* loss.c - the loss that most detectors share. */
#include "ops/loss.h"

#include "detector/detector.h"
#include "ops/elementwise.h"
#include "ops/move.h"

node detector_targets(struct graph *g, node labels, double smoothing)
{
    node target = op_slice_axis(g, op_one_hot(g, labels, 2), 1, 1, 1);
    float s = (float)smoothing;
    return smoothing > 0 ? op_affine(g, target, 1 - s, s / 2) : target;
}

node detector_bce(struct graph *g, struct params p, const void *config, const struct detector_io *io, node labels)
{
    (void)p, (void)config;
    return op_bce_with_logits(g, io->logit, detector_targets(g, labels, 0));
}
