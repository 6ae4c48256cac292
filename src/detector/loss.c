/* loss.c - the loss that most detectors share. */
#include "ops/loss.h"

#include "detector/detector.h"
#include "ops/move.h"

node detector_bce(struct graph *g, struct params p, const void *config, const struct detector_io *io, node labels)
{
    (void)p, (void)config;
    return op_bce_with_logits(g, io->logit, op_slice_axis(g, op_one_hot(g, labels, 2), 1, 1, 1));
}
